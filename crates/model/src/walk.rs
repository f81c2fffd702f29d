//! The walk over a network's tensors, by dfdx's own (`TensorCollection`), under the names that files have for them.

use std::collections::BTreeMap;

use dfdx::prelude::*;
use strata_spec::LayerKind;

/// A tensor of a network, `T` being `&Tensor<S, f32, D>` or `&mut Tensor<S, f32, D>`.
#[derive(Debug)]
pub struct Visited<T> {
    /// Its name in files: `layer1.weight`.
    pub name: String,
    /// Whether an optimizer changes it.
    pub trained: bool,
    /// The tensor.
    pub tensor: T,
}

/// What is done with each tensor of a network.
pub trait EachTensor<D: Device<f32>> {
    /// Why the walk ends early; [`Infallible`](std::convert::Infallible) where it does not.
    type Error;

    /// Does it with the next tensor.
    ///
    /// # Errors
    /// Whatever ends the walk.
    fn visit<S: Shape>(&mut self, visited: Visited<&Tensor<S, f32, D>>) -> Result<(), Self::Error>;
}

/// What is done to each tensor of a network.
pub trait EachTensorMut<D: Device<f32>> {
    /// Why the walk ends early; [`Infallible`](std::convert::Infallible) where it does not.
    type Error;

    /// Does it to the next tensor.
    ///
    /// # Errors
    /// Whatever ends the walk.
    fn visit<S: Shape>(&mut self, visited: Visited<&mut Tensor<S, f32, D>>) -> Result<(), Self::Error>;
}

/// Shows each tensor of `network` to `each`, in the order in which files have them.
///
/// # Errors
/// The first of `each`.
pub fn walk<M: TensorCollection<f32, D>, D: Device<f32>, V: EachTensor<D>>(
    network: &M,
    each: &mut V,
) -> Result<(), V::Error> {
    let mut walk = Walk { namer: Namer::default(), each };
    M::iter_tensors(&mut RecursiveWalker { m: (network, String::new()), f: &mut walk }).map(drop)
}

/// Shows each tensor of `network` to `each`, to be changed, in the order in which files have them.
///
/// # Errors
/// The first of `each`.
pub fn walk_mut<M: TensorCollection<f32, D>, D: Device<f32>, V: EachTensorMut<D>>(
    network: &mut M,
    each: &mut V,
) -> Result<(), V::Error> {
    let mut walk = WalkMut { namer: Namer::default(), each };
    M::iter_tensors(&mut RecursiveWalker { m: (network, String::new()), f: &mut walk }).map(drop)
}

struct Walk<'a, V> {
    namer: Namer,
    each: &'a mut V,
}

impl<D: Device<f32>, V: EachTensor<D>> TensorVisitor<f32, D> for Walk<'_, V> {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = V::Error;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, D>,
        (tensor, path): (&Tensor<S, f32, D>, String),
    ) -> Result<Option<Tensor<S, f32, D>>, V::Error> {
        let name = self.namer.name(&path);
        self.each.visit(Visited { name, trained: options.do_gradient_update, tensor })?;
        Ok(None)
    }
}

struct WalkMut<'a, V> {
    namer: Namer,
    each: &'a mut V,
}

impl<D: Device<f32>, V: EachTensorMut<D>> TensorVisitor<f32, D> for WalkMut<'_, V> {
    type Viewer = (ViewTensorMut, ViewTensorName);
    type Err = V::Error;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, D>,
        (tensor, path): (&mut Tensor<S, f32, D>, String),
    ) -> Result<Option<Tensor<S, f32, D>>, V::Error> {
        let name = self.namer.name(&path);
        self.each.visit(Visited { name, trained: options.do_gradient_update, tensor })?;
        Ok(None)
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
