//! All tensors of a network in order, by dfdx's own walk, under the names that files have for them.

use dfdx::prelude::*;

use crate::walk::{NetworkTensors, Visited};
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
pub fn tensor_specs<N: NetworkTensors<D> + ?Sized, D: Device<f32>>(network: &N) -> Vec<TensorSpec> {
    let mut specs = Vec::new();
    network.for_each_tensor(&mut |Visited { name, trained, tensor, .. }| {
        specs.push(TensorSpec { name, shape: tensor.sizes(), trained });
    });
    specs
}

/// Copies of the tensors of `network`, in order.
pub fn tensors_of<N: NetworkTensors<D> + ?Sized, D: Device<f32>>(network: &N) -> Vec<NamedTensor> {
    let mut tensors = Vec::new();
    network.for_each_tensor(&mut |Visited { name, tensor, .. }| {
        tensors.push(NamedTensor { name, shape: tensor.sizes(), values: tensor.copy() });
    });
    tensors
}

/// Gives `network` the values of `tensors`, which must be its own in names, shapes and order.
///
/// # Errors
/// [`ModelError::Mismatch`] where they are not; the network keeps its own values then.
pub fn load_tensors<N: NetworkTensors<D> + ?Sized, D: Device<f32>>(
    network: &mut N,
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
    let mut values = tensors.iter().map(|tensor| &tensor.values);
    network.for_each_tensor_mut(&mut |_, tensor| {
        if let Some(values) = values.next() {
            tensor.set(values);
        }
    });
    Ok(())
}

/// Moves each tensor of `network` into a buffer of ours, so that its values are reached as this crate's safety argument has it under Stacked
/// Borrows too (see ARCHITECTURE, "Unsafe code"). The values stay; the tensors' ids are new, so do this before an optimizer knows them.
pub fn own_storage<N: NetworkTensors<Cpu> + ?Sized>(network: &mut N) {
    network.for_each_tensor_mut(&mut |_, tensor| tensor.own());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::values;

    #[test]
    fn owned_storage_keeps_the_values() {
        let device = Cpu::default();
        let mut tensor: Tensor<Rank2<2, 3>, f32, _> = device.sample_normal();
        let before = tensor.array();
        let address = values(&tensor).as_ptr();
        own_storage(&mut tensor);
        assert_eq!(tensor.array(), before);
        assert_ne!(values(&tensor).as_ptr(), address, "another buffer");
    }
}
