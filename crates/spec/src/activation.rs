//! Activations by name.

use crate::named::named;

named! {
    /// What a layer does to each of its outputs. Formulas as PyTorch's modules of the same names compute them.
    #[derive(Default)]
    pub enum Activation {
        Identity = "identity", "`x`: a last layer gives logits";
        #[default]
        Relu = "relu", "max(0, x)";
        LeakyRelu = "leaky_relu", "x where x > 0, 0.01 x elsewhere";
        Gelu = "gelu", "x Φ(x) with the exact error function (Hendrycks and Gimpel 2016)";
        Tanh = "tanh", "the hyperbolic tangent";
        Sigmoid = "sigmoid", "1 / (1 + e⁻ˣ)";
        Silu = "silu", "x · sigmoid(x), also called swish (Elfwing et al. 2017)";
    }
}

impl Activation {
    /// Those that may stand between two layers: all but [`Activation::Identity`], which would make the two one.
    pub fn hidden() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|activation| *activation != Self::Identity)
    }
}
