//! What a person sees: bars and a live view on a terminal, plain lines elsewhere.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use strata_dataset::FetchProgress;
use strata_files::{escape, escape_path};
use strata_trainer::{Event, HistoryRow, Observer, Pass, TrainError};

use crate::frame::Frame;
use crate::live::{Live, is_unicode, memory};
use crate::ticker::Ticker;

/// Shows a run on standard output, and on standard error, where that is a terminal that can move its cursor, bars and below them the run's curves, the time that is
/// left and the memory in use.
#[derive(Debug)]
pub struct Display {
    bar: Option<ProgressBar>,
    ticker: Option<Ticker>,
    bars: bool,
    epochs: usize,
    samples: u64,
    is_packing: bool,
    /// Below the bar while a run is under way; shared with what draws the bar.
    live: Arc<Mutex<Option<Live>>>,
}

/// The bar that is on the terminal at the moment.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Does what prints on the terminal from anywhere in the process, with the bar out of its way meanwhile: else part of the bar would stay.
pub fn beside_bar<T>(print: impl FnOnce() -> T) -> T {
    let bar = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

impl Default for Display {
    fn default() -> Self {
        // A dumb terminal cannot take a line back.
        let bars = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb");
        Self { bars, ..Self::plain() }
    }
}

/// How often bars are drawn in a second at most: a slow terminal is not to hold up a run.
const DRAWN: u8 = 10;
const TRANSFER: &str = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const UNKNOWN: &str = "{msg} {spinner} {bytes} {bytes_per_sec}";
const WORK: &str = "{msg} {spinner}";
const PASS: &str = "{prefix} [{bar:30}] {pos}/{len} {msg} {eta} left";
/// With the live view below. The bar is as wide as there is room: a line that the terminal breaks is not always taken back whole.
const PASS_AND_LIVE: &str = "{prefix} [{wide_bar}] {pos}/{len} {msg} {eta} left\n{live}";

impl Display {
    /// Lines alone, on a terminal too.
    #[must_use]
    pub fn plain() -> Self {
        Self { bar: None, ticker: None, bars: false, epochs: 0, samples: 0, is_packing: false, live: Arc::default() }
    }

    /// A run of so many epochs begins, or goes on with the history that it has.
    pub(crate) fn begin(&mut self, epochs: usize, history: impl Iterator<Item = HistoryRow>) {
        self.epochs = epochs;
        if self.bars {
            let live = Live::new(epochs, history.collect(), is_unicode(|name| std::env::var(name).ok()));
            self.with_live(|place| *place = Some(live));
        }
    }

    /// The run has ended, however it did.
    pub(crate) fn end(&mut self) {
        self.clear();
        self.with_live(|place| *place = None);
    }

    fn with_live(&self, change: impl FnOnce(&mut Option<Live>)) {
        // What draws it changes nothing, so what a panic there left is whole.
        change(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner));
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
        let target = match self.bars {
            true => ProgressDrawTarget::term_like_with_hz(Box::new(Frame::stderr()), DRAWN),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(length, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            let live = Arc::clone(&self.live);
            let draw = move |_: &ProgressState, to: &mut dyn fmt::Write| {
                let live = live.lock().unwrap_or_else(PoisonError::into_inner);
                if let (Some(live), Some((rows, columns))) = (&*live, Term::stderr().size_checked()) {
                    // What cannot be drawn is left out.
                    let _ = to.write_str(&live.text(columns.into(), rows.into(), memory(), Instant::now()));
                }
            };
            bar.set_style(style.progress_chars("=> ").with_key("live", draw));
        }
        self.clear();
        self.ticker = Ticker::start(&bar);
        if self.bars {
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        }
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
                if !self.is_packing {
                    // A pack that is there may have been verified before, with a bar of its own.
                    self.is_packing = true;
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
                self.is_packing = false;
                self.start(None, WORK).set_message(format!("reading {}", escape_path(path)))
            }
            _ => {
                self.is_packing = false;
                self.clear();
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        self.ticker = None;
        if let Some(bar) = self.bar.take() {
            if self.bars {
                *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
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
                if matches!(pass, Pass::Training { .. }) {
                    self.with_live(|live| live.iter_mut().for_each(|live| live.training(Instant::now())));
                }
                self.samples = 0;
                let has_room = |(rows, columns): (u16, u16)| Live::fits(columns.into(), rows.into());
                let is_live = self.bars && Term::stderr().size_checked().is_some_and(has_room);
                let bar = self.start(Some(batches as u64), if is_live { PASS_AND_LIVE } else { PASS });
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
                self.with_live(|live| live.iter_mut().for_each(|live| live.add(line, Instant::now())));
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
