//! The gradients of a training pass on the CPU: whole ones, and products that are not multiplied yet.
//!
//! A dense layer's backward operation can hand over the two factors of its weight's gradient in place of the gradient, which for the
//! notebook's network is 34 MB that need not be written, read and cleared in each step. Whether it does is a property of the pass, not of
//! the layer: only under [`GradientStore::backward`] are factors kept, under dfdx's own `backward` each gradient is whole and where dfdx's
//! optimizers look for it.

mod of_operation;
mod pass;
mod pending;

use std::collections::{BTreeMap, BTreeSet};

use dfdx::prelude::*;
use strata_kernels::{Gradient, Parameter, UpdateRule};

use self::pass::{Collecting, Pass};
use self::pending::PendingGradient;
use crate::ModelError;
use crate::walk::{NetworkTensors, Visited};

pub(crate) use self::of_operation::{InputGradient, OutputGradient, add_to};
pub(crate) use self::pass::{add_product, gradient_of_parameter, has_gradient, id_of};
pub(crate) use self::pending::{Factors, GradientFactors, Values};

/// A parameter with its gradient, as [`GradientStore::update`] shows it.
#[derive(Debug)]
pub struct TrainedParameter<'a> {
    /// Its name in files: `layer1.weight`.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a mut [f32],
    /// Its gradient.
    pub gradient: Gradient<'a>,
}

impl TrainedParameter<'_> {
    /// Updates the parameter by its gradient; `states` are the buffers that `rule` keeps for it, each as long as the parameter.
    ///
    /// # Panics
    /// Where the states are not what `rule` needs.
    pub fn update(self, rule: &dyn UpdateRule, states: &mut [Vec<f32>]) {
        rule.update(Parameter { values: self.values, shape: self.shape, states }, self.gradient);
    }
}

/// Gradients of a network's parameters on the CPU, from one or more backward passes, until they are used.
///
/// ```
/// use dfdx::prelude::*;
/// use strata_kernels::SgdRule;
/// use strata_model::{GradientStore, cross_entropy, mlp};
///
/// let device = Cpu::default();
/// let mut network = device.build_module::<mlp!(4, 3), f32>();
/// let mut gradients = GradientStore::default();
/// // `[batch, 4]`; the pass does not work out the gradient of what is traced so, which is data.
/// let images = gradients.trace(device.ones_like(&(2, Const::<4>)));
/// let loss = cross_entropy(network.forward(images), &[0, 2])?;
/// gradients.backward(loss, &network)?;
/// let rule = SgdRule { learning_rate: 0.1, weight_decay: 0.0 };
/// gradients.update(&mut network, |parameter| parameter.update(&rule, &mut []))?;
/// assert!(gradients.is_empty());
/// # Ok::<(), strata_model::ModelError>(())
/// ```
#[derive(Default)]
pub struct GradientStore {
    pending: BTreeMap<UniqueId, PendingGradient>,
    /// Tensors whose gradient nobody asks for in the pass that is being recorded.
    data: Vec<UniqueId>,
    in_chain: bool,
}

impl std::fmt::Debug for GradientStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GradientStore").field("parameters", &self.pending.len()).finish_non_exhaustive()
    }
}

impl GradientStore {
    /// Says whether the passes to come are of a chain of this crate's layers and a loss ([`Layers::is_chain`](crate::Layers::is_chain)): what lies between two of them is used by the next
    /// one and by nothing else. Then its gradient is handed from operation to operation. In any other graph an operation of dfdx's may add to it, so it has to be where dfdx looks for it:
    /// in a buffer that is allocated and cleared by one thread, and looked through for what was added. A wrong word here is wrong gradients.
    #[must_use]
    pub fn in_chain(self, in_chain: bool) -> Self {
        Self { in_chain, ..self }
    }

    /// Starts a pass at `data`: a tensor whose own gradient the next [`GradientStore::backward`] need not work out, which for a first
    /// layer's input saves a product as large as any. A parameter of the network keeps its gradient, traced so or not. Where that gradient is wanted, start with dfdx's `leaky_traced` instead.
    pub fn trace<S: Shape>(&mut self, data: Tensor<S, f32, Cpu>) -> Tensor<S, f32, Cpu, OwnedTape<f32, Cpu>> {
        self.data.push(id_of(&data));
        data.leaky_traced()
    }

    /// Runs the backward pass of `loss` and adds the gradients of `network`'s parameters to those that the store has. Those of anything
    /// else (inputs, intermediate results, another network) are forgotten.
    ///
    /// The sum over all passes until [`GradientStore::update`] is what dfdx's own `backward` would have accumulated.
    ///
    /// # Errors
    /// [`ModelError::Device`] where dfdx fails, out of memory for one; the store is as it was.
    pub fn backward<N: NetworkTensors<Cpu> + ?Sized>(
        &mut self,
        loss: Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>>,
        network: &N,
    ) -> Result<(), ModelError> {
        let mut data = std::mem::take(&mut self.data);
        // A parameter may be a layer's input too (a trained prompt); traced or not, its gradient is asked for.
        network.for_each_tensor(&mut |Visited { trained, tensor, .. }| {
            if trained && !data.is_empty() {
                let parameter = tensor.id();
                data.retain(|id| *id != parameter);
            }
        });
        let mut pass = Pass::new(data, self.in_chain)?;
        let (loss, mut tape) = loss.split_tape();
        let marker = pass.marker.clone();
        tape.add_backward_op(move |gradients| {
            gradients.get_or_alloc_mut(&marker)?[0] = 1.0;
            Ok(())
        });
        let collecting = Collecting::start(pass);
        let gradients = loss.put_tape(tape).try_backward().map_err(ModelError::device);
        pass = collecting.finish()?;
        let mut gradients = gradients?;
        let (mut seen, mut failed) = (BTreeSet::new(), None);
        network.for_each_tensor(&mut |Visited { trained, tensor, has_gradient, .. }| {
            let id = tensor.id();
            // A parameter once more: a clone in another field.
            if !trained || failed.is_some() || !seen.insert(id) {
                return;
            }
            let factors = pass.factors.remove(&id).unwrap_or_default();
            let is_whole = if pass.whole.contains(&id) { Ok(true) } else { has_gradient(&gradients) };
            let whole = match is_whole {
                Ok(false) => None,
                Ok(true) => match tensor.gradient(&mut gradients) {
                    Ok(gradient) => Some(std::mem::take(&mut **gradient)),
                    Err(error) => return failed = Some(error),
                },
                Err(error) => return failed = Some(error),
            };
            if whole.is_some() || !factors.is_empty() {
                let pending = self.pending.entry(id).or_default();
                pending.factors.extend(factors);
                whole.into_iter().for_each(|whole| pending.add_whole(whole));
                pending.bound();
            }
        });
        match failed {
            Some(error) => Err(ModelError::device(error)),
            None => Ok(()),
        }
    }

    /// Whether there is no gradient: before the first backward pass, and after an update.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Forgets all gradients.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// The gradient of `parameter`, if there is one, to be looked at; it stays.
    pub fn gradient<S: Shape>(&mut self, parameter: &Tensor<S, f32, Cpu>) -> Option<Gradient<'_>> {
        let pending = self.pending.get_mut(&id_of(parameter))?;
        Some(pending.total())
    }

    /// The sum of the squares of all gradients that the store has, before the update that clips them by it.
    pub fn squared_norm(&mut self) -> f64 {
        self.pending.values_mut().map(PendingGradient::squared_norm).sum()
    }

    /// Shows each trained parameter of `network` with its gradient to `apply`, in the order of dfdx's walk, and forgets those gradients.
    ///
    /// # Errors
    /// [`ModelError::NoGradient`] where a parameter has none: no backward pass came before, or its loss did not depend on the parameter;
    /// [`ModelError::NotContiguous`] where one is not laid out row by row. Nothing was updated then.
    pub fn update<N: NetworkTensors<Cpu> + ?Sized>(
        &mut self,
        network: &mut N,
        mut apply: impl FnMut(TrainedParameter<'_>),
    ) -> Result<(), ModelError> {
        let (mut parameters, mut failed) = (Vec::new(), None);
        network.for_each_tensor(&mut |Visited { name, trained, tensor, .. }| {
            if !trained || failed.is_some() {
                return;
            }
            let id = tensor.id();
            if !self.pending.contains_key(&id) {
                failed = Some(ModelError::NoGradient { parameter: name });
            } else if !tensor.has_values() {
                failed = Some(ModelError::NotContiguous { parameter: name });
            } else {
                parameters.push((id, name, tensor.sizes()));
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let mut next = parameters.iter();
        network.for_each_tensor_mut(&mut |trained, tensor| {
            if !trained {
                return;
            }
            if let Some((id, name, shape)) = next.next()
                && let Some(pending) = self.pending.get_mut(id)
                && let Some(values) = tensor.values_mut()
            {
                apply(TrainedParameter { name, shape, values, gradient: pending.total() });
            }
        });
        for (id, ..) in parameters {
            self.pending.remove(&id).into_iter().for_each(PendingGradient::recycle);
        }
        Ok(())
    }
}
