//! The walk over a network's tensors, by dfdx's own (`TensorCollection`), under the names that files have for them.

use std::any::Any;
use std::collections::BTreeMap;
use std::convert::Infallible;

use dfdx::prelude::*;
use strata_spec::LayerKind;

use crate::gradients::{has_gradient, id_of};
use crate::storage::{copy_of, is_contiguous, tensor_from_vec, values_mut};

/// A tensor's values, as a device keeps them.
pub(crate) type Buffer<D> = <D as Storage<f32>>::Vec;

/// A tensor of a network on `D`, its shape known at run time only.
pub trait AnyTensor<D: Device<f32>> {
    /// By what dfdx's gradients know it.
    fn id(&self) -> UniqueId;

    /// Its sizes.
    fn sizes(&self) -> Vec<usize>;

    /// A copy of its values, row-major.
    ///
    /// # Panics
    /// Where there is no memory for it, as [`strata_kernels::zeros`] does; dfdx's `as_vec` would abort.
    fn copy(&self) -> Vec<f32>;

    /// Gives it these values, as many as it has, row-major.
    ///
    /// # Panics
    /// Where they are not as many.
    fn set(&mut self, values: &[f32]);

    /// Its values, to be changed, where the host can reach them and they are laid out row by row; copies them first where another tensor shares them.
    fn values_mut(&mut self) -> Option<&mut [f32]>;

    /// Whether [`AnyTensor::values_mut`] has some.
    fn has_values(&self) -> bool;

    /// Moves its values into a buffer that was made by [`tensor_from_vec`]; its id is a new one.
    fn own(&mut self);

    /// Its gradient, of zeros where there was none.
    ///
    /// # Errors
    /// Where the device does, out of memory for one.
    fn gradient<'g>(&self, gradients: &'g mut Gradients<f32, D>) -> Result<&'g mut Buffer<D>, D::Err>;
}

impl<S: Shape, D: Device<f32>> AnyTensor<D> for Tensor<S, f32, D> {
    fn id(&self) -> UniqueId {
        id_of(self)
    }

    fn sizes(&self) -> Vec<usize> {
        self.shape().concrete().into_iter().collect()
    }

    fn copy(&self) -> Vec<f32> {
        copy_of(self)
    }

    fn set(&mut self, values: &[f32]) {
        self.copy_from(values);
    }

    fn values_mut(&mut self) -> Option<&mut [f32]> {
        let tensor = (self as &mut dyn Any).downcast_mut::<Tensor<S, f32, Cpu>>()?;
        is_contiguous(tensor).then(|| values_mut(tensor))
    }

    fn has_values(&self) -> bool {
        (self as &dyn Any).downcast_ref::<Tensor<S, f32, Cpu>>().is_some_and(is_contiguous)
    }

    fn own(&mut self) {
        // As many values as the shape has elements, so there is nothing that could fail but the device's memory, and then it stays.
        if let Ok(own) = tensor_from_vec(self.device(), copy_of(self), *self.shape()) {
            *self = own;
        }
    }

    fn gradient<'g>(&self, gradients: &'g mut Gradients<f32, D>) -> Result<&'g mut Buffer<D>, D::Err> {
        gradients.get_or_alloc_mut(self)
    }
}

/// A tensor of a network.
pub struct Visited<'a, D: Device<f32>> {
    /// Its name in files: `layer1.weight`.
    pub name: String,
    /// Whether an optimizer changes it.
    pub trained: bool,
    /// The tensor.
    pub tensor: &'a dyn AnyTensor<D>,
    /// Whether gradients hold one of it; to be asked once.
    pub(crate) has_gradient: &'a mut HasGradient<'a, D>,
}

/// Tells whether gradients hold one of a tensor.
type HasGradient<'a, D> = dyn FnMut(&Gradients<f32, D>) -> Result<bool, <D as HasErr>::Err> + 'a;

/// A network's tensors on `D`, whatever its type: every dfdx module has them. What is done with them is compiled once, not once for each network.
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{NetworkTensors, mlp};
///
/// fn largest(network: &dyn NetworkTensors<Cpu>) -> Vec<(String, f32)> {
///     let mut found = Vec::new();
///     network.for_each_tensor(&mut |visited| {
///         let values = visited.tensor.copy();
///         found.push((visited.name, values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()))));
///     });
///     found
/// }
///
/// let mut network = Cpu::default().build_module::<mlp!(4, 3, 2), f32>();
/// network.for_each_tensor_mut(&mut |_, tensor| tensor.set(&vec![-0.5; tensor.sizes().iter().product()]));
/// let found = largest(&network);
/// assert_eq!(found[2], ("layer2.weight".into(), 0.5));
/// assert_eq!(found.len(), 4);
/// ```
pub trait NetworkTensors<D: Device<f32>> {
    /// Shows each tensor to `visit`, in the order in which files have them.
    fn for_each_tensor(&self, visit: &mut dyn FnMut(Visited<'_, D>));

    /// Shows each tensor to `visit`, to be changed, in the same order, and whether an optimizer changes it.
    fn for_each_tensor_mut(&mut self, visit: &mut dyn FnMut(bool, &mut dyn AnyTensor<D>));
}

impl<M: TensorCollection<f32, D>, D: Device<f32>> NetworkTensors<D> for M {
    fn for_each_tensor(&self, visit: &mut dyn FnMut(Visited<'_, D>)) {
        let mut walk = Walk { namer: Namer::default(), visit };
        let Ok(_) = M::iter_tensors(&mut RecursiveWalker { m: (self, String::new()), f: &mut walk });
    }

    fn for_each_tensor_mut(&mut self, visit: &mut dyn FnMut(bool, &mut dyn AnyTensor<D>)) {
        let Ok(()) = walk_mut(self, &mut Erase { visit });
    }
}

/// What is done to each tensor of a network by its type.
pub trait EachTensorMut<D: Device<f32>> {
    /// Why the walk ends early; [`Infallible`] where it does not.
    type Error;

    /// Does it to the next tensor, which an optimizer changes or not (`trained`).
    ///
    /// # Errors
    /// Whatever ends the walk.
    fn visit<S: Shape>(&mut self, trained: bool, tensor: &mut Tensor<S, f32, D>) -> Result<(), Self::Error>;
}

/// Shows each tensor of `network` to `each`, to be changed, in the order in which files have them.
///
/// # Errors
/// The first of `each`.
pub fn walk_mut<M: TensorCollection<f32, D>, D: Device<f32>, V: EachTensorMut<D>>(
    network: &mut M,
    each: &mut V,
) -> Result<(), V::Error> {
    let mut walk = WalkMut { each };
    M::iter_tensors(&mut RecursiveWalker { m: network, f: &mut walk }).map(drop)
}

struct Walk<'a, 'v, D: Device<f32>> {
    namer: Namer,
    visit: &'a mut (dyn FnMut(Visited<'_, D>) + 'v),
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Walk<'_, '_, D> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, D>,
        (tensor, path): (&Tensor<S, f32, D>, String),
    ) -> Result<Option<Tensor<S, f32, D>>, Infallible> {
        let (name, trained) = (self.namer.name(&path), options.do_gradient_update);
        let mut options = Some(options);
        let mut has_gradient = |gradients: &_| match options.take() {
            Some(options) => has_gradient(tensor, options, gradients),
            None => unreachable!("it is asked once, by the store of gradients"),
        };
        (self.visit)(Visited { name, trained, tensor, has_gradient: &mut has_gradient });
        Ok(None)
    }
}

struct WalkMut<'a, V> {
    each: &'a mut V,
}

impl<D: Device<f32>, V: EachTensorMut<D>> TensorVisitor<f32, D> for WalkMut<'_, V> {
    type Viewer = ViewTensorMut;
    type Err = V::Error;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, D>,
        tensor: &mut Tensor<S, f32, D>,
    ) -> Result<Option<Tensor<S, f32, D>>, V::Error> {
        self.each.visit(options.do_gradient_update, tensor)?;
        Ok(None)
    }
}

struct Erase<'a, 'v, D: Device<f32>> {
    visit: &'a mut (dyn FnMut(bool, &mut dyn AnyTensor<D>) + 'v),
}

impl<D: Device<f32>> EachTensorMut<D> for Erase<'_, '_, D> {
    type Error = Infallible;

    fn visit<S: Shape>(&mut self, trained: bool, tensor: &mut Tensor<S, f32, D>) -> Result<(), Infallible> {
        (self.visit)(trained, tensor);
        Ok(())
    }
}

/// Gives tensors their names in files from the way that dfdx's walk takes to them.
///
/// A layer of ours names its fields by what it is, `layer.weight`; the numbers of the tuples around it count for nothing but to tell one layer
/// from the next. So `1.0.layer.weight` is the weight of the layer that is met second: `layer2.weight`. A field that no layer of ours names so
/// keeps dfdx's own name.
#[derive(Debug, Default)]
struct Namer {
    met: BTreeMap<&'static str, usize>,
    last: Option<String>,
}

/// What `part` of a way is, if a layer of ours calls itself so.
fn group(part: &str) -> Option<&'static str> {
    let kinds = LayerKind::ALL.into_iter().map(LayerKind::group).filter(|group| !group.is_empty());
    ["layer", "module"].into_iter().chain(kinds).find(|group| *group == part)
}

impl Namer {
    fn name(&mut self, path: &str) -> String {
        let mut start = 0;
        for part in path.split('.') {
            let end = start + part.len();
            // The last part is a tensor's own name.
            if end < path.len()
                && let Some(kind) = group(part)
            {
                let met = self.met.entry(kind).or_default();
                if self.last.as_deref() != Some(&path[..end]) {
                    *met += 1;
                    self.last = Some(path[..end].to_owned());
                }
                return format!("{kind}{met}{}", &path[end..]);
            }
            start += part.len() + 1;
        }
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_by_kind_however_they_are_nested() {
        let mut namer = Namer::default();
        let paths = [
            "0.layer.weight",
            "0.layer.bias",
            "1.0.norm.weight",
            "1.1.0.layer.weight",
            "1.1.1.module.0.weight",
            "2.scale",
        ];
        let names: Vec<_> = paths.iter().map(|path| namer.name(path)).collect();
        assert_eq!(
            names,
            ["layer1.weight", "layer1.bias", "norm1.weight", "layer2.weight", "module1.0.weight", "2.scale"]
        );
        assert_eq!(Namer::default().name("layer.weight"), "layer1.weight", "a network of one layer");
    }
}
