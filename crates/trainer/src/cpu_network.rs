//! What a network must be to be trained on the CPU.

use dfdx::prelude::*;
use strata_model::{AnyTensor, Description, Layer, Layers, NetworkTensors, Visited};

/// `[batch, features]`, with a tape or without.
pub(crate) type Rows<T = NoneTape> = Tensor<(usize, usize), f32, Cpu, T>;
/// Samples of `I` features, with a tape or without.
type Inputs<const I: usize, T = NoneTape> = Tensor<(usize, Const<I>), f32, Cpu, T>;
pub(crate) type Traced = OwnedTape<f32, Cpu>;

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

/// A network that the CPU trains, behind its type: what a classifier does with it is compiled once, not once for each network.
pub(crate) trait AnyCpuNetwork: Layers + NetworkTensors<Cpu> + Send {
    /// The logits of `samples`, which have as many features as the network's inputs.
    fn evaluate(&self, samples: Rows) -> Result<Rows, CpuError>;

    /// The logits of a training pass over `samples`.
    fn train(&mut self, samples: Rows<Traced>) -> Result<Rows<Traced>, CpuError>;

    /// A copy, whose tensors have the ids of these.
    fn copy(&self) -> Box<dyn AnyCpuNetwork>;
}

/// A network, its sizes in its type.
pub(crate) struct Typed<M, const I: usize, const C: usize>(pub(crate) M);

impl<M: Layers, const I: usize, const C: usize> Layers for Typed<M, I, C> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.0.for_each(visit);
    }

    fn describe(&self, description: &mut Description) {
        self.0.describe(description);
    }

    fn is_chain(&self) -> bool {
        self.0.is_chain()
    }
}

impl<M: TensorCollection<f32, Cpu>, const I: usize, const C: usize> NetworkTensors<Cpu> for Typed<M, I, C> {
    fn for_each_tensor(&self, visit: &mut dyn FnMut(Visited<'_, Cpu>)) {
        self.0.for_each_tensor(visit);
    }

    fn for_each_tensor_mut(&mut self, visit: &mut dyn FnMut(bool, &mut dyn AnyTensor<Cpu>)) {
        self.0.for_each_tensor_mut(visit);
    }
}

impl<M: CpuNetwork<I, C> + 'static, const I: usize, const C: usize> AnyCpuNetwork for Typed<M, I, C> {
    fn evaluate(&self, samples: Rows) -> Result<Rows, CpuError> {
        let samples: Inputs<I> = samples.try_realize().map_err(|_| CpuError::WrongNumElements)?;
        self.0.try_forward(samples)?.try_realize().map_err(|_| CpuError::WrongNumElements)
    }

    fn train(&mut self, samples: Rows<Traced>) -> Result<Rows<Traced>, CpuError> {
        let samples: Inputs<I, Traced> = samples.try_realize().map_err(|_| CpuError::WrongNumElements)?;
        self.0.try_forward_mut(samples)?.try_realize().map_err(|_| CpuError::WrongNumElements)
    }

    fn copy(&self) -> Box<dyn AnyCpuNetwork> {
        Box::new(Typed(self.0.clone()))
    }
}
