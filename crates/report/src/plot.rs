//! A run's plots: which numbers of the history are drawn, against how many epochs were trained.

mod axis;
mod chart;

use std::collections::BTreeSet;

use crate::error::ReportError;
use crate::history::HistoryEntry;
use chart::{Chart, FURTHER, PhaseMark, Series, TRAINING, VALIDATION};
use plotters::style::RGBColor;

/// Every plot of a history: the name of its file in a run's folder, and its SVG. The same history gives the same bytes. It needs no folder and no lock,
/// so a run that is being written can be drawn from what [`read_history`](crate::read_history) finds.
///
/// ```
/// use strata_report::{HistoryEntry, HistoryRow, plots};
///
/// let names: Vec<_> = plots(&[HistoryEntry::new(HistoryRow::initial(2.3, 0.1), 0.4)])?.into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["loss.svg", "accuracy.svg"]);
/// # Ok::<(), strata_report::ReportError>(())
/// ```
///
/// # Errors
///
/// [`ReportError::Plot`] with the drawing library's message.
pub fn plots(history: &[HistoryEntry]) -> Result<Vec<(&'static str, String)>, ReportError> {
    let drawings = [
        ("loss.svg", loss_svg(history).map(Some)),
        ("accuracy.svg", accuracy_svg(history).map(Some)),
        ("metrics.svg", metrics_svg(history)),
    ];
    let mut plots = Vec::new();
    for (file, drawing) in drawings {
        let svg = drawing.map_err(|message| ReportError::Plot { path: file.into(), message })?;
        plots.extend(svg.map(|svg| (file, svg)));
    }
    Ok(plots)
}

/// The initial evaluation stands at 0; the epoch with number `e` ends at `e + 1`.
fn position(entry: &HistoryEntry) -> f64 {
    entry.epoch.map_or(0.0, |epoch| epoch as f64 + 1.0)
}

fn series(name: &str, color: RGBColor, history: &[HistoryEntry], of: impl Fn(&HistoryEntry) -> Option<f64>) -> Series {
    let points = history.iter().filter_map(|e| Some((position(e), of(e)?))).collect();
    Series { name: name.to_owned(), color, points }
}

/// Training and validation loss by epoch, as SVG.
///
/// # Errors
///
/// The drawing library's message.
fn loss_svg(history: &[HistoryEntry]) -> Result<String, String> {
    Chart {
        title: "Loss vs. number of epochs",
        y_name: "loss",
        y_limits: (0.0, f64::INFINITY),
        lines: vec![
            series("training", TRAINING, history, |e| e.train_loss),
            series("validation", VALIDATION, history, |e| Some(e.val_loss)),
        ],
        phases: phases(history),
    }
    .svg()
}

/// Validation accuracy by epoch, and training accuracy where it was measured, as SVG.
///
/// # Errors
///
/// The drawing library's message.
fn accuracy_svg(history: &[HistoryEntry]) -> Result<String, String> {
    Chart {
        title: "Accuracy vs. number of epochs",
        y_name: "accuracy",
        y_limits: (0.0, 1.0),
        lines: vec![
            series("training", TRAINING, history, |e| e.values.get("train_acc").copied()),
            series("validation", VALIDATION, history, |e| Some(e.val_acc)),
        ],
        phases: phases(history),
    }
    .svg()
}

/// Every further metric of the validation part by epoch, as SVG; none where none was measured.
///
/// # Errors
///
/// The drawing library's message.
fn metrics_svg(history: &[HistoryEntry]) -> Result<Option<String>, String> {
    let keys: BTreeSet<&str> =
        history.iter().flat_map(|e| e.values.keys()).filter_map(|k| k.strip_prefix("val_")).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let lines = keys.into_iter().zip(FURTHER.into_iter().cycle());
    let line = |(key, color)| series(key, color, history, |e| e.values.get(&format!("val_{key}")).copied());
    let chart = Chart {
        title: "Metrics",
        y_name: "validation",
        y_limits: (f64::NEG_INFINITY, f64::INFINITY),
        lines: lines.map(line).collect(),
        phases: phases(history),
    };
    chart.svg().map(Some)
}

/// Where each phase begins, and its first learning rate.
fn phases(history: &[HistoryEntry]) -> Vec<PhaseMark> {
    let mut marks = Vec::new();
    let mut current = None;
    for entry in history.iter().filter(|e| e.phase.is_some()) {
        if entry.phase != current {
            current = entry.phase;
            marks.push(PhaseMark { start: position(entry) - 1.0, lr: entry.learning_rate });
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use strata_spec::HistoryRow;

    fn entry(epoch: Option<usize>, val_loss: f64) -> HistoryEntry {
        let line = HistoryRow {
            phase: epoch.map(|e| e / 20),
            epoch,
            learning_rate: epoch.map(|e| if e < 20 { 0.1 } else { 5e-8 }),
            train_loss: epoch.map(|_| val_loss * 0.9),
            val_loss,
            val_acc: 0.5,
            values: Default::default(),
        };
        HistoryEntry::new(line, 1.0)
    }

    fn falling(epochs: usize) -> Vec<HistoryEntry> {
        let loss = |x: usize| 1.3 + 1.0 / (1.0 + x as f64);
        std::iter::once(entry(None, loss(0))).chain((0..epochs).map(|e| entry(Some(e), loss(e + 1)))).collect()
    }

    fn count(svg: &str, what: &str) -> usize {
        svg.matches(what).count()
    }

    #[test]
    fn the_same_history_gives_the_same_bytes() {
        let history = falling(40);
        assert_eq!(loss_svg(&history).unwrap(), loss_svg(&history).unwrap());
        assert_ne!(loss_svg(&history).unwrap(), loss_svg(&history[..39]).unwrap());
    }

    #[test]
    fn title_axes_legend_and_learning_rates_are_written() {
        let svg = loss_svg(&falling(40)).unwrap();
        for text in [
            "Loss vs. number of epochs",
            "\nloss\n",
            "\nepoch\n",
            "\ntraining\n",
            "\nvalidation\n",
            "lr 0.1",
            "lr 5e-8",
        ] {
            assert_eq!(count(&svg, text), 1, "{text}\n{svg}");
        }
        assert!(!accuracy_svg(&falling(40)).unwrap().contains("\ntraining\n"));
    }

    #[test]
    fn further_metrics_have_a_plot_of_their_own_with_a_line_each() {
        let mut history = falling(40);
        assert_eq!(metrics_svg(&history).unwrap(), None);
        for (number, entry) in history.iter_mut().enumerate() {
            entry.values = [("lr_last".to_owned(), 0.1), ("val_macro_f1".to_owned(), 0.01 * number as f64)].into();
            entry.values.insert("val_top_5".to_owned(), 0.5);
        }
        let svg = metrics_svg(&history).unwrap().unwrap();
        for (text, times) in [("\nmacro_f1\n", 1), ("\ntop_5\n", 1), ("lr_last", 0)] {
            assert_eq!(count(&svg, text), times, "{text}\n{svg}");
        }
    }

    #[test]
    fn plots_of_no_epochs_and_of_the_initial_evaluation_alone_are_drawn() {
        for history in [vec![], falling(0)] {
            for svg in [loss_svg(&history).unwrap(), accuracy_svg(&history).unwrap()] {
                assert!(svg.contains("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    /// 40 epochs and the initial evaluation are one line of 41 points; a NaN within breaks it into two and is counted.
    #[test]
    fn values_that_are_not_finite_break_the_line_and_are_counted() {
        let mut history = falling(40);
        let lines = |history: &[HistoryEntry]| count(&accuracy_svg(history).unwrap(), "<polyline");
        let whole = lines(&history);
        history[10].val_acc = f64::NAN;
        assert_eq!(lines(&history), whole + 1);
        history[20].val_loss = f64::INFINITY;
        history[21].train_loss = Some(-f64::INFINITY);
        history[22].val_loss = 1e300;
        let svg = loss_svg(&history).unwrap();
        assert!(svg.contains("3 values that are not finite or too large are not drawn"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf\""));
    }

    #[test]
    fn a_plot_of_a_thousand_epochs_has_lines_without_markers() {
        let svg = loss_svg(&falling(1000)).unwrap();
        assert!(svg.len() < 100_000, "{} bytes", svg.len());
    }

    #[test]
    fn extreme_values_are_drawn_without_panic() {
        for value in [0.0, -0.0, -5.0, 1e-300, 1e11, f64::MAX, f64::MIN, f64::NAN] {
            for epoch in [None, Some(0), Some(usize::MAX)] {
                let mut history = falling(2);
                let mut odd = entry(epoch, value);
                (odd.learning_rate, odd.val_acc) = (Some(value), value);
                odd.values.insert("train_acc".into(), value);
                history.push(odd);
                loss_svg(&history).unwrap();
                accuracy_svg(&history).unwrap();
                loss_svg(&history[3..]).unwrap();
            }
        }
    }
}
