//! Memory for what a config asks for: whether there is enough is found out before anything is recorded, and what could not be had later is
//! told with the key that asked for it.
//!
//! Each large allocation is tried before the first step, in the sizes that a run comes to. They are not exact (the allocator, threads
//! and what lies between take their part), so training itself can still be refused memory. That is an error too, and no abort.

use strata_config::Config;
use strata_dataset::{Dataset, DatasetError, Split};
use strata_trainer::{Device, Pass, TrainError};

use crate::ExperimentError;

/// What the allocator maps for the thread that prepares batches, in bytes: glibc's heap of a thread.
const HEAP: usize = 64 << 20;
const NETWORK: &str = "model.hidden or model.network";

/// Makes sure that the network, its optimizer's state, a checkpoint's copy of both, and the batches of training and evaluation can be
/// allocated.
pub(crate) fn check(
    experiment: &Config,
    dataset: &Dataset,
    split: &Split,
    device: Device,
) -> Result<(), ExperimentError> {
    let key = if experiment.network().is_chain() { "model.hidden" } else { "model.network" };
    let bytes = experiment.parameter_bytes().saturating_mul(copies(experiment, device));
    let _network = reserve(key, bytes)?;
    drop(reserve(key, bytes)?);
    let is_on_cpu = device == Device::Cpu;
    drop(reserve(BATCH, experiment.training_bytes(split.train.len(), is_on_cpu).saturating_add(HEAP))?);
    for samples in [split.validation.len(), dataset.test.len()] {
        drop(reserve(EVALUATION_BATCH, experiment.evaluation_bytes(samples, is_on_cpu).saturating_add(HEAP))?);
    }
    Ok(())
}

const BATCH: &str = "dataset.batch";
const EVALUATION_BATCH: &str = "dataset.evaluation_batch";

/// How many values a parameter needs: itself, and the optimizer's state, which is in the host's memory on the CPU alone.
fn copies(experiment: &Config, device: Device) -> usize {
    match device {
        Device::Cuda(_) => 1,
        // An average is kept, and loaded into a network of its own where it is evaluated.
        Device::Cpu => {
            let step = crate::setup::step(experiment);
            1 + step.buffers() + usize::from(step.averaging.is_some())
        }
    }
}

/// Room for as many bytes, held until it is dropped. Nothing is written to it, so it costs a call to the system.
fn reserve(key: &'static str, bytes: usize) -> Result<Vec<u8>, ExperimentError> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).map_err(|_| ExperimentError::Memory { key, bytes: Some(bytes) })?;
    Ok(room)
}

/// An error of training: one of memory is the key's that asks for as much.
impl From<TrainError> for ExperimentError {
    fn from(error: TrainError) -> Self {
        let wanted = match &error {
            TrainError::OutOfMemory { bytes } => Some((NETWORK, *bytes)),
            TrainError::InBatch { pass, source, .. } => {
                let trains = matches!(pass, Pass::Training { .. } | Pass::Statistics { .. });
                let key = if trains { BATCH } else { EVALUATION_BATCH };
                bytes_of(source).map(|bytes| (key, bytes))
            }
            _ => None,
        };
        match wanted {
            Some((key, bytes)) => Self::Memory { key, bytes },
            None => Self::Train(error),
        }
    }
}

/// The size of what a batch could not be given, where that is what is wrong with it.
fn bytes_of(error: &TrainError) -> Option<Option<usize>> {
    match error {
        TrainError::OutOfMemory { bytes } => Some(*bytes),
        TrainError::Loader(error) => match error.downcast_ref::<DatasetError>()? {
            DatasetError::Memory { bytes, .. } => Some(Some(*bytes)),
            _ => None,
        },
        _ => None,
    }
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

    #[test]
    fn memory_that_a_step_or_a_batch_is_refused_is_the_keys_that_asks_for_it() {
        let in_batch = |pass, source| TrainError::InBatch { pass, batch: 3, source: Box::new(source) };
        let training = Pass::Training { epoch: 0, learning_rate: 0.1 };
        let batch = || TrainError::Loader(Box::new(DatasetError::Memory { what: "the pixels of a batch", bytes: 12 }));
        let rows = [
            (in_batch(training, TrainError::OutOfMemory { bytes: None }), Some(("dataset.batch", None))),
            (in_batch(training, batch()), Some(("dataset.batch", Some(12)))),
            (in_batch(Pass::Test, batch()), Some(("dataset.evaluation_batch", Some(12)))),
            (
                in_batch(Pass::Initial, TrainError::OutOfMemory { bytes: Some(8) }),
                Some(("dataset.evaluation_batch", Some(8))),
            ),
            (TrainError::OutOfMemory { bytes: Some(4) }, Some(("model.hidden or model.network", Some(4)))),
            (in_batch(Pass::Test, TrainError::EmptyBatch), None),
            (in_batch(Pass::Test, TrainError::Loader(Box::new(DatasetError::Cancelled))), None),
        ];
        for (error, expected) in rows {
            let told = error.to_string();
            match ExperimentError::from(error) {
                ExperimentError::Memory { key, bytes } => assert_eq!(Some((key, bytes)), expected, "{told}"),
                other => assert!(expected.is_none(), "{told}: {other}"),
            }
        }
    }
}
