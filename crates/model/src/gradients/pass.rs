//! The backward pass that runs, as the operations of its tape see it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use dfdx::optim::{Sgd, SgdConfig, UnusedTensors};
use dfdx::prelude::*;

use super::pending::GradientFactors;
use crate::ModelError;
use crate::storage::tensor_from_vec;

/// A backward pass that keeps factors.
pub(crate) struct Pass {
    /// Has a gradient of 1 in the `Gradients` of this pass and of no other.
    pub(super) marker: Tensor<Rank1<1>, f32, Cpu>,
    pub(super) data: Vec<UniqueId>,
    pub(super) factors: BTreeMap<UniqueId, Vec<GradientFactors>>,
    /// Parameters that operations of ours gave a whole gradient.
    pub(super) whole: BTreeSet<UniqueId>,
    /// Of a chain of our operations, the gradients that one of them has for the one before.
    handed: Option<BTreeMap<UniqueId, Vec<f32>>>,
}

impl Pass {
    pub(super) fn new(data: Vec<UniqueId>, in_chain: bool) -> Result<Self, ModelError> {
        let marker = tensor_from_vec(&Cpu::default(), vec![0.0], Rank1::default()).map_err(ModelError::device)?;
        let handed = in_chain.then(BTreeMap::new);
        Ok(Self { marker, data, factors: BTreeMap::new(), whole: BTreeSet::new(), handed })
    }

    /// Whether somebody may ask for the gradient of `tensor`.
    pub(crate) fn needs_gradient(&self, tensor: UniqueId) -> bool {
        !self.data.contains(&tensor)
    }

    /// Whether gradients are handed from operation to operation.
    pub(super) fn hands_over(&self) -> bool {
        self.handed.is_some()
    }

    /// Leaves `tensor`'s gradient to the operation that made the tensor.
    pub(super) fn hand_over(&mut self, tensor: UniqueId, gradient: Vec<f32>) {
        if let Some(handed) = &mut self.handed {
            handed.insert(tensor, gradient);
        }
    }

    /// What was left for it, if anything.
    pub(super) fn take_over(&mut self, tensor: UniqueId) -> Option<Vec<f32>> {
        self.handed.as_mut()?.remove(&tensor)
    }

    pub(crate) fn push<S: Shape>(&mut self, weight: &Tensor<S, f32, Cpu>, factors: GradientFactors) {
        self.factors.entry(id_of(weight)).or_default().push(factors);
    }
}

thread_local! {
    /// The passes that run on this thread, the innermost last. dfdx gives a backward operation its `Gradients` and nothing else, so this
    /// is the way from [`GradientStore::backward`] to the operations that it runs; it is empty but while one does.
    static PASSES: RefCell<Vec<Pass>> = const { RefCell::new(Vec::new()) };
}

/// Takes the pass back when the backward operations have run, or one of them panicked.
pub(super) struct Collecting;

impl Collecting {
    pub(super) fn start(pass: Pass) -> Self {
        PASSES.with_borrow_mut(|passes| passes.push(pass));
        Self
    }

    pub(super) fn finish(self) -> Result<Pass, ModelError> {
        std::mem::forget(self);
        PASSES.with_borrow_mut(Vec::pop).ok_or_else(|| ModelError::Device("the backward pass was lost".into()))
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        PASSES.with_borrow_mut(Vec::pop);
    }
}

/// Calls `use_pass` with the pass that `gradients` belong to, if it keeps factors.
///
/// Not just the innermost one: while a kernel waits for its threads, the thread may run somebody else's backward pass, by dfdx's own
/// `backward` even, whose `Gradients` do not have the marker.
pub(super) fn with_pass<R>(
    gradients: &mut Gradients<f32, Cpu>,
    use_pass: impl FnOnce(Option<&mut Pass>) -> R,
) -> Result<R, CpuError> {
    PASSES.with_borrow_mut(|passes| {
        for pass in passes.iter_mut().rev() {
            if gradients.get_or_alloc_mut(&pass.marker)?[0] == 1.0 {
                return Ok(use_pass(Some(pass)));
            }
        }
        Ok(use_pass(None))
    })
}

/// The gradient of an operation's parameter, to be added to. The pass is told that there is one, since to ask dfdx costs three passes over the parameter.
pub(crate) fn gradient_of_parameter<'g, S: Shape>(
    gradients: &'g mut Gradients<f32, Cpu>,
    parameter: &Tensor<S, f32, Cpu>,
) -> Result<&'g mut Vec<f32>, CpuError> {
    with_pass(gradients, |pass| pass.map(|pass| pass.whole.insert(id_of(parameter))))?;
    Ok(&mut **gradients.get_or_alloc_mut(parameter)?)
}

/// Gives the pass, where it keeps factors, and else the gradients, what the gradient of an operation's weight is the product of.
pub(crate) fn add_product(
    gradients: &mut Gradients<f32, Cpu>,
    weight: &Tensor<(usize, usize), f32, Cpu>,
    factors: GradientFactors,
) -> Result<(), CpuError> {
    if with_pass(gradients, |pass| pass.is_some())? {
        with_pass(gradients, |pass| pass.map(|pass| pass.push(weight, factors)))?;
    } else {
        factors.add_to(gradient_of_parameter(gradients, weight)?);
    }
    Ok(())
}

/// A tensor's id, which dfdx shows in its list of unused tensors only.
pub(crate) fn id_of<S: Shape, D: Device<f32>>(tensor: &Tensor<S, f32, D>) -> UniqueId {
    let mut ids = UnusedTensors::default();
    ids.add(tensor);
    ids.ids[0]
}

/// Whether `gradients` hold one of a parameter, which dfdx's walk visits with `options`. dfdx tells by way of an optimizer only; where there is one, a copy of the parameter
/// is made and updated by a step of size zero.
pub(crate) fn has_gradient<S: Shape, D: Device<f32>>(
    parameter: &Tensor<S, f32, D>,
    options: TensorOptions<S, f32, D>,
    gradients: &Gradients<f32, D>,
) -> Result<bool, D::Err> {
    let mut optimizer = Sgd::new(&(), SgdConfig { lr: 0.0, momentum: None, weight_decay: None });
    let mut update = (&mut optimizer, gradients, UnusedTensors::default());
    update.visit(options, &mut parameter.clone())?;
    Ok(update.2.is_empty())
}
