//! Any dfdx module as a part of a network.

use std::convert::Infallible;

use dfdx::nn::ModuleFields;
use dfdx::prelude::*;
use strata_spec::LayerSpec;

use super::{Description, Layer, Layers};
use crate::ModelError;

/// A module of dfdx or of a user's own, `B` being what builds it, from `INPUTS` to `OUTPUTS` features; `net!` writes `module(B => OUTPUTS)`.
///
/// Its parameters are found by dfdx's walk, so it trains as the rest does and is in every weights file and checkpoint. It keeps the values that it
/// was built with until weights are loaded, and a predictor that was not compiled with it cannot run it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct External<B, const INPUTS: usize, const OUTPUTS: usize>(pub B);

/// A built [`External`].
#[derive(Clone, Debug, Default)]
pub struct ExternalLayer<M, const INPUTS: usize, const OUTPUTS: usize>(pub M);

impl<B: BuildOnDevice<D, E>, const I: usize, const O: usize, E: Dtype, D: Device<E>> BuildOnDevice<D, E>
    for External<B, I, O>
{
    type Built = ExternalLayer<B::Built, I, O>;
}

impl<M: TensorCollection<E, D>, const I: usize, const O: usize, E: Dtype, D: Device<E>> TensorCollection<E, D>
    for ExternalLayer<M, I, O>
{
    type To<E2: Dtype, D2: Device<E2>> = ExternalLayer<M::To<E2, D2>, I, O>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(Self::module("module", |s| &s.0, |s| &mut s.0), ExternalLayer)
    }
}

impl<X, M: Module<X>, const I: usize, const O: usize> Module<X> for ExternalLayer<M, I, O> {
    type Output = M::Output;
    type Error = M::Error;

    fn try_forward(&self, x: X) -> Result<Self::Output, Self::Error> {
        self.0.try_forward(x)
    }
}

impl<X, M: ModuleMut<X>, const I: usize, const O: usize> ModuleMut<X> for ExternalLayer<M, I, O> {
    type Output = M::Output;
    type Error = M::Error;

    fn try_forward_mut(&mut self, x: X) -> Result<Self::Output, Self::Error> {
        self.0.try_forward_mut(x)
    }
}

impl<M, const I: usize, const O: usize> Layer for ExternalLayer<M, I, O> {}

impl<M, const I: usize, const O: usize> Layers for ExternalLayer<M, I, O> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        visit(self);
    }

    fn describe(&self, description: &mut Description) {
        // A network's text has commas and parentheses of its own.
        let plain = |c: char| if c.is_alphanumeric() || c == '_' || c == ':' { c } else { '_' };
        let name = std::any::type_name::<M>().chars().map(plain).collect();
        description.push(Some(I), LayerSpec::Module { name, outputs: O });
    }
}

/// Refuses a network with a module that no exact resume can serve: dfdx's own dropout keeps its generator private.
///
/// # Errors
/// [`ModelError::PrivateGenerator`] with the module's type.
pub fn check_generators<M: TensorCollection<f32, D>, D: Device<f32>>(_: &M) -> Result<(), ModelError> {
    let mut find = Find { module: None };
    find.check::<M>();
    let Ok(_) = M::iter_tensors(&mut find);
    match find.module {
        Some(module) => Err(ModelError::PrivateGenerator { module }),
        None => Ok(()),
    }
}

/// Goes through the types of all modules.
struct Find {
    module: Option<&'static str>,
}

impl Find {
    fn check<M>(&mut self) {
        let name = std::any::type_name::<M>();
        if name.starts_with("dfdx::nn::dropout::") {
            self.module.get_or_insert(name);
        }
    }
}

impl<T: TensorCollection<f32, D>, D: Device<f32>> ModuleVisitor<T, f32, D> for Find {
    type Err = Infallible;
    type E2 = f32;
    type D2 = D;

    fn visit_module<Field, GetRef, GetMut>(
        &mut self,
        _: &str,
        _: GetRef,
        _: GetMut,
    ) -> Result<Option<Field::To<f32, D>>, Infallible>
    where
        GetRef: FnMut(&T) -> &Field,
        GetMut: FnMut(&mut T) -> &mut Field,
        Field: TensorCollection<f32, D>,
    {
        self.check::<Field>();
        Field::iter_tensors(self)
    }

    fn visit_tensor<S: Shape, GetRef, GetMut>(
        &mut self,
        _: &str,
        _: GetRef,
        _: GetMut,
        _: TensorOptions<S, f32, D>,
    ) -> Result<Option<Tensor<S, f32, D>>, Infallible>
    where
        GetRef: FnMut(&T) -> &Tensor<S, f32, D>,
        GetMut: FnMut(&mut T) -> &mut Tensor<S, f32, D>,
    {
        Ok(None)
    }

    fn visit_scalar<N: num_traits::NumCast, GetRef, GetMut>(
        &mut self,
        _: &str,
        _: GetRef,
        _: GetMut,
        _: ScalarOptions<N>,
    ) -> Result<Option<N>, Infallible>
    where
        GetRef: FnMut(&T) -> &N,
        GetMut: FnMut(&mut T) -> &mut N,
    {
        Ok(None)
    }

    fn visit_fields<F: ModuleFields<T, f32, D>>(
        &mut self,
        fields: F,
        builder: impl FnOnce(F::Output<f32, D>) -> T::To<f32, D>,
    ) -> Result<Option<T::To<f32, D>>, Infallible> {
        let options = fields.visit_fields(self)?;
        Ok(F::handle_options(options).map(builder))
    }
}
