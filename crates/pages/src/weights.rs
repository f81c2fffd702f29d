//! The distribution of each layer's weights.

use std::fmt::Write as _;

use crate::html::{self, text};
use crate::number::{count, metric};

/// Tensors of deeper networks than this are left out, which is said.
const SHOWN: usize = 60;
const BINS: usize = 41;

/// One tensor of a network.
#[derive(Clone, Copy, Debug)]
pub struct WeightTensor<'a> {
    /// Its name in the weights file: `layer1.weight`.
    pub name: &'a str,
    /// Its sizes.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

struct Distribution {
    mean: f64,
    deviation: f64,
    least: f32,
    largest: f32,
    zeros: usize,
    finite: usize,
    /// Of equal width from -limit to limit.
    bins: [u32; BINS],
    limit: f32,
}

impl Distribution {
    fn of(values: &[f32]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let mut found = Self {
            mean: 0.0,
            deviation: 0.0,
            least: f32::INFINITY,
            largest: f32::NEG_INFINITY,
            zeros: 0,
            finite: 0,
            bins: [0; BINS],
            limit: 0.0,
        };
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in finite() {
            found.finite += 1;
            sum += f64::from(value);
            squares += f64::from(value) * f64::from(value);
            found.least = found.least.min(value);
            found.largest = found.largest.max(value);
            found.zeros += usize::from(value == 0.0);
        }
        let samples = found.finite.max(1) as f64;
        found.mean = sum / samples;
        found.deviation = (squares / samples - found.mean * found.mean).max(0.0).sqrt();
        found.limit = found.least.abs().max(found.largest.abs());
        if found.finite > 0 && found.limit > 0.0 {
            for value in finite() {
                let share = (value / found.limit + 1.0) / 2.0;
                found.bins[((share * BINS as f32) as usize).min(BINS - 1)] += 1;
            }
        }
        found
    }
}

/// A histogram and a row of numbers for each tensor.
pub(crate) fn section(tensors: &[WeightTensor<'_>]) -> String {
    let mut figures = String::from("<div class=\"histograms\">");
    let mut rows = Vec::new();
    for tensor in tensors.iter().take(SHOWN) {
        let found = Distribution::of(tensor.values);
        let (name, shape) =
            (text(tensor.name), tensor.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × "));
        figures += &histogram(&name, &found);
        let not_finite = tensor.values.len() - found.finite;
        let least = if found.finite > 0 {
            [found.mean, found.deviation, found.least.into(), found.largest.into()].map(metric).to_vec()
        } else {
            vec!["–".to_owned(); 4]
        };
        let mut row = vec![name, shape];
        row.extend(least);
        row.extend([count(found.zeros as u64), count(not_finite as u64)]);
        rows.push(row);
    }
    figures += "</div>";
    if tensors.len() > SHOWN {
        let _ = write!(figures, "<p>The first {SHOWN} of {} tensors.</p>", tensors.len());
    }
    let header = ["tensor", "shape", "mean", "deviation", "least", "largest", "zeros", "not finite"];
    format!(
        "{figures}<details><summary>The weights as a table</summary>{}</details>",
        html::table("Weights of each layer", &header, &rows)
    )
}

fn histogram(name: &str, found: &Distribution) -> String {
    let most = found.bins.iter().copied().max().unwrap_or(0).max(1) as f32;
    let mut path = String::from("M0 70");
    for (place, bin) in found.bins.iter().enumerate() {
        let _ = write!(path, "V{:.1}H{}", 70.0 - 64.0 * *bin as f32 / most, (place + 1) * 4);
    }
    let limit = metric(found.limit.into());
    format!(
        "<figure><figcaption>{name}</figcaption><svg viewBox=\"0 0 164 86\" role=\"img\" aria-label=\"Histogram of {name}, from -{limit} to {limit}: mean {}, deviation {}\">\
         <path class=\"bar\" d=\"{path}V70Z\"/><path class=\"axis\" d=\"M0 70H164M82 70v4\"/><text x=\"0\" y=\"83\">-{limit}</text><text class=\"end\" x=\"164\" y=\"83\">{limit}</text></svg></figure>",
        metric(found.mean),
        metric(found.deviation)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_of_the_finite_values() {
        let found = Distribution::of(&[-1.0, 0.0, 0.0, 1.0, f32::NAN, f32::INFINITY]);
        assert_eq!((found.mean, found.least, found.largest, found.zeros, found.finite), (0.0, -1.0, 1.0, 2, 4));
        assert!((found.deviation - 0.5f64.sqrt()).abs() < 1e-9);
        assert_eq!((found.bins[0], found.bins[BINS / 2], found.bins[BINS - 1]), (1, 2, 1));
        for values in [&[][..], &[f32::NAN], &[0.0], &[f32::MAX, f32::MIN]] {
            let html = section(&[WeightTensor { name: "<a>", shape: &[1], values }]);
            assert!(!html.contains("NaN") && !html.contains("inf") && !html.contains("<a>"), "{html}");
        }
    }
}
