//! How much memory the network and the batches of a run take, by its config alone.

use strata_spec::{LayerSpec, NetworkSpec};

use crate::config::Config;

/// Batches that exist at a time: one is trained on, two wait, one is being made.
const BATCHES: usize = 4;
/// How often the values of a layer's output are there at most in a training step: they, what their derivative is worked out from, their
/// gradient, and what a product lays out anew of each.
const IN_TRAINING: usize = 5;
/// The same in an evaluation.
const IN_EVALUATION: usize = 2;
const VALUE: usize = size_of::<f32>();

impl Config {
    /// Bytes of all parameters, once.
    pub fn parameter_bytes(&self) -> usize {
        usize::try_from(self.network().parameters()).unwrap_or(usize::MAX).saturating_mul(VALUE)
    }

    /// Bytes that the batches of `samples` training samples take, and what a step makes of one. On a card the batches are indices, and the rest is in the
    /// card's memory: nothing.
    pub fn training_bytes(&self, samples: usize, is_on_cpu: bool) -> usize {
        if !is_on_cpu {
            return 0;
        }
        let largest = self.dataset.batch.get().min(samples);
        let batches = BATCHES.min(samples.div_ceil(largest.max(1)));
        // A product lays the pixels out anew.
        let inputs = self.network().inputs().saturating_mul(batches + 1);
        let outputs = outputs_of_layers(self.network()).saturating_mul(IN_TRAINING);
        largest.saturating_mul(inputs.saturating_add(outputs)).saturating_mul(VALUE)
    }

    /// The same of an evaluation of `samples`, whose batches are the host's wherever it computes.
    pub fn evaluation_bytes(&self, samples: usize, is_on_cpu: bool) -> usize {
        let largest = self.dataset.evaluation_batch.get().min(samples);
        let batches = BATCHES.min(samples.div_ceil(largest.max(1)));
        let inputs = self.network().inputs();
        let outputs = outputs_of_layers(self.network()).saturating_mul(IN_EVALUATION);
        let computed = if is_on_cpu { inputs.saturating_add(outputs) } else { 0 };
        largest.saturating_mul(inputs.saturating_mul(batches).saturating_add(computed)).saturating_mul(VALUE)
    }
}

/// Values of the outputs of all layers, for a sample.
fn outputs_of_layers(network: &NetworkSpec) -> usize {
    let mut values = 0usize;
    network.for_each(&mut |inputs, layer| {
        let outputs = match layer {
            LayerSpec::Dense { outputs } => *outputs,
            // Of both views, and of a dense layer of both what its products are made of and give.
            LayerSpec::MirroredInput { outputs } => outputs.saturating_add(inputs).saturating_mul(2),
            LayerSpec::MirroredDense { outputs } => outputs.saturating_add(inputs).saturating_mul(4),
            _ => inputs,
        };
        values = values.saturating_add(outputs);
    });
    values
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Ten inputs, 8 hidden values, 8 activations and 3 classes; batches of 4.
    #[test]
    fn bytes_are_those_of_the_values_that_exist_at_a_time() {
        let text = "phases = [{ epochs = 1, lr = 0.1 }]\n[dataset]\nkind = \"synthetic\"\nshape = [1, 2, 5]\nclasses = 3\nbatch = 4\n\
                    evaluation_batch = 6\n[model]\nnetwork = \"8 relu\"\n";
        let config = Config::parse(text, Path::new("a.toml"), &[]).unwrap();
        let outputs = outputs_of_layers(config.network());
        assert!((11..=19).contains(&outputs), "{outputs}");
        assert_eq!(config.parameter_bytes(), 4 * (8 * 11 + 3 * 9));
        assert_eq!(config.training_bytes(100, true), 4 * 4 * (10 * 5 + 5 * outputs));
        // One batch of two samples is all there is.
        assert_eq!(config.training_bytes(2, true), 4 * 2 * (10 * 2 + 5 * outputs));
        assert_eq!(config.training_bytes(100, false), 0);
        assert_eq!(config.evaluation_bytes(100, true), 4 * 6 * (10 * 5 + 2 * outputs));
        assert_eq!(config.evaluation_bytes(100, false), 4 * 6 * 10 * 4);
    }
}
