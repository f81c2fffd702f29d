//! The live view below a run's lines: curves so far, time left, memory. Text alone, made anew for the terminal's size at each redraw.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use strata_trainer::HistoryRow;

/// On a smaller terminal there is the bar alone, whose line has no room there.
const LEAST_COLUMNS: usize = 80;
const LEAST_ROWS: usize = 8;
/// The longest curve, in letters.
const LONGEST: usize = 120;
/// What a line has beside its curve.
const BESIDE: usize = 34;

/// What is known of the run under way.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// As many as the run has in all.
    epochs: usize,
    lines: Vec<HistoryRow>,
    /// When the first pass began that trains in this process, and how many epochs were done then.
    begun: Option<(Instant, usize)>,
    /// When the last epoch ended, or the training began.
    last: Option<Instant>,
    levels: &'static [char],
}

/// The heights of a curve's letters.
const BLOCKS: &[char] = &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: &[char] = &['_', '.', '-', '~', '=', '+', '*', '#'];

impl Live {
    /// Of a run of so many epochs, with the history that it has. `is_unicode` says whether the terminal shows block letters.
    pub(crate) fn new(epochs: usize, lines: Vec<HistoryRow>, is_unicode: bool) -> Self {
        let levels = if is_unicode { BLOCKS } else { ASCII };
        Self { epochs, lines, begun: None, last: None, levels }
    }

    /// A pass that trains begins.
    pub(crate) fn training(&mut self, now: Instant) {
        if self.begun.is_none() {
            (self.begun, self.last) = (Some((now, self.done())), Some(now));
        }
    }

    /// An evaluation has ended.
    pub(crate) fn add(&mut self, line: &HistoryRow, now: Instant) {
        self.lines.push(line.clone());
        if line.epoch.is_some() {
            self.last = Some(now);
        }
    }

    /// Epochs that are done.
    fn done(&self) -> usize {
        self.lines.iter().filter(|line| line.epoch.is_some()).count()
    }

    /// How long the epochs that are left take, by the mean of those that were trained in this process; none before the first.
    fn left(&self, now: Instant) -> Option<Duration> {
        let ((begun, before), last) = (self.begun?, self.last?);
        let count = u32::try_from(self.done().checked_sub(before)?).ok().filter(|count| *count > 0)?;
        let left = u32::try_from(self.epochs.saturating_sub(self.done())).ok()?;
        let whole = (last - begun) / count;
        Some(whole.saturating_mul(left).saturating_sub(now.saturating_duration_since(last)))
    }

    /// Whether a terminal of so many columns and rows has room for the view.
    pub(crate) fn fits(columns: usize, rows: usize) -> bool {
        columns >= LEAST_COLUMNS && rows >= LEAST_ROWS
    }

    /// The lines of the view for a terminal of so many columns and rows; empty where there is no room. `memory` is the process', in bytes.
    pub(crate) fn text(&self, columns: usize, rows: usize, memory: Option<u64>, now: Instant) -> String {
        if !Self::fits(columns, rows) {
            return String::new();
        }
        // The last column stays free: a terminal breaks a line that fills it.
        let width = (columns - 1 - BESIDE).min(LONGEST);
        type Value = fn(&HistoryRow) -> Option<f64>;
        let curves: [(&str, Value); 3] = [
            ("training loss", |line| line.train_loss),
            ("validation loss", |line| Some(line.val_loss)),
            ("validation acc.", |line| Some(line.val_acc)),
        ];
        let mut text = String::new();
        for (name, value) in curves {
            let values: Vec<f64> = self.lines.iter().filter_map(value).collect();
            if let (Some(first), Some(last), true) = (values.first(), values.last(), values.len() > 1) {
                // Writing to a string cannot fail.
                let _ =
                    writeln!(text, "{name:15} {:>7} {} {}", short(*first), self.curve(&values, width), short(*last));
            }
        }
        let mut facts = format!("{} of {} epochs", self.done(), self.epochs);
        let further = [
            self.left(now).map(|left| format!(", {} left", in_words(left))),
            memory.map(|bytes| format!(", {} MB of memory", bytes / 1_000_000)),
        ];
        for fact in further.into_iter().flatten() {
            if facts.len() + fact.len() < columns {
                facts += &fact;
            }
        }
        text + &facts
    }

    /// A letter for each value, or for the mean of several where there is no room for all; what is no finite number is left out, and a space where nothing is left.
    fn curve(&self, values: &[f64], width: usize) -> String {
        let count = values.len().min(width.max(1));
        let part = |place: usize| {
            let finite = values[place * values.len() / count..(place + 1) * values.len() / count]
                .iter()
                .filter(|value| value.is_finite());
            let (sum, count) = finite.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            Some(sum / count).filter(|mean| mean.is_finite())
        };
        let means: Vec<Option<f64>> = (0..count).map(part).collect();
        let least = means.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let greatest = means.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        let top = self.levels.len() - 1;
        let letter = |mean: Option<f64>| match mean {
            None => ' ',
            Some(_) if greatest <= least => self.levels[top / 2],
            // Halves, since the difference of two large numbers may be none.
            Some(mean) => {
                self.levels[((mean / 2.0 - least / 2.0) / (greatest / 2.0 - least / 2.0) * top as f64).round() as usize]
            }
        };
        means.into_iter().map(letter).collect()
    }
}

/// Up to seven letters.
fn short(value: f64) -> String {
    match value.abs() {
        size if size < 1000.0 => format!("{value:.4}").chars().take(7).collect(),
        size if size.is_finite() => format!("{value:.0e}"),
        _ => format!("{value}"),
    }
}

/// `7 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The memory that this process has at the moment, in bytes; none where the system does not say.
pub(crate) fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Whether the terminal shows letters beyond ASCII, by the locale: the first of the variables that is set says it.
pub(crate) fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let said =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    said.is_some_and(|value| value.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(epoch: Option<usize>, loss: f64) -> HistoryRow {
        let train_loss = epoch.map(|_| loss / 2.0);
        HistoryRow { epoch, train_loss, phase: epoch.map(|_| 0), ..HistoryRow::initial(loss, 1.0 - loss / 4.0) }
    }

    /// Begun at `now`, four of ten epochs done, ten seconds each.
    fn running(now: Instant, losses: [f64; 5]) -> Live {
        let mut live = Live::new(10, Vec::new(), true);
        live.add(&line(None, losses[0]), now);
        live.training(now);
        for (epoch, loss) in losses.into_iter().skip(1).enumerate() {
            live.training(now + Duration::from_secs(10 * epoch as u64));
            live.add(&line(Some(epoch), loss), now + Duration::from_secs(10 * (epoch as u64 + 1)));
        }
        live
    }

    #[test]
    fn curves_time_left_and_memory_are_shown() {
        let now = Instant::now();
        let live = running(now, [2.4, 1.7, 1.3, 1.2, 1.0]);
        // Six of ten seconds, less the four since the last ended.
        let text = live.text(80, 24, Some(412_345_678), now + Duration::from_secs(44));
        let expected = "training loss    0.8500 █▄▃▁ 0.5000\nvalidation loss  2.4000 █▅▃▂▁ 1.0000\nvalidation acc.  0.4000 ▁▄▇▇█ 0.7500\n\
                        4 of 10 epochs, 56 s left, 412 MB of memory";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_resumed_run_has_its_curves_and_counts_its_own_time_alone() {
        let now = Instant::now();
        let mut live = Live::new(10, vec![line(None, 2.0), line(Some(0), 1.5)], false);
        live.training(now);
        let text = live.text(80, 24, None, now);
        assert!(text.ends_with("\nvalidation acc.  0.5000 _# 0.6250\n1 of 10 epochs"), "{text}");
        live.add(&line(Some(1), 1.25), now + Duration::from_secs(100));
        assert!(live.text(80, 24, None, now + Duration::from_secs(100)).ends_with("2 of 10 epochs, 13 min 20 s left"));
    }

    #[test]
    fn a_view_fits_every_terminal_or_is_left_out() {
        let now = Instant::now();
        for count in [0, 1, 2, 7, 1000] {
            let values = (0..count)
                .map(|epoch| line(Some(epoch), if epoch % 5 == 3 { f64::NAN } else { 1e300 / (epoch + 1) as f64 }));
            let live = Live::new(1000, values.collect(), true);
            for (columns, rows) in [(20, 5), (79, 24), (80, 7), (80, 8), (120, 24), (300, 80), (0, 0)] {
                let text = live.text(columns, rows, Some(u64::MAX), now);
                assert_eq!(text.is_empty(), columns < 80 || rows < 8);
                assert!(
                    text.lines().count() <= 5 && text.lines().all(|line| line.chars().count() < columns.max(1)),
                    "{columns}: {text}"
                );
            }
        }
    }

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_says_which_letters_there_are() {
        let of = |set: &'static [(&str, &str)]| {
            is_unicode(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(of(&[("LANG", "de_DE.UTF-8")]) && of(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        assert!(!of(&[]) && !of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
    }

    #[test]
    fn times_and_values_are_short() {
        for (seconds, words) in [(7, "7 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        for value in [0.123_456, -12.5, 999.99, 1e6, 1e300, f64::NAN, f64::NEG_INFINITY, -0.0] {
            assert!(short(value).len() <= 7, "{}", short(value));
        }
    }
}
