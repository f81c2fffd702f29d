//! The layers that a word calls, each a file of this folder, whose list `cargo xtask docs` writes.

#![allow(unused_qualifications, reason = "every file has a constant of the same name")]

mod batch_norm;
mod dropout;
mod layer_norm;
mod rms_norm;
mod stochastic_depth;

pub use batch_norm::*;
pub use dropout::*;
pub use layer_norm::*;
pub use rms_norm::*;
pub use stochastic_depth::*;
use strata_spec::LayerKind;

use super::word::AtRunTime;

/// What a kind of layer is where its sizes are known at run time only.
pub(crate) const fn at_run_time(kind: LayerKind) -> AtRunTime {
    match kind {
        LayerKind::BatchNorm => batch_norm::AT_RUN_TIME,
        LayerKind::Dropout => dropout::AT_RUN_TIME,
        LayerKind::LayerNorm => layer_norm::AT_RUN_TIME,
        LayerKind::RmsNorm => rms_norm::AT_RUN_TIME,
        LayerKind::StochasticDepth => stochastic_depth::AT_RUN_TIME,
    }
}

/// An item of a network that begins with a word, or else a width; a part of [`net!`](crate::net).
#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! __item {
    ($width:tt batch_norm $($rest:tt)*) => { $crate::__layers!(@word $width batch_norm, None, $($rest)*) };
    ($width:tt dropout $($rest:tt)*) => { $crate::__layers!(@word $width dropout, None, $($rest)*) };
    ($width:tt layer_norm $($rest:tt)*) => { $crate::__layers!(@word $width layer_norm, None, $($rest)*) };
    ($width:tt rms_norm $($rest:tt)*) => { $crate::__layers!(@word $width rms_norm, None, $($rest)*) };
    ($width:tt stochastic_depth $($rest:tt)*) => { $crate::__layers!(@word $width stochastic_depth, None, $($rest)*) };
    ($width:tt $($item:tt)+) => { $crate::__layers!(@dense $width $($item)+) };
}
