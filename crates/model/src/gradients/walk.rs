//! What is done on walks over a network's parameters: what there is of their gradients, whether all have one, and the update.

use std::collections::BTreeMap;
use std::convert::Infallible;

use dfdx::prelude::*;

use super::TrainedParameter;
use super::pass::id_of;
use super::pending::PendingGradient;
use crate::ModelError;
use crate::storage::{is_contiguous, sizes, values_mut};
use crate::walk::{EachTensor, EachTensorMut, Visited};

pub(super) struct Collect<'a, F> {
    pub(super) gradients: &'a mut Gradients<f32, Cpu>,
    pub(super) collect: &'a mut F,
}

impl<F> EachTensor<Cpu> for Collect<'_, F>
where
    F: FnMut(UniqueId, &mut dyn FnMut() -> Result<Vec<f32>, CpuError>) -> Result<(), CpuError>,
{
    type Error = CpuError;

    fn visit<S: Shape>(&mut self, visited: Visited<&Tensor<S, f32, Cpu>>) -> Result<(), CpuError> {
        let Visited { trained, tensor, .. } = visited;
        if !trained {
            return Ok(());
        }
        let gradients = &mut *self.gradients;
        (self.collect)(id_of(tensor), &mut || {
            let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(tensor)?;
            Ok(std::mem::take(gradient))
        })
    }
}

/// Takes the trained parameters out of the list of tensors whose gradient nobody asks for.
pub(super) struct KeepParameters<'a> {
    pub(super) data: &'a mut Vec<UniqueId>,
}

impl EachTensor<Cpu> for KeepParameters<'_> {
    type Error = Infallible;

    fn visit<S: Shape>(&mut self, visited: Visited<&Tensor<S, f32, Cpu>>) -> Result<(), Infallible> {
        if visited.trained && !self.data.is_empty() {
            let parameter = id_of(visited.tensor);
            self.data.retain(|id| *id != parameter);
        }
        Ok(())
    }
}

pub(super) struct Check<'a> {
    pub(super) pending: &'a BTreeMap<UniqueId, PendingGradient>,
}

impl EachTensor<Cpu> for Check<'_> {
    type Error = ModelError;

    fn visit<S: Shape>(&mut self, visited: Visited<&Tensor<S, f32, Cpu>>) -> Result<(), ModelError> {
        let Visited { name, trained, tensor } = visited;
        if trained && !self.pending.contains_key(&id_of(tensor)) {
            return Err(ModelError::NoGradient { parameter: name });
        }
        if trained && !is_contiguous(tensor) {
            return Err(ModelError::NotContiguous { parameter: name });
        }
        Ok(())
    }
}

pub(super) struct Apply<'a, F> {
    pub(super) pending: &'a mut BTreeMap<UniqueId, PendingGradient>,
    pub(super) used: Vec<UniqueId>,
    pub(super) apply: &'a mut F,
}

impl<F: FnMut(TrainedParameter<'_>)> EachTensorMut<Cpu> for Apply<'_, F> {
    type Error = Infallible;

    fn visit<S: Shape>(&mut self, visited: Visited<&mut Tensor<S, f32, Cpu>>) -> Result<(), Infallible> {
        let Visited { name, trained, tensor } = visited;
        let id = id_of(tensor);
        if trained && let Some(pending) = self.pending.get_mut(&id) {
            let shape = sizes(tensor);
            let gradient = pending.total();
            (self.apply)(TrainedParameter { name: &name, shape: &shape, values: values_mut(tensor), gradient });
            self.used.push(id);
        }
        Ok(())
    }
}
