//! From a network's type to a boxed classifier.

use dfdx::prelude::*;
use strata_model::{Activation, ByteSamples, Layers, Mirror, check_generators};
use strata_spec::Precision;

use crate::cpu_network::{AnyCpuNetwork, Typed};
use crate::{Classifier, CpuClassifier, CpuNetwork, Device as DeviceKind, TrainError, TrainingStep};

/// Everything about a classifier but its network's type.
#[derive(Clone, Debug)]
pub struct ClassifierOptions<'a> {
    /// Where it trains.
    pub device: DeviceKind,
    /// How it learns: an optimizer, or more than that.
    pub step: TrainingStep,
    /// After each layer but the last of a chain (`mlp!`); [`Activation::Identity`] for a network that says its activations itself (`net!`).
    pub activation: Activation,
    /// The probability that an output of a hidden layer of a chain is dropped in training, in `0..1`; 0 for a network that says its dropout itself.
    pub dropout: f32,
    /// Decides the dropout masks.
    pub seed: u64,
    /// Of the products of dense layers.
    pub precision: Precision,
    /// A data set that a card is to hold itself, its batches then naming samples by index.
    pub resident: Option<ByteSamples<'a>>,
    /// What mirroring an image does to the network's inputs, which a network with `mirrored(…)` must be told.
    pub mirror: Option<Mirror>,
}

impl ClassifierOptions<'_> {
    /// Trained by `step` on the CPU in 32-bit floats; ReLU between the layers of a chain, no dropout, its masks' seed 0.
    ///
    /// ```
    /// use strata_model::Activation;
    /// use strata_trainer::{ClassifierOptions, Sgd};
    ///
    /// let options = ClassifierOptions { activation: Activation::Gelu, seed: 43, ..ClassifierOptions::new(Sgd::default()) };
    /// assert_eq!(options.dropout, 0.0);
    /// ```
    pub fn new(step: impl Into<TrainingStep>) -> Self {
        let (device, activation, precision) = (DeviceKind::Cpu, Activation::Relu, Precision::F32);
        Self { device, step: step.into(), activation, dropout: 0.0, seed: 0, precision, resident: None, mirror: None }
    }

    /// As [`ClassifierOptions::new`], for a network that says its activations itself (`net!`).
    pub fn of_net(step: impl Into<TrainingStep>) -> Self {
        Self { activation: Activation::Identity, ..Self::new(step) }
    }

    /// With this seed of the dropout masks.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// A constructor of one network's classifier, its type erased.
pub type BuildClassifier = fn(ClassifierOptions<'_>) -> Result<Box<dyn Classifier>, TrainError>;

/// What a network's type must be to be built on every device of this build; every `mlp!` and every `net!` is.
#[cfg(not(feature = "cuda"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no network of {I} features and {C} classes that can be trained",
    note = "each layer has to take as many features as the one before gives, a skip connection has to end with as many as it begins with; the first \
            and the last width are given to `build` once more"
)]
pub trait Buildable<const I: usize, const C: usize>:
    BuildOnDevice<Cpu, f32, Built: CpuNetwork<I, C> + 'static>
{
}

#[cfg(not(feature = "cuda"))]
impl<M, const I: usize, const C: usize> Buildable<I, C> for M where
    M: BuildOnDevice<Cpu, f32, Built: CpuNetwork<I, C> + 'static>
{
}

/// What a network's type must be to be built on every device of this build; every `mlp!` and every `net!` is.
#[cfg(feature = "cuda")]
pub trait Buildable<const I: usize, const C: usize>:
    BuildOnDevice<Cpu, f32, Built: CpuNetwork<I, C> + 'static>
    + BuildOnDevice<Cuda, f32, Built: crate::TensorNetwork<Cuda, I, C> + 'static>
{
}

#[cfg(feature = "cuda")]
impl<M, const I: usize, const C: usize> Buildable<I, C> for M where
    M: BuildOnDevice<Cpu, f32, Built: CpuNetwork<I, C> + 'static>
        + BuildOnDevice<Cuda, f32, Built: crate::TensorNetwork<Cuda, I, C> + 'static>
{
}

/// Builds a classifier of network type `M` (`I` inputs, `C` classes) on the device that `options` name. Its parameters are
/// drawn by [`Classifier::initialise`].
///
/// ```
/// use strata_model::{Activation, mlp};
/// use strata_trainer::{ClassifierOptions, Sgd, build};
///
/// let options = ClassifierOptions { activation: Activation::Relu, seed: 43, ..ClassifierOptions::new(Sgd::default()) };
/// let mut classifier = build::<mlp!(12, 8, 3), 12, 3>(options)?;
/// classifier.initialise(&mut strata_rng::TorchRng::new(43))?;
/// assert_eq!(classifier.architecture().to_string(), "2 layers (8,3)");
/// # Ok::<(), strata_trainer::TrainError>(())
/// ```
///
/// # Errors
/// Where the device is not there or fails, or the step or the precision is not one that it can do; where a network that says its activations and dropout itself
/// is given others; where one with `mirrored(…)` is not told what mirroring does.
pub fn build<M: Buildable<I, C>, const I: usize, const C: usize>(
    options: ClassifierOptions<'_>,
) -> Result<Box<dyn Classifier>, TrainError> {
    match options.device {
        DeviceKind::Cpu => {
            let network =
                <M as BuildOnDevice<Cpu, f32>>::try_build_on_device(&Cpu::default()).map_err(TrainError::device)?;
            check_generators(&network)?;
            let mut network: Box<dyn AnyCpuNetwork> = Box::new(Typed::<_, I, C>(network));
            network.configure(options.activation, options.dropout, options.seed)?;
            network.set_precision(options.precision);
            set_mirror(&mut *network, options.mirror.as_ref())?;
            Ok(Box::new(CpuClassifier::of(network, I, C, options.step)?))
        }
        #[cfg(feature = "cuda")]
        DeviceKind::Cuda(ordinal) => cuda::<M, I, C>(ordinal, options),
        #[cfg(not(feature = "cuda"))]
        DeviceKind::Cuda(ordinal) => Err(crate::device::no_cuda(ordinal)),
    }
}

fn set_mirror(network: &mut (impl Layers + ?Sized), mirror: Option<&Mirror>) -> Result<(), TrainError> {
    match mirror {
        Some(mirror) => Ok(network.set_mirror(mirror)?),
        None if network.architecture().network().is_mirrored() => Err(TrainError::NoMirror),
        None => Ok(()),
    }
}

#[cfg(feature = "cuda")]
fn cuda<M: Buildable<I, C>, const I: usize, const C: usize>(
    ordinal: usize,
    options: ClassifierOptions<'_>,
) -> Result<Box<dyn Classifier>, TrainError> {
    crate::device::check_precision(DeviceKind::Cuda(ordinal), options.precision)?;
    let device = Cuda::try_build(ordinal, options.seed).map_err(TrainError::device)?;
    // Without the cache every operation of every step asks the driver for memory.
    device.try_enable_cache().map_err(TrainError::device)?;
    strata_model::prepare_card(&device)?;
    let mut network = <M as BuildOnDevice<Cuda, f32>>::try_build_on_device(&device).map_err(TrainError::device)?;
    network.configure(options.activation, options.dropout, options.seed)?;
    set_mirror(&mut network, options.mirror.as_ref())?;
    let classifier = crate::TensorClassifier::<_, _, I, C>::new(device, network, options.step, options.resident)?;
    Ok(Box::new(classifier))
}
