//! Turns the lists of networks into `$OUT_DIR/architectures.rs`: one `networks! { "3072, 10", 3072, 10, (3072, 10); }`.
//!
//! Two lists: `architectures.txt` in the package's folder, committed, and the user's own, which `cargo xtask experiment`
//! extends: the path in `STRATA_ARCHITECTURES`, else `target/architectures.txt` of the workspace whatever the target
//! folder, so that every build of this tree (CPU, CUDA, another `CARGO_TARGET_DIR`) has the same rows.
//!
//! The benches' build script too, with the list in their folder: they time the rows that the program trains.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use strata_spec::NetworkSpec;

use crate::architectures::parse_rows;

// The config crate's own reader, compiled here so that the build script waits for no parser of TOML.
#[path = "../config/src/architectures.rs"]
#[expect(unreachable_pub, dead_code, reason = "public in the crate that owns it")]
mod architectures;

fn main() -> ExitCode {
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), String> {
    let package = folder("CARGO_MANIFEST_DIR")?;
    let workspace = package.join("../..");
    println!("cargo::rerun-if-env-changed=STRATA_ARCHITECTURES");
    println!("cargo::rerun-if-changed=../strata/build.rs");
    println!("cargo::rerun-if-changed=../config/src/architectures.rs");
    let committed = package.join("architectures.txt");
    let own = match env::var_os("STRATA_ARCHITECTURES").filter(|path| !path.is_empty()) {
        Some(path) => workspace.join(path),
        None => workspace.join("target/architectures.txt"),
    };
    println!("cargo::rerun-if-changed={}", committed.display());
    let mut rows = rows(&committed)?;
    if own.exists() || create_empty(&own).is_ok() {
        // Watched only if it is there: cargo takes a missing file for a changed one and would always build again.
        println!("cargo::rerun-if-changed={}", own.display());
        rows.extend(rows_of_user(&own)?);
    }
    // Each once, in an order that does not depend on that of the lists.
    let rows: BTreeMap<String, NetworkSpec> = rows.into_iter().map(|network| (network.to_string(), network)).collect();
    let mut text = String::from("networks! {\n");
    for (layers, network) in &rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    \"{layers}\", {}, {}, ({layers});", network.inputs(), network.outputs());
    }
    text.push_str("}\n");
    let out = folder("OUT_DIR")?.join("architectures.rs");
    fs::write(&out, text).map_err(|error| format!("{}: {error}", out.display()))
}

fn folder(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {variable}"))
}

fn rows(path: &Path) -> Result<Vec<NetworkSpec>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse_rows(&text).map_err(|error| format!("{}:{error}", path.display()))
}

fn rows_of_user(path: &Path) -> Result<Vec<NetworkSpec>, String> {
    rows(path).map_err(|error| format!("{error}; mend the line, or delete the file to start an empty list"))
}

/// Makes the user's list, empty and old: a file newer than this script's start would make the next build run it again.
fn create_empty(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path)?.set_modified(SystemTime::UNIX_EPOCH)
}
