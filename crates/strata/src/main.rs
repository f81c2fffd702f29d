//! The program `strata`: the networks that it was built with, and the commands that train them.

// A network's text is matched word by word.
#![recursion_limit = "1024"]

mod compiled;

use std::process::ExitCode;

fn main() -> ExitCode {
    strata_commands::run(compiled::NETWORKS)
}
