//! What a network is, apart from its weights: widths, activation, dropout.

use std::fmt;

/// The widths of a fully connected network, inputs first, classes last; at least two.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Architecture {
    widths: Vec<usize>,
}

impl Architecture {
    /// `inputs`, then `hidden`, then `classes`.
    ///
    /// ```
    /// let notebook = strata_model::Architecture::new(3072, &[2048, 1024, 64], 10);
    /// assert_eq!(notebook.to_string(), "4 layers (2048,1024,64,10)");
    /// assert_eq!(notebook.parameters(), 8_457_930);
    /// ```
    pub fn new(inputs: usize, hidden: &[usize], classes: usize) -> Self {
        Self { widths: std::iter::once(inputs).chain(hidden.iter().copied()).chain([classes]).collect() }
    }

    /// All widths, `[inputs, hidden…, classes]`.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// `(inputs, outputs)` of each layer.
    pub fn layers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.widths.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// How many numbers are trained: weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers().map(|(inputs, outputs)| inputs * outputs + outputs).sum()
    }
}

/// `4 layers (2048,1024,64,10)`: the outputs of each layer, as the notebook records an architecture.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: Vec<String> = self.widths.iter().skip(1).map(ToString::to_string).collect();
        let plural = if outputs.len() == 1 { "" } else { "s" };
        write!(f, "{} layer{plural} ({})", outputs.len(), outputs.join(","))
    }
}
