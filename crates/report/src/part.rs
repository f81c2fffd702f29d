//! The parts that a run was trained in, and where.

use serde::{Deserialize, Serialize};

use crate::bounded;

/// The most arguments of a command.
const MAX_WORDS: usize = 1 << 19;

/// Where a run was trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// This program's version.
    pub strata: String,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// Whether the sources differed from that commit.
    pub dirty: Option<bool>,
    /// The file in the run's folder that holds how they differed, as `git diff` writes it ([`read_change`](crate::read_change)); none in records of schema 101.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The compiler's version.
    pub rustc: String,
    /// dfdx's version.
    pub dfdx: String,
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// The processor's model.
    pub cpu: String,
    /// The machine's name.
    pub machine: String,
    /// Threads used.
    pub threads: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// The numbers' type, `f32`.
    pub precision: String,
    /// The accelerator driver's version.
    pub driver: Option<String>,
}

/// One part of a run: from its start, or a resume, to where it ended or was stopped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// When it started, RFC 3339 in UTC.
    pub started: String,
    /// When it ended; none where it is under way, or its process was killed.
    pub ended: Option<String>,
    /// The epoch that it began in, 0-based over the run; none where that is not known.
    pub first_epoch: Option<usize>,
    /// Its command line, one element an argument.
    #[serde(deserialize_with = "bounded::list::<MAX_WORDS, _, _>")]
    pub command: Vec<String>,
    /// The folder that it was started in.
    pub working_directory: String,
    /// Program, machine and device.
    pub environment: Environment,
}
