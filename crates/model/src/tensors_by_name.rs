//! All tensors of a network in order, by dfdx's own walk, under the names that files have for them.

use std::convert::Infallible;

use dfdx::prelude::*;

use crate::storage::{copy_of, sizes};
use crate::walk::{EachTensor, EachTensorMut, Visited, walk, walk_mut};
use crate::{ModelError, TensorSpec};

/// A tensor in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name in files: `layer1.weight`.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// The tensors of `network`: names, shapes, and whether an optimizer changes them.
pub fn tensor_specs<M: TensorCollection<f32, D>, D: Device<f32>>(network: &M) -> Vec<TensorSpec> {
    let mut read = Read { specs: Vec::new(), values: None };
    let Ok(()) = walk(network, &mut read);
    read.specs
}

/// Copies of the tensors of `network`, in order.
pub fn tensors_of<M: TensorCollection<f32, D>, D: Device<f32>>(network: &M) -> Vec<NamedTensor> {
    let mut read = Read { specs: Vec::new(), values: Some(Vec::new()) };
    let Ok(()) = walk(network, &mut read);
    let values = read.values.unwrap_or_default();
    let tensors = read.specs.into_iter().zip(values);
    tensors.map(|(TensorSpec { name, shape, .. }, values)| NamedTensor { name, shape, values }).collect()
}

/// Gives `network` the values of `tensors`, which must be its own in names, shapes and order.
///
/// # Errors
/// [`ModelError::Mismatch`] where they are not; the network keeps its own values then.
pub fn load_tensors<M: TensorCollection<f32, D>, D: Device<f32>>(
    network: &mut M,
    tensors: &[NamedTensor],
) -> Result<(), ModelError> {
    let own = tensor_specs(network);
    let name = |name: &str, shape: &[usize]| format!("{name} {shape:?}");
    let found: Vec<_> = tensors.iter().map(|tensor| name(&tensor.name, &tensor.shape)).collect();
    let expected: Vec<_> = own.iter().map(|tensor| name(&tensor.name, &tensor.shape)).collect();
    let whole = tensors.iter().all(|tensor| tensor.values.len() == tensor.shape.iter().product::<usize>());
    if found != expected || !whole {
        return Err(ModelError::Mismatch { expected: expected.join(", "), found: found.join(", ") });
    }
    fill(network, &tensors.iter().map(|tensor| &tensor.values[..]).collect::<Vec<_>>());
    Ok(())
}

/// Gives the tensors of `network` these values, as many as they have, in order.
pub(crate) fn fill<M: TensorCollection<f32, D>, D: Device<f32>, V: AsRef<[f32]>>(network: &mut M, values: &[V]) {
    let Ok(()) = walk_mut(network, &mut Write { values: values.iter() });
}

struct Read {
    specs: Vec<TensorSpec>,
    values: Option<Vec<Vec<f32>>>,
}

impl<D: Device<f32>> EachTensor<D> for Read {
    type Error = Infallible;

    fn visit<S: Shape>(&mut self, visited: Visited<&Tensor<S, f32, D>>) -> Result<(), Infallible> {
        let Visited { name, trained, tensor } = visited;
        self.specs.push(TensorSpec { name, shape: sizes(tensor), trained });
        if let Some(values) = &mut self.values {
            values.push(copy_of(tensor));
        }
        Ok(())
    }
}

struct Write<'a, V> {
    values: std::slice::Iter<'a, V>,
}

impl<D: Device<f32>, V: AsRef<[f32]>> EachTensorMut<D> for Write<'_, V> {
    type Error = Infallible;

    fn visit<S: Shape>(&mut self, visited: Visited<&mut Tensor<S, f32, D>>) -> Result<(), Infallible> {
        if let Some(values) = self.values.next() {
            visited.tensor.copy_from(values.as_ref());
        }
        Ok(())
    }
}
