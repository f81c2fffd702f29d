//! What a person sees: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use strata_dataset::FetchProgress;
use strata_files::{escape, escape_path};
use strata_trainer::{Event, HistoryRow, Observer, Pass, TrainError};

use crate::ticker::Ticker;

/// Shows a run on standard output, and bars on standard error where that is a terminal.
#[derive(Debug)]
pub struct Display {
    bar: Option<ProgressBar>,
    ticker: Option<Ticker>,
    bars: bool,
    epochs: usize,
    samples: u64,
}

impl Default for Display {
    fn default() -> Self {
        Self { bar: None, ticker: None, bars: std::io::stderr().is_terminal(), epochs: 0, samples: 0 }
    }
}

const TRANSFER: &str = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const UNKNOWN: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";
const WORK: &str = "{msg} {spinner}";
const PASS: &str = "{prefix} [{bar:30}] {pos}/{len} {msg} {eta} left";

impl Display {
    pub(crate) fn set_epochs(&mut self, epochs: usize) {
        self.epochs = epochs;
    }

    /// A line for the record of what happened, on standard output, made safe to print.
    pub(crate) fn line(&self, text: &str) {
        let print = || {
            // A closed pipe is no reason to lose a run.
            let _ = writeln!(std::io::stdout(), "{}", escape(text));
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn start(&mut self, length: Option<u64>, template: &str) -> &ProgressBar {
        let target = if self.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(length, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        self.clear();
        self.ticker = Ticker::start(&bar);
        self.bar.insert(bar)
    }

    pub(crate) fn fetching(&mut self, progress: &FetchProgress) {
        match progress {
            FetchProgress::Waiting { path } => {
                self.start(None, WORK).set_message(format!("waiting for another download of {}", escape_path(path)));
            }
            FetchProgress::Started { total, resumed_from } => {
                if !self.bars {
                    let size = total.map_or(String::new(), |bytes| format!(" {} MB", bytes / 1_000_000));
                    let from = if *resumed_from > 0 { format!(" from byte {resumed_from}") } else { String::new() };
                    self.line(&format!("Downloading{size}{from}"));
                }
                let bar = self.start(*total, if total.is_some() { TRANSFER } else { UNKNOWN });
                bar.set_message("downloading");
                bar.set_position(*resumed_from);
                bar.reset_eta();
            }
            FetchProgress::Advanced { bytes } => {
                if let Some(bar) = &self.bar {
                    bar.inc(*bytes);
                }
            }
            FetchProgress::Verifying { path } => {
                self.start(None, WORK).set_message(format!("verifying {}", escape_path(path)))
            }
            FetchProgress::Packing { done, total } => {
                if self.bar.is_none() {
                    if !self.bars {
                        self.line(&format!("Packing {total} images"));
                    }
                    self.start(None, WORK);
                }
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("packing images: {done} of {total}"));
                }
            }
            FetchProgress::Reading { path } => {
                self.start(None, WORK).set_message(format!("reading {}", escape_path(path)))
            }
            _ => self.clear(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        self.ticker = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, event: &Event<'_>) {
        match *event {
            Event::PassStarted { pass, batches, done } => {
                let epochs = self.epochs;
                let prefix = match pass {
                    Pass::Initial => "Initial, validation:".into(),
                    Pass::Training { epoch, learning_rate } => {
                        format!("Epoch [{epoch}] of {epochs}, lr {learning_rate:?}:")
                    }
                    Pass::Statistics { epoch } => format!("Epoch [{epoch}] of {epochs}, statistics:"),
                    Pass::Validation { epoch } => format!("Epoch [{epoch}] of {epochs}, validation:"),
                    Pass::Test => "Test:".into(),
                };
                self.samples = 0;
                let bar = self.start(Some(batches as u64), PASS);
                bar.set_prefix(prefix);
                bar.set_position(done as u64);
                bar.reset_eta();
            }
            Event::BatchFinished { samples, loss } => {
                self.samples += samples as u64;
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                    let rate = self.samples as f64 / bar.elapsed().as_secs_f64().max(1e-9);
                    match loss {
                        Some(loss) => bar.set_message(format!("{rate:.0} images/s, loss {loss:.4},")),
                        None => bar.set_message(format!("{rate:.0} images/s,")),
                    }
                }
            }
            Event::Evaluated { line, .. } => {
                self.clear();
                self.line(&evaluation(line));
            }
            _ => {}
        }
    }
}

impl Observer for Display {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        self.show(&event);
        Ok(())
    }
}

/// `Epoch [0], val_loss: 1.9074, val_acc: 0.3133`, as the notebook prints it.
fn evaluation(line: &HistoryRow) -> String {
    let at = line.epoch.map_or("Initial".to_owned(), |epoch| format!("Epoch [{epoch}]"));
    let mut text = format!("{at}, val_loss: {:.4}, val_acc: {:.4}", line.val_loss, line.val_acc);
    for (key, value) in line.values.iter().filter(|(key, _)| key.starts_with("val_")) {
        text += &format!(", {key}: {value:.4}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epochs_line_has_the_notebooks_format() {
        let mut line = HistoryRow {
            phase: Some(0),
            epoch: Some(0),
            learning_rate: Some(0.1),
            train_loss: Some(2.0),
            val_loss: 1.907_36,
            val_acc: 0.313_28,
            values: Default::default(),
        };
        assert_eq!(evaluation(&line), "Epoch [0], val_loss: 1.9074, val_acc: 0.3133");
        line.values = [("val_top_5".to_owned(), 0.9), ("lr_last".to_owned(), 0.05)].into();
        assert_eq!(evaluation(&line), "Epoch [0], val_loss: 1.9074, val_acc: 0.3133, val_top_5: 0.9000");
        (line.epoch, line.values) = (None, Default::default());
        assert_eq!(evaluation(&line), "Initial, val_loss: 1.9074, val_acc: 0.3133");
    }
}
