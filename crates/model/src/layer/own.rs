//! What dfdx asks of a layer of a user's own, but for what it computes.

use dfdx::prelude::{Const, Cpu, NoneTape, Tensor};

/// The features of a batch's samples, `[batch, N]`, the batch's size being known at run time only: what a layer of your own takes and gives.
pub type Samples<const N: usize, T = NoneTape, D = Cpu> = Tensor<(usize, Const<N>), f32, D, T>;

/// Declares a layer of your own: a struct whose fields are its parameters, each with its shape and what it begins as ([`TensorOptions`](dfdx::nn::TensorOptions)).
///
/// It is a dfdx module on any device and of any type of numbers, 32-bit floats on the CPU where nothing else is said: `Scale<8>` below is what
/// `module(Scale<8> => 8)` names in [`net!`](crate::net), and what is built. The sizes in the angle brackets are constants. A field's name is its
/// tensor's in weights files, one declared with `TensorOptions::detached` is in those and is not trained. `Clone` and `Debug` are derived. What the layer
/// computes is left to say: its `Module`, for batches with a tape and without. There `retaped` comes first: what is computed with a parameter before
/// (`(self.scale.clone() + 1.0).retaped::<T>()`) has no gradient, which training refuses at its first step.
///
/// ```
/// use dfdx::prelude::*;
/// use strata_model::{Samples, net, own_layer, tensor_specs};
///
/// own_layer! {
///     /// A learned scale for each feature.
///     struct Scale<N> {
///         scale: Rank1<N> = TensorOptions::reset_to_ones(),
///     }
/// }
///
/// impl<const N: usize, T: Tape<f32, Cpu>> Module<Samples<N, T>> for Scale<N> {
///     type Output = Samples<N, T>;
///     type Error = CpuError;
///
///     fn try_forward(&self, x: Samples<N, T>) -> Result<Self::Output, CpuError> {
///         let scale = self.scale.retaped::<T>().try_broadcast_like(x.shape())?;
///         x.try_mul(scale)
///     }
/// }
///
/// let network = Cpu::default().build_module::<net!(12, 8 gelu, module(Scale<8> => 8), 3), f32>();
/// assert!(tensor_specs(&network).iter().any(|tensor| tensor.name.ends_with("scale") && tensor.shape == [8]));
/// let logits = network.forward(Cpu::default().zeros_like(&(5, Const::<12>)));
/// assert_eq!(logits.shape(), &(5, Const::<3>));
/// ```
#[macro_export]
macro_rules! own_layer {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident $(<$($size:ident),+ $(,)?>)? {
            $(
                $(#[$of_field:meta])*
                $reach:vis $field:ident: $shape:ty = $begin:expr
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug)]
        $visibility struct $name<
            $($(const $size: usize,)+)?
            Number: $crate::__dfdx::prelude::Dtype = f32,
            On: $crate::__dfdx::prelude::Storage<Number> = $crate::__dfdx::prelude::Cpu,
        > {
            $(
                $(#[$of_field])*
                $reach $field: $crate::__dfdx::prelude::Tensor<$shape, Number, On>,
            )+
        }

        impl<
            $($(const $size: usize,)+)?
            Number: $crate::__dfdx::prelude::Dtype,
            On: $crate::__dfdx::prelude::Device<Number>,
        > $crate::__dfdx::prelude::BuildOnDevice<On, Number> for $name<$($($size,)+)?> {
            type Built = $name<$($($size,)+)? Number, On>;
        }

        impl<
            $($(const $size: usize,)+)?
            Number: $crate::__dfdx::prelude::Dtype,
            On: $crate::__dfdx::prelude::Device<Number>,
        > $crate::__dfdx::prelude::TensorCollection<Number, On> for $name<$($($size,)+)? Number, On> {
            type To<
                Other: $crate::__dfdx::prelude::Dtype,
                There: $crate::__dfdx::prelude::Device<Other>,
            > = $name<$($($size,)+)? Other, There>;

            fn iter_tensors<Visitor: $crate::__dfdx::prelude::ModuleVisitor<Self, Number, On>>(
                visitor: &mut Visitor,
            ) -> Result<Option<Self::To<Visitor::E2, Visitor::D2>>, Visitor::Err> {
                visitor.visit_fields(
                    ($(
                        <Self as $crate::__dfdx::prelude::TensorCollection<Number, On>>::tensor(
                            stringify!($field),
                            |layer| &layer.$field,
                            |layer| &mut layer.$field,
                            $begin,
                        ),
                    )+),
                    |($($field,)+)| $name { $($field),+ },
                )
            }
        }

        impl<
            $($(const $size: usize,)+)?
            Number: $crate::__dfdx::prelude::Dtype,
            On: $crate::__dfdx::prelude::Storage<Number>,
        > $crate::__dfdx::prelude::NonMutableModule for $name<$($($size,)+)? Number, On> {}
    };
}
