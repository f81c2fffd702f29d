//! What the program `strata` and `cargo xtask` share: the command line of an experiment, output that steers no terminal, and
//! quoting for what a person is told to type.
//!
//! Everything that is printed goes through here or through `strata-files`' `escape`: paths, names, environment values and the texts of
//! files and servers are other people's.

mod arguments;
mod output;
mod seeds;
mod shell;
mod sweep;

pub use arguments::{ConfigArguments, ExperimentArguments, MachineArguments, parse_count};
pub use output::{Layout, error_chain, escape_lines, note, parse, print_error};
pub use seeds::Seeds;
pub use shell::quoted;
pub use sweep::{LauncherChoice, RunSweep, SweepArguments, SweepCommand, SweepName};
