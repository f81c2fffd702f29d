//! What a sweep is: what its file says, found right in itself.

use std::path::PathBuf;

use strata_spec::Criterion;

use crate::domain::Domain;

/// A key that is tried with several values.
#[derive(Debug, Clone, PartialEq)]
pub struct SweptKey {
    /// As `--set` has it: `phases.0.lr`.
    pub path: String,
    /// Its values.
    pub domain: Domain,
    /// Other keys, and the values of theirs with which this one is set at all.
    pub when: Vec<Condition>,
    /// The line of the sweep's file that it stands in.
    pub line: usize,
}

/// That a key before this one has one of some values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The other key's place among the swept keys.
    pub key: usize,
    /// The choices, by their numbers.
    pub choices: Vec<usize>,
}

/// How points are proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Every combination, the last key changing fastest.
    Grid,
    /// Independent draws.
    Random,
    /// An Owen-scrambled Sobol sequence: draws that leave no part of the space out.
    Sobol,
    /// Tree-structured Parzen estimators, one for each key.
    Tpe,
    /// Covariance matrix adaptation, over ranges alone.
    CmaEs,
}

impl Method {
    /// Each, with its name in a sweep's file.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Grid, "grid"),
        (Self::Random, "random"),
        (Self::Sobol, "sobol"),
        (Self::Tpe, "tpe"),
        (Self::CmaEs, "cma_es"),
    ];

    /// Its name in a sweep's file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }

    /// Whether what it proposes depends on results.
    #[must_use]
    pub fn learns(self) -> bool {
        matches!(self, Self::Tpe | Self::CmaEs)
    }
}

/// How much is to be done at most. A limit that is absent does not limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Budget {
    /// Members, that is runs: a point counts once for each seed.
    pub members: Option<usize>,
    /// Epochs of all members together.
    pub epochs: Option<u64>,
    /// Hours that the members take, added up, whatever runs at a time.
    pub hours: Option<f64>,
}

/// Successive halving: where runs pause, and how many go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halving {
    /// Epochs before the first pause.
    pub first: usize,
    /// Of so many points that reached a pause the best one goes on, and the next pause is so many times as late.
    pub factor: usize,
}

impl Halving {
    /// The epochs after which a run of `epochs` in all pauses, in order.
    #[must_use]
    pub fn rungs(self, epochs: usize) -> Vec<usize> {
        let mut rungs = Vec::new();
        let mut next = self.first;
        while next < epochs {
            rungs.push(next);
            next = next.saturating_mul(self.factor);
        }
        rungs
    }
}

/// What Slurm is told of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slurm {
    /// Options of `sbatch` by name, as in `partition = "cpu"`.
    pub options: Vec<(String, String)>,
    /// Tasks that run at a time at most.
    pub throttle: Option<u64>,
    /// Seconds before the time limit at which a task is told to save its state.
    pub grace: u64,
    /// Lines of the script before the program starts: modules to load and the like.
    pub lines: Vec<String>,
}

/// What a sweep's file says. [`Sweep::read`](crate::Sweep::read) makes one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Sweep {
    /// What it is called; its folder has this name.
    pub name: String,
    /// Its file, and the text of it.
    pub file: PathBuf,
    /// The text of its file.
    pub text: String,
    /// The config that members are made of.
    pub base_file: PathBuf,
    /// The text of the base config.
    pub base_text: String,
    /// Laid over the base for every member, as `section.key=value`.
    pub sets: Vec<String>,
    /// What is tried.
    pub keys: Vec<SweptKey>,
    /// How.
    pub method: Method,
    /// The seed of the proposals.
    pub seed: u64,
    /// The seeds that each point is run with.
    pub seeds: Vec<u64>,
    /// What is to be made good.
    pub objective: Criterion,
    /// Where it ends.
    pub budget: Budget,
    /// Whether runs pause and most are left.
    pub halving: Option<Halving>,
    /// For methods that learn: a point is proposed from the results of all points but so many before it.
    pub lag: usize,
    /// How it is handed to Slurm.
    pub slurm: Slurm,
}

/// The values of the swept keys, in their order; none where a key's condition does not hold.
pub type Point = Vec<Option<String>>;
