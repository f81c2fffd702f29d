//! The command line of `cargo xtask`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use strata_cli::{ExperimentArguments, SweepArguments};

/// Trains image classifiers from a config, and checks this tree.
///
/// Builds the program `strata` where it must (a new network, a changed source), then starts it with the same
/// arguments. The environment variable STRATA_PROFILE=dev builds it unoptimised.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train what a config describes, evaluate it and record the run. Checked here before a build, then passed on as written.
    Experiment(ExperimentArguments),
    /// Go on with a run that was stopped: `resume RUN`.
    #[command(disable_help_flag = true)]
    Resume {
        /// The run's folder or name, then the program's options (`resume --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Run what a sweep's file says to try, with every network that it needs built once: `sweep configs/sweeps/rates.toml`.
    Sweep(SweepArguments),
    /// Train a finished run's config again and say whether it comes to the same: `reproduce RUN`.
    #[command(disable_help_flag = true)]
    Reproduce {
        /// The run's folder or name, then the program's options (`reproduce --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Free the checkpoints of finished runs: `prune [RUN…]`.
    #[command(disable_help_flag = true)]
    Prune {
        /// The runs, then the program's options (`prune --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Remove runs with all that is in their folders; asks first: `remove RUN…`.
    #[command(disable_help_flag = true)]
    Remove {
        /// The runs, then the program's options (`remove --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// List the recorded runs.
    #[command(disable_help_flag = true)]
    Runs {
        /// The program's options (`runs --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        arguments: Vec<OsString>,
    },
    /// Show what was measured after each epoch: `history RUN…`.
    #[command(disable_help_flag = true)]
    History {
        /// The runs, then the program's options (`history --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Evaluate runs' weights again, on test, validation or training images: `evaluate RUN --on validation`, `evaluate RUN RUN --ensemble`, `evaluate RUN --mirrored`.
    #[command(disable_help_flag = true)]
    Evaluate {
        /// The runs, then the program's options (`evaluate --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Make a run's page again from its files, `report.html` in its folder: `report RUN`.
    #[command(disable_help_flag = true)]
    Report {
        /// The run, then the program's options (`report --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Put a note and tags on a run: `note RUN "the best so far" --tag paper`.
    #[command(disable_help_flag = true)]
    Note {
        /// The run, the note, then the program's options (`note --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Show runs' hyperparameters and metrics side by side, best first: `compare [RUN…]`.
    #[command(disable_help_flag = true)]
    Compare {
        /// The runs, then the program's options (`compare --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Look at a config's images: `dataset info CONFIG`, `dataset grid CONFIG --out grid.png`, `dataset show CONFIG 0`.
    #[command(disable_help_flag = true)]
    Dataset {
        /// `info`, `grid` or `show`, the config, then the program's options (`dataset --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "INFO|GRID|SHOW")]
        arguments: Vec<OsString>,
    },
    /// Classify image files by a run's weights: `predict RUN cat.png dogs/`.
    #[command(disable_help_flag = true)]
    Predict {
        /// The run, the images, then the program's options (`predict --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<OsString>,
    },
    /// Make of runs what another program opens: `export onnx RUN --out model.onnx`, `export --help` lists the formats.
    #[command(disable_help_flag = true)]
    Export {
        /// The format, the runs, then the program's options (`export --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FORMAT")]
        arguments: Vec<OsString>,
    },
    /// Run every check, cheapest first, up to the first that fails.
    Test {
        /// Run instead each crate's tests by a command of its own, and so with the crate's own features: all, or those named.
        #[arg(long, value_name = "CRATE", num_args = 0.., conflicts_with = "extra")]
        alone: Option<Vec<String>>,
        /// Passed on to the tests' own programs, as in `test -- --nocapture name`.
        #[arg(last = true)]
        extra: Vec<OsString>,
    },
    /// Print a table of docs/performance.md: `bench scaling`; `bench --help` lists them, crates/bench/compare.py sets PyTorch beside.
    #[command(disable_help_flag = true)]
    Bench {
        /// What to measure, then its options.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME")]
        arguments: Vec<OsString>,
    },
    /// Pack the CUDA build with its tests and `prove.py`, which tries it all within nine minutes on a machine that has a card and no Rust.
    CardPack {
        /// The archive.
        #[arg(long, value_name = "FILE", default_value = "strata-card.tar.gz")]
        to: PathBuf,
        /// A further config that travels along with its network in the program, to be trained there. May be repeated.
        #[arg(long, value_name = "FILE")]
        config: Vec<PathBuf>,
    },
    /// Write the documents that are made from the code: docs/config.md.
    Docs {
        /// Write nothing; fail where one is not what the code says.
        #[arg(long)]
        check: bool,
    },
    /// Check the house rules alone: module comments, files' lengths, configs' rows, who depends on whom.
    Tidy,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn program_arguments_pass_through() {
        let parsed = Cli::try_parse_from(["xtask", "compare", "a", "--runs", "x", "--help"]).unwrap();
        assert!(matches!(parsed.command, Command::Compare { arguments } if arguments.len() == 4));
        let parsed =
            Cli::try_parse_from(["xtask", "experiment", "c.toml", "--set", "-x=1", "--set=phases=[]"]).unwrap();
        assert!(matches!(parsed.command, Command::Experiment(e) if e.config.sets == ["-x=1", "phases=[]"]));
    }

    #[test]
    fn a_wrong_option_is_refused_before_anything_is_built() {
        for wrong in
            [["--device", "gpu"], ["--name", "a/b"], ["--threads", "0"], ["--threads", "1025"], ["--epochs", "3"]]
        {
            let arguments = ["xtask", "experiment", "c.toml", wrong[0], wrong[1]];
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
