//! Line charts as SVG, with what a script needs to find the point under a pointer.

use std::fmt::Write as _;

use crate::html::text;
use crate::number;

pub(crate) const WIDTH: f64 = 420.0;
pub(crate) const HEIGHT: f64 = 240.0;
pub(crate) const LEFT: f64 = 50.0;
pub(crate) const RIGHT: f64 = 10.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 30.0;
/// Larger values are not drawn, and leave room for the others.
const LARGEST: f64 = 1e12;
/// Labels of more phases than this would lie over each other.
const LABELLED_PHASES: usize = 6;

/// One line of a chart.
pub(crate) struct Line {
    pub(crate) name: String,
    /// A value for each place, none where nothing was measured.
    pub(crate) values: Vec<Option<f64>>,
}

/// Where a phase begins.
pub(crate) struct Mark {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// A chart of lines over the same places.
pub(crate) struct Chart<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) places: &'a [f64],
    pub(crate) lines: Vec<Line>,
    pub(crate) marks: &'a [Mark],
    /// Values beyond are not drawn.
    pub(crate) limits: (f64, f64),
}

/// A range of values, by their logarithms where they span orders of magnitude.
pub(crate) struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let values = values.filter(|value| value.abs() < LARGEST);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Self { low: 0.0, high: 1.0, is_logarithmic: false };
        }
        if low > 0.0 && high / low > 30.0 {
            return Self { low, high, is_logarithmic: true };
        }
        Self::between(low, high)
    }

    /// The same without logarithms.
    pub(crate) fn linear(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        if low > high { Self { low: 0.0, high: 1.0, is_logarithmic: false } } else { Self::between(low, high) }
    }

    /// Adds a line across a chart for each tick, with its value to the left of it; `y` is a value's height in the picture.
    pub(crate) fn draw_grid(&self, svg: &mut String, y: impl Fn(f64) -> f64) {
        let ticks = self.ticks();
        let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        for tick in ticks {
            let at = y(tick);
            // Writing to a string cannot fail.
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{:.1}\"/>", WIDTH - RIGHT);
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">{}</text>",
                LEFT - 5.0,
                at + 4.0,
                text(&number::tick(tick, step))
            );
        }
    }

    fn between(low: f64, high: f64) -> Self {
        // A single value is in the middle.
        let room = if high > low { (high - low) * 0.04 } else { high.abs().max(1e-12) * 0.1 };
        let low = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
        Self { low, high: high + room, is_logarithmic: false }
    }

    /// Where a value is between low (0) and high (1).
    pub(crate) fn share(&self, value: f64) -> f64 {
        match self.is_logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let powers = self.low.log10().ceil() as i32..=self.high.log10().floor() as i32;
            let step = (powers.clone().count() / 5).max(1);
            return powers.step_by(step).map(|power| format!("1e{power}").parse().unwrap_or(f64::NAN)).collect();
        }
        ticks(self.low, self.high, 5)
    }
}

/// At most some `most` round numbers from `low` to `high`.
pub(crate) fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let rough = (high - low) / most as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![low];
    }
    let power = rough.log10().floor() as i32;
    let unit: f64 = format!("1e{power}").parse().unwrap_or(rough);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= rough).unwrap_or(10.0);
    let step = factor * unit;
    let first = (low / step).ceil() as i64;
    let places = if power < 0 { power.unsigned_abs() as usize } else { 0 };
    let round = |value: f64| format!("{value:.places$}").parse().unwrap_or(value);
    (first..).map(|number| round(number as f64 * step)).take_while(|value| *value <= high).take(4 * most).collect()
}

impl Chart<'_> {
    /// The chart with its title, its legend and the line that says the values at the pointer.
    pub(crate) fn figure(&self) -> String {
        let (id, title) = (text(self.id), text(self.title));
        let last = self.places.last().copied().unwrap_or(0.0).max(1.0);
        let (low, high) = self.limits;
        let is_drawn = |value: &f64| value.abs() < LARGEST && (low..=high).contains(value);
        let drawn = self.lines.iter().flat_map(|line| line.values.iter().flatten()).copied().filter(is_drawn);
        let scale = Scale::of(drawn);
        let x = |place: f64| LEFT + place / last * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title\" aria-describedby=\"{id}-now\" tabindex=\"0\" data-chart=\"{id}\" \
             data-left=\"{LEFT}\" data-right=\"{}\" data-last=\"{last}\">",
            WIDTH - RIGHT
        );
        scale.draw_grid(&mut svg, y);
        for tick in ticks(0.0, last, 6).into_iter().filter(|tick| tick.fract() == 0.0) {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"middle\">{tick}</text>",
                x(tick),
                HEIGHT - BOTTOM + 15.0
            );
        }
        let _ = write!(svg, "<path class=\"axis\" d=\"M{LEFT} {TOP}V{:.1}H{:.1}\"/>", HEIGHT - BOTTOM, WIDTH - RIGHT);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"end\">epochs trained</text>",
            WIDTH - RIGHT,
            HEIGHT - 3.0
        );
        for mark in self.marks {
            let _ = write!(svg, "<path class=\"phase\" d=\"M{:.1} {TOP}V{:.1}\"/>", x(mark.at), HEIGHT - BOTTOM);
            if self.marks.len() <= LABELLED_PHASES {
                let _ = write!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" class=\"small\">{}</text>",
                    x(mark.at) + 2.0,
                    TOP - 4.0,
                    text(&mark.label)
                );
            }
        }
        for (number, line) in self.lines.iter().enumerate() {
            let points = self.places.iter().zip(&line.values);
            let points = points.map(|(place, value)| value.filter(is_drawn).map(|value| (x(*place), y(value))));
            let path = path(points);
            let _ = write!(svg, "<path class=\"line s{}\" d=\"{path}\"/>", number % 6);
        }
        svg += "<path class=\"cursor\" d=\"\"/></svg>";
        let mut legend = String::new();
        for (number, line) in self.lines.iter().enumerate() {
            let _ = write!(legend, "<li><i class=\"b{}\"></i>{}</li>", number % 6, text(&line.name));
        }
        format!(
            "<figure class=\"chart\"><figcaption id=\"{id}-title\">{title}</figcaption>{svg}<ul class=\"legend\">{legend}</ul>\
             <p class=\"now\" id=\"{id}-now\" aria-live=\"polite\"></p></figure>"
        )
    }
}

/// A line through the points, broken where there is none; a point alone is a dot.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut before = 0;
    let close = |path: &mut String, before| {
        if before == 1 {
            path.push_str("h0");
        }
    };
    for point in points {
        match point {
            Some((x, y)) => {
                let _ = write!(path, "{}{x:.1} {y:.1}", if before == 0 { 'M' } else { 'L' });
                before += 1;
            }
            None => {
                close(&mut path, before);
                before = 0;
            }
        }
    }
    close(&mut path, before);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: Vec<Option<f64>>) -> String {
        let places: Vec<f64> = (0..values.len()).map(|place| place as f64).collect();
        let lines = vec![Line { name: "a <b>".into(), values }];
        let limits = (f64::NEG_INFINITY, f64::INFINITY);
        Chart { id: "c", title: "t", places: &places, lines, marks: &[], limits }.figure()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(1.31, 2.28, 5), [1.4, 1.6, 1.8, 2.0, 2.2]);
        assert_eq!(ticks(0.0, 32.0, 6), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(ticks(3.0, 3.0, 5), [3.0]);
    }

    #[test]
    fn a_value_that_is_missing_breaks_the_line_and_one_alone_is_a_dot() {
        let html = chart(vec![Some(1.0), Some(2.0), None, Some(1.5), None, Some(f64::NAN)]);
        let line = html.split("class=\"line s0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((line.matches('M').count(), line.matches("h0").count()), (2, 1), "{line}");
        assert!(html.contains("a &lt;b&gt;") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn any_values_can_be_drawn() {
        for value in [0.0, -5.0, 1e-300, 1e300, f64::MAX, f64::INFINITY, f64::NAN] {
            for values in [vec![], vec![Some(value)], vec![Some(1.0), Some(value)], vec![Some(value), Some(1e-9)]] {
                let html = chart(values);
                assert!(!html.contains("NaN") && !html.contains("inf"), "{value}: {html}");
            }
        }
    }
}
