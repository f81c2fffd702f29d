//! The largest values that a config may hold, each with its reason.

/// A config's size in bytes: a hand-written file has a few hundred lines at most.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;
/// A hidden layer's width: the widest that a card's memory holds beside CIFAR-10's 3,072 inputs.
pub(crate) const MAX_WIDTH: i64 = 65_536;
/// Hidden layers: each is a type of its own that the compiler instantiates.
pub(crate) const MAX_LAYERS: usize = 32;
/// Parameters of the whole network: 4 GB in 32-bit floats, before gradients and the optimizer's state.
pub(crate) const MAX_PARAMETERS: u64 = 1_000_000_000;
/// Images in a batch: more than any of the data sets has.
pub(crate) const MAX_BATCH: i64 = 1_000_000;
/// Images in an evaluation batch: twice a training batch's, which is the default.
pub(crate) const MAX_EVALUATION_BATCH: i64 = 2 * MAX_BATCH;
/// Synthetic images of each part: 614 MB at 3,072 bytes an image.
pub(crate) const MAX_SYNTHETIC: i64 = 200_000;
/// Training images of CIFAR-10, the validation part included.
pub(crate) const CIFAR10_TRAIN: i64 = 50_000;
/// Phases of the whole run: the resolved config spells each out in up to 70 bytes, and must stay within [`MAX_FILE_BYTES`], or the run
/// could not be resumed.
pub(crate) const MAX_PHASES: usize = 1_000;
/// Epochs of the whole run: record and checkpoint hold a line of history for each, up to 200 and 250 bytes, and are read up to 64 MiB and
/// 100 MB. A run that may be started can be resumed at its last epoch.
pub(crate) const MAX_EPOCHS: i64 = 100_000;
/// Steps between two checkpoints.
pub(crate) const MAX_STEPS: i64 = 1_000_000_000;
/// Worker threads: more than any machine's cores.
pub(crate) const MAX_THREADS: i64 = 1_024;
/// A CUDA device's ordinal.
pub(crate) const MAX_CUDA_ORDINAL: usize = 255;
/// A name's length in characters: it becomes part of a folder's name, which most file systems cap at 255 bytes.
pub(crate) const MAX_NAME: usize = 64;
/// An address's length in bytes, as browsers and servers cap it.
pub(crate) const MAX_URL: usize = 2_048;
