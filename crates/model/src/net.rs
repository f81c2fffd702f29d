//! The front for networks of any of our layers.

/// The type of a network of any layers, each of which fits the one before:
/// `net!(3072, 512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512), 10)`.
///
/// The first width is the features of a sample. A width is a [`Dense`](crate::Dense) layer to so many features: a literal, a constant, or an expression in braces. What
/// stands behind it follows it: an activation by its name in a config (`relu`, `gelu`, …), a normalisation (`batch_norm`, `layer_norm`, `rms_norm`),
/// `dropout(0.1)`, or another layer by its word ([`LayerKind`](strata_spec::LayerKind)). An activation at the beginning of an item, where a name is a constant's, is `activation(gelu)`. `skip(…)` adds its input to what its layers make of it, and `skip(…, 16 stochastic_depth(0.1))` leaves that out for some samples ([`StochasticDepth`](crate::StochasticDepth)). `mirrored(…)`, at the beginning, holds the layers of a network of mirror symmetry ([`Mirrored`](crate::Mirrored)). `module(B => WIDTH)` is any module of dfdx or of your own
/// ([`External`](crate::External)). The text of a network in a weights file is the same but for that ([`NetworkSpec`](strata_spec::NetworkSpec)).
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
///
/// An activation that there is not does not compile:
///
/// ```compile_fail
/// use dfdx::prelude::*;
/// use strata_model::net;
///
/// Cpu::default().build_module::<net!(12, 16 gellu, 3), f32>();
/// ```
///
/// nor does a layer without the number that belongs to it:
///
/// ```compile_fail
/// use dfdx::prelude::*;
/// use strata_model::net;
///
/// Cpu::default().build_module::<net!(12, 16 dropout, 3), f32>();
/// ```
///
/// and `gelu` does, behind a layer or as an item of its own:
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{Layers, net};
///
/// let network = Cpu::default().build_module::<net!(12, 16 gelu, activation(tanh), skip(16), activation(silu), 3), f32>();
/// assert_eq!(network.architecture().to_string(), "12, 16 gelu tanh, skip(16), activation(silu), 3");
/// ```
///
/// A mirrored network begins with the width of a dense layer, whose weights see both views; this does not compile:
///
/// ```compile_fail,E0277
/// use dfdx::prelude::*;
/// use strata_model::net;
///
/// Cpu::default().build_module::<net!(12, mirrored(batch_norm, 16 relu), 3), f32>();
/// ```
///
/// and with it in front it does:
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{Layers, Mirror, net};
///
/// const WIDTH: usize = 16;
/// let mut network = Cpu::default().build_module::<net!(12, mirrored(WIDTH relu, skip(8 relu, WIDTH), 5), 3), f32>();
/// assert_eq!(network.architecture().to_string(), "12, mirrored(16 relu, skip(8 relu, 16), 5), 3");
/// // Images of three rows of four pixels, whose mirror images have their rows in reverse.
/// let mirror = |pixels: &mut [f32]| pixels.chunks_mut(4).for_each(<[f32]>::reverse);
/// network.set_mirror(&Mirror::of(mirror, 12).expect("reversed twice it is the image"))?;
/// let images: Tensor<(usize, Const<12>), f32, Cpu> = Cpu::default().sample_uniform_like(&(1, Const));
/// let mut pixels = images.as_vec();
/// mirror(&mut pixels);
/// let mirrored = Cpu::default().tensor_from_vec(pixels, (1, Const::<12>));
/// assert_eq!(network.forward(images).as_vec(), network.forward(mirrored).as_vec());
/// # Ok::<(), strata_model::ModelError>(())
/// ```
#[macro_export]
macro_rules! net {
    ($inputs:tt, $($layers:tt)+) => { $crate::__layers!(($inputs) $($layers)+) };
}

/// The layers from a width on, `(width) layers…`; a part of [`net!`].
///
/// A name at the beginning of an item is a constant, unless it is a layer's (`__item!`); behind a layer it is a word, found among the layers and activations that there are.
#[doc(hidden)]
#[macro_export]
macro_rules! __layers {
    (@then $layer:ty, ($width:tt) $(,)?) => { $layer };
    (@then $layer:ty, ($width:tt) , $($rest:tt)+) => { ($layer, $crate::__layers!(($width) $($rest)+)) };
    (@then $layer:ty, ($width:tt) $($rest:tt)+) => { ($layer, $crate::__layers!(@behind ($width) $($rest)+)) };
    (@word ($width:tt) $word:ident, $argument:expr, $($rest:tt)*) => {
        $crate::__layers!(
            @then <$crate::Word<
                { $crate::is_layer_kind(stringify!($word)) },
                { $crate::number_of_word(stringify!($word)) },
                $width,
                { $crate::argument_of_word(stringify!($word), $argument) },
            > as $crate::LayerOfWord>::Layer,
            ($width) $($rest)*
        )
    };
    (@behind $width:tt $word:ident($($argument:tt)+) $($rest:tt)*) => {
        $crate::__layers!($width $word($($argument)+) $($rest)*)
    };
    (@behind $width:tt $word:ident $($rest:tt)*) => { $crate::__layers!(@word $width $word, None, $($rest)*) };
    (($width:tt) activation($activation:ident) $($rest:tt)*) => {
        $crate::__layers!(
            @then $crate::Activate<{ $crate::activation_number(stringify!($activation)) }>, ($width) $($rest)*
        )
    };
    ($width:tt skip($($layers:tt)+) $($rest:tt)*) => {
        $crate::__layers!(@then $crate::Skip<$crate::__layers!($width $($layers)+)>, $width $($rest)*)
    };
    ($width:tt mirrored($($layers:tt)+) $($rest:tt)*) => {
        $crate::__layers!(
            @then $crate::Mirrored<$crate::__layers!($width $($layers)+)>,
            ({ <$crate::__layers!($width $($layers)+) as $crate::OpensMirrored>::OUTPUTS }) $($rest)*
        )
    };
    (($width:tt) module($module:ty => $outputs:tt) $($rest:tt)*) => {
        $crate::__layers!(@then $crate::External<$module, $width, $outputs>, ($outputs) $($rest)*)
    };
    (($width:tt) $word:ident($argument:expr) $($rest:tt)*) => {
        $crate::__layers!(@word ($width) $word, Some($argument as f64), $($rest)*)
    };
    // What stands together often enough to be one operation.
    (@dense ($width:tt) $outputs:tt batch_norm relu $($rest:tt)*) => {
        $crate::__layers!(@then $crate::Rectified<$crate::Dense<$width, $outputs>, $outputs>, ($outputs) $($rest)*)
    };
    (@dense ($width:tt) $outputs:tt $($rest:tt)*) => {
        $crate::__layers!(@then $crate::Dense<$width, $outputs>, ($outputs) $($rest)*)
    };
    // What else begins an item: a word that stands alone, or the width of a dense layer.
    (($width:tt) $($item:tt)+) => { $crate::__item!(($width) $($item)+) };
}
