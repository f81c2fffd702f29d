//! The launches, and all that is unsafe about them.

use std::sync::Arc;

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaDevice, CudaFunction, CudaSlice, DeviceSlice, DriverError, LaunchAsync, LaunchConfig};
use dfdx::prelude::*;

use super::{THREADS, mask_blocks};
use crate::ModelError;
use crate::dropout::Dropout;
use crate::held::{ByteSamples, HoldingDevice};

const SOURCE: &str = include_str!("kernels.cu");
const MODULE: &str = "strata";
const GATHER: &str = "gather_bytes";
const MASK: &str = "dropout_mask";

/// Compiles and loads the kernels on the card, so that what is wrong with them is told at the start, in words. Whoever does not call this
/// has them compiled at their first use.
///
/// # Errors
/// [`ModelError::Card`] where NVRTC does not compile them or the driver does not take them.
pub fn prepare_card(device: &Cuda) -> Result<(), ModelError> {
    let card = card(device).map_err(|error| ModelError::Card { reason: format!("{error:?}") })?;
    load(&card).map_err(|reason| ModelError::Card { reason })
}

fn load(card: &Arc<CudaDevice>) -> Result<(), String> {
    if card.has_func(MODULE, GATHER) {
        return Ok(());
    }
    let ptx = cudarc::nvrtc::compile_ptx(SOURCE).map_err(|error| error.to_string())?;
    card.load_ptx(ptx, MODULE, &[GATHER, MASK]).map_err(|error| error.to_string())
}

fn kernel(card: &Arc<CudaDevice>, name: &str) -> Result<CudaFunction, CudaError> {
    // dfdx's error has no place for words; `prepare_card` has.
    let error = |code| CudaError::Driver(DriverError(code));
    load(card).map_err(|_| error(CUresult::CUDA_ERROR_INVALID_SOURCE))?;
    card.get_func(MODULE, name).ok_or_else(|| error(CUresult::CUDA_ERROR_NOT_FOUND))
}

/// cudarc's device, which dfdx keeps to itself and every buffer of it knows.
fn card(device: &Cuda) -> Result<Arc<CudaDevice>, CudaError> {
    let buffer = Storage::<f32>::try_alloc_len(device, 1)?;
    Ok(buffer.device())
}

/// Samples in a card's memory.
pub struct HeldOnCard<const I: usize> {
    card: Arc<CudaDevice>,
    /// `[samples, I]`.
    bytes: CudaSlice<u8>,
    /// `[parts, 256]`.
    tables: CudaSlice<f32>,
    samples: usize,
    /// Features that share a table.
    part: u32,
    /// A tensor of each batch size that was asked for, which the buffers below belong to.
    shapes: Vec<Tensor<(usize, Const<I>), f32, Cuda>>,
    buffers: Gradients<f32, Cuda>,
}

/// Batch sizes kept at a time: a training pass has two, an evaluation has two.
const SHAPES: usize = 8;

impl<const I: usize> std::fmt::Debug for HeldOnCard<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldOnCard").field("samples", &self.samples).finish_non_exhaustive()
    }
}

impl HoldingDevice for Cuda {
    type Held<const I: usize> = HeldOnCard<I>;

    fn try_hold<const I: usize>(&self, samples: ByteSamples<'_>) -> Result<HeldOnCard<I>, CudaError> {
        assert!(samples.fits(I) && u32::try_from(I).is_ok(), "{samples:?} are no samples of {I} features");
        let card = card(self)?;
        Ok(HeldOnCard {
            bytes: card.htod_sync_copy(samples.bytes)?,
            tables: card.htod_sync_copy(samples.tables.as_flattened())?,
            card,
            samples: samples.bytes.len() / I,
            part: (I / samples.tables.len()) as u32,
            shapes: Vec::new(),
            buffers: Gradients::leaky(),
        })
    }

    fn held<const I: usize>(held: &HeldOnCard<I>) -> usize {
        held.samples
    }

    fn try_gather<const I: usize>(
        &self,
        held: &mut HeldOnCard<I>,
        indices: &[u32],
    ) -> Result<Tensor<(usize, Const<I>), f32, Self>, CudaError> {
        let shape = (indices.len(), Const::<I>);
        let HeldOnCard { shapes, buffers, .. } = held;
        let known = shapes.iter().position(|tensor| *tensor.shape() == shape);
        let place = match known {
            Some(place) => place,
            None => {
                if shapes.len() == SHAPES {
                    shapes.clear();
                    *buffers = Gradients::leaky();
                }
                shapes.push(self.try_zeros_like(&shape)?);
                shapes.len() - 1
            }
        };
        let like = &held.shapes[place];
        let out: &mut CudaSlice<f32> = held.buffers.get_or_alloc_mut(like)?;
        gather(&held.card, out, &held.bytes, &held.tables, indices, I as u32, held.part)?;
        Ok(held.buffers.get(like))
    }

    fn try_write(&self, buffer: &mut <Self as Storage<f32>>::Vec, values: &[f32]) -> Result<(), CudaError> {
        let buffer: &mut CudaSlice<f32> = buffer;
        buffer.device().htod_sync_copy_into(values, buffer)?;
        Ok(())
    }
}

/// `out[n, f] = tables[f / part][bytes[indices[n], f]]`, after checking that no thread can leave a buffer.
#[allow(unsafe_code, reason = "a launch is unsafe; the reason this one is sound is at the block")]
fn gather(
    card: &Arc<CudaDevice>,
    out: &mut CudaSlice<f32>,
    bytes: &CudaSlice<u8>,
    tables: &CudaSlice<f32>,
    indices: &[u32],
    features: u32,
    part: u32,
) -> Result<(), CudaError> {
    let width = features as usize;
    let samples = bytes.len() / width;
    assert!(indices.iter().all(|index| (*index as usize) < samples), "an index is below {samples}");
    assert_eq!(out.len(), indices.len() * width, "a value for each feature of each sample");
    assert!(part > 0 && tables.len() >= width.div_ceil(part as usize) * 256, "a table for each part");
    // A grid has 1 to 2³¹ - 1 blocks.
    let Some(blocks) = u32::try_from(indices.len()).ok().filter(|blocks| (1..1 << 31).contains(blocks)) else {
        assert!(indices.is_empty(), "more samples than a grid has blocks");
        return Ok(());
    };
    let function = kernel(card, GATHER)?;
    let indices = card.htod_copy(indices.to_vec())?;
    let grid = LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 };
    // SAFETY: the arguments are those of `gather_bytes` in kernels.cu, in number, order and width. Block n writes out[n, 0..features],
    // inside `out` by the second assertion; it reads indices[n], one a block, the bytes of a sample below `samples` (first
    // assertion), and tables[f / part] for f below `features` (third). All buffers are the card's own; `out` is borrowed mutably
    // and no other argument is it. The launch, the copy of the indices before it and whatever uses or frees a buffer after it are on the
    // device's one stream, so none outruns another.
    unsafe { function.launch(grid, (out, bytes, tables, &indices, features, part)) }?;
    Ok(())
}

/// The dropout mask of a tensor shaped as `like`, drawn on the card: to the bit what [`Dropout::apply`] makes of ones.
pub(crate) fn mask<S: Shape, T>(
    like: &Tensor<S, f32, Cuda, T>,
    dropout: Dropout,
) -> Result<Tensor<S, f32, Cuda>, CudaError> {
    let mut buffers = Gradients::leaky();
    draw(buffers.get_or_alloc_mut(like)?, dropout)?;
    Ok(buffers.get(like))
}

#[allow(unsafe_code, reason = "as for `gather`")]
fn draw(out: &mut CudaSlice<f32>, dropout: Dropout) -> Result<(), CudaError> {
    let count = out.len();
    if count == 0 {
        return Ok(());
    }
    let function = kernel(&out.device(), MASK)?;
    let grid = LaunchConfig { grid_dim: (mask_blocks(count), 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 };
    let (seed, stream) = dropout.key();
    let (threshold, scale) = (dropout.threshold(), dropout.scale());
    // SAFETY: the arguments are those of `dropout_mask` in kernels.cu, in number, order and width. It writes out[i] for i below `count`
    // only, which is the buffer's length, and reads no memory. The buffer is the card's own and borrowed mutably; what uses or frees it
    // later is on the device's one stream, after this.
    unsafe { function.launch(grid, (out, count as u64, seed, stream, threshold, scale)) }?;
    Ok(())
}
