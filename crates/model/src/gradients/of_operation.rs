//! The gradients of an operation's input and output.

use dfdx::prelude::*;
use rayon::prelude::*;
use strata_kernels as kernels;

use super::pass::{id_of, with_pass};

/// Where a tensor's gradient is, without the tensor's values.
type GradientOf = Box<dyn for<'a> Fn(&'a mut Gradients<f32, Cpu>) -> Result<&'a mut Vec<f32>, CpuError>>;

fn gradient_of(tensor: &Tensor<(usize, usize), f32, Cpu>) -> GradientOf {
    let ghost = tensor.ghost();
    Box::new(move |gradients| Ok(&mut **gradients.get_or_alloc_mut(&ghost)?))
}

/// Where the gradient of an operation's input goes.
pub(crate) struct InputGradient {
    id: UniqueId,
    count: usize,
    gradient: GradientOf,
}

impl InputGradient {
    /// That of `x`, whose values are not kept for it.
    pub(crate) fn of(x: &Tensor<(usize, usize), f32, Cpu>) -> Self {
        Self { id: id_of(x), count: x.shape().num_elements(), gradient: gradient_of(x) }
    }

    /// Whether anybody asks for it.
    pub(crate) fn is_needed(&self, gradients: &mut Gradients<f32, Cpu>) -> Result<bool, CpuError> {
        with_pass(gradients, |pass| pass.is_none_or(|pass| pass.needs_gradient(self.id)))
    }

    /// Adds `dx` to it.
    pub(crate) fn add(self, gradients: &mut Gradients<f32, Cpu>, dx: Vec<f32>) -> Result<(), CpuError> {
        if self.is_handed_over(gradients)? {
            with_pass(gradients, |pass| pass.map(|pass| pass.hand_over(self.id, dx)))?;
        } else {
            add_to((self.gradient)(gradients)?, dx);
        }
        Ok(())
    }

    fn is_handed_over(&self, gradients: &mut Gradients<f32, Cpu>) -> Result<bool, CpuError> {
        with_pass(gradients, |pass| pass.is_some_and(|pass| pass.hands_over()))
    }

    /// Adds what `write` writes, all values of it, over whatever there is: where the gradient is zero, as dfdx allocates it, into the gradient itself.
    pub(crate) fn write(
        self,
        gradients: &mut Gradients<f32, Cpu>,
        write: impl FnOnce(&mut [f32]),
    ) -> Result<(), CpuError> {
        if self.is_handed_over(gradients)? {
            let mut dx = kernels::scratch(self.count);
            write(&mut dx);
            with_pass(gradients, |pass| pass.map(|pass| pass.hand_over(self.id, dx)))?;
            return Ok(());
        }
        let gradient = (self.gradient)(gradients)?;
        if is_zero(gradient) {
            write(gradient);
        } else {
            let mut dx = kernels::zeros(gradient.len());
            write(&mut dx);
            sum_up(gradient, dx);
        }
        Ok(())
    }
}

/// Where the gradient of an operation's output is.
pub(crate) struct OutputGradient {
    id: UniqueId,
    gradient: GradientOf,
}

impl OutputGradient {
    /// That of `y`, whose values are not kept for it.
    pub(crate) fn of(y: &Tensor<(usize, usize), f32, Cpu>) -> Self {
        Self { id: id_of(y), gradient: gradient_of(y) }
    }

    /// All of it: the operations that used the output have run. Under `GradientStore::backward` nobody can ask for it after this operation,
    /// so it is taken; under dfdx's own it is copied.
    pub(crate) fn take(self, gradients: &mut Gradients<f32, Cpu>) -> Result<Vec<f32>, CpuError> {
        let taken = with_pass(gradients, |pass| pass.map(|pass| pass.take_over(self.id)))?;
        let is_pass = taken.is_some();
        if let Some(dy) = taken.flatten() {
            return Ok(dy);
        }
        let gradient = (self.gradient)(gradients)?;
        Ok(if is_pass { std::mem::take(gradient) } else { kernels::copied(gradient) })
    }
}

/// Adds `dx` to a gradient. Where that is zero, as dfdx allocates it, `dx` takes its place.
pub(crate) fn add_to(gradient: &mut Vec<f32>, dx: Vec<f32>) {
    if is_zero(gradient) {
        *gradient = dx;
    } else {
        sum_up(gradient, dx);
    }
}

fn sum_up(gradient: &mut [f32], dx: Vec<f32>) {
    let pieces = gradient.par_chunks_mut(PIECE).zip(dx.par_chunks(PIECE));
    pieces.for_each(|(gradient, dx)| gradient.iter_mut().zip(dx).for_each(|(gradient, dx)| *gradient += dx));
}

/// Values of a task.
const PIECE: usize = 1 << 14;

/// Whether nothing was added to a gradient: costs a look at its first values where another operation did, and less than adding where none has.
fn is_zero(gradient: &[f32]) -> bool {
    // In pieces, each of which is one pass without a branch.
    let is_zero = |piece: &[f32]| piece.iter().fold(0, |bits, value| bits | value.to_bits()) == 0;
    gradient.par_chunks(PIECE).all(|gradient| gradient.chunks(1024).all(is_zero))
}
