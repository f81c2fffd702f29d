//! Typed, fully connected networks over dfdx.
//!
//! A network is a type: [`mlp!`]`(3072, 2048, 1024, 64, 10)` names each width once, so two neighbours cannot disagree, and
//! the compiler checks every joint. [`Dense`] is a layer of our own (affine, activation and dropout in one operation of
//! the tape) and still a dfdx module, so dfdx's tensors, tapes and optimizers work with it.
//!
//! ```
//! use dfdx::prelude::*;
//! use strata_model::{Activation, Layers, initialise, mlp};
//!
//! type Classifier = mlp!(3072, 64, 10);
//! let device = Cpu::default();
//! let mut network = device.build_module::<Classifier, f32>();
//! // the parameters that torch.manual_seed(43) would give
//! initialise(&mut network, &mut strata_rng::TorchRng::new(43));
//! network.configure(Activation::Gelu, 0.0, 43)?;
//!
//! // `[batch, 3072]` to `[batch, 10]`; the batch's size is known at run time only
//! let images = device.zeros_like(&(5, Const::<3072>));
//! let logits = network.forward(images);
//! assert_eq!(logits.shape(), &(5, Const::<10>));
//! # Ok::<(), strata_model::ModelError>(())
//! ```
//!
//! Layers that do not fit do not compile:
//!
//! ```compile_fail,E0277
//! use dfdx::prelude::*;
//! use strata_model::Dense;
//!
//! let device = Cpu::default();
//! let network = device.build_module::<(Dense<3072, 64>, Dense<32, 10>), f32>(); // 64 is not 32
//! network.forward(device.zeros_like(&(5, Const::<3072>)));
//! ```

mod architecture;
#[cfg(any(feature = "cuda", test))]
mod card;
mod error;
mod given_tensors;
mod gradients;
mod initialisation;
mod layer;
mod loss;
mod net;
mod predictor;
mod storage;
mod tensor_file;
#[cfg(any(feature = "cuda", test))]
mod tensors;
mod tensors_by_name;
mod trained_model;
mod training_device;
mod usage;
mod walk;
mod weights;

/// For [`own_layer!`], whose user need not depend on dfdx by itself.
#[doc(hidden)]
pub use dfdx as __dfdx;

pub use architecture::{Architecture, TensorSpec};
#[cfg(feature = "cuda")]
pub use card::{HeldOnCard, ScoresOnCard, prepare_card};
pub use error::{ModelError, UnreadableBytes};
pub use given_tensors::GivenTensors;
pub use gradients::{GradientStore, TrainedParameter};
pub use initialisation::{initialise, initialise_by, skip_initialisation};
pub use layer::*;
pub use loss::{LossDevice, check_labels, cross_entropy, loss_of};
pub use predictor::Predictor;
pub use storage::tensor_from_vec;
pub use strata_kernels::Mirror;
pub use strata_spec::{Activation, Precision};
pub use tensor_file::{TensorReader, TensorWriter, for_each_piece, read_tensor_file};
pub use tensors_by_name::{NamedTensor, load_tensors, own_storage, tensor_specs, tensors_of};
pub use trained_model::TrainedModel;
pub use training_device::{ByteSamples, HeldOnCpu, TrainingDevice};
pub use usage::{InputTransform, Usage};
pub use walk::{AnyTensor, EachTensorMut, NetworkTensors, Visited, walk_mut};
pub use weights::{LayerWeights, Weights, check_description, load_weights, weights_of};

/// The type of a fully connected network: `mlp!(3072, 2048, 10)` is two [`Dense`] layers, 3072 to 2048 and 2048 to 10.
///
/// Each width is written once, so the output of a layer is the input of the next by construction. The nesting of pairs
/// is what lets a network have any depth (dfdx's tuples end at six).
///
/// As built, the layers follow each other with nothing between: [`Layers::configure`] says which activation and dropout a chain has.
#[macro_export]
macro_rules! mlp {
    ($inputs:literal, $outputs:literal $(,)?) => { $crate::Dense<$inputs, $outputs> };
    ($inputs:literal, $hidden:literal, $($rest:literal),+ $(,)?) => {
        ($crate::Dense<$inputs, $hidden>, $crate::mlp!($hidden, $($rest),+))
    };
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
