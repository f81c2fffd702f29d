//! The reliability diagram: whether the network is right as often as it says.

use std::fmt::Write as _;

use strata_metrics::SampleResult;

use crate::html;
use crate::number::{count, metric, percent};

/// Bins of equal width between 0 and 1, as the metric `calibration_error` has.
const BINS: usize = 15;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    samples: u64,
    right: u64,
    confidence: f64,
}

fn bins(results: &[SampleResult]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for result in results.iter().filter(|result| result.confidence.is_finite()) {
        // Each bin has its upper bound.
        let at = ((result.confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        bins[at].samples += 1;
        bins[at].right += u64::from(result.is_right());
        bins[at].confidence += result.confidence;
    }
    bins
}

/// The expected calibration error (Guo et al. 2017), in 0..=1: the mean over the samples of the distance between their bin's mean confidence and its accuracy.
fn calibration_error(bins: &[Bin]) -> f64 {
    let samples: u64 = bins.iter().map(|bin| bin.samples).sum();
    bins.iter().map(|bin| (bin.right as f64 - bin.confidence).abs()).sum::<f64>() / samples as f64
}

/// The diagram, the error, and the bins as a table.
pub(crate) fn section(results: &[SampleResult]) -> String {
    const SIDE: f64 = 240.0;
    const LEFT: f64 = 40.0;
    let bins = bins(results);
    let most = bins.iter().map(|bin| bin.samples).max().unwrap_or(0).max(1) as f64;
    let at = |share: f64| LEFT + share * (SIDE - LEFT - 8.0);
    let up = |share: f64| SIDE - 30.0 - share * (SIDE - 30.0 - 8.0);
    let error = metric(calibration_error(&bins));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {SIDE} {SIDE}\" role=\"img\" aria-label=\"Accuracy by confidence in {BINS} bins; the expected calibration error is {error}\">"
    );
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let _ = write!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{1:.1}\"/><text class=\"end\" x=\"{2:.1}\" y=\"{3:.1}\">{tick}</text>",
            up(tick),
            at(1.0),
            LEFT - 4.0,
            up(tick) + 4.0
        );
        let _ = write!(svg, "<text class=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{tick}</text>", at(tick), SIDE - 16.0);
    }
    for (number, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.samples > 0) {
        let (left, right) = (at(number as f64 / BINS as f64) + 0.7, at((number + 1) as f64 / BINS as f64) - 0.7);
        let accuracy = bin.right as f64 / bin.samples as f64;
        let _ = write!(
            svg,
            "<path class=\"bar\" d=\"M{left:.1} {:.1}V{:.1}H{right:.1}V{:.1}Z\"/>",
            up(0.0),
            up(accuracy),
            up(0.0)
        );
        // How many samples there are, as a thin line at the foot.
        let _ = write!(
            svg,
            "<path class=\"share\" d=\"M{left:.1} {:.1}h{:.1}\"/>",
            up(0.0) + 3.0,
            (right - left) * bin.samples as f64 / most
        );
    }
    let _ =
        write!(svg, "<path class=\"diagonal\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>", at(0.0), up(0.0), at(1.0), up(1.0));
    let _ = write!(svg, "<text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">confidence</text></svg>", at(1.0), SIDE - 3.0);
    let row = |(number, bin): (usize, &Bin)| {
        let samples = bin.samples as f64;
        vec![
            format!("{:.3} to {:.3}", number as f64 / BINS as f64, (number + 1) as f64 / BINS as f64),
            count(bin.samples),
            percent(bin.confidence / samples),
            percent(bin.right as f64 / samples),
        ]
    };
    let rows: Vec<_> = bins.iter().enumerate().map(row).collect();
    let left_out = results.len() as u64 - bins.iter().map(|bin| bin.samples).sum::<u64>();
    let left_out = match left_out {
        0 => String::new(),
        number => format!(" {} images whose confidence is no number are left out.", count(number)),
    };
    format!(
        "<figure class=\"square\"><figcaption>Reliability: accuracy (bars) by confidence; a network that knows how sure it is has its bars at the dashed line; the longer the mark at a bar's foot, the more images</figcaption>{svg}</figure>\
         <p>Expected calibration error <strong>{error}</strong>: by so much the confidence is off, in the mean over the images.{left_out}</p>\
         <details><summary>The bins as a table</summary>{}</details>",
        html::table("Accuracy by confidence", &["confidence", "images", "mean confidence", "accuracy"], &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_mean_distance_of_confidence_and_accuracy() {
        let result = |confidence, is_right: bool| SampleResult {
            label: 0,
            predicted: u32::from(!is_right),
            rank: 0,
            confidence,
            of_label: 0.0,
        };
        // Bins (14/15, 1]: two of 0.96, one right: |1 - 1.92| = 0.92; (8/15, 9/15]: one of 0.6, right: |1 - 0.6| = 0.4. Over three samples: 0.44.
        let bins = bins(&[result(0.96, true), result(0.96, false), result(0.6, true), result(f64::NAN, true)]);
        assert!((calibration_error(&bins) - 0.44).abs() < 1e-12);
        assert_eq!((bins[14].samples, bins[8].samples), (2, 1));
    }
}
