//! The values of a dfdx tensor on the CPU as a slice.
//!
//! dfdx keeps a tensor's storage private and hands out single elements only. A copy of 25 MB of weights for every product
//! would cost as much as the product, so this module, and no other, goes from the first element to all of them.
//!
//! A reference to one element may not reach its neighbours under Stacked Borrows. So the pointer to the whole is made from the
//! element's address and the provenance that was exposed for it ([`std::ptr::with_exposed_provenance`]):
//!
//! - for a buffer of ours, that of the vector itself, exposed before dfdx takes it ([`tensor_from_vec`], [`own_storage`]): valid under Stacked
//!   and Tree Borrows;
//! - for a buffer that dfdx made (the output of an operation of its own, a parameter that it copied since a clone shared it), that of the
//!   element, exposed here: valid under Tree Borrows only.

use std::any::Any;

use dfdx::prelude::*;

/// A tensor of `values`, which a CPU takes without a copy: dfdx's `try_tensor_from_vec`, the provenance of the buffer exposed before, as this
/// crate's safety argument wants it under Stacked Borrows (see ARCHITECTURE, "Unsafe code").
///
/// # Errors
/// What the device says: `shape` has another number of elements, or there is no memory for them.
pub fn tensor_from_vec<S: Shape, D: TensorFromVec<f32>>(
    device: &D,
    mut values: Vec<f32>,
    shape: S,
) -> Result<Tensor<S, f32, D>, D::Err> {
    values.as_mut_ptr().expose_provenance();
    device.try_tensor_from_vec(values, shape)
}

/// The same tensor under the same id, its sizes said otherwise: at run time only, so that what is done with it is compiled once, or by the type of a layer.
///
/// # Panics
/// Where `Dst` does not have its sizes: any are sizes at run time, and a layer's own operation gives what its type says.
pub(crate) fn realized<S: Shape, Dst: Shape<Concrete = S::Concrete>, D: Storage<f32>, T: Tape<f32, D>>(
    tensor: Tensor<S, f32, D, T>,
) -> Tensor<Dst, f32, D, T> {
    match tensor.try_realize() {
        Ok(tensor) => tensor,
        Err(tensor) => unreachable!("{:?} of a layer that gives other sizes", tensor.shape()),
    }
}

/// A copy of a tensor's values, row-major.
///
/// # Panics
/// Where there is no memory for it, as [`strata_kernels::zeros`] does; dfdx's `as_vec` would abort.
pub(crate) fn copy_of<S: Shape, D: Device<f32>>(tensor: &Tensor<S, f32, D>) -> Vec<f32> {
    match (tensor as &dyn Any).downcast_ref::<Tensor<S, f32, Cpu>>() {
        // dfdx pushes one value after the other.
        Some(tensor) if is_contiguous(tensor) => strata_kernels::copied(values(tensor)),
        _ => {
            drop(strata_kernels::with_room::<f32>(tensor.shape().num_elements()));
            tensor.as_vec()
        }
    }
}

/// The values of a contiguous tensor.
///
/// # Panics
/// Where the tensor is not laid out row by row; callers make sure of it ([`ReshapeTo::try_contiguous`]).
#[allow(unsafe_code, reason = "dfdx has no other way to a tensor's storage; the reason it is sound is at the block")]
pub(crate) fn values<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let count = tensor.shape().num_elements();
    if count == 0 {
        return &[];
    }
    assert!(is_contiguous(tensor), "a tensor that is not contiguous: {:?}", tensor.shape());
    let first = std::ptr::from_ref(&tensor[S::Concrete::default()]).expose_provenance();
    // SAFETY: `first` is the address of element 0 of the tensor's `Vec<f32>`; its strides were checked to be those of a contiguous tensor, so
    // its `count` elements are the first `count` of that vector, initialised and within one allocation. The
    // slice borrows the tensor, so the storage is neither freed nor (it is behind an `Arc`) changed while it lives. The provenance is
    // that of the vector where the buffer is ours, else that of the element; what each is good for is said above.
    unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(first), count) }
}

/// The values of a contiguous tensor, to be changed. Copies the storage first where another tensor shares it.
///
/// # Panics
/// As [`values`].
#[allow(unsafe_code, reason = "as for `values`")]
pub(crate) fn values_mut<S: Shape, T>(tensor: &mut Tensor<S, f32, Cpu, T>) -> &mut [f32] {
    let count = tensor.shape().num_elements();
    if count == 0 {
        return &mut [];
    }
    assert!(is_contiguous(tensor), "a tensor that is not contiguous: {:?}", tensor.shape());
    let first = std::ptr::from_mut(&mut tensor[S::Concrete::default()]).expose_provenance();
    // SAFETY: as in `values`; dfdx's `IndexMut` makes the storage this tensor's own (`Arc::make_mut`) before it hands out
    // the element, and the slice borrows the tensor mutably, so nothing else reaches the storage while it lives.
    unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(first), count) }
}

/// Whether the elements lie row by row: the strides are private, so the addresses of each axis' second element tell them.
pub(crate) fn is_contiguous<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> bool {
    let shape = *tensor.shape();
    if shape.num_elements() == 0 {
        return true;
    }
    let address = |index: S::Concrete| std::ptr::from_ref(&tensor[index]).addr();
    let start = address(S::Concrete::default());
    let sizes = shape.concrete();
    let strides = shape.strides();
    (0..S::NUM_DIMS).all(|axis| {
        let mut second = S::Concrete::default();
        if sizes[axis] <= 1 {
            return true;
        }
        second[axis] = 1;
        address(second).wrapping_sub(start) / size_of::<f32>() == strides[axis]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_all_elements_in_order() {
        let device = Cpu::default();
        let mut tensor = device.tensor([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(values(&tensor), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let shared = tensor.clone();
        values_mut(&mut tensor)[4] = 50.0;
        assert_eq!(tensor.array(), [[1.0, 2.0, 3.0], [4.0, 50.0, 6.0]]);
        assert_eq!(values(&shared)[4], 5.0, "a tensor that shared the storage keeps its own");
    }

    #[test]
    fn a_tensor_without_elements_has_no_values() {
        let mut empty = Cpu::default().zeros_like(&(0, Const::<3>));
        assert!(values(&empty).is_empty() && values_mut(&mut empty).is_empty());
    }

    #[test]
    #[should_panic(expected = "not contiguous")]
    fn values_of_a_broadcast_tensor_are_refused() {
        let device = Cpu::default();
        let row: Tensor<Rank1<3>, f32, _> = device.tensor([1.0, 2.0, 3.0]);
        let matrix: Tensor<Rank2<2, 3>, f32, _> = row.broadcast();
        values(&matrix);
    }
}
