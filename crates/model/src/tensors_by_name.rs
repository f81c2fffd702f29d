//! All tensors of a network in order, by dfdx's own walk, under the names that files have for them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use dfdx::prelude::*;

use crate::storage::copy_of;
use crate::storage::sizes;
use crate::{ModelError, TensorSpec};

/// A tensor in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name in files: `layer1.weight`.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// Gives tensors their names in files from the way that dfdx's walk takes to them.
///
/// A layer of ours names its fields by what it is, `layer.weight`; the numbers of the tuples around it count for nothing but to tell one layer
/// from the next. So `1.0.layer.weight` is the weight of the layer that is met second: `layer2.weight`. A field that no layer of ours names so
/// keeps dfdx's own name.
#[derive(Debug, Default)]
pub(crate) struct Namer {
    met: BTreeMap<&'static str, usize>,
    last: Option<String>,
}

/// What layers of ours call themselves.
const KINDS: [&str; 3] = ["layer", "norm", "module"];

impl Namer {
    pub(crate) fn name(&mut self, path: &str) -> String {
        let mut start = 0;
        for part in path.split('.') {
            if let Some(kind) = KINDS.iter().find(|kind| **kind == part) {
                let end = start + part.len();
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

/// The tensors of `network`: names, shapes, and whether an optimizer changes them.
pub fn tensor_specs<M: TensorCollection<f32, D>, D: Device<f32>>(network: &M) -> Vec<TensorSpec> {
    let mut visitor = Read { namer: Namer::default(), specs: Vec::new(), values: None };
    let Ok(_) = M::iter_tensors(&mut RecursiveWalker { m: (network, String::new()), f: &mut visitor });
    visitor.specs
}

/// Copies of the tensors of `network`, in order.
pub fn tensors_of<M: TensorCollection<f32, D>, D: Device<f32>>(network: &M) -> Vec<NamedTensor> {
    let mut visitor = Read { namer: Namer::default(), specs: Vec::new(), values: Some(Vec::new()) };
    let Ok(_) = M::iter_tensors(&mut RecursiveWalker { m: (network, String::new()), f: &mut visitor });
    let values = visitor.values.unwrap_or_default();
    let tensors = visitor.specs.into_iter().zip(values);
    tensors.map(|(TensorSpec { name, shape, .. }, values)| NamedTensor { name, shape, values }).collect()
}

/// Gives `network` the values of `tensors`, which must be its own in names, shapes and order.
///
/// # Errors
/// [`ModelError::Mismatch`] where they are not; the network keeps its own values then.
pub fn load_tensors<M: TensorCollection<f32, D>, D: Device<f32>>(
    network: &mut M,
    tensors: &[NamedTensor],
) -> Result<(), ModelError> {
    let own = tensor_specs(network);
    let name = |name: &str, shape: &[usize]| format!("{name} {shape:?}");
    let found: Vec<_> = tensors.iter().map(|tensor| name(&tensor.name, &tensor.shape)).collect();
    let expected: Vec<_> = own.iter().map(|tensor| name(&tensor.name, &tensor.shape)).collect();
    let whole = tensors.iter().all(|tensor| tensor.values.len() == tensor.shape.iter().product::<usize>());
    if found != expected || !whole {
        return Err(ModelError::Mismatch { expected: expected.join(", "), found: found.join(", ") });
    }
    let mut visitor = Write { tensors: tensors.iter() };
    let Ok(_) = M::iter_tensors(&mut RecursiveWalker { m: network, f: &mut visitor });
    Ok(())
}

struct Read {
    namer: Namer,
    specs: Vec<TensorSpec>,
    values: Option<Vec<Vec<f32>>>,
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Read {
    type Viewer = (ViewTensorRef, ViewTensorName);
    type Err = Infallible;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, D>,
        (tensor, path): (&Tensor<S, f32, D>, String),
    ) -> Result<Option<Tensor<S, f32, D>>, Infallible> {
        self.specs.push(TensorSpec {
            name: self.namer.name(&path),
            shape: sizes(tensor),
            trained: options.do_gradient_update,
        });
        if let Some(values) = &mut self.values {
            values.push(copy_of(tensor));
        }
        Ok(None)
    }
}

struct Write<'a> {
    tensors: std::slice::Iter<'a, NamedTensor>,
}

impl<D: Device<f32>> TensorVisitor<f32, D> for Write<'_> {
    type Viewer = ViewTensorMut;
    type Err = Infallible;
    type E2 = f32;
    type D2 = D;

    fn visit<S: Shape>(
        &mut self,
        _: TensorOptions<S, f32, D>,
        tensor: &mut Tensor<S, f32, D>,
    ) -> Result<Option<Tensor<S, f32, D>>, Infallible> {
        if let Some(NamedTensor { values, .. }) = self.tensors.next() {
            tensor.copy_from(values);
        }
        Ok(None)
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
