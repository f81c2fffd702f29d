//! A network of our own layers with its sizes known at run time: any weights file can be used without being compiled in.

use std::path::Path;

use strata_kernels as kernels;
use strata_kernels::{FrequencyTable, GemmShape, Mirror, bf16, largest};
use strata_spec::{LayerSpec, Precision};

use crate::layer::{Evaluation, at_run_time};
use crate::{InputTransform, ModelError, NamedTensor, TrainedModel, Usage};

/// A trained model, ready to classify.
///
/// ```no_run
/// let model = strata_model::Predictor::load("runs/a-run/model.safetensors".as_ref())?;
/// let image = std::fs::read("image.bytes")?; // [channels, height, width]
/// let class = model.classify_bytes(&image)?[0];
/// println!("{}", model.usage().classes[class]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor {
    model: TrainedModel,
    /// Where the network sees low frequencies.
    table: Option<FrequencyTable>,
}

impl Predictor {
    /// Reads a weights file.
    ///
    /// # Errors
    /// As [`TrainedModel::load`] and [`Predictor::new`].
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::new(TrainedModel::load(path)?)
    }

    /// Takes a trained model.
    ///
    /// # Errors
    /// [`ModelError::OwnModule`] where the network has a module that is not one of Strata's layers: only a program that was compiled with it can run it.
    pub fn new(model: TrainedModel) -> Result<Self, ModelError> {
        match model.weights().architecture.own_module() {
            Some(module) => Err(ModelError::OwnModule { module }),
            None => Ok(Self { table: model.usage().frequency_table()?, model }),
        }
    }

    /// What the file says about the use of the model: sizes of a sample, names of the classes.
    pub fn usage(&self) -> &Usage {
        self.model.usage()
    }

    /// The network's inputs from samples as bytes in 0..=255, one after the other, each `[channels, …]` as [`Usage::input`] says: to the bit what training
    /// made of them.
    ///
    /// # Errors
    /// [`ModelError::Samples`] where these are not whole samples; [`ModelError::Usage`] where the model was not trained on bytes,
    /// [`ModelError::OutOfMemory`] where there is no memory for as many.
    pub fn features(&self, bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
        if let Some(table) = &self.table {
            let sample = self.usage().input.iter().product();
            whole_samples(bytes.len(), sample)?;
            let values = bytes.len() / sample * table.transform().coefficients();
            let mut inputs = kernels::catch_out_of_memory(|| kernels::zeros(values))?;
            table.apply(bytes, &mut inputs);
            return Ok(inputs);
        }
        let inputs = self.check(bytes.len())?;
        let InputTransform::Pixels { mean, deviation } = &self.usage().transform else {
            return Err(ModelError::Usage { reason: "the model was trained on floats, and takes no bytes".into() });
        };
        let part = inputs / mean.len();
        let value = |(at, byte): (usize, &u8)| {
            let channel = at % inputs / part;
            (quotient(*byte) - mean[channel]) / deviation[channel]
        };
        let mut features = kernels::catch_out_of_memory(|| kernels::with_room(bytes.len()))?;
        features.extend(bytes.iter().enumerate().map(value));
        Ok(features)
    }

    /// The network's inputs from samples of floats, `[samples, …]` as [`Usage::input`] says: to the bit what training made of them.
    ///
    /// # Errors
    /// [`ModelError::Samples`] where these are not whole samples; [`ModelError::Usage`] where the model was trained on bytes, [`ModelError::OutOfMemory`] where there is no
    /// memory for as many.
    pub fn features_of_values(&self, values: &[f32]) -> Result<Vec<f32>, ModelError> {
        let transform = &self.usage().transform;
        if transform.is_of_bytes() {
            return Err(ModelError::Usage { reason: "the model was trained on bytes, and takes no floats".into() });
        }
        let inputs = self.check(values.len())?;
        let mut features = kernels::catch_out_of_memory(|| kernels::copied(values))?;
        if let InputTransform::Values { mean, deviation } = transform {
            let part = inputs / mean.len();
            for sample in features.chunks_exact_mut(inputs) {
                for (part, (mean, deviation)) in sample.chunks_exact_mut(part).zip(mean.iter().zip(deviation)) {
                    part.iter_mut().for_each(|value| *value = (*value - mean) / deviation);
                }
            }
        }
        Ok(features)
    }

    /// The outputs of the network, `[samples, classes]`, for its inputs, `[samples, features]`.
    ///
    /// # Errors
    /// [`ModelError::Samples`] where these are not whole samples, [`ModelError::OutOfMemory`] where there is no memory for as many.
    pub fn logits(&self, features: &[f32]) -> Result<Vec<f32>, ModelError> {
        let inputs = self.check(features.len())?;
        let (usage, weights) = (self.usage(), self.model.weights());
        let network = weights.architecture.network();
        let (batch, precision) = (features.len() / inputs, usage.precision);
        let mut run = Run { batch, precision, tensors: weights.tensors.iter() };
        if run.batch == 0 {
            return Ok(Vec::new());
        }
        let logits = kernels::catch_out_of_memory(|| {
            let mut values = (kernels::copied(features), inputs);
            if network.is_chain() {
                let last = network.layers().len() - 1;
                for (place, layer) in network.layers().iter().enumerate() {
                    values = run.layer(layer, values);
                    if place < last {
                        kernels::activate(usage.activation, &mut values.0);
                    }
                }
            } else {
                values = run.layers(network.layers(), values);
            }
            values.0
        });
        Ok(logits?)
    }

    /// The probability of each class, `[samples, classes]`: the softmax of [`Predictor::logits`].
    ///
    /// # Errors
    /// As there.
    pub fn probabilities(&self, features: &[f32]) -> Result<Vec<f32>, ModelError> {
        let mut values = self.logits(features)?;
        for row in values.chunks_exact_mut(self.usage().classes.len()) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|value| *value = (*value - largest).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
        Ok(values)
    }

    /// The class of each sample, the one of the largest output; of equal ones the first.
    ///
    /// # Errors
    /// As [`Predictor::logits`].
    pub fn classify(&self, features: &[f32]) -> Result<Vec<usize>, ModelError> {
        let logits = self.logits(features)?;
        Ok(logits.chunks_exact(self.usage().classes.len()).map(|row| largest(row).0).collect())
    }

    /// The class of each sample of bytes.
    ///
    /// # Errors
    /// As [`Predictor::features`].
    pub fn classify_bytes(&self, bytes: &[u8]) -> Result<Vec<usize>, ModelError> {
        self.classify(&self.features(bytes)?)
    }

    fn check(&self, values: usize) -> Result<usize, ModelError> {
        let inputs = self.model.weights().architecture.network().inputs();
        whole_samples(values, inputs)?;
        Ok(inputs)
    }
}

fn whole_samples(values: usize, inputs: usize) -> Result<(), ModelError> {
    if values.is_multiple_of(inputs) { Ok(()) } else { Err(ModelError::Samples { values, inputs }) }
}

/// A pixel in 0..1.
fn quotient(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

/// Values `[batch, width]`, and the width.
type Values = (Vec<f32>, usize);

/// A pass through the layers, which take their tensors in order.
struct Run<'a> {
    batch: usize,
    precision: Precision,
    tensors: std::slice::Iter<'a, NamedTensor>,
}

impl<'a> Run<'a> {
    /// The next tensor; a model's are checked when it is made.
    fn tensor(&mut self) -> &'a [f32] {
        self.tensors.next().map_or(&[], |tensor| &tensor.values)
    }

    /// `x · weightᵀ + bias`, `[batch, inputs]` to `[batch, outputs]`.
    fn affine(
        &self,
        batch: usize,
        x: &[f32],
        (weight, inputs): (&[f32], usize),
        bias: &[f32],
        outputs: usize,
    ) -> Vec<f32> {
        let shape = GemmShape { batch, inputs, outputs };
        let mut y = kernels::zeros(batch * outputs);
        match self.precision {
            Precision::F32 => kernels::affine(shape, x, weight, bias, &mut y),
            Precision::Bf16 => bf16::affine(shape, &bf16::rounded(x), weight, bias, &mut y),
        }
        y
    }

    /// Both views of a mirrored layer, `[batch, outputs]`: `factor` times the sum and the difference of the products of both parts, each with its weight, the bias being in the first.
    fn views(&self, parts: &[Vec<f32>; 2], weights: [(&[f32], usize); 2], bias: &[f32], factor: f32) -> Vec<f32> {
        let (samples, no_bias) = (self.batch / 2, vec![0.0; bias.len()]);
        let [sums, differences] = [(0, bias), (1, &no_bias)].map(|(part, bias)| match weights[part] {
            (_, 0) => bias.repeat(samples),
            weight => self.affine(samples, &parts[part], weight, bias, bias.len()),
        });
        let mut views = kernels::zeros(2 * sums.len());
        kernels::views_of(&sums, &differences, factor, &mut views);
        views
    }

    fn layers(&mut self, layers: &[LayerSpec], values: Values) -> Values {
        layers.iter().fold(values, |values, layer| self.layer(layer, values))
    }

    fn layer(&mut self, layer: &LayerSpec, (mut x, width): Values) -> Values {
        match layer {
            LayerSpec::Dense { outputs } => {
                let (weight, bias) = (self.tensor(), self.tensor());
                (self.affine(self.batch, &x, (weight, width), bias, *outputs), *outputs)
            }
            LayerSpec::Mirrored(layers) => {
                self.batch *= 2;
                let (views, width) = self.layers(layers, (x, width));
                self.batch /= 2;
                (kernels::mean_of_views(&views), width)
            }
            LayerSpec::MirroredInput { outputs } => {
                let (weight, bias, mirror) = (self.tensor(), self.tensor(), self.tensor());
                // A model's is checked when it is made.
                let Some(mirror) = Mirror::from_places(mirror) else { return (x, width) };
                let (parts, weights) = (mirror.parts(&x, 0.5), mirror.parts(weight, 1.0));
                let weights = [(&*weights[0], mirror.widths()[0]), (&*weights[1], mirror.widths()[1])];
                (self.views(&parts, weights, bias, 1.0), *outputs)
            }
            LayerSpec::MirroredDense { outputs } => {
                let (even, odd, bias) = (self.tensor(), self.tensor(), self.tensor());
                let doubled: Vec<f32> = bias.iter().map(|bias| 2.0 * bias).collect();
                let parts = kernels::sums_and_differences(&x, 1.0);
                (self.views(&parts, [(even, width), (odd, width)], &doubled, 0.5), *outputs)
            }
            LayerSpec::Activation(activation) => {
                kernels::activate(*activation, &mut x);
                (x, width)
            }
            LayerSpec::SameWidth { kind, argument } => {
                let tensors: Vec<&[f32]> = kind.tensors().iter().map(|_| self.tensor()).collect();
                ((at_run_time(*kind).evaluate)(Evaluation { x, tensors: &tensors, argument: *argument }), width)
            }
            LayerSpec::Skip(layers) => {
                let (mut y, _) = self.layers(layers, (kernels::copied(&x), width));
                y.iter_mut().zip(&x).for_each(|(y, x)| *y += x);
                (y, width)
            }
            // A module is refused when the predictor is made.
            LayerSpec::Module { .. } => (x, width),
        }
    }
}
