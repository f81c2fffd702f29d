//! The loss of a classifier on the tape.

use std::sync::Arc;

use dfdx::prelude::*;
use strata_kernels::{CrossEntropy, Loss, Mix, Targets, zeros};

use crate::ModelError;
use crate::storage::realized;

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
/// A step of training with dfdx's own tape and optimizer ([`GradientStore`](crate::GradientStore) has the faster one):
///
/// ```
/// use dfdx::optim::{Sgd, SgdConfig}; // not in dfdx's prelude
/// use dfdx::prelude::*;
/// use strata_model::{Activation, Layers, cross_entropy, mlp};
///
/// let device = Cpu::default();
/// let mut network = device.build_module::<mlp!(2, 16, 2), f32>();
/// network.configure(Activation::Tanh, 0.0, 43)?;
/// let mut optimizer = Sgd::new(&network, SgdConfig { lr: 0.5, momentum: None, weight_decay: None });
/// // `[batch, 2]`, row-major
/// let points = device.tensor_from_vec(vec![0.1, 0.9, 0.8, 0.2], (2, Const::<2>));
/// let loss = cross_entropy(network.forward(points.leaky_traced()), &[0, 1])?;
/// println!("{}", loss.array());
/// optimizer.update(&mut network, &loss.backward())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        on_kernels(realized(logits), labels.into(), &(Arc::new(CrossEntropy::default()) as Arc<dyn Loss>))
    }
}

/// The mean over the samples of any loss of `logits` (`[batch, classes]`) on the CPU, and its backward operation on the tape.
///
/// # Errors
/// What [`check_labels`] finds, [`ModelError::Targets`] for the classes and shares of mixed samples; [`ModelError::Device`] where the
/// device fails, out of memory for one.
pub fn loss_of<C: Dim, T: Tape<f32, Cpu>>(
    logits: Tensor<(usize, C), f32, Cpu, T>,
    targets: Targets<'_>,
    loss: &Arc<dyn Loss>,
) -> Result<Tensor<Rank0, f32, Cpu, T>, ModelError> {
    let (samples, classes) = (logits.shape().0, logits.shape().1.size());
    check_labels(targets.labels, samples, classes)?;
    targets.check(samples, classes)?;
    on_kernels(realized(logits), targets, loss).map_err(ModelError::device)
}

pub(crate) fn on_kernels<T: Tape<f32, Cpu>>(
    logits: Tensor<(usize, usize), f32, Cpu, T>,
    targets: Targets<'_>,
    loss: &Arc<dyn Loss>,
) -> Result<Tensor<Rank0, f32, Cpu, T>, CpuError> {
    let (logits, mut tape) = logits.try_contiguous()?.split_tape();
    let (samples, classes) = *logits.shape();
    let mean = loss.loss(crate::storage::values(&logits), targets, classes).loss / samples as f64;
    let result: Tensor<Rank0, f32, Cpu> = crate::storage::tensor_from_vec(logits.device(), vec![mean as f32], ())?;
    if T::OWNS_TAPE {
        let (of_result, loss, labels) = (result.clone(), Arc::clone(loss), targets.labels.to_vec());
        let mix = targets.mix.map(|mix| (mix.labels.to_vec(), mix.shares.to_vec()));
        tape.add_backward_op(move |gradients| {
            let scale = gradients.get_or_alloc_mut(&of_result)?[0];
            let mix = mix.as_ref().map(|(labels, shares)| Mix { labels, shares });
            let mut gradient = zeros(samples * classes);
            loss.gradient(crate::storage::values(&logits), Targets { labels: &labels, mix }, classes, &mut gradient);
            let of_logits: &mut Vec<f32> = gradients.get_or_alloc_mut(&logits)?;
            of_logits.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += scale * gradient);
            Ok(())
        });
    }
    Ok(result.put_tape(tape))
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
