//! A classifier on the CPU: `strata-kernels` under dfdx's tape, weights updated by the product that is their gradient.

mod average;
mod state;

use dfdx::prelude::*;
use strata_kernels::{Parameter, average_towards, catch_out_of_memory};
use strata_model::{
    Architecture, GradientStore, TensorSpec, TrainedParameter, Weights, check_description, check_generators,
    initialise_by, load_weights, loss_of, own_storage, tensor_from_vec, tensor_specs, weights_of,
};
use strata_rng::TorchRng;
use strata_spec::Initialisation;

use self::state::Waiting;
use crate::averaged_network::AveragedNetwork;
use crate::cpu_network::{AnyCpuNetwork, CpuNetwork, Rows, Typed};
use crate::step::last_layer;
use crate::threads::awake;
use crate::{Batch, Classifier, OptimizerState, SampleResult, Score, Threads, TrainError, TrainingStep};

/// A network and its optimizer, on the CPU.
pub struct CpuClassifier {
    device: Cpu,
    /// Features of a sample.
    inputs: usize,
    classes: usize,
    /// What it computes on, where it was given some.
    threads: Option<Threads>,
    network: Box<dyn AnyCpuNetwork>,
    architecture: Architecture,
    smallest_batch: usize,
    tensors: Vec<TensorSpec>,
    step: TrainingStep,
    state: OptimizerState,
    /// Of how many of the optimizer's buffers each parameter's rule makes use.
    kept: Vec<usize>,
    /// Where weights are averaged.
    averaged: Option<AveragedNetwork>,
    gradients: GradientStore,
    waiting: Waiting,
    training: Score,
    validation: Score,
    /// Of each sample of an evaluation, where they are asked for.
    results: Option<Vec<SampleResult>>,
}

impl CpuClassifier {
    /// Trains `network`, of `I` inputs and `C` classes and already configured, by `step`: an optimizer, or more than that.
    ///
    /// # Errors
    /// Where a number of `step` is not in its range ([`TrainingStep::check`]); [`ModelError::PrivateGenerator`](strata_model::ModelError::PrivateGenerator) where a module
    /// of the network could not be resumed exactly.
    pub fn new<M: CpuNetwork<I, C> + 'static, const I: usize, const C: usize>(
        network: M,
        step: impl Into<TrainingStep>,
    ) -> Result<Self, TrainError> {
        check_generators(&network)?;
        Self::of(Box::new(Typed(network)), I, C, step.into())
    }

    /// As [`CpuClassifier::new`], its generators checked.
    pub(crate) fn of(
        mut network: Box<dyn AnyCpuNetwork>,
        inputs: usize,
        classes: usize,
        step: TrainingStep,
    ) -> Result<Self, TrainError> {
        step.check_for(classes)?;
        check_description(&*network, inputs, classes)?;
        catch_out_of_memory(|| own_storage(&mut *network))?;
        let architecture = network.architecture();
        let tensors = tensor_specs(&*network);
        let kept = step.kept(&tensors)?;
        let state = catch_out_of_memory(|| OptimizerState::new(step.buffers(), &tensors))?;
        let averaged = match step.averaging {
            Some(_) => Some(catch_out_of_memory(|| AveragedNetwork::new(&*network))?),
            None => None,
        };
        let validation = step.nothing_measured(classes)?;
        let device = Cpu::default();
        let gradients = GradientStore::default().in_chain(network.is_chain());
        let mut classifier = Self {
            device,
            inputs,
            classes,
            threads: None,
            network,
            smallest_batch: crate::classifier::smallest_batch(&architecture),
            architecture,
            tensors,
            step,
            state,
            averaged,
            gradients,
            waiting: Waiting::default(),
            training: Score::default(),
            validation,
            kept,
            results: None,
        };
        classifier.free_unused();
        Ok(classifier)
    }

    /// Does `work` on the threads that were given; memory that there is none of is its error.
    fn on_threads<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> Result<T, TrainError> {
        let done = match self.threads.clone() {
            Some(threads) => threads.run(|| catch_out_of_memory(|| work(self))),
            // On a thread of whatever pool the caller is in: from outside of it, each of a step's kernels would be handed over and waited for.
            None => awake(|| catch_out_of_memory(|| work(self))),
        };
        Ok(done?)
    }

    fn inputs(&self, batch: &mut Batch) -> Result<Rows, TrainError> {
        batch.check(self.classes)?;
        let features = batch.take_features(self.inputs)?;
        tensor_from_vec(&self.device, features, (batch.len(), self.inputs)).map_err(TrainError::device)
    }

    /// Adds the gradients of `batch`: of its mean loss, or, as a part of a step (`is_part`), of its samples' weighted sum.
    fn backward(&mut self, mut batch: Batch, is_part: bool) -> Result<(), TrainError> {
        batch.check_size(self.smallest_batch)?;
        self.waiting.check_room()?;
        let images = self.inputs(&mut batch)?;
        // Each batch of a step has dropout masks of its own; no run has as many steps.
        self.network.set_step(self.state.steps + (self.waiting.batches << 40));
        let images = self.gradients.trace(images);
        let logits = self.network.train(images).map_err(TrainError::device)?;
        let loss = loss_of(logits, batch.targets(), &self.step.loss)?;
        let mean = loss.array();
        let weight = self.step.loss.weight(batch.targets());
        let loss = if is_part { loss.try_mul(weight as f32).map_err(TrainError::device)? } else { loss };
        self.gradients.backward(loss, &*self.network)?;
        self.training.add(Score {
            loss: f64::from(mean) * weight,
            samples: batch.len() as u64,
            excess: weight - batch.len() as f64,
            ..Score::default()
        });
        self.waiting.add(weight);
        Ok(())
    }

    /// Forgets gradients that wait for a step.
    fn clear_gradients(&mut self) {
        self.gradients.clear();
        self.waiting = Waiting::default();
    }

    fn train(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        // Before anything is computed: a rate that is none leaves everything as it was.
        let rules = self.step.rules(learning_rate, self.state.steps + 1)?;
        let is_part = self.waiting.batches > 0;
        self.backward(batch, is_part)?;
        // Sums over the samples, or one batch's mean.
        let share = if is_part { 1.0 / self.waiting.weight } else { 1.0 };
        let clipped = match self.step.clipping.norm {
            // Gradients that are no numbers are for no update, this one or the next.
            Some(_) => {
                let squared_norm = self.gradients.squared_norm() * share * share;
                self.step.scale(squared_norm).inspect_err(|_| self.clear_gradients())?
            }
            None => 1.0,
        };
        let scale = clipped * share as f32;
        self.waiting = Waiting::default();
        self.state.steps += 1;
        self.forget_average();
        let share = self.step.averaging.and_then(|averaging| averaging.share(self.state.steps));
        let mut states = self.state.parameters.iter_mut();
        let (step, kept) = (&self.step, self.step.optimizer.states().len());
        let last_layer = last_layer(&self.tensors);
        self.gradients.update(&mut *self.network, |parameter| {
            let TrainedParameter { name, shape, values, gradient } = parameter;
            if let Some(state) = states.next() {
                let (states, average) = state.buffers.split_at_mut(kept);
                let rule = rules.of(name, shape, last_layer);
                let parameter = Parameter { values: &mut *values, shape, states: &mut states[..rule.states()] };
                rule.update(parameter, step.clip(gradient, scale));
                if let (Some(average), Some(share)) = (average.first_mut(), share) {
                    average_towards(average, values, share);
                }
            }
        })?;
        Ok(())
    }
}

impl Classifier for CpuClassifier {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn smallest_training_batch(&self) -> usize {
        self.smallest_batch
    }

    fn initialise_by(&mut self, how: Initialisation, rng: &mut TorchRng) -> Result<(), TrainError> {
        self.clear_gradients();
        self.forget_average();
        self.on_threads(|this| {
            initialise_by(&mut *this.network, how, rng);
            this.state = OptimizerState::new(this.step.buffers(), &this.tensors);
            this.free_unused();
        })
    }

    fn compute_on(&mut self, threads: Threads) {
        self.threads = Some(threads);
    }

    fn training_step(&mut self, batch: Batch, learning_rate: f64) -> Result<(), TrainError> {
        let done = self.on_threads(|this| this.train(batch, learning_rate));
        if done.is_err() {
            // What is left of a step that ended in its middle is for no update.
            self.clear_gradients();
        }
        done?
    }

    fn accumulate(&mut self, batch: Batch) -> Result<(), TrainError> {
        let done = self.on_threads(|this| this.backward(batch, true));
        if done.is_err() {
            self.clear_gradients();
        }
        done?
    }

    fn begin_statistics(&mut self) -> bool {
        let lacks_statistics = self.lacks_statistics();
        if lacks_statistics {
            self.forget_average();
        }
        lacks_statistics
    }

    fn statistics_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.on_threads(|this| this.estimate(batch))?
    }

    fn finish_statistics(&mut self) {
        self.averaged.iter_mut().for_each(AveragedNetwork::finish_estimate);
    }

    fn averaged_weights(&mut self) -> Result<Option<Weights>, TrainError> {
        if !self.is_averaged() {
            return Ok(None);
        }
        self.on_threads(|this| this.evaluated().map(|network| Some(weights_of(network))))?
    }

    fn evaluate_with(&mut self, weights: &Weights) -> Result<(), TrainError> {
        match &mut self.averaged {
            Some(averaged) => averaged.load_weights(weights),
            None => Ok(load_weights(&mut *self.network, weights)?),
        }
    }

    fn training_score(&mut self) -> Result<Score, TrainError> {
        Ok(std::mem::take(&mut self.training))
    }

    fn validation_step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.on_threads(|this| this.validate(batch))?
    }

    fn validation_score(&mut self) -> Result<Score, TrainError> {
        let nothing = self.step.nothing_measured(self.classes)?;
        Ok(std::mem::replace(&mut self.validation, nothing))
    }

    fn keep_results(&mut self) {
        self.results = Some(Vec::new());
    }

    fn take_results(&mut self) -> Option<Vec<SampleResult>> {
        self.results.take()
    }

    fn reads_are_slow(&self) -> bool {
        false
    }

    fn snapshot(&mut self) -> Result<(Weights, OptimizerState), TrainError> {
        Ok(catch_out_of_memory(|| (weights_of(&*self.network), self.state.copy()))?)
    }

    fn restore(&mut self, weights: &Weights, state: &OptimizerState) -> Result<(), TrainError> {
        self.check_state(state)?;
        load_weights(&mut *self.network, weights)?;
        self.clear_gradients();
        self.forget_average();
        self.state = catch_out_of_memory(|| state.copy())?;
        // Checkpoints of earlier versions have them.
        self.free_unused();
        Ok(())
    }
}
