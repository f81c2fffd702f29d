//! Where an axis begins and ends, and which numbers stand on it.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis: its extent, the values that are marked, and how far those are apart.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) extent: Range<f64>,
    pub(super) ticks: Vec<f64>,
    step: f64,
}

impl Axis {
    /// The axis of epochs, from 0 to at least 1, marked at whole numbers only.
    pub(super) fn of_epochs(last: f64) -> Axis {
        let last = last.max(1.0);
        let margin = last * 0.02;
        Axis::marked(-margin..last + margin, step_for(last, 12.0).max(1.0))
    }

    /// The axis of `values` with a margin of a twentieth, kept within `limits` where the values are.
    pub(super) fn of_values(values: impl Iterator<Item = f64>, limits: (f64, f64)) -> Axis {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // A single value, or values that differ by rounding alone, stand in the middle of an axis of some width.
        let span = (high - low).max(low.abs().max(high.abs()) * 1e-3).max(1e-6);
        let middle = (low + high) / 2.0;
        let keep = |end: f64, inside: bool| {
            if inside { end.clamp(limits.0, limits.1) } else { end }
        };
        let start = keep(middle - 0.55 * span, low >= limits.0);
        let end = keep(middle + 0.55 * span, high <= limits.1);
        Axis::marked(start..end, step_for(end - start, 8.0))
    }

    fn marked(extent: Range<f64>, step: f64) -> Axis {
        let first = (extent.start / step).ceil();
        // The step is at least a twelfth of the extent; the bound holds should rounding say otherwise.
        let ticks = (0..32).map(|i| (first + f64::from(i)) * step).take_while(|tick| *tick <= extent.end).collect();
        Axis { extent, ticks, step }
    }

    /// The text at a mark: as many decimals as the step between marks needs.
    pub(super) fn label(&self, value: f64) -> String {
        let largest = self.extent.start.abs().max(self.extent.end.abs());
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        // Adding zero makes -0 into 0.
        let value = value + 0.0;
        if largest >= 1e6 || decimals > 6 { format!("{value:.3e}") } else { format!("{value:.decimals$}") }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        // What lies far outside stands just outside, so that no sum of pixels overflows.
        let share = ((value - self.extent.start) / (self.extent.end - self.extent.start)).clamp(-1.0, 2.0);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.extent.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that divides `span` into at most `most` steps.
fn step_for(span: f64, most: f64) -> f64 {
    let power = 10f64.powf((span / most).log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| span / (times * power) <= most);
    times.unwrap_or(10.0) * power
}

/// A learning rate in at most four digits: `0.1`, `0.001`, `5e-8`.
pub(super) fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if rounded != 0.0 && !(1e-3..1e6).contains(&rounded.abs()) { format!("{rounded:e}") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|t| axis.label(*t)).collect()
    }

    #[test]
    fn epochs_are_marked_at_whole_numbers() {
        assert_eq!(labels(&Axis::of_epochs(0.0)), ["0", "1"]);
        assert_eq!(labels(&Axis::of_epochs(3.0)), ["0", "1", "2", "3"]);
        assert_eq!(
            labels(&Axis::of_epochs(60.0)),
            ["0", "5", "10", "15", "20", "25", "30", "35", "40", "45", "50", "55", "60"]
        );
        assert_eq!(labels(&Axis::of_epochs(1000.0)).last().unwrap(), "1000");
    }

    #[test]
    fn values_stay_within_their_limits_and_have_the_decimals_of_the_step() {
        let axis = Axis::of_values([0.1, 0.55].into_iter(), (0.0, 1.0));
        assert_eq!(labels(&axis), ["0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(Axis::of_values([0.0, 1.0].into_iter(), (0.0, 1.0)).extent, 0.0..1.0);
        let one = Axis::of_values([2.308].into_iter(), (0.0, f64::INFINITY));
        assert!(one.extent.contains(&2.308) && one.ticks.len() >= 3, "{:?}", one.extent);
    }

    #[test]
    fn learning_rates_are_labelled_briefly() {
        let rows =
            [(0.1, "0.1"), (1e-3, "0.001"), (5e-8, "5e-8"), (0.100_000_001_49, "0.1"), (0.0, "0"), (f64::NAN, "NaN")];
        for (rate, want) in rows {
            assert_eq!(short(rate), want);
        }
    }
}
