//! What several of the commands ask.

use clap::{Args, ValueEnum};
use strata_spec::OptimizerSpec;

use crate::measure;
use crate::networks::{self, ADAM, Chain, MOMENTUM, NOTEBOOK, SGD};

#[derive(Clone, Debug, Args)]
pub(crate) struct Threads {
    /// Threads of the kernels; by default as many as the machine has.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

impl Threads {
    /// Starts the threads and says under which conditions the table below comes to be.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        self.start_silently()?;
        println!("{}\n", measure::conditions());
        Ok(())
    }

    pub(crate) fn start_silently(&self) -> anyhow::Result<()> {
        let threads = self.threads.unwrap_or(0);
        Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?)
    }
}

/// What a measurement by repetition asks.
#[derive(Clone, Debug, Args)]
pub(crate) struct Timing {
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// Seconds for each time of a table; at least three repetitions in any case.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Network {
    /// The network's widths, from the inputs to the classes; `bn` behind one is batch normalisation and a rectifier, as in 192-512bn-256bn-10.
    #[arg(long, default_value = NOTEBOOK)]
    pub(crate) widths: String,
}

impl Network {
    pub(crate) fn network(&self) -> anyhow::Result<Chain> {
        networks::network(&self.widths)
    }
}

/// Optimizers with their usual numbers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OptimizerName {
    Sgd,
    Momentum,
    Adam,
}

impl OptimizerName {
    /// As the command line takes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum => "momentum",
            Self::Adam => "adam",
        }
    }

    /// As a table has it.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Momentum => "sgd with momentum",
            _ => self.as_str(),
        }
    }

    pub(crate) fn optimizer(self) -> OptimizerSpec {
        match self {
            Self::Sgd => SGD,
            Self::Momentum => MOMENTUM,
            Self::Adam => ADAM,
        }
    }

    /// The lines of a config's `[optimizer]`.
    pub(crate) fn config(self) -> &'static str {
        match self {
            Self::Sgd => "kind = \"sgd\"",
            Self::Momentum => "kind = \"sgd\"\nmomentum = 0.9",
            Self::Adam => "kind = \"adam\"",
        }
    }
}
