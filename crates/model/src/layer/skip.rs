//! Skip connections: dfdx's own module.

use dfdx::nn::modules::Residual;
use strata_spec::LayerSpec;

use super::{Description, Layer, Layers};

/// A skip connection around `F`: `F(x) + x` (He et al. 2015). With a normalisation in front and a wider layer inside it is the inverted
/// bottleneck `z + Wc · act(We · norm(z))`.
pub type Skip<F> = Residual<F>;

impl<F: Layers> Layers for Residual<F> {
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn Layer)) {
        self.0.for_each(visit);
    }

    fn describe(&self, description: &mut Description) {
        let mut inner = Description::default();
        self.0.describe(&mut inner);
        description.push(inner.inputs, LayerSpec::Skip(inner.layers));
    }
}
