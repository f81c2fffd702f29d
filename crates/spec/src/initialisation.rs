//! How a network's parameters begin.

use crate::named::named;

named! {
    /// How the weights of dense layers begin. Those of PyTorch are drawn as a PyTorch program does: every layer is constructed, with the draws of
    /// its own default, then the weights are drawn again in order and the biases are zero.
    #[derive(Default)]
    pub enum WeightInit {
        #[default]
        Torch = "torch", "uniform in ±1/√inputs, biases too: what torch.nn.Linear begins with";
        KaimingUniform = "kaiming_uniform", "uniform in ±√(6/inputs), for ReLU and its kind, biases zero (He et al. 2015; torch.nn.init.kaiming_uniform_)";
        KaimingNormal = "kaiming_normal", "normal of deviation √(2/inputs), biases zero (He et al. 2015; torch.nn.init.kaiming_normal_)";
        XavierUniform = "xavier_uniform", "uniform in ±√(6/(inputs + outputs)), biases zero (Glorot and Bengio 2010; torch.nn.init.xavier_uniform_)";
        XavierNormal = "xavier_normal", "normal of deviation √(2/(inputs + outputs)), biases zero (Glorot and Bengio 2010; torch.nn.init.xavier_normal_)";
        Orthogonal = "orthogonal", "rows, or columns where they are fewer, of length 1 at right angles to each other, biases zero (Saxe et al. 2014; torch.nn.init.orthogonal_)";
    }
}

/// How a network's parameters begin; by default as PyTorch's modules construct them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Initialisation {
    /// The weights of dense layers.
    pub weights: WeightInit,
    /// Whether the last dense layer or normalisation of each skip connection begins at zero, so that the connection begins as its input alone
    /// (`zero_init_residual` of torchvision's residual networks).
    pub zero_residual: bool,
}
