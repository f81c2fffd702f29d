//! What values a key is tried with.

/// The values that a sweep tries one key with. Each value is TOML's text for it, as a config has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// These, in this order.
    Choices(Vec<String>),
    /// The numbers of a range.
    Range(Range),
}

/// Numbers from `low` to `high`, both included.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// How they lie between the two.
    pub scale: Scale,
    /// Whole numbers alone.
    pub is_integer: bool,
    /// A grid of them; none for all that there are.
    pub grid: Option<Grid>,
}

/// How the numbers of a range are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// Their logarithms evenly.
    Log,
}

/// Which numbers of a range are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grid {
    /// `low`, `low + step`, … up to `high`.
    Step(f64),
    /// As many, evenly in the range's scale, both ends among them.
    Points(usize),
}

impl Domain {
    /// How many values there are; none where they are not counted.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Choices(choices) => Some(choices.len()),
            Self::Range(range) => range.count(),
        }
    }

    /// The value number `index` of those that [`count`](Self::count) counts.
    pub(crate) fn at(&self, index: usize) -> Option<String> {
        match self {
            Self::Choices(choices) => choices.get(index).cloned(),
            Self::Range(range) => (index < range.count()?).then(|| range.text(range.counted(index))),
        }
    }

    /// The value at `u` from 0 to 1, such that even `u` give each value as often as the scale says.
    pub(crate) fn at_unit(&self, u: f64) -> String {
        match self.count() {
            Some(count) => {
                let index = ((u * count as f64) as usize).min(count.saturating_sub(1));
                self.at(index).unwrap_or_default()
            }
            None => match self {
                Self::Choices(_) => String::new(),
                Self::Range(range) => range.text(range.between(u)),
            },
        }
    }

    /// Where `value` lies: the number of the choice, or of a range's number its place from 0 to 1 in the range's scale.
    pub(crate) fn place(&self, value: &str) -> Option<f64> {
        match self {
            Self::Choices(choices) => choices.iter().position(|choice| choice == value).map(|index| index as f64),
            Self::Range(range) => range.unit(value.parse().ok()?),
        }
    }
}

impl Range {
    pub(crate) fn is_linear_integer(&self) -> bool {
        self.is_integer && self.grid.is_none() && self.scale == Scale::Linear
    }

    /// How many numbers it has; none where they are not counted (a range of reals, or of integers by their logarithms).
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        match self.grid {
            Some(Grid::Points(points)) => Some(points),
            // A little more than the quotient: 0.3 / 0.1 is below 3.
            Some(Grid::Step(step)) => Some(((self.high - self.low) / step + 1e-9) as usize + 1),
            None if self.is_linear_integer() => Some((self.high - self.low) as usize + 1),
            None => None,
        }
    }

    pub(crate) fn counted(&self, index: usize) -> f64 {
        match self.grid {
            Some(Grid::Points(points)) => self.between(index as f64 / (points.max(2) - 1) as f64),
            Some(Grid::Step(step)) => self.low + index as f64 * step,
            None => self.low + index as f64,
        }
    }

    pub(crate) fn between(&self, u: f64) -> f64 {
        let value = match self.scale {
            Scale::Linear => self.low + u * (self.high - self.low),
            Scale::Log => (self.low.ln() + u * (self.high.ln() - self.low.ln())).exp(),
        };
        let value = if self.is_integer { value.round() } else { rounded(value) };
        value.clamp(self.low, self.high)
    }

    /// Where `value` lies from 0 to 1 in the scale; none outside of the range.
    fn unit(&self, value: f64) -> Option<f64> {
        let scaled = |value: f64| if self.scale == Scale::Log { value.ln() } else { value };
        let (low, high) = (scaled(self.low), scaled(self.high));
        let u = if high > low { (scaled(value) - low) / (high - low) } else { 0.0 };
        (-1e-9..=1.0 + 1e-9).contains(&u).then(|| u.clamp(0.0, 1.0))
    }

    pub(crate) fn text(&self, value: f64) -> String {
        if self.is_integer { format!("{value:.0}") } else { format!("{:?}", rounded(value).clamp(self.low, self.high)) }
    }
}

/// Six significant digits: what is proposed is what stands in the config, and can be read.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: f64, high: f64, scale: Scale, is_integer: bool, grid: Option<Grid>) -> Domain {
        Domain::Range(Range { low, high, scale, is_integer, grid })
    }

    #[test]
    fn a_range_gives_its_ends_and_what_lies_between_in_its_scale() {
        let log = range(1e-4, 1.0, Scale::Log, false, None);
        assert_eq!(log.count(), None);
        assert_eq!([0.0, 0.5, 1.0].map(|u| log.at_unit(u)), ["0.0001", "0.01", "1.0"]);
        assert_eq!(log.place("0.01").map(|u| (u * 1e6).round()), Some(500_000.0));
        assert_eq!(log.place("2.0"), None);
        let tenths = range(0.0, 0.3, Scale::Linear, false, Some(Grid::Step(0.1)));
        let values: Vec<_> = (0..4).filter_map(|index| tenths.at(index)).collect();
        assert_eq!((tenths.count(), values.join(" ")), (Some(4), "0.0 0.1 0.2 0.3".to_owned()));
        let decades = range(1e-3, 1e-1, Scale::Log, false, Some(Grid::Points(3)));
        let values: Vec<_> = (0..3).filter_map(|index| decades.at(index)).collect();
        assert_eq!(values, ["0.001", "0.01", "0.1"]);
    }

    #[test]
    fn each_integer_of_a_range_is_as_likely_as_the_next() {
        let sizes = range(1.0, 4.0, Scale::Linear, true, None);
        let mut counts = [0; 4];
        for step in 0..1000 {
            let value: usize = sizes.at_unit((step as f64 + 0.5) / 1000.0).parse().unwrap();
            counts[value - 1] += 1;
        }
        assert_eq!(counts, [250; 4]);
        let powers = range(1.0, 100.0, Scale::Log, true, None);
        assert_eq!([0.0, 0.5, 1.0].map(|u| powers.at_unit(u)), ["1", "10", "100"]);
    }
}
