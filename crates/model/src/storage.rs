//! The values of a dfdx tensor on the CPU as a slice.
//!
//! dfdx keeps a tensor's storage private and hands out single elements only. A copy of 25 MB of weights for every product
//! would cost as much as the product, so this module, and no other, goes from the first element to all of them.

use dfdx::prelude::*;

/// The values of a contiguous tensor.
///
/// # Panics
/// Where the tensor is not laid out row by row, which none that this crate makes is.
#[allow(unsafe_code, reason = "dfdx has no other way to a tensor's storage; the reason it is sound is at the block")]
pub(crate) fn values<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let count = checked_len(tensor);
    let first: *const f32 = &tensor[S::Concrete::default()];
    // SAFETY: `first` points to element 0 of the tensor's `Vec<f32>`; its strides were checked to be those of a contiguous tensor, so
    // its `count` elements are the first `count` of that vector, initialised and within one allocation. The
    // slice borrows the tensor, so the storage is neither freed nor (it is behind an `Arc`) changed while it lives.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// The values of a contiguous tensor, to be changed. Copies the storage first where another tensor shares it.
///
/// # Panics
/// As [`values`].
#[allow(unsafe_code, reason = "as for `values`")]
pub(crate) fn values_mut<S: Shape, T>(tensor: &mut Tensor<S, f32, Cpu, T>) -> &mut [f32] {
    let count = checked_len(tensor);
    let first: *mut f32 = &mut tensor[S::Concrete::default()];
    // SAFETY: as in `values`; dfdx's `IndexMut` makes the storage this tensor's own (`Arc::make_mut`) before it hands out
    // the element, and the slice borrows the tensor mutably, so nothing else reaches the storage while it lives.
    unsafe { std::slice::from_raw_parts_mut(first, count) }
}

/// The number of elements, at least one, after checking that they lie row by row: the strides are private, so the
/// addresses of each axis' second element tell them.
fn checked_len<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> usize {
    let shape = *tensor.shape();
    let count = shape.num_elements();
    assert!(count > 0, "an empty tensor has no first element: {shape:?}");
    let address = |index: S::Concrete| std::ptr::from_ref(&tensor[index]).addr();
    let start = address(S::Concrete::default());
    let sizes = shape.concrete();
    let strides = shape.strides();
    for axis in 0..S::NUM_DIMS {
        let mut second = S::Concrete::default();
        if sizes[axis] > 1 {
            second[axis] = 1;
            let stride = address(second).wrapping_sub(start) / size_of::<f32>();
            assert_eq!(stride, strides[axis], "a tensor that is not contiguous: {shape:?}");
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_elements_in_order() {
        let device = Cpu::default();
        let mut tensor = device.tensor([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(values(&tensor), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let shared = tensor.clone();
        values_mut(&mut tensor)[4] = 50.0;
        assert_eq!(tensor.array(), [[1.0, 2.0, 3.0], [4.0, 50.0, 6.0]]);
        assert_eq!(values(&shared)[4], 5.0, "a tensor that shared the storage keeps its own");
    }

    #[test]
    #[should_panic(expected = "not contiguous")]
    fn a_broadcast_tensor_is_refused() {
        let device = Cpu::default();
        let row: Tensor<Rank1<3>, f32, _> = device.tensor([1.0, 2.0, 3.0]);
        let matrix: Tensor<Rank2<2, 3>, f32, _> = row.broadcast();
        values(&matrix);
    }
}
