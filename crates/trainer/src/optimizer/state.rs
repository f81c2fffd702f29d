//! What an optimizer remembers, in host memory.

use strata_kernels::{copied, zeros};
use strata_model::TensorSpec;

use crate::TrainError;

/// What an optimizer remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// Steps taken over the run.
    pub steps: u64,
    /// The buffers of each trained parameter, in the order of the network's tensors.
    pub parameters: Vec<ParameterState>,
}

/// The buffers of one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterState {
    /// The parameter's name: `layer1.weight`.
    pub name: String,
    /// As many as the optimizer keeps, each as long as the parameter, or empty where the parameter's rule keeps nothing in it.
    pub buffers: Vec<Vec<f32>>,
}

impl OptimizerState {
    /// Before the first step: `states` buffers of zeros for each trained one of `tensors`.
    pub fn new(states: usize, tensors: &[TensorSpec]) -> Self {
        let trained = tensors.iter().filter(|tensor| tensor.trained);
        let zeros = |tensor: &TensorSpec| ParameterState {
            name: tensor.name.clone(),
            buffers: (0..states).map(|_| zeros(tensor.len())).collect(),
        };
        Self { steps: 0, parameters: trained.map(zeros).collect() }
    }

    /// Frees the buffers of the optimizer's `states` that the rules keep nothing in; `kept` is how many of them the rule of each parameter keeps.
    pub(crate) fn free_unused(&mut self, kept: &[usize], states: usize) {
        for (parameter, kept) in self.parameters.iter_mut().zip(kept) {
            parameter.buffers[*kept..states].iter_mut().for_each(|buffer| *buffer = Vec::new());
        }
    }

    /// A copy. Where `clone` would abort for want of memory, this ends as [`zeros`] does.
    pub(crate) fn copy(&self) -> Self {
        let copy = |state: &ParameterState| ParameterState {
            name: state.name.clone(),
            buffers: state.buffers.iter().map(|buffer| copied(buffer)).collect(),
        };
        Self { steps: self.steps, parameters: self.parameters.iter().map(copy).collect() }
    }

    /// Whether this is what an optimizer of `states` buffers remembers of a network of these tensors; `unused` says of a parameter's place and
    /// a buffer's number whether the buffer may be empty.
    pub(crate) fn check(
        &self,
        states: usize,
        tensors: &[TensorSpec],
        unused: impl Fn(usize, usize) -> bool,
    ) -> Result<(), TrainError> {
        let trained: Vec<_> = tensors.iter().filter(|tensor| tensor.trained).collect();
        let fits = |(place, (state, tensor)): (usize, (&ParameterState, &&TensorSpec))| {
            let is_whole = |(number, buffer): (usize, &Vec<f32>)| {
                buffer.len() == tensor.len() || buffer.is_empty() && unused(place, number)
            };
            state.name == tensor.name && state.buffers.len() == states && state.buffers.iter().enumerate().all(is_whole)
        };
        if self.parameters.len() == trained.len() && self.parameters.iter().zip(&trained).enumerate().all(fits) {
            return Ok(());
        }
        let parameters = |count: usize| if count == 1 { "parameter" } else { "parameters" };
        let (wanted, had) = (trained.len(), self.parameters.len());
        let buffers = self.parameters.first().map_or(0, |state| state.buffers.len());
        let different = trained.iter().zip(&self.parameters).find(|(tensor, state)| tensor.name != state.name);
        let names = different.map_or_else(Default::default, |(tensor, state)| {
            (format!(", {} among them", tensor.name), format!(", {} in its place", state.name))
        });
        Err(TrainError::State {
            expected: format!(
                "one of {wanted} {} with {states} buffers for each parameter{}",
                parameters(wanted),
                names.0
            ),
            found: format!("of {had} {} with {buffers} buffers for each parameter{}", parameters(had), names.1),
        })
    }
}
