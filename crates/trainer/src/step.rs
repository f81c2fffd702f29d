//! What a training step is composed of.

use std::sync::Arc;

use strata_kernels::{CrossEntropy, Gradient, Loss, MeanSquaredError, UpdateRule};
use strata_metrics::{Metric, Sums, check_names};
use strata_model::TensorSpec;
use strata_spec::{AveragingSpec, Clipping, LossSpec, OptimizerSpec, ranges};

use crate::checkpoint::{MOST_STATES, layer_of};
use crate::optimizer::optimizer_of;
use crate::{Averaging, DecayedKinds, Device, Optimizer, Score, Step, TensorRule, TrainError};

/// How a classifier learns: loss, optimizer, and what lies between.
///
/// ```
/// use strata_trainer::{Clipping, CrossEntropy, DecayedKinds, Lion, TrainingStep};
///
/// let step = TrainingStep::new(Lion { betas: [0.9, 0.99], weight_decay: 0.1 })
///     .loss(CrossEntropy { label_smoothing: 0.1 })
///     .clipping(Clipping { norm: Some(1.0), value: None })
///     .decayed(DecayedKinds { weights: true, biases: false, gains: false });
/// step.check()?;
/// # Ok::<(), strata_trainer::TrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrainingStep {
    /// What makes a rule of each step.
    pub optimizer: Arc<dyn Optimizer>,
    /// What is made small, and what an evaluation reports.
    pub loss: Arc<dyn Loss>,
    /// How gradients are clipped.
    pub clipping: Clipping,
    /// Which parameters the optimizer's weight decay is for.
    pub decayed: DecayedKinds,
    /// Which average of the weights is evaluated and saved; none takes the weights as the last step left them.
    pub averaging: Option<Averaging>,
    /// What an evaluation measures besides loss and accuracy.
    pub metrics: Vec<Arc<dyn Metric>>,
}

impl TrainingStep {
    /// `optimizer` on the cross entropy, without clipping, its weight decay for all parameters.
    pub fn new(optimizer: impl Optimizer + 'static) -> Self {
        Self::of(Arc::new(optimizer))
    }

    fn of(optimizer: Arc<dyn Optimizer>) -> Self {
        let loss = Arc::new(CrossEntropy::default());
        let (clipping, decayed) = (Clipping::default(), DecayedKinds::default());
        Self { optimizer, loss, clipping, decayed, averaging: None, metrics: Vec::new() }
    }

    /// A metric more, a key `val_` and its name in the history.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.metrics.push(Arc::new(metric));
        self
    }

    /// These metrics, each a key `val_` and its name in the history, in place of those before.
    #[must_use]
    pub fn measuring(self, metrics: Vec<Arc<dyn Metric>>) -> Self {
        Self { metrics, ..self }
    }

    /// Another loss.
    #[must_use]
    pub fn loss(self, loss: impl Loss + 'static) -> Self {
        Self { loss: Arc::new(loss), ..self }
    }

    /// The loss that a config names.
    #[must_use]
    pub fn loss_of(self, spec: LossSpec) -> Self {
        match spec {
            LossSpec::CrossEntropy { label_smoothing } => {
                self.loss(CrossEntropy { label_smoothing: label_smoothing as f32 })
            }
            LossSpec::MeanSquaredError => self.loss(MeanSquaredError),
        }
    }

    /// With clipping.
    #[must_use]
    pub fn clipping(self, clipping: Clipping) -> Self {
        Self { clipping, ..self }
    }

    /// With weight decay for some kinds of parameters.
    #[must_use]
    pub fn decayed(self, decayed: impl Into<DecayedKinds>) -> Self {
        Self { decayed: decayed.into(), ..self }
    }

    /// With an average of the weights.
    #[must_use]
    pub fn averaging(self, averaging: Averaging) -> Self {
        Self { averaging: Some(averaging), ..self }
    }

    /// The average that a config names, of a run of `steps`.
    #[must_use]
    pub fn averaging_of(self, spec: AveragingSpec, steps: u64) -> Self {
        let averaging = match spec {
            AveragingSpec::None => None,
            AveragingSpec::Exponential { decay } => Some(Averaging::Exponential { decay }),
            AveragingSpec::Equal { .. } => Some(Averaging::Equal { after: spec.steps_before(steps) }),
        };
        Self { averaging, ..self }
    }

    /// Buffers that are kept for each parameter: the optimizer's, and the average where there is one.
    pub fn buffers(&self) -> usize {
        self.optimizer.states().len() + usize::from(self.averaging.is_some())
    }

    /// Whether its numbers are in their ranges.
    ///
    /// # Errors
    /// [`TrainError::Number`] with the first that is not, or of more than 8 buffers for each parameter, an average's among them, which no checkpoint holds;
    /// [`TrainError::States`] where the optimizer's rule keeps other buffers than the optimizer says.
    pub fn check(&self) -> Result<(), TrainError> {
        self.optimizer.check()?;
        check_names(&self.metrics).map_err(|(name, reason)| TrainError::Metric { name, reason: reason.to_owned() })?;
        self.averaging.map_or(Ok(()), |averaging| averaging.check())?;
        let kept = self.rules(1e-3, 1)?.rules.iter().map(|rule| rule.states()).max().unwrap_or(0);
        let named = self.optimizer.states();
        if named.len() != kept {
            return Err(TrainError::States { named, kept });
        }
        if self.buffers() > MOST_STATES {
            let (value, range) = (self.buffers() as f64, format!("at most {MOST_STATES}"));
            return Err(TrainError::Number { what: "number of buffers for each parameter", value, range });
        }
        for (what, limit) in [("largest norm", self.clipping.norm), ("largest value", self.clipping.value)] {
            if let Some(value) = limit
                && !ranges::CLIPPING.contains(value)
            {
                return Err(TrainError::Number { what, value, range: ranges::CLIPPING.to_string() });
            }
        }
        Ok(())
    }

    /// Whether `device` can do all of it; a network is built and trained without asking this first, and fails then.
    ///
    /// # Errors
    /// [`TrainError::OnlyOnCpu`] with the first part that a card has no operation for; what [`TrainingStep::check`] finds.
    pub fn check_on(&self, device: Device) -> Result<(), TrainError> {
        match device {
            Device::Cpu => self.check(),
            Device::Cuda(_) => self.check_tensors().map(drop),
        }
    }

    /// As [`TrainingStep::check`], of a network of so many classes.
    pub(crate) fn check_for(&self, classes: usize) -> Result<(), TrainError> {
        self.check()?;
        self.loss.check(classes).map_err(TrainError::Loss)
    }

    /// Nothing measured yet by its metrics, of a network of so many classes.
    pub(crate) fn nothing_measured(&self, classes: usize) -> Result<Score, TrainError> {
        let mut score = Score::default();
        for metric in &self.metrics {
            let name = metric.name().to_owned();
            metric.check(classes).map_err(|reason| TrainError::Metric { name: name.clone(), reason })?;
            score.sums.insert(name, Sums::new(Arc::clone(metric), classes));
        }
        Ok(score)
    }

    /// The rules of a step.
    pub(crate) fn rules(&self, learning_rate: f64, number: u64) -> Result<Rules, TrainError> {
        let rule = |decays, is_hidden_weight| {
            let step = Step { is_hidden_weight, ..step_of(learning_rate, number, decays)? };
            self.optimizer.rule(step)
        };
        let rules = [rule(false, false)?, rule(false, true)?, rule(true, false)?, rule(true, true)?];
        Ok(Rules { rules, kinds: self.decayed })
    }

    /// Of how many of the optimizer's buffers the rule of each trained one of `tensors` makes use.
    pub(crate) fn kept(&self, tensors: &[TensorSpec]) -> Result<Vec<usize>, TrainError> {
        let (rules, last_layer) = (self.rules(1e-3, 1)?, last_layer(tensors));
        let trained = tensors.iter().filter(|tensor| tensor.trained);
        Ok(trained.map(|tensor| rules.of(&tensor.name, &tensor.shape, last_layer).states()).collect())
    }

    /// The rules of a step for dfdx's kernels: that of weights, then that of parameters of one size. [`TrainingStep::check_tensors`]
    /// was passed.
    pub(crate) fn tensor_rules(&self, learning_rate: f64, number: u64) -> Result<[TensorRule; 2], TrainError> {
        let rule = |decays| {
            let rule = self.optimizer.tensor_rule(step_of(learning_rate, number, decays)?)?;
            rule.ok_or_else(|| TrainError::OnlyOnCpu { what: format!("{:?}", self.optimizer) })
        };
        Ok([rule(self.decayed.weights)?, rule(self.decayed.biases)?])
    }

    /// Whether dfdx's operations can do all of it, which train on a card; gives its cross entropy's label smoothing.
    pub(crate) fn check_tensors(&self) -> Result<f32, TrainError> {
        self.check()?;
        let refuse = |what: String| Err(TrainError::OnlyOnCpu { what });
        self.tensor_rules(1e-3, 1)?;
        let Some(smoothing) = self.loss.cross_entropy_smoothing() else {
            return refuse(format!("the loss {:?}", self.loss));
        };
        if self.clipping != Clipping::default() {
            return refuse("clipping of gradients".into());
        }
        if self.averaging.is_some() {
            return refuse("an average of the weights".into());
        }
        if self.decayed.biases != self.decayed.gains {
            return refuse("weight decay for biases other than for gains".into());
        }
        Ok(smoothing)
    }

    /// What each gradient is multiplied with, by the norm of all of them.
    pub(crate) fn scale(&self, squared_norm: f64) -> Result<f32, TrainError> {
        let norm = squared_norm.sqrt();
        if !norm.is_finite() {
            return Err(TrainError::GradientNorm { norm });
        }
        // PyTorch's clip_grad_norm_ has the same small number in its denominator.
        let limit = self.clipping.norm.unwrap_or(f64::INFINITY);
        Ok((limit / (norm + 1e-6)).min(1.0) as f32)
    }

    /// `gradient`, scaled and limited.
    pub(crate) fn clip<'a>(&self, gradient: Gradient<'a>, scale: f32) -> Gradient<'a> {
        let gradient = gradient.scaled(scale);
        match self.clipping.value {
            Some(limit) => gradient.limited(limit as f32),
            None => gradient,
        }
    }
}

impl<O: Optimizer + 'static> From<O> for TrainingStep {
    fn from(optimizer: O) -> Self {
        Self::new(optimizer)
    }
}

impl From<Arc<dyn Optimizer>> for TrainingStep {
    fn from(optimizer: Arc<dyn Optimizer>) -> Self {
        Self::of(optimizer)
    }
}

impl From<&OptimizerSpec> for TrainingStep {
    fn from(spec: &OptimizerSpec) -> Self {
        Self::of(optimizer_of(spec))
    }
}

impl From<OptimizerSpec> for TrainingStep {
    fn from(spec: OptimizerSpec) -> Self {
        Self::from(&spec)
    }
}

/// The rules of a step.
pub(crate) struct Rules {
    /// For what does not decay, then for what does; of each for all but hidden layers' weights, then for those.
    rules: [Box<dyn UpdateRule>; 4],
    kinds: DecayedKinds,
}

impl Rules {
    /// The rule of a parameter; `last_layer` is the name of the last layer that has a weight.
    pub(crate) fn of(&self, name: &str, shape: &[usize], last_layer: Option<&str>) -> &dyn UpdateRule {
        let is_hidden_weight = shape.len() > 1 && last_layer != Some(layer_of(name));
        let decays = self.kinds.contains(name, shape);
        &*self.rules[2 * usize::from(decays) + usize::from(is_hidden_weight)]
    }
}

/// The name of the last layer with a weight of a network of these tensors: `layer2` of `layer2.even` and `layer2.odd`.
pub(crate) fn last_layer(tensors: &[TensorSpec]) -> Option<&str> {
    let is_weight = |tensor: &&TensorSpec| tensor.trained && tensor.shape.len() > 1;
    tensors.iter().rev().find(is_weight).map(|tensor| layer_of(&tensor.name))
}

fn step_of(learning_rate: f64, number: u64, decays: bool) -> Result<Step, TrainError> {
    if !learning_rate.is_finite() || learning_rate < 0.0 {
        let range = "finite and 0 or more".into();
        return Err(TrainError::Number { what: "learning rate", value: learning_rate, range });
    }
    Ok(Step { learning_rate, number, decays, is_hidden_weight: false })
}
