//! The launches, and all that is unsafe about them: each checks first that no thread can leave a buffer.

use std::sync::Arc;

use cudarc::driver::sys::CUresult;
use cudarc::driver::{
    CudaDevice, CudaFunction, CudaSlice, CudaViewMut, DeviceSlice, DriverError, LaunchAsync, LaunchConfig,
};
use dfdx::prelude::*;
use strata_kernels::Targets;

use super::{THREADS, blocks, mask_blocks};
use crate::ModelError;
use crate::layer::Mask;

const SOURCE: &str = include_str!("kernels.cu");
const MODULE: &str = "strata";
const GATHER: &str = "gather_bytes";
const MASK: &str = "dropout_mask";
const LOSS: &str = "cross_entropy";
const GRADIENT: &str = "cross_entropy_gradient";
const VIEWS: &str = "both_views";
const VIEWS_GRADIENT: &str = "both_views_gradient";

/// Compiles and loads the kernels on the card, so that what is wrong with them is told at the start, in words. Whoever does not call this
/// has them compiled at their first use.
///
/// # Errors
/// [`ModelError::Card`] where NVRTC does not compile them or the driver does not take them.
pub fn prepare_card(device: &Cuda) -> Result<(), ModelError> {
    let card = card_of(device).map_err(|error| ModelError::Card { reason: format!("{error:?}") })?;
    load(&card).map_err(|reason| ModelError::Card { reason })
}

/// cudarc's device, which dfdx keeps to itself and every buffer of it knows.
pub(super) fn card_of(device: &Cuda) -> Result<Arc<CudaDevice>, CudaError> {
    let buffer = Storage::<f32>::try_alloc_len(device, 1)?;
    Ok(buffer.device())
}

fn load(card: &Arc<CudaDevice>) -> Result<(), String> {
    if card.has_func(MODULE, GATHER) {
        return Ok(());
    }
    let ptx = cudarc::nvrtc::compile_ptx(SOURCE).map_err(|error| error.to_string())?;
    card.load_ptx(ptx, MODULE, &[GATHER, MASK, LOSS, GRADIENT, VIEWS, VIEWS_GRADIENT])
        .map_err(|error| error.to_string())
}

fn kernel(card: &Arc<CudaDevice>, name: &str) -> Result<CudaFunction, CudaError> {
    // dfdx's error has no place for words; `prepare_card` has.
    let error = |code| CudaError::Driver(DriverError(code));
    load(card).map_err(|_| error(CUresult::CUDA_ERROR_INVALID_SOURCE))?;
    card.get_func(MODULE, name).ok_or_else(|| error(CUresult::CUDA_ERROR_NOT_FOUND))
}

/// A size as kernels take it.
fn size(count: usize) -> Result<u32, CudaError> {
    u32::try_from(count).map_err(|_| CudaError::Cpu(CpuError::WrongNumElements))
}

/// A row of blocks.
fn grid(blocks: u32) -> LaunchConfig {
    // A card takes 1 to 2³¹ - 1.
    assert!((1..1 << 31).contains(&blocks), "a grid of {blocks} blocks");
    LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 }
}

// What is common to the arguments below. All buffers are the card's own; the one that is written is borrowed mutably, so no other argument is
// it. A launch, the copies before it and whatever uses or frees a buffer after it are on the device's one stream (dfdx's second one
// waits for it and is waited for within each product), so none outruns another.

/// `out[n, f] = tables[f / part][bytes[indices[n], f]]`, with `features` a sample.
#[allow(unsafe_code, reason = "a launch is unsafe; the reason this one is sound is at the block")]
pub(super) fn gather(
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
    let Ok(count) = u32::try_from(indices.len()) else { unreachable!("an index is 32 bits") };
    if count == 0 {
        return Ok(());
    }
    let function = kernel(card, GATHER)?;
    let indices = card.htod_copy(indices.to_vec())?;
    // SAFETY: the arguments are those of `gather_bytes` in kernels.cu, in number, order and width. Block n writes out[n, 0..features],
    // inside `out` by the second assertion; it reads indices[n], one a block, the bytes of a sample below `samples` (first
    // assertion), and tables[f / part] for f below `features` (third). The rest is said above.
    unsafe { function.launch(grid(count), (out, bytes, tables, &indices, features, part)) }?;
    Ok(())
}

/// Fills `out` with a dropout mask: to the bit what [`Mask::apply`] makes of ones.
#[allow(unsafe_code, reason = "as for `gather`")]
pub(super) fn mask(out: &mut CudaSlice<f32>, dropout: Mask) -> Result<(), CudaError> {
    let count = out.len();
    if count == 0 {
        return Ok(());
    }
    let function = kernel(&out.device(), MASK)?;
    let (seed, stream) = dropout.key();
    let (threshold, scale) = (dropout.threshold(), dropout.scale());
    // SAFETY: the arguments are those of `dropout_mask` in kernels.cu, in number, order and width. It writes out[i] for i below `count`
    // only, which is the buffer's length, and reads no memory. The rest is said above.
    unsafe { function.launch(grid(mask_blocks(count)), (out, count as u64, seed, stream, threshold, scale)) }?;
    Ok(())
}

/// Logits `[targets.labels.len(), classes]` on a card, with what they are to say, spread by `smoothing`.
pub(super) struct Labelled {
    card: Arc<CudaDevice>,
    logits: <Cuda as Storage<f32>>::Vec,
    /// `[samples, 3]`: a class, another, the share of the first.
    targets: CudaSlice<f32>,
    smoothing: f32,
    samples: u32,
    classes: u32,
}

impl Labelled {
    pub(super) fn new(
        logits: <Cuda as Storage<f32>>::Vec,
        targets: Targets<'_>,
        smoothing: f32,
        classes: usize,
    ) -> Result<Self, CudaError> {
        let checked = targets.check(logits.len() / classes, classes);
        assert!(checked.is_ok(), "targets that were not checked: {checked:?}");
        assert_eq!(logits.len(), targets.labels.len() * classes, "logits are whole rows");
        let (samples, classes) = (size(targets.labels.len())?, size(classes)?);
        let card = logits.device();
        let of_sample = |[(first, share), (other, _)]: [(usize, f32); 2]| [first as f32, other as f32, share];
        let targets = card.htod_copy(targets.shares().flat_map(of_sample).collect())?;
        Ok(Self { card, logits, targets, smoothing, samples, classes })
    }

    pub(super) fn card(&self) -> &Arc<CudaDevice> {
        &self.card
    }

    /// `out[n] = (loss, 1 where right)` of each sample.
    #[allow(unsafe_code, reason = "as for `gather`")]
    pub(super) fn score(&self, out: &mut CudaViewMut<'_, f32>) -> Result<(), CudaError> {
        assert_eq!(out.len(), 2 * self.samples as usize, "two values a sample");
        let function = kernel(&self.card, LOSS)?;
        let logits: &CudaSlice<f32> = &self.logits;
        let arguments = (logits, &self.targets, out, self.smoothing, self.samples, self.classes);
        // SAFETY: the arguments are those of `cross_entropy` in kernels.cu, in number, order and width. A thread below `samples` reads its
        // row of the logits and its target, three values, which `new` put or checked to be there, and writes two values, inside `out` by the
        // assertion. Classes are compared with, never read at. The rest is said above.
        unsafe { function.launch(grid(blocks(self.samples)), arguments) }?;
        Ok(())
    }

    /// Adds `upstream`, one value, times the mean loss' gradient to `gradient`, shaped as the logits.
    #[allow(unsafe_code, reason = "as for `gather`")]
    pub(super) fn add_gradient(
        &self,
        upstream: &CudaSlice<f32>,
        gradient: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        assert_eq!(upstream.len(), 1, "one value");
        assert_eq!(gradient.len(), self.logits.len(), "a gradient for each logit");
        let function = kernel(&self.card, GRADIENT)?;
        let logits: &CudaSlice<f32> = &self.logits;
        let arguments = (logits, &self.targets, upstream, gradient, self.smoothing, self.samples, self.classes);
        // SAFETY: as for `score`; `upstream` is read at 0, and the thread adds to its row of `gradient`, which the second assertion says is there.
        unsafe { function.launch(grid(blocks(self.samples)), arguments) }?;
        Ok(())
    }
}

/// A mirror's places on a card, one for each input.
pub(super) struct Places(pub(super) <Cuda as Storage<f32>>::Vec);

impl Places {
    /// Samples of `rows`, `[samples, inputs]`, and as many in `views`, `[2, samples, inputs]`.
    fn samples(&self, rows: &CudaSlice<f32>, views: &CudaSlice<f32>) -> Result<(u32, u32), CudaError> {
        let inputs = self.0.len();
        assert!(inputs > 0 && rows.len().is_multiple_of(inputs), "whole samples");
        assert_eq!(views.len(), 2 * rows.len(), "two views of each sample");
        Ok((size(rows.len() / inputs)?, size(inputs)?))
    }

    /// Writes both views of `rows` to `views`.
    #[allow(unsafe_code, reason = "as for `gather`")]
    pub(super) fn views(&self, rows: &CudaSlice<f32>, views: &mut CudaSlice<f32>) -> Result<(), CudaError> {
        let (samples, inputs) = self.samples(rows, views)?;
        if samples == 0 {
            return Ok(());
        }
        let function = kernel(&rows.device(), VIEWS)?;
        let places: &CudaSlice<f32> = &self.0;
        // SAFETY: the arguments are those of `both_views` in kernels.cu, in number, order and width. Block n reads row n and the places, writes row n of
        // each view, all there by `samples`; within a row it reads where a place says only after it has found that to be one of the `inputs`. The rest is
        // said above.
        unsafe { function.launch(grid(samples), (views, rows, places, inputs)) }?;
        Ok(())
    }

    /// Adds the gradient of both views to that of their samples.
    #[allow(unsafe_code, reason = "as for `gather`")]
    pub(super) fn add_gradient(
        &self,
        of_views: &CudaSlice<f32>,
        gradient: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let (samples, inputs) = self.samples(gradient, of_views)?;
        if samples == 0 {
            return Ok(());
        }
        let function = kernel(&of_views.device(), VIEWS_GRADIENT)?;
        let places: &CudaSlice<f32> = &self.0;
        // SAFETY: as for `views`; the arguments are those of `both_views_gradient`, block n adds to row n of `gradient`.
        unsafe { function.launch(grid(samples), (gradient, of_views, places, inputs)) }?;
        Ok(())
    }
}
