//! The test images evaluated by two views of each: as they are, and mirrored.

use strata_dataset::Images;
use strata_model::Predictor;
use strata_trainer::TrainError;

use crate::{ExperimentError, Stop};

/// Mean loss (the run's own, with its label smoothing) and accuracy where the probability of a class is the mean of those of both views.
pub(crate) struct MirroredScore {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

/// Evaluates `images`, `batch` at a time; `smoothing` is the share of a target that is spread over all classes, `weights` is what each class counts where they
/// do not count the same. None where it is asked to stop.
pub(crate) fn mirrored_score(
    predictor: &Predictor,
    images: &Images,
    (batch, smoothing, weights): (usize, f64, Option<&[f32]>),
    stop: &Stop,
) -> Result<Option<MirroredScore>, ExperimentError> {
    let (shape, classes) = (images.shape(), images.classes());
    let (mut loss, mut correct, mut all) = (0.0, 0usize, 0.0);
    let weight = |class: usize| weights.map_or(1.0, |weights| f64::from(weights[class]));
    for (number, labels) in images.labels().chunks(batch).enumerate() {
        if stop.is_requested() {
            return Ok(None);
        }
        let pixels = &*images.between(number * batch..number * batch + labels.len())?;
        let mirrored = mirrored(pixels.to_vec(), shape.width);
        let view = |pixels: &[u8]| predictor.features(pixels).and_then(|features| predictor.probabilities(&features));
        let (plain, mirrored) = (view(pixels).map_err(TrainError::from)?, view(&mirrored).map_err(TrainError::from)?);
        let rows = plain.chunks(classes).zip(mirrored.chunks(classes));
        for ((plain, mirrored), label) in rows.zip(labels) {
            let sum = |class: usize| f64::from(plain[class]) + f64::from(mirrored[class]);
            let log = |class: usize| logarithm(sum(class) / 2.0);
            let spread = if smoothing > 0.0 {
                (0..classes).map(|class| weight(class) * log(class)).sum::<f64>() / classes as f64
            } else {
                0.0
            };
            let own = weight((*label).into());
            loss -= (1.0 - smoothing) * own * log((*label).into()) + smoothing * spread;
            all += own;
            // Of equal ones the first, and of a NaN that class, as in the plain evaluation.
            let is_better = |class: usize, best: usize| sum(class) > sum(best) || sum(class).is_nan();
            let better =
                |best: usize, class: usize| if !sum(best).is_nan() && is_better(class, best) { class } else { best };
            let best = (1..classes).fold(0, better);
            correct += usize::from(best == usize::from(*label));
        }
    }
    let count = images.len() as f64;
    Ok(Some(MirroredScore { loss: loss / all, accuracy: correct as f64 / count }))
}

/// The pixels of images of this width, each row from right to left.
pub(crate) fn mirrored(mut pixels: Vec<u8>, width: usize) -> Vec<u8> {
    pixels.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    pixels
}

/// The logarithm of a probability, which stays finite where that is 0; of none, NaN, it is none.
pub(crate) fn logarithm(probability: f64) -> f64 {
    if probability.is_nan() { probability } else { probability.max(f64::MIN_POSITIVE).ln() }
}

#[cfg(test)]
mod tests {
    use strata_dataset::ImageShape;
    use strata_model::{Architecture, InputTransform, NamedTensor, TrainedModel, Usage, Weights};
    use strata_spec::{Activation, Precision};

    use super::*;

    /// Two pixels, two classes; the first class's logit is twice the left pixel, the other's is 0.
    fn predictor() -> Predictor {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let tensors =
            vec![tensor("layer1.weight", &[2, 2], &[2.0, 0.0, 0.0, 0.0]), tensor("layer1.bias", &[2], &[0.0, 0.0])];
        let weights = Weights { architecture: Architecture::new(2, &[], 2), tensors };
        let usage = Usage {
            activation: Activation::Relu,
            dropout: 0.0,
            input: vec![1, 1, 2],
            classes: vec!["a".into(), "b".into()],
            transform: InputTransform::Pixels { mean: vec![0.0], deviation: vec![1.0] },
            precision: Precision::F32,
        };
        Predictor::new(TrainedModel::new(weights, usage).unwrap()).unwrap()
    }

    #[test]
    fn the_probabilities_of_both_views_are_averaged() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        // By hand: an image of a bright left pixel has e² / (e² + 1) = 0.880797 as it is and 1/2 mirrored, so 0.690399 of the first class;
        // the second image is its mirror image, and of the other class: 0.309601.
        let images = Images::new(shape, vec![255, 0, 0, 255], vec![0, 1], 2).unwrap();
        for batch in [1, 2, 5] {
            let score = mirrored_score(&predictor(), &images, (batch, 0.0, None), &Stop::default()).unwrap().unwrap();
            let expected = -(0.690_398_5f64.ln() + 0.309_601_5f64.ln()) / 2.0;
            assert!((score.loss - expected).abs() < 1e-6, "{}", score.loss);
            assert_eq!(score.accuracy, 0.5);
            // Of each image one class has the first probability and one the second: spread targets cost the same in both.
            let smooth = mirrored_score(&predictor(), &images, (batch, 0.2, None), &Stop::default()).unwrap().unwrap();
            assert!((smooth.loss - expected).abs() < 1e-6, "{}", smooth.loss);
        }
        let one = Images::new(shape, vec![255, 0], vec![0], 2).unwrap();
        let smooth = mirrored_score(&predictor(), &one, (1, 0.2, None), &Stop::default()).unwrap().unwrap();
        let expected = -0.9 * 0.690_398_5f64.ln() - 0.1 * 0.309_601_5f64.ln();
        assert!((smooth.loss - expected).abs() < 1e-6, "{}", smooth.loss);
        let stop = Stop::default();
        stop.request();
        assert!(mirrored_score(&predictor(), &images, (1, 0.0, None), &stop).unwrap().is_none());
    }

    /// As the plain evaluation has it: what is no number is not taken for the least probability.
    #[test]
    fn a_probability_that_is_none_makes_a_loss_that_is_none() {
        assert!(logarithm(f64::NAN).is_nan());
        assert_eq!(logarithm(0.0), f64::MIN_POSITIVE.ln());
        assert_eq!(logarithm(1.0), 0.0);
    }
}
