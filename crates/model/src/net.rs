//! The front for networks of any of our layers.

/// The type of a network of any layers, each of which fits the one before:
/// `net!(3072, 512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512), 10)`.
///
/// The first width is the features of a sample. A width is a [`Dense`](crate::Dense) layer to so many features: a literal, a constant, or an expression in braces. What
/// stands behind it follows it: an activation (`relu`, `leaky_relu`, `gelu`, `tanh`, `sigmoid`, `silu`), a normalisation (`batch_norm`, `layer_norm`, `rms_norm`),
/// `dropout(0.1)`. `skip(…)` adds its input to what its layers make of it. `module(B => WIDTH)` is any module of dfdx or of your own
/// ([`External`](crate::External)). The text of a network in a config or a weights file is the same ([`NetworkSpec`](strata_spec::NetworkSpec)).
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{Layers, net};
///
/// const HIDDEN: usize = 16;
/// type Classifier = net!(12, HIDDEN batch_norm gelu, skip(layer_norm, { 4 * HIDDEN } gelu, HIDDEN), 3);
/// let network = Cpu::default().build_module::<Classifier, f32>();
/// assert_eq!(network.architecture().to_string(), "12, 16 batch_norm gelu, skip(layer_norm, 64 gelu, 16), 3");
/// let logits = network.forward(Cpu::default().zeros_like(&(5, Const::<12>)));
/// assert_eq!(logits.shape(), &(5, Const::<3>));
/// ```
///
/// A skip connection that does not end with as many features as it begins with does not compile:
///
/// ```compile_fail,E0271
/// use dfdx::prelude::*;
/// use strata_model::net;
///
/// type Classifier = net!(12, 16 gelu, skip(8), 3); // 8 is not 16
/// let network = Cpu::default().build_module::<Classifier, f32>();
/// network.forward(Cpu::default().zeros_like(&(5, Const::<12>)));
/// ```
///
/// and with 16 it does:
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::net;
///
/// type Classifier = net!(12, 16 gelu, skip(16), 3);
/// let network = Cpu::default().build_module::<Classifier, f32>();
/// network.forward(Cpu::default().zeros_like(&(5, Const::<12>)));
/// ```
#[macro_export]
macro_rules! net {
    ($inputs:tt, $($layers:tt)+) => { $crate::__layers!(($inputs) $($layers)+) };
}

/// The layers from a width on, `(width) layers…`; a part of [`net!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __layers {
    (@then $layer:ty, ($width:tt) $(,)?) => { $layer };
    (@then $layer:ty, ($width:tt) , $($rest:tt)+) => { ($layer, $crate::__layers!(($width) $($rest)+)) };
    (@then $layer:ty, ($width:tt) $($rest:tt)+) => { ($layer, $crate::__layers!(($width) $($rest)+)) };
    (@activate $activation:ident, $width:tt $($rest:tt)*) => {
        $crate::__layers!(@then $crate::Activate<{ $crate::Activation::$activation as u8 }>, $width $($rest)*)
    };
    ($width:tt identity $($rest:tt)*) => { $crate::__layers!(@activate Identity, $width $($rest)*) };
    ($width:tt relu $($rest:tt)*) => { $crate::__layers!(@activate Relu, $width $($rest)*) };
    ($width:tt leaky_relu $($rest:tt)*) => { $crate::__layers!(@activate LeakyRelu, $width $($rest)*) };
    ($width:tt gelu $($rest:tt)*) => { $crate::__layers!(@activate Gelu, $width $($rest)*) };
    ($width:tt tanh $($rest:tt)*) => { $crate::__layers!(@activate Tanh, $width $($rest)*) };
    ($width:tt sigmoid $($rest:tt)*) => { $crate::__layers!(@activate Sigmoid, $width $($rest)*) };
    ($width:tt silu $($rest:tt)*) => { $crate::__layers!(@activate Silu, $width $($rest)*) };
    (($width:tt) batch_norm $($rest:tt)*) => { $crate::__layers!(@then $crate::BatchNorm<$width>, ($width) $($rest)*) };
    (($width:tt) layer_norm $($rest:tt)*) => { $crate::__layers!(@then $crate::LayerNorm<$width>, ($width) $($rest)*) };
    (($width:tt) rms_norm $($rest:tt)*) => { $crate::__layers!(@then $crate::RmsNorm<$width>, ($width) $($rest)*) };
    ($width:tt dropout($probability:expr) $($rest:tt)*) => {
        $crate::__layers!(@then $crate::DropoutLayer<{ $crate::parts_per_million($probability) }>, $width $($rest)*)
    };
    ($width:tt skip($($layers:tt)+) $($rest:tt)*) => {
        $crate::__layers!(@then $crate::Skip<$crate::__layers!($width $($layers)+)>, $width $($rest)*)
    };
    ($width:tt module($module:ty => $outputs:tt) $($rest:tt)*) => {
        $crate::__layers!(@then $crate::External<$module, $outputs>, ($outputs) $($rest)*)
    };
    (($width:tt) $outputs:tt $($rest:tt)*) => { $crate::__layers!(@then $crate::Dense<$width, $outputs>, ($outputs) $($rest)*) };
}
