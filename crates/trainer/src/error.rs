//! What can go wrong in training.

mod conversions;

use std::path::PathBuf;

use strata_model::ModelError;

use crate::{Amount, Pass};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The training loss stopped being a number.
    #[error(
        "the training loss became {loss} in epoch {epoch}, step {step} (learning rate {learning_rate:?}); \
         a smaller learning rate is the usual remedy"
    )]
    NotFinite {
        /// The loss.
        loss: f64,
        /// 0-based over the run.
        epoch: usize,
        /// 0-based in the epoch: the last step before the loss was read.
        step: usize,
        /// The learning rate it happened at.
        learning_rate: f64,
    },
    /// The validation loss is no number.
    #[error(
        "the validation loss is {loss} {}",
        epoch.map_or("before the first step: the samples or the initial parameters are not finite".into(), |epoch| {
            format!("after epoch {epoch}; a smaller learning rate is the usual remedy")
        })
    )]
    ValidationNotFinite {
        /// The loss.
        loss: f64,
        /// 0-based over the run; none for the initial evaluation.
        epoch: Option<usize>,
    },
    /// The device failed.
    #[error("the device failed: {0}")]
    Device(String),
    /// There was no memory for a buffer.
    #[error("there is not enough memory{}", bytes.map_or_else(String::new, |bytes| format!(": {bytes} bytes more are wanted")))]
    OutOfMemory {
        /// The buffer's size; none where dfdx asked for it, which does not tell.
        bytes: Option<usize>,
    },
    /// A device that this machine or this build does not have.
    #[error("no device `{wanted}`: {reason}")]
    NoDevice {
        /// What was asked for.
        wanted: String,
        /// Why there is none, and what to do.
        reason: String,
    },
    /// A batch that is not the classifier's.
    #[error("{values} values for {samples} samples; the network takes {expected} features a sample")]
    Features {
        /// The network's inputs.
        expected: usize,
        /// The batch's samples.
        samples: usize,
        /// The batch's values.
        values: usize,
    },
    /// A number of the training step that is not in its range.
    #[error("the {what} is {value}; it must be {range}")]
    Number {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The values it may have.
        range: String,
    },
    /// An optimizer that names other buffers than its rule keeps.
    #[error("the optimizer names its buffers {named:?}, and its rule keeps {kept} for each parameter")]
    States {
        /// The names.
        named: &'static [&'static str],
        /// How many the rule keeps.
        kept: usize,
    },
    /// Worker threads that the system does not give.
    #[error("cannot start {count} worker threads: {reason}")]
    Threads {
        /// How many were asked for.
        count: usize,
        /// The system's word.
        reason: String,
    },
    /// A network with `mirrored(…)` that nobody told what mirroring does.
    #[error(
        "the network is mirrored, and nobody said what mirroring an image does to its inputs (`ClassifierOptions::mirror`)"
    )]
    NoMirror,
    /// Something that dfdx has no operation for on a card.
    #[error("{what} is computed on the CPU only")]
    OnlyOnCpu {
        /// What was asked for.
        what: String,
    },
    /// The norm of the gradients, by which they were to be clipped, is no number.
    #[error(
        "the norm of the gradients became {norm}, so they cannot be clipped by it; a smaller learning rate is the usual remedy"
    )]
    GradientNorm {
        /// The norm.
        norm: f64,
    },
    /// Mixed labels that are not those of their batch.
    #[error(transparent)]
    Targets(#[from] strata_kernels::TargetError),
    /// An evaluation of averaged weights whose activations batch normalisation knows nothing of.
    #[error(
        "batch normalisation's statistics were not estimated for the averaged weights since the last training step: take a pass of training \
         batches through the classifier first, as `fit` does"
    )]
    Statistics,
    /// A batch without a sample.
    #[error("a batch without a sample")]
    EmptyBatch,
    /// A training batch of fewer samples than the network's normalisation needs.
    #[error(
        "a training batch of {samples} sample; batch normalisation needs {smallest} at least: choose a batch size that leaves no single sample over"
    )]
    BatchTooSmall {
        /// The batch's samples.
        samples: usize,
        /// The fewest that train.
        smallest: usize,
    },
    /// A label that is no class.
    #[error(
        "sample {sample} of the batch{} has label {label}; the network's {classes} classes have the labels 0 to {}",
        index.map_or(String::new(), |index| format!(" (sample {index} of its data set)")),
        classes - 1
    )]
    Label {
        /// Its place in the batch, 0-based.
        sample: usize,
        /// Its place in the data set, where the batch says.
        index: Option<u32>,
        /// The label.
        label: u8,
        /// The network's classes.
        classes: usize,
    },
    /// A data set for the device to hold that is not the network's.
    #[error("{bytes} bytes with {tables} tables are no whole samples of {inputs} features, the network's inputs")]
    Resident {
        /// How many bytes.
        bytes: usize,
        /// How many tables.
        tables: usize,
        /// The network's inputs.
        inputs: usize,
    },
    /// A batch that names a sample the device does not hold.
    #[error("a batch names sample {index}; the device holds {held}")]
    Index {
        /// The sample.
        index: u32,
        /// Samples held.
        held: usize,
    },
    /// A batch whose parts differ in length.
    #[error("a batch of {labels} labels names {indices} samples")]
    Labels {
        /// Labels.
        labels: usize,
        /// Indices.
        indices: usize,
    },
    /// A loader that served more or less than it had announced.
    #[error("in {pass} the loader announced {announced} and served {served}")]
    Served {
        /// The pass.
        pass: Pass,
        /// What the loader's `batches` and `samples` say.
        announced: Amount,
        /// What came, up to where that was told; of a resumed pass with what was served before.
        served: Amount,
    },
    /// A batch that its loader could not make.
    #[error(transparent)]
    Loader(Box<dyn std::error::Error + Send + Sync>),
    /// A loader that has nothing to serve.
    #[error("{pass} has no samples: the loader announced {announced}")]
    NoSamples {
        /// The pass.
        pass: Pass,
        /// What the loader's `batches` and `samples` say.
        announced: Amount,
    },
    /// Features that are no whole samples, or batches of none.
    #[error("{values} values are no table of {samples} samples, served {batch} at a time")]
    Table {
        /// Features of all samples.
        values: usize,
        /// Labels.
        samples: usize,
        /// Samples of a batch.
        batch: usize,
    },
    /// A batch that the classifier could not train on or evaluate.
    #[error("batch {batch} of {pass}: {source}")]
    InBatch {
        /// The pass.
        pass: Pass,
        /// The batch's number in the pass, 0-based.
        batch: usize,
        /// What is wrong with it.
        source: Box<TrainError>,
    },
    /// A learning rate that is none, or a schedule that remembers what is no number.
    #[error("the schedule {schedule} gives {value:?} in epoch {epoch}, step {step}: no finite number of 0 or more")]
    Rate {
        /// The schedule.
        schedule: String,
        /// What it gave.
        value: f64,
        /// 0-based over the run.
        epoch: usize,
        /// 0-based in the epoch.
        step: usize,
    },
    /// A loss whose numbers are outside of their ranges, or do not suit the network's classes.
    #[error("the loss has {0}")]
    Loss(String),
    /// A metric whose name cannot be a key of the history.
    #[error("the metric {name:?}: {reason}")]
    Metric {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A criterion, of early stopping or of the best epoch, that no evaluation measures.
    #[error("`{key}` is not measured; an evaluation measures {}", measured.join(", "))]
    Unmeasured {
        /// The key of the history that was to be watched.
        key: String,
        /// Those that there are.
        measured: Vec<String>,
    },
    /// Progress that is not the plan's.
    #[error("the run cannot be resumed: {reason}")]
    Progress {
        /// What does not hold.
        reason: String,
    },
    /// A generator that cannot go on where it stood.
    #[error(transparent)]
    Generator(#[from] strata_rng::RngError),
    /// What an optimizer remembers is another optimizer's, or another network's.
    #[error("the optimizer's state is {found}, but {expected} is wanted")]
    State {
        /// The optimizer and network that are there.
        expected: String,
        /// What came.
        found: String,
    },
    /// Weights that are not the classifier's.
    #[error(transparent)]
    Model(ModelError),
    /// A checkpoint that could not be read or written.
    #[error("{action} {}: {source}; {}", path.display(), strata_files::remedy(source))]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// Bytes that are no whole checkpoint.
    #[error(
        "{} is not a readable checkpoint: {reason}; it may be cut short, damaged or another run's: restore it from \
         a copy, or start the run again from its seed",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        reason: String,
    },
    /// The observer could not do its part, such as write the history.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}
