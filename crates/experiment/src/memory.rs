//! Whether there is memory for what a config asks for, found out before anything is recorded.
//!
//! An allocation that fails in the middle of training ends the process without a word. So each large one is tried here
//! first, and the key that asks for it is named. Sizes are what is needed at least (for inputs that are mostly zero, the products
//! take up to one batch less).

use strata_config::Config;
use strata_dataset::{Dataset, Split};
use strata_trainer::Device;

use crate::ExperimentError;

/// Batches that exist at a time: one is trained on, two wait, one is being made.
const BATCHES: usize = 4;
const VALUE: usize = size_of::<f32>();

/// Makes sure that the network, its optimizer's state, and the batches of training and evaluation can be allocated.
pub(crate) fn check(
    experiment: &Config,
    dataset: &Dataset,
    split: &Split,
    device: Device,
) -> Result<(), ExperimentError> {
    let settings = &experiment.dataset;
    let widths = experiment.widths();
    let parameters = widths.windows(2).map(|pair| (pair[0] + 1).saturating_mul(pair[1])).fold(0, usize::saturating_add);
    let _network = reserve("model.hidden", parameters.saturating_mul(VALUE * copies(experiment, device)))?;
    let inputs = widths[0].saturating_mul(VALUE);
    // On a card the batches are indices, and the rest is in the card's memory.
    let activations = if device == Device::Cpu { widths[1..].iter().sum::<usize>().saturating_mul(VALUE) } else { 0 };
    // A product lays its input out anew, a layer at a time, the pixels first.
    let laid_out = if device == Device::Cpu { inputs } else { 0 };
    {
        let largest = settings.batch.get().min(split.train.len());
        let batches = BATCHES.min(split.train.len().div_ceil(largest.max(1)));
        let pixels = if device == Device::Cpu { inputs } else { 0 };
        // Each activation has a gradient.
        let sample = pixels.saturating_mul(batches).saturating_add(laid_out.max(activations.saturating_mul(2)));
        let _training = reserve("dataset.batch", largest.saturating_mul(sample))?;
    }
    for samples in [split.validation.len(), dataset.test.len()] {
        let largest = settings.evaluation_batch.get().min(samples);
        let batches = BATCHES.min(samples.div_ceil(largest.max(1)));
        let sample = inputs.saturating_mul(batches).saturating_add(laid_out.max(activations));
        let _evaluation = reserve("dataset.evaluation_batch", largest.saturating_mul(sample))?;
    }
    Ok(())
}

/// How many values a parameter needs: itself, and the optimizer's state, which is in the host's memory on the CPU alone.
fn copies(experiment: &Config, device: Device) -> usize {
    match device {
        Device::Cuda(_) => 1,
        Device::Cpu => 1 + strata_trainer::optimizer_of(&experiment.optimizer).states().len(),
    }
}

/// Room for as many bytes, held until it is dropped. Nothing is written to it, so it costs a call to the system.
fn reserve(key: &'static str, bytes: usize) -> Result<Vec<u8>, ExperimentError> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).map_err(|_| ExperimentError::Memory { key, bytes })?;
    Ok(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_beyond_any_machine_is_refused_and_names_the_key() {
        let error = reserve("dataset.batch", usize::MAX / 2).unwrap_err();
        assert!(error.to_string().contains("which dataset.batch asks for"), "{error}");
        assert_eq!(reserve("dataset.batch", 1 << 20).unwrap().len(), 0);
    }
}
