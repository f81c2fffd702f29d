//! Training on a card: the data set in its memory, batches and masks made there, scores kept there.

use std::sync::Arc;

use cudarc::driver::{CudaDevice, CudaSlice, CudaViewMut, DeviceSlice};
use dfdx::prelude::*;
use strata_kernels::{LossSum, Targets};

use super::launch::{self, Labelled, Places, card_of};
use crate::layer::Mask;
use crate::training_device::{ByteSamples, TrainingDevice};

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

/// Loss and hit of each sample since they were last read, in order; summed on the host, in double precision.
#[derive(Debug, Default)]
pub struct ScoresOnCard {
    /// Each with how much of it is written.
    chunks: Vec<(CudaSlice<f32>, usize)>,
}

/// Values of a chunk, two a sample: half a megabyte.
const CHUNK: usize = 1 << 17;

impl ScoresOnCard {
    /// Room for `samples` more.
    fn room(&mut self, card: &Arc<CudaDevice>, samples: usize) -> Result<CudaViewMut<'_, f32>, CudaError> {
        let values = 2 * samples;
        let last = match self.chunks.iter().position(|(chunk, written)| chunk.len() - written >= values) {
            Some(place) => place,
            None => {
                self.chunks.push((card.alloc_zeros(CHUNK.max(values))?, 0));
                self.chunks.len() - 1
            }
        };
        let (chunk, written) = &mut self.chunks[last];
        let start = *written;
        *written += values;
        Ok(chunk.slice_mut(start..*written))
    }
}

/// A copy of a tensor's values in a buffer that a kernel can be given. dfdx has no such copy, but its SGD leaves `gradient + decay ·
/// parameter` in the velocity: with a gradient of zero and a decay of 1, the parameter.
fn buffer<S: Shape>(mut tensor: Tensor<S, f32, Cuda>) -> Result<<Cuda as Storage<f32>>::Vec, CudaError> {
    let count = tensor.shape().num_elements();
    let zeros = Storage::<f32>::try_alloc_len(tensor.device(), count)?;
    let mut copies = Gradients::leaky();
    let copy = copies.get_or_alloc_mut(&tensor)?;
    assert_eq!(copy.len(), count, "a tensor that lies in memory as it is shaped");
    let (momentum, weight_decay) = (Some(Momentum::Classic(0.0)), Some(WeightDecay::L2(1.0)));
    SgdConfig { lr: 0.0, momentum, weight_decay }.try_update(&mut tensor, copy, &zeros)?;
    Ok(std::mem::replace(copy, zeros))
}

/// A tensor shaped as `like` of what `write` writes.
fn written<S: Shape, T>(
    like: &Tensor<S, f32, Cuda, T>,
    write: impl FnOnce(&mut CudaSlice<f32>) -> Result<(), CudaError>,
) -> Result<Tensor<S, f32, Cuda>, CudaError> {
    let mut buffers = Gradients::leaky();
    write(buffers.get_or_alloc_mut(like)?)?;
    Ok(buffers.get(like))
}

/// The dropout mask of a tensor shaped as `like`, drawn on the card.
pub(crate) fn mask<S: Shape, T>(
    like: &Tensor<S, f32, Cuda, T>,
    dropout: Mask,
) -> Result<Tensor<S, f32, Cuda>, CudaError> {
    written(like, |mask| launch::mask(mask, dropout))
}

/// Both views of each sample, `[2 batch, I]`; `mirror` is [`Mirror::places`](strata_kernels::Mirror::places), and values are NaN where it is no mirror.
pub(crate) fn views<B: Dim, const I: usize, T: Tape<f32, Cuda>>(
    x: Tensor<(B, Const<I>), f32, Cuda, T>,
    mirror: &Tensor<Rank1<I>, f32, Cuda>,
) -> Result<Tensor<(usize, Const<I>), f32, Cuda, T>, CudaError> {
    let (x, mut tape) = x.try_contiguous()?.split_tape();
    let (of_x, shape) = (x.ghost(), (2 * x.shape().0.size(), Const::<I>));
    let like: Tensor<(usize, Const<I>), f32, Cuda> = x.device().try_zeros_like(&shape)?;
    let (rows, places) = (buffer(x)?, Places(buffer(mirror.clone())?));
    let views = written(&like, |views| places.views(&rows, views))?;
    let of_views = views.ghost();
    tape.add_backward_op(move |gradients| {
        let of_views = gradients.get_or_alloc_mut(&of_views)?.clone();
        places.add_gradient(&of_views, gradients.get_or_alloc_mut(&of_x)?)
    });
    Ok(views.put_tape(tape))
}

impl TrainingDevice for Cuda {
    type Held<const I: usize> = HeldOnCard<I>;
    type Scores = ScoresOnCard;

    fn try_hold<const I: usize>(&self, samples: ByteSamples<'_>) -> Result<HeldOnCard<I>, CudaError> {
        assert!(samples.fits(I) && u32::try_from(I).is_ok(), "{samples:?} are no samples of {I} features");
        let card = card_of(self)?;
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
        let HeldOnCard { card, bytes, tables, part, shapes, buffers, .. } = held;
        let place = match shapes.iter().position(|tensor| *tensor.shape() == shape) {
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
        let like = &shapes[place];
        launch::gather(card, buffers.get_or_alloc_mut(like)?, bytes, tables, indices, I as u32, *part)?;
        Ok(buffers.get(like))
    }

    fn try_write(&self, buffer: &mut <Self as Storage<f32>>::Vec, values: &[f32]) -> Result<(), CudaError> {
        let buffer: &mut CudaSlice<f32> = buffer;
        buffer.device().htod_sync_copy_into(values, buffer)?;
        Ok(())
    }

    fn try_score<const C: usize, T: Tape<f32, Self>>(
        &self,
        logits: Tensor<(usize, Const<C>), f32, Self, T>,
        targets: Targets<'_>,
        smoothing: f32,
        scores: &mut ScoresOnCard,
    ) -> Result<Tensor<Rank0, f32, Self, T>, CudaError> {
        let (logits, mut tape) = logits.split_tape();
        let of_logits = logits.ghost();
        let samples = targets.labels.len();
        let labelled = Labelled::new(buffer(logits)?, targets, smoothing, C)?;
        labelled.score(&mut scores.room(labelled.card(), samples)?)?;
        let loss: Tensor<Rank0, f32, Self> = self.try_zeros()?;
        let of_loss = loss.ghost();
        tape.add_backward_op(move |gradients| {
            let upstream = gradients.get_or_alloc_mut(&of_loss)?.clone();
            labelled.add_gradient(&upstream, gradients.get_or_alloc_mut(&of_logits)?)
        });
        Ok(loss.put_tape(tape))
    }

    fn try_take(&self, scores: &mut ScoresOnCard) -> Result<(LossSum, usize), CudaError> {
        let (mut total, mut samples) = (LossSum::default(), 0);
        for (chunk, written) in scores.chunks.iter().filter(|(_, written)| *written > 0) {
            let mut values = vec![0.0; *written];
            chunk.device().dtoh_sync_copy_into(&chunk.slice(..*written), &mut values)?;
            for score in values.chunks_exact(2) {
                total.loss += f64::from(score[0]);
                total.correct += usize::from(score[1] != 0.0);
                samples += 1;
            }
        }
        // One chunk is kept: the next scores are as many.
        scores.chunks.truncate(1);
        scores.chunks.iter_mut().for_each(|(_, written)| *written = 0);
        Ok((total, samples))
    }
}
