//! Where this tree is, and how cargo is called in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    // cargo sets the variable when it starts us; the compiled-in folder serves a direct start.
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// The commit of this tree and whether it differs from it, as the program records them: `STRATA_COMMIT` and `STRATA_DIRTY`. None
/// where there is no git or no commit.
pub(crate) fn commit(root: &Path) -> Vec<(&'static str, String)> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return Vec::new() };
    let changed = git(&["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
    vec![("STRATA_COMMIT", commit), ("STRATA_DIRTY", if changed { "1" } else { "0" }.to_owned())]
}

/// The cargo that started us, without the variables that it set for this one package.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        // Build scripts of dependencies watch some of them, and would run again after each plain `cargo build`.
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}
