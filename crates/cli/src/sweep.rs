//! The command line of `sweep`, declared once: `cargo xtask` checks the sweep before it builds, the program does what it says.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use strata_config::parse_threads;
use strata_spec::DeviceChoice;

use crate::arguments::parse_count;

/// The arguments of `sweep`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SweepArguments {
    /// What to do with a sweep that was begun; by default it is begun or gone on with.
    #[command(subcommand)]
    pub command: Option<SweepCommand>,
    /// The sweep to run.
    #[command(flatten)]
    pub run: RunSweep,
}

impl SweepArguments {
    /// The sweep that is to be run; none where one is only looked at.
    #[must_use]
    pub fn to_run(&self) -> Option<&RunSweep> {
        if self.command.is_none() { Some(&self.run) } else { None }
    }
}

/// Which sweep to run, and how.
#[derive(Debug, Args)]
pub struct RunSweep {
    /// The sweep's file (configs/sweeps/ has some), or the folder or name of one that was begun, to go on with it.
    #[arg(value_name = "SWEEP", required = true)]
    sweep: Option<PathBuf>,
    /// Lay a value over the base config's for every member: section.key=value, in TOML. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub sets: Vec<String>,
    /// The folder that holds, or will hold, the data set's files; the system's cache by default.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The folder of all runs' folders; the sweep's is made in it.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Members at a time, 1 or more; as many as the machine has cores by default.
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub jobs: Option<NonZeroUsize>,
    /// Worker threads of each member, 1 to 1024; the cores shared among the members by default.
    #[arg(long, value_parser = parse_threads)]
    pub threads: Option<NonZeroUsize>,
    /// Where members compute: auto, cpu, cuda or cuda:N; several, between commas, are taken in turn by the members that run at a time.
    #[arg(long = "device", value_name = "DEVICE,…", value_delimiter = ',')]
    pub devices: Vec<DeviceChoice>,
    /// Run failed members again.
    #[arg(long)]
    pub retry_failed: bool,
    /// Where members run: local, or slurm for a job array (docs/sweeps.md).
    #[arg(long, value_enum, default_value = "local")]
    pub launcher: LauncherChoice,
    /// Run one member of a sweep that was begun, by its number, as the tasks of a job array do.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["dry_run", "jobs", "devices", "retry_failed"])]
    pub task: Option<usize>,
    /// List members and networks, measure an epoch of each network, and run nothing else.
    #[arg(long)]
    pub dry_run: bool,
}

impl RunSweep {
    /// The sweep as it was named.
    #[must_use]
    pub fn sweep(&self) -> &Path {
        self.sweep.as_deref().unwrap_or(Path::new(""))
    }

    /// The sweep's file; none where a folder, or a name of one, was given.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        let path = self.sweep();
        let is_file = path.extension().is_some_and(|end| end == "toml") || path.is_file();
        is_file.then_some(path)
    }
}

/// Where members run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LauncherChoice {
    /// As processes on this machine.
    Local,
    /// As tasks of a Slurm job array.
    Slurm,
}

/// What to do with a sweep that was begun.
#[derive(Debug, Subcommand)]
pub enum SweepCommand {
    /// How it stands: members by state, the best points, why members failed, how much each key mattered.
    Status(SweepName),
    /// Ask every process that works on it to save its members' states and end, and members whose process was killed too.
    Stop(SweepName),
    /// Gather what the tasks of a job array left in the members' folders, and what became of members whose process was killed.
    Collect(SweepName),
    /// Write the config of the best point, which runs as it is.
    Best {
        /// Which sweep.
        #[command(flatten)]
        name: SweepName,
        /// The file to write; standard output by default.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write its members as a table for other programs, with every digit.
    Export {
        /// Which sweep.
        #[command(flatten)]
        name: SweepName,
        /// How the table is written: table, csv, json, markdown or latex.
        #[arg(long, value_name = "FORMAT", default_value = "csv")]
        format: String,
        /// A row for each point, the best first, with mean and deviation over its seeds, in place of one for each member.
        #[arg(long)]
        points: bool,
    },
}

/// A sweep that was begun.
#[derive(Debug, Args)]
pub struct SweepName {
    /// The sweep, by folder or name.
    #[arg(value_name = "SWEEP")]
    pub sweep: PathBuf,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}
