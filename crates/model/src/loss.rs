//! The loss of a classifier on the tape.

use dfdx::prelude::*;
use strata_kernels as kernels;

/// What [`cross_entropy`] needs of a device.
pub trait LossDevice: Device<f32> {
    /// The mean over the samples of the softmax cross entropy, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    fn try_cross_entropy<const C: usize, T: Tape<f32, Self>>(
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        labels: &[u8],
    ) -> Result<Tensor<Rank0, f32, Self, T>, Self::Err>;
}

/// The mean softmax cross entropy of `logits` (`[batch, C]`) for `labels` (`[batch]`, each below `C`), as
/// `torch.nn.functional.cross_entropy` defines it.
///
/// # Errors
/// Where the device does, out of memory for one.
///
/// # Panics
/// Where there is not one label a sample, or one is not below `C`.
pub fn cross_entropy<const C: usize, D: LossDevice, T: Tape<f32, D>>(
    logits: Tensor<(usize, Const<C>), f32, D, T>,
    labels: &[u8],
) -> Result<Tensor<Rank0, f32, D, T>, D::Err> {
    assert_eq!(logits.shape().0, labels.len(), "one label a sample");
    D::try_cross_entropy(logits, labels)
}

impl LossDevice for Cpu {
    fn try_cross_entropy<const C: usize, T: Tape<f32, Self>>(
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        labels: &[u8],
    ) -> Result<Tensor<Rank0, f32, Self, T>, CpuError> {
        let (logits, mut tape) = logits.split_tape();
        let total = kernels::cross_entropy(crate::storage::values(&logits), labels, C);
        let mean = total.loss / labels.len() as f64;
        let loss: Tensor<Rank0, f32, Self> = logits.device().try_tensor_from_vec(vec![mean as f32], ())?;
        let (of_loss, labels) = (loss.clone(), if T::OWNS_TAPE { labels.to_vec() } else { Vec::new() });
        tape.add_backward_op(move |gradients| {
            let scale = gradients.get_or_alloc_mut(&of_loss)?[0];
            let mut gradient = vec![0.0; labels.len() * C];
            kernels::cross_entropy_gradient(crate::storage::values(&logits), &labels, C, &mut gradient);
            let of_logits: &mut Vec<f32> = gradients.get_or_alloc_mut(&logits)?;
            of_logits.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += scale * gradient);
            Ok(())
        });
        Ok(loss.put_tape(tape))
    }
}

/// A row of `C` for each label, 1 at the label and 0 elsewhere: what a loss of dfdx's operations is worked out from. Made on the host: 5 KB
/// a batch of 128, one copy.
///
/// # Errors
/// Where the device does.
///
/// # Panics
/// Where a label is not below `C`.
#[allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]
pub fn one_hot<const C: usize, D: Device<f32>>(
    device: &D,
    labels: &[u8],
) -> Result<Tensor<(usize, Const<C>), f32, D>, D::Err> {
    let mut targets = vec![0.0; labels.len() * C];
    for (row, label) in targets.chunks_exact_mut(C).zip(labels) {
        row[usize::from(*label)] = 1.0;
    }
    device.try_tensor_from_vec(targets, (labels.len(), Const))
}

/// As [`cross_entropy`], of dfdx's operations and of targets that are on the device: what a card computes.
///
/// # Errors
/// Where the device does.
pub fn cross_entropy_of<const C: usize, D: Device<f32>, T: Tape<f32, D>>(
    logits: Tensor<(usize, Const<C>), f32, D, T>,
    targets: Tensor<(usize, Const<C>), f32, D>,
) -> Result<Tensor<Rank0, f32, D, T>, D::Err> {
    let samples = targets.shape().0;
    logits.try_log_softmax::<Axis<1>>()?.try_mul(targets)?.try_sum()?.try_div(-(samples as f32))
}

/// How many samples' largest logit is their target's, counted on the device; of equal ones the first counts, as in
/// `strata_kernels::cross_entropy`. A NaN among the logits is passed over; it makes the loss NaN.
///
/// # Errors
/// Where the device does.
pub fn correct_of<const C: usize, D: Device<f32>>(
    logits: Tensor<(usize, Const<C>), f32, D>,
    targets: Tensor<(usize, Const<C>), f32, D>,
) -> Result<Tensor<Rank0, f32, D>, D::Err> {
    let (device, shape) = (logits.device().clone(), *logits.shape());
    let column = (shape.0,);
    // C for the first class down to 1 for the last: of the largest logits the first has the highest rank.
    let ranks: Tensor<Rank1<C>, f32, D> =
        device.try_tensor_from_vec((1..=C).rev().map(|rank| rank as f32).collect(), Rank1::<C>::default())?;
    let ranks = ranks.try_broadcast_like::<_, Axis<0>>(&shape)?;
    let largest = logits.clone().try_max::<(usize,), Axis<1>>()?.try_broadcast_like::<_, Axis<1>>(&shape)?;
    let best = logits.try_eq(&largest)?.try_choose(ranks.clone(), device.try_zeros_like(&shape)?)?;
    let best = best.try_max::<(usize,), Axis<1>>()?;
    let wanted = ranks.try_mul(targets)?.try_sum::<(usize,), Axis<1>>()?;
    let hits = best.try_eq(&wanted)?.try_choose(device.try_ones_like(&column)?, device.try_zeros_like(&column)?)?;
    hits.try_sum()
}

/// [`cross_entropy`] by dfdx's operations.
#[cfg(any(feature = "cuda", test))]
pub(crate) fn by_tensors<const C: usize, D: Device<f32>, T: Tape<f32, D>>(
    logits: Tensor<(usize, Const<C>), f32, D, T>,
    labels: &[u8],
) -> Result<Tensor<Rank0, f32, D, T>, D::Err> {
    let targets = one_hot(logits.device(), labels)?;
    cross_entropy_of(logits, targets)
}

#[cfg(feature = "cuda")]
impl LossDevice for Cuda {
    fn try_cross_entropy<const C: usize, T: Tape<f32, Self>>(
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        labels: &[u8],
    ) -> Result<Tensor<Rank0, f32, Self, T>, Self::Err> {
        by_tensors(logits, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of five values only, so that many rows have ties for the largest.
    #[test]
    fn counted_on_the_device_as_in_the_kernels() {
        let device = Cpu::default();
        let logits: Vec<f32> = (0..70 * 5).map(|i| ((i * 7919 + i * i / 7 * 31) % 5) as f32 / 4.0 - 0.5).collect();
        let labels: Vec<u8> = (0..70).map(|i| (i * 3 % 5) as u8).collect();
        let ties = logits.chunks(5).filter(|row| {
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            row.iter().filter(|x| **x == largest).count() > 1
        });
        assert!(ties.count() > 5, "the rows try what happens to equal logits");
        let total = kernels::cross_entropy(&logits, &labels, 5);
        assert!(total.correct > 5, "{total:?}");
        let logits = device.tensor_from_vec(logits, (70, Const::<5>));
        let targets = one_hot::<5, _>(&device, &labels).unwrap();
        assert_eq!(correct_of(logits.clone(), targets.clone()).unwrap().array(), total.correct as f32);
        let mean = cross_entropy_of(logits, targets).unwrap().array();
        assert!((f64::from(mean) - total.loss / 70.0).abs() < 1e-6, "{mean}, by the kernels {}", total.loss / 70.0);
    }

    #[test]
    fn a_nan_among_the_logits_makes_the_loss_nan() {
        let device = Cpu::default();
        let logits = device.tensor_from_vec(vec![1.0, 0.0, f32::NAN, 0.0], (2, Const::<2>));
        let targets = one_hot::<2, _>(&device, &[0, 1]).unwrap();
        assert!(cross_entropy_of(logits, targets).unwrap().array().is_nan());
    }
}
