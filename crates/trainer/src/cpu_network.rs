//! What a network must be to be trained on the CPU.

use dfdx::prelude::*;
use strata_model::Layers;

/// Samples of `I` features, with a tape or without.
pub(crate) type Inputs<const I: usize, T = NoneTape> = Tensor<(usize, Const<I>), f32, Cpu, T>;
type Traced = OwnedTape<f32, Cpu>;

/// What a network must be to be trained on the CPU; every `mlp!` and every `net!` is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no network of {I} features and {C} classes that the CPU can train",
    label = "not a network of {I} features and {C} classes",
    note = "each layer has to take as many features as the one before gives, a skip connection has to end with as many as it begins with, and a \
            module of your own has to be `Clone` and `Send`, a dfdx `TensorCollection`, and a `Module` with and without a tape"
)]
pub trait CpuNetwork<const I: usize, const C: usize>:
    Layers
    + TensorCollection<f32, Cpu>
    + Clone
    + Send
    + Module<Inputs<I>, Output = Inputs<C>, Error = CpuError>
    + ModuleMut<Inputs<I, Traced>, Output = Inputs<C, Traced>, Error = CpuError>
{
}

impl<M, const I: usize, const C: usize> CpuNetwork<I, C> for M where
    M: Layers
        + TensorCollection<f32, Cpu>
        + Clone
        + Send
        + Module<Inputs<I>, Output = Inputs<C>, Error = CpuError>
        + ModuleMut<Inputs<I, Traced>, Output = Inputs<C, Traced>, Error = CpuError>
{
}
