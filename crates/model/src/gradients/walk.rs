//! The walks over a network's parameters: what there is of their gradients, whether all have one, and the update.

use std::collections::BTreeMap;
use std::convert::Infallible;

use dfdx::prelude::*;

use super::TrainedParameter;
use super::pass::id_of;
use super::pending::PendingGradient;
use crate::ModelError;
use crate::storage::{is_contiguous, sizes, values_mut};
use crate::tensors_by_name::Namer;

pub(super) struct Collect<'a, F> {
    pub(super) gradients: &'a mut Gradients<f32, Cpu>,
    pub(super) collect: &'a mut F,
}

impl<F> TensorVisitor<f32, Cpu> for Collect<'_, F>
where
    F: FnMut(UniqueId, &mut dyn FnMut() -> Result<Vec<f32>, CpuError>) -> Result<(), CpuError>,
{
    type Viewer = ViewTensorRef;
    type Err = CpuError;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        tensor: &Tensor<S, f32, Cpu>,
    ) -> Result<Option<Tensor<S, f32, Cpu>>, CpuError> {
        if options.do_gradient_update {
            let gradients = &mut *self.gradients;
            (self.collect)(id_of(tensor), &mut || {
                let gradient: &mut Vec<f32> = gradients.get_or_alloc_mut(tensor)?;
                Ok(std::mem::take(gradient))
            })?;
        }
        Ok(None)
    }
}

/// Takes the trained parameters out of the list of tensors whose gradient nobody asks for.
pub(super) struct KeepParameters<'a> {
    pub(super) data: &'a mut Vec<UniqueId>,
}

impl TensorVisitor<f32, Cpu> for KeepParameters<'_> {
    type Viewer = ViewTensorRef;
    type Err = Infallible;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        tensor: &Tensor<S, f32, Cpu>,
    ) -> Result<Option<Tensor<S, f32, Cpu>>, Infallible> {
        if options.do_gradient_update && !self.data.is_empty() {
            let parameter = id_of(tensor);
            self.data.retain(|id| *id != parameter);
        }
        Ok(None)
    }
}

pub(super) struct Check<'a> {
    pub(super) namer: Namer,
    pub(super) pending: &'a BTreeMap<UniqueId, PendingGradient>,
}

impl TensorVisitor<f32, Cpu> for Check<'_> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = ModelError;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        (tensor, path): (&Tensor<S, f32, Cpu>, String),
    ) -> Result<Option<Tensor<S, f32, Cpu>>, ModelError> {
        let name = self.namer.name(&path);
        if options.do_gradient_update {
            if !self.pending.contains_key(&id_of(tensor)) {
                return Err(ModelError::NoGradient { parameter: name });
            }
            if !is_contiguous(tensor) {
                return Err(ModelError::NotContiguous { parameter: name });
            }
        }
        Ok(None)
    }
}

pub(super) struct Apply<'a, F> {
    pub(super) namer: Namer,
    pub(super) pending: &'a mut BTreeMap<UniqueId, PendingGradient>,
    pub(super) used: Vec<UniqueId>,
    pub(super) apply: &'a mut F,
}

impl<F: FnMut(TrainedParameter<'_>)> TensorVisitor<f32, Cpu> for Apply<'_, F> {
    type Viewer = (ViewTensorMut, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = Cpu;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Cpu>,
        (tensor, path): (&mut Tensor<S, f32, Cpu>, String),
    ) -> Result<Option<Tensor<S, f32, Cpu>>, Infallible> {
        let name = self.namer.name(&path);
        let id = id_of(tensor);
        if options.do_gradient_update
            && let Some(pending) = self.pending.get_mut(&id)
        {
            let shape = sizes(tensor);
            let gradient = pending.total();
            (self.apply)(TrainedParameter { name: &name, shape: &shape, values: values_mut(tensor), gradient });
            self.used.push(id);
        }
        Ok(None)
    }
}
