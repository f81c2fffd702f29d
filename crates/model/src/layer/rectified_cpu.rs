//! [`Rectified`](super::Rectified) on a CPU: one operation of the tape.

#![allow(clippy::type_complexity, reason = "dfdx's tensors say their shape in their type")]

use dfdx::prelude::*;
use strata_kernels::{
    self as kernels, Affine, BiasOf, Columns, GemmShape, Mirror, Norm, Normalised, RectifiedGradient,
};

use super::affine::{AffineKind, AffineOf};
use super::fused::{Rows, operation};
use super::{ActivationDevice, BatchNormDevice, BatchNormLayer, EPSILON};
use crate::gradients::{Factors, GradientFactors, InputGradient, Values, add_product, add_to, gradient_of_parameter};
use crate::storage::{is_contiguous, realized, tensor_from_vec, values, values_mut};

/// Samples of a training pass.
type Traced<D> = Tensor<(usize, usize), f32, D, OwnedTape<f32, D>>;

/// What [`Rectified`](super::Rectified) needs of a device.
pub trait RectifiedDevice: BatchNormDevice + ActivationDevice {
    /// A training pass as one operation; the samples again where it cannot be one.
    ///
    /// # Errors
    /// Where the device does, out of memory for one.
    fn try_rectified<const N: usize>(
        affine: AffineOf<Self>,
        norm: &mut BatchNormLayer<N, f32, Self>,
        x: Traced<Self>,
    ) -> Result<Result<Traced<Self>, Traced<Self>>, Self::Err>;
}

impl RectifiedDevice for Cpu {
    fn try_rectified<const N: usize>(
        affine: AffineOf<Self>,
        norm: &mut BatchNormLayer<N, f32, Self>,
        x: Traced<Self>,
    ) -> Result<Result<Traced<Self>, Traced<Self>>, CpuError> {
        let (gain, bias) = (realized(norm.weight.clone()), realized(norm.bias.clone()));
        let Some(products) = Products::of(affine.kind, &x) else { return Ok(Err(x)) };
        let parameters = Parameters { bias: affine.bias, gain, norm_bias: bias };
        if !parameters.are_contiguous() {
            return Ok(Err(x));
        }
        let running = (values_mut(&mut norm.running_mean), values_mut(&mut norm.running_var));
        rectified(products, parameters, running, norm.momentum, x).map(Ok)
    }
}

#[cfg(feature = "cuda")]
impl RectifiedDevice for Cuda {
    fn try_rectified<const N: usize>(
        _: AffineOf<Self>,
        _: &mut BatchNormLayer<N, f32, Self>,
        x: Traced<Self>,
    ) -> Result<Result<Traced<Self>, Traced<Self>>, Self::Err> {
        Ok(Err(x))
    }
}

/// What is trained besides weights.
struct Parameters {
    bias: Tensor<(usize,), f32, Cpu>,
    gain: Tensor<(usize,), f32, Cpu>,
    norm_bias: Tensor<(usize,), f32, Cpu>,
}

impl Parameters {
    fn are_contiguous(&self) -> bool {
        [&self.bias, &self.gain, &self.norm_bias].into_iter().all(is_contiguous)
    }

    fn norm(&self) -> Norm<'_> {
        Norm { gain: values(&self.gain), bias: values(&self.norm_bias), eps: EPSILON }
    }
}

/// The products that are normalised: what of, with which weights.
enum Products {
    Dense { weight: Rows },
    MirroredInput { weight: Rows, mirror: Mirror, parts: [Vec<f32>; 2], weights: [Vec<f32>; 2] },
    MirroredDense { weights: [Rows; 2], parts: [Vec<f32>; 2] },
}

impl Products {
    /// Of samples `x`; none where a tensor is not laid out row by row, or a part has no inputs.
    fn of(kind: AffineKind<Cpu>, x: &Traced<Cpu>) -> Option<Self> {
        let (samples, inputs) = *x.shape();
        if !is_contiguous(x) {
            return None;
        }
        match kind {
            AffineKind::Dense(weight) => is_contiguous(&weight).then_some(Self::Dense { weight }),
            AffineKind::MirroredInput(weight, mirror) => {
                // Checked in each pass, since anybody may set the tensor: it says where in memory to read.
                let mirror = Mirror::from_places(values(&mirror))?;
                let fits = mirror.places().len() == inputs && !mirror.widths().contains(&0);
                (fits && is_contiguous(&weight)).then(|| {
                    let (parts, weights) = (mirror.parts(values(x), 0.5), mirror.parts(values(&weight), 1.0));
                    Self::MirroredInput { weight, mirror, parts, weights }
                })
            }
            AffineKind::MirroredDense(weights) => (samples.is_multiple_of(2) && weights.iter().all(is_contiguous))
                .then(|| {
                    let parts = kernels::sums_and_differences(values(x), 1.0);
                    Self::MirroredDense { weights, parts }
                }),
        }
    }
}

fn rectified(
    products: Products,
    parameters: Parameters,
    (running_mean, running_var): (&mut [f32], &mut [f32]),
    momentum: f32,
    x: Traced<Cpu>,
) -> Result<Traced<Cpu>, CpuError> {
    let (x, tape) = x.split_tape();
    let (samples, features) = (x.shape().0, parameters.gain.shape().0);
    let rows = if matches!(products, Products::MirroredInput { .. }) { 2 * samples } else { samples };
    let mut y = kernels::scratch(rows * features);
    let done = products.forward(&x, &parameters, &mut y);
    done.statistics().update_running(rows, momentum, running_mean, running_var);
    let y = tensor_from_vec(x.device(), y, (rows, features))?;
    let input = x.clone();
    Ok(operation(&x, tape, y, move |dy, of_x, gradients| {
        products.backward(input, &parameters, &done, dy, of_x, gradients)
    }))
}

impl Products {
    fn forward(&self, x: &Rows, parameters: &Parameters, y: &mut [f32]) -> kernels::Rectified {
        let (bias, norm) = (values(&parameters.bias), parameters.norm());
        let (no_bias, doubled);
        let normalised = match self {
            Self::Dense { weight } => Normalised::One(affine(values(x), values(weight), bias)),
            Self::MirroredInput { parts: [common, different], weights: [even, odd], .. } => {
                no_bias = kernels::zeros(bias.len());
                Normalised::Views([affine(common, even, bias), affine(different, odd, &no_bias)], 1.0)
            }
            Self::MirroredDense { parts: [sums, differences], weights: [even, odd] } => {
                no_bias = kernels::zeros(bias.len());
                // Half of the bias twice over is in the sum of both views.
                doubled = bias.iter().map(|bias| 2.0 * bias).collect::<Vec<_>>();
                let products = [affine(sums, values(even), &doubled), affine(differences, values(odd), &no_bias)];
                Normalised::Views(products, 0.5)
            }
        };
        kernels::Rectified::forward(normalised, norm, y)
    }

    fn backward(
        self,
        x: Rows,
        parameters: &Parameters,
        done: &kernels::Rectified,
        dy: Vec<f32>,
        of_x: InputGradient,
        gradients: &mut Gradients<f32, Cpu>,
    ) -> Result<(), CpuError> {
        let needs_rows = of_x.is_needed(gradients)?;
        let (views, bias_of) = match &self {
            Self::Dense { .. } => (None, BiasOf::Rows),
            Self::MirroredInput { .. } => (Some(1.0), BiasOf::Sums),
            Self::MirroredDense { .. } => (Some(0.5), BiasOf::Rows),
        };
        let mut back = done.gradient(parameters.norm(), &dy, views, bias_of, needs_rows);
        kernels::recycle(dy);
        add_to(gradient_of_parameter(gradients, &parameters.gain)?, std::mem::take(&mut back.gain));
        add_to(gradient_of_parameter(gradients, &parameters.norm_bias)?, std::mem::take(&mut back.bias));
        add_to(gradient_of_parameter(gradients, &parameters.bias)?, std::mem::take(&mut back.product_bias));
        let columns = std::mem::take(&mut back.columns).into_iter();
        let outputs = parameters.gain.shape().0;
        match self {
            Self::Dense { weight } => {
                if needs_rows {
                    of_x.write(gradients, |dx| input_gradient(&back, 0, values(&weight), outputs, dx))?;
                }
                columns.into_iter().try_for_each(|dy| give(&weight, dy, Box::new(x.clone()), gradients))
            }
            Self::MirroredInput { weight, mirror, parts, weights } => {
                if needs_rows {
                    let of_parts = [0, 1].map(|part| {
                        let mut dx = kernels::scratch(parts[part].len());
                        input_gradient(&back, part, &weights[part], outputs, &mut dx);
                        dx
                    });
                    of_x.write(gradients, |dx| {
                        dx.fill(0.0);
                        mirror.add_parts_gradient(slices(&of_parts), 0.5, dx);
                    })?;
                    of_parts.into_iter().for_each(kernels::recycle);
                }
                let mut of_weights = weights.map(|weight| kernels::zeros(weight.len()));
                for ((dy, x), gradient) in columns.zip(&parts).zip(&mut of_weights) {
                    dy.weight_gradient(shape(x.len(), gradient.len(), outputs), x, gradient);
                }
                let whole = gradient_of_parameter(gradients, &weight)?;
                mirror.add_parts_gradient(slices(&of_weights), 1.0, whole);
                parts.into_iter().chain(of_weights).for_each(kernels::recycle);
                Ok(())
            }
            Self::MirroredDense { weights, parts } => {
                if needs_rows {
                    let [sums, differences] = [0, 1].map(|part| {
                        let mut dx = kernels::scratch(parts[part].len());
                        input_gradient(&back, part, values(&weights[part]), outputs, &mut dx);
                        dx
                    });
                    of_x.write(gradients, |dx| kernels::views_of(&sums, &differences, 1.0, dx))?;
                    kernels::recycle(sums);
                    kernels::recycle(differences);
                }
                let mut each = columns.zip(parts).zip(&weights);
                each.try_for_each(|((dy, x), weight)| give(weight, dy, Box::new(x), gradients))
            }
        }
    }
}

fn slices(parts: &[Vec<f32>; 2]) -> [&[f32]; 2] {
    parts.each_ref().map(Vec::as_slice)
}

/// The sizes of a product of so many values of its samples and of its weight.
fn shape(of_x: usize, of_weight: usize, outputs: usize) -> GemmShape {
    let inputs = of_weight / outputs;
    GemmShape { batch: of_x / inputs, inputs, outputs }
}

fn affine<'a>(x: &'a [f32], weight: &'a [f32], bias: &'a [f32]) -> Affine<'a> {
    Affine { shape: shape(x.len(), weight.len(), bias.len()), x, weight, bias }
}

fn input_gradient(back: &RectifiedGradient, part: usize, weight: &[f32], outputs: usize, dx: &mut [f32]) {
    back.input_gradient(part, shape(dx.len(), weight.len(), outputs), weight, dx);
}

/// Gives what `weight`'s gradient is the product of.
fn give(weight: &Rows, dy: Columns, x: Box<dyn Values>, gradients: &mut Gradients<f32, Cpu>) -> Result<(), CpuError> {
    let (outputs, inputs) = *weight.shape();
    let shape = shape(x.values().len(), inputs * outputs, outputs);
    add_product(gradients, weight, GradientFactors { factors: Factors::Columns { dy, x }, shape })
}
