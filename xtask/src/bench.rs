//! `cargo xtask bench`: the tables of docs/performance.md, by a program that has a row for whatever it is asked to time.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use strata_config::parse_rows;
use strata_spec::NetworkSpec;

use crate::build_times;
use crate::fault::Fault;
use crate::program;
use crate::rows::{Lists, Lock};
use crate::workspace;

/// Measures what `arguments` say: how long builds take, which is ours to know, or what the benches' program knows.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    if arguments.first().is_some_and(|name| name == "build") {
        return build_times::run(&arguments[1..]);
    }
    let root = workspace::root();
    let lists = lists(&root);
    let lock = Lock::take(&root)?;
    for network in networks(arguments)? {
        lists.ensure(std::slice::from_ref(&network), &lock)?;
    }
    program::start_benches(&root, &lists, arguments.iter().cloned(), lock)
}

/// Apart from the program's: what is timed once shall not cost every build of the program.
fn lists(root: &Path) -> Lists {
    Lists { committed: root.join("crates/bench/architectures.txt"), own: root.join("target/bench-architectures.txt") }
}

/// The networks that `--widths` names: `3072-512-10,3072-777-333-10`.
fn networks(arguments: &[OsString]) -> anyhow::Result<Vec<NetworkSpec>> {
    let mut named = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--widths") {
            Some("") => arguments.next().context("--widths needs networks, as in 3072-512-10,3072-777-333-10")?,
            Some(joined) if joined.starts_with('=') => joined[1..].to_owned().into(),
            _ => continue,
        };
        // A width with `bn` behind it is a layer with batch normalisation and a rectifier; any other text of a network has commas and spaces.
        let text = value.replace(',', "\n").replace('-', ", ").replace("bn", " batch_norm relu");
        let rows = parse_rows(&text).map_err(|error| {
            Fault::Mistake(format!(
                "--widths {value}: `{}`: expected 2 to 34 widths from 1 to 65536, as in 3072-512-10 or 192-512bn-10, networks separated by commas",
                error.text.replace(" batch_norm relu", "bn").replace(", ", "-")
            ))
        })?;
        named.extend(rows);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    fn named(arguments: &[&str]) -> anyhow::Result<Vec<NetworkSpec>> {
        networks(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_networks_to_be_built_are_those_that_the_options_name() {
        let chain = |hidden: &[usize]| NetworkSpec::chain(3072, hidden, 10).unwrap();
        let expected = [chain(&[512]), chain(&[777, 333])];
        assert_eq!(named(&["scaling", "--widths", "3072-512-10,3072-777-333-10", "--batch", "1"]).unwrap(), expected);
        assert_eq!(named(&["step", "--widths=3072-512-10"]).unwrap(), expected[..1]);
        let normalised = named(&["step", "--widths", "192-512bn-10"]).unwrap();
        assert_eq!(normalised[0].to_string(), "192, 512 batch_norm relu, 10");
        assert_eq!(named(&["data", "--help"]).unwrap(), Vec::<NetworkSpec>::new());
        let error = named(&["step", "--widths", "3072-0-10"]).unwrap_err();
        assert!(error.to_string().contains("`3072-0-10`: expected 2 to 34 widths"), "{error}");
        assert_eq!(error.downcast_ref::<Fault>().map(Fault::exit_code), Some(2));
        assert!(named(&["step", "--widths"]).is_err());
    }

    #[test]
    fn the_benches_have_a_list_of_their_own() {
        let lists = lists(&workspace::root());
        let committed = rows::read(&lists.committed).unwrap();
        assert!(committed.contains(&NetworkSpec::chain(3072, &[2048, 1024, 64], 10).unwrap()));
        assert_ne!(lists.own, Lists::of_program(&workspace::root()).own);
    }
}
