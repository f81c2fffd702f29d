//! The loss of a classifier on the tape.

use dfdx::prelude::*;
use strata_kernels as kernels;

use crate::ModelError;

/// What [`cross_entropy`] needs of a device.
pub trait LossDevice: Device<f32> {
    /// The mean over the samples of the softmax cross entropy, and its backward operation on the tape.
    ///
    /// # Errors
    /// Where the device does.
    ///
    /// # Panics
    /// Where [`check_labels`] has not been passed.
    fn try_cross_entropy<const C: usize, T: Tape<f32, Self>>(
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        labels: &[u8],
    ) -> Result<Tensor<Rank0, f32, Self, T>, Self::Err>;
}

/// The mean softmax cross entropy of `logits` (`[batch, C]`) for `labels` (`[batch]`, each below `C`), as
/// `torch.nn.functional.cross_entropy` defines it.
///
/// # Errors
/// What [`check_labels`] finds; [`ModelError::Device`] where the device fails, out of memory for one.
pub fn cross_entropy<const C: usize, D: LossDevice, T: Tape<f32, D>>(
    logits: Tensor<(usize, Const<C>), f32, D, T>,
    labels: &[u8],
) -> Result<Tensor<Rank0, f32, D, T>, ModelError> {
    check_labels(labels, logits.shape().0, C)?;
    D::try_cross_entropy(logits, labels).map_err(ModelError::device)
}

/// Whether `labels` are one for each of `samples` samples, each below `classes`, and at least one.
///
/// # Errors
/// [`ModelError::EmptyBatch`], [`ModelError::LabelCount`], or [`ModelError::Label`] with the first that is no class.
pub fn check_labels(labels: &[u8], samples: usize, classes: usize) -> Result<(), ModelError> {
    if labels.len() != samples {
        return Err(ModelError::LabelCount { labels: labels.len(), samples });
    }
    if samples == 0 {
        return Err(ModelError::EmptyBatch);
    }
    match labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes) {
        Some((sample, label)) => Err(ModelError::Label { sample, label: *label, classes }),
        None => Ok(()),
    }
}

impl LossDevice for Cpu {
    fn try_cross_entropy<const C: usize, T: Tape<f32, Self>>(
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        labels: &[u8],
    ) -> Result<Tensor<Rank0, f32, Self, T>, CpuError> {
        let (logits, mut tape) = logits.try_contiguous()?.split_tape();
        let total = kernels::cross_entropy(crate::storage::values(&logits), labels, C);
        let mean = total.loss / labels.len() as f64;
        let loss: Tensor<Rank0, f32, Self> = crate::storage::tensor_from_vec(logits.device(), vec![mean as f32], ())?;
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

/// The same of dfdx's operations, which want one-hot targets.
#[cfg(any(feature = "cuda", test))]
pub(crate) fn by_tensors<const C: usize, D: Device<f32>, T: Tape<f32, D>>(
    logits: Tensor<(usize, Const<C>), f32, D, T>,
    labels: &[u8],
) -> Result<Tensor<Rank0, f32, D, T>, D::Err> {
    let mut targets = vec![0.0; labels.len() * C];
    for (row, label) in targets.chunks_exact_mut(C).zip(labels) {
        row[usize::from(*label)] = 1.0;
    }
    let targets = logits.device().try_tensor_from_vec(targets, (labels.len(), Const::<C>))?;
    let log_probabilities = logits.try_log_softmax::<Axis<1>>()?;
    log_probabilities.try_mul(targets)?.try_sum()?.try_div(-(labels.len() as f32))
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
