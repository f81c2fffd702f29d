//! A run's plots: which numbers of the history are drawn, against how many epochs were trained.

mod axis;
mod chart;
mod raster;
mod strokes;

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
    let svg = |(file, chart): (&'static str, Chart)| Ok((file, drawn(file, chart.svg())?));
    charts(history, ["loss.svg", "accuracy.svg", "metrics.svg"]).map(svg).collect()
}

/// [`plots`] as PNG files, of two pixels for each of the SVG's: `loss.png`, `accuracy.png`, `metrics.png`. Letters are drawn of strokes; what is no letter of ASCII is a box.
///
/// # Errors
///
/// As there.
pub fn plots_png(history: &[HistoryEntry]) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
    let png = |(file, chart): (&'static str, Chart)| Ok((file, drawn(file, chart.png())?));
    charts(history, ["loss.png", "accuracy.png", "metrics.png"]).map(png).collect()
}

fn drawn<T>(file: &str, drawing: Result<T, String>) -> Result<T, ReportError> {
    drawing.map_err(|message| ReportError::Plot { path: file.into(), message })
}

/// The charts of a history, each with the name of its file.
fn charts(history: &[HistoryEntry], files: [&'static str; 3]) -> impl Iterator<Item = (&'static str, Chart)> {
    let charts = [Some(loss_chart(history)), Some(accuracy_chart(history)), metrics_chart(history)];
    files.into_iter().zip(charts).filter_map(|(file, chart)| Some((file, chart?)))
}

/// The initial evaluation stands at 0; the epoch with number `e` ends at `e + 1`.
fn position(entry: &HistoryEntry) -> f64 {
    entry.epoch.map_or(0.0, |epoch| epoch as f64 + 1.0)
}

fn series(name: &str, color: RGBColor, history: &[HistoryEntry], of: impl Fn(&HistoryEntry) -> Option<f64>) -> Series {
    let points = history.iter().filter_map(|e| Some((position(e), of(e)?))).collect();
    Series { name: name.to_owned(), color, points }
}

/// Training and validation loss by epoch.
fn loss_chart(history: &[HistoryEntry]) -> Chart {
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
}

/// Validation accuracy by epoch, and training accuracy where it was measured.
fn accuracy_chart(history: &[HistoryEntry]) -> Chart {
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
}

/// Every further metric of the validation part by epoch; none where none was measured.
fn metrics_chart(history: &[HistoryEntry]) -> Option<Chart> {
    let keys: BTreeSet<&str> =
        history.iter().flat_map(|e| e.values.keys()).filter_map(|k| k.strip_prefix("val_")).collect();
    if keys.is_empty() {
        return None;
    }
    let lines = keys.into_iter().zip(FURTHER.into_iter().cycle());
    let line = |(key, color)| series(key, color, history, |e| e.values.get(&format!("val_{key}")).copied());
    Some(Chart {
        title: "Metrics",
        y_name: "validation",
        y_limits: (f64::NEG_INFINITY, f64::INFINITY),
        lines: lines.map(line).collect(),
        phases: phases(history),
    })
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

    fn loss_svg(history: &[HistoryEntry]) -> Result<String, String> {
        loss_chart(history).svg()
    }

    fn accuracy_svg(history: &[HistoryEntry]) -> Result<String, String> {
        accuracy_chart(history).svg()
    }

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
        assert!(metrics_chart(&history).is_none());
        for (number, entry) in history.iter_mut().enumerate() {
            entry.values = [("lr_last".to_owned(), 0.1), ("val_macro_f1".to_owned(), 0.01 * number as f64)].into();
            entry.values.insert("val_top_5".to_owned(), 0.5);
        }
        let svg = metrics_chart(&history).unwrap().svg().unwrap();
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
    fn the_same_history_gives_the_same_picture_of_twice_the_size() {
        let history = falling(40);
        let chart = loss_chart(&history);
        let pixels = chart.pixels().unwrap();
        assert_eq!(pixels.len(), 3 * 1800 * 1080);
        let png = chart.png().unwrap();
        assert_eq!(pixels, chart.pixels().unwrap());
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[16..24], [1800u32, 1080].map(u32::to_be_bytes).concat());
        let count = |color: RGBColor| pixels.chunks(3).filter(|pixel| **pixel == [color.0, color.1, color.2]).count();
        // Two lines of forty epochs across the picture, each more than three pixels high.
        assert!(count(TRAINING) > 4000 && count(VALIDATION) > 4000, "{} {}", count(TRAINING), count(VALIDATION));
        assert!(count(RGBColor(255, 255, 255)) > pixels.len() / 3 * 8 / 10);
        // At the places of the axes' names, learning rates, marks and legend: letters, of which none is wider than its place.
        let ink = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            let dark = |y: usize, x: usize| pixels[3 * (1800 * y + x)] < 128;
            rows.map(|y| columns.clone().filter(|x| dark(y, *x)).count()).sum::<usize>()
        };
        assert!(ink(20..76, 168..900) > 500, "the title");
        assert!(ink(200..900, 20..60) > 100, "the vertical axis' name");
        assert_eq!(ink(0..1080, 1790..1800), 0, "beyond the margin");
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
