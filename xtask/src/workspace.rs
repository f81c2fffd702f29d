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

/// Tells `program`, which this process is to become, the commit of these sources and whether they differ from it: `STRATA_COMMIT`,
/// `STRATA_DIRTY`, and the process that may believe them, so that nothing of the sort in a user's environment is recorded. Where the sources
/// are no repository of their own, there is no commit, which is said. `STRATA_CHANGE` is how they differ.
pub(crate) fn tell_commit(program: &mut Command, root: &Path) {
    for name in ["STRATA_COMMIT", "STRATA_DIRTY", "STRATA_CHANGE", "STRATA_COMMIT_FOR"] {
        program.env_remove(name);
    }
    match commit(root) {
        Ok(Commit { id, change }) => {
            program.env("STRATA_COMMIT", id).env("STRATA_DIRTY", if change.is_some() { "1" } else { "0" });
            program.env("STRATA_CHANGE", change.unwrap_or_default());
            program.env("STRATA_COMMIT_FOR", std::process::id().to_string());
        }
        Err(reason) => eprintln!("no commit is recorded: {reason}"),
    }
}

/// Tells the same a build whose program goes elsewhere, which keeps it: `STRATA_BUILT_FROM` and `STRATA_BUILT_DIRTY`.
pub(crate) fn tell_build(cargo: &mut Command, root: &Path) {
    match commit(root) {
        Ok(Commit { id, change }) => {
            cargo.env("STRATA_BUILT_FROM", id).env("STRATA_BUILT_DIRTY", if change.is_some() { "1" } else { "0" });
        }
        Err(reason) => {
            cargo.env_remove("STRATA_BUILT_FROM");
            eprintln!("the program will know no commit: {reason}");
        }
    }
}

/// The longest change that is handed on, in bytes: a system takes 128 KiB in one variable.
const MAX_CHANGE: usize = 96 << 10;

/// The commit that sources are of, and how they differ from it.
#[derive(Debug, PartialEq, Eq)]
struct Commit {
    id: String,
    /// As `git diff` writes it, behind the names of files that git does not know; none where the sources do not differ.
    change: Option<String>,
}

/// The commit of these sources for people, or why there is none.
pub(crate) fn commit_line(root: &Path) -> String {
    match commit(root) {
        Ok(Commit { id, change: Some(_) }) => format!("{id}, with changes"),
        Ok(Commit { id, change: None }) => id,
        Err(reason) => format!("no commit: {reason}"),
    }
}

/// The commit of the repository whose top level is `root`; or why there is none.
fn commit(root: &Path) -> Result<Commit, String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        // `GIT_DIR` and the like name some other repository than the one that these sources lie in.
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            git.env_remove(name);
        }
        let output = git.arg("-C").arg(root).args(arguments).stderr(Stdio::null()).output().ok()?;
        output.status.success().then_some(output.stdout)
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    let no_repository = || format!("{} is not in a git repository", root.display());
    // Empty in the top level itself, whatever the path's characters are.
    let below = git(&["rev-parse", "--show-prefix"]).map(text).ok_or_else(no_repository)?;
    if !below.is_empty() {
        return Err(format!("{} is part of another repository", root.display()));
    }
    let id = git(&["rev-parse", "--verify", "HEAD^{commit}"]).map(text).ok_or("the repository has no commit yet")?;
    let changes = match git(&["status", "--porcelain"]).map(text) {
        Some(changes) if changes.is_empty() => return Ok(Commit { id, change: None }),
        changes => changes.unwrap_or_else(|| "git status failed".to_owned()),
    };
    let unknown = changes.lines().filter_map(|line| line.strip_prefix("?? "));
    let mut change: String = unknown.map(|name| format!("# not in the repository: {name}\n")).collect();
    change += &git(&["diff", "--no-ext-diff", "--no-color", "HEAD"]).map(text).unwrap_or_default();
    change += "\n";
    Ok(Commit { id, change: Some(bounded(change)) })
}

/// `change` as an environment variable takes it: without zero bytes, and where it is too long whole lines of it and how much is missing.
fn bounded(change: String) -> String {
    let change = change.replace('\0', "\u{fffd}");
    if change.len() <= MAX_CHANGE {
        return change;
    }
    let end = change.as_bytes()[..MAX_CHANGE].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    format!("{}# {} more bytes are left out\n", &change[..end], change.len() - end)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-C"]).arg(folder).args(arguments);
        assert!(git.output().unwrap().status.success(), "git {arguments:?}");
    }

    #[test]
    fn the_commit_is_that_of_the_sources_own_repository() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/strata"));
        std::fs::create_dir_all(&inner).unwrap();
        assert!(commit(&inner).unwrap_err().contains("not in a git repository"));
        git(&outer, &["init", "-q"]);
        assert!(commit(&outer).unwrap_err().contains("no commit yet"));
        git(&outer, &["commit", "-q", "--allow-empty", "-m", "one"]);
        let found = commit(&outer).unwrap();
        assert_eq!((found.id.len(), &found.change), (40, &None));
        std::fs::write(inner.join("a"), "one\n").unwrap();
        let changed = commit(&outer).unwrap();
        assert_eq!((&changed.id, changed.change.as_deref()), (&found.id, Some("# not in the repository: strata/\n\n")));
        git(&outer, &["add", "."]);
        assert!(commit(&outer).unwrap().change.unwrap().ends_with("+++ b/strata/a\n@@ -0,0 +1 @@\n+one\n"));
        assert!(commit(&inner).unwrap_err().contains("part of another repository"));
        git(&inner, &["init", "-q"]);
        git(&inner, &["commit", "-q", "--allow-empty", "-m", "another"]);
        assert_ne!(commit(&inner).unwrap().id, found.id);
    }

    #[test]
    fn a_long_change_is_cut_after_a_line_and_says_so() {
        let change = bounded("+a line\n".repeat(100_000) + "\0");
        assert!(
            change.len() <= MAX_CHANGE + 40 && change.ends_with("a line\n# 701699 more bytes are left out\n"),
            "{}",
            &change[MAX_CHANGE - 30..]
        );
        assert_eq!(bounded("a\0b\n".into()), "a\u{fffd}b\n");
    }

    #[test]
    fn build_variables_of_the_users_environment_do_not_reach_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new("true");
        program
            .env("STRATA_COMMIT", "mine")
            .env("STRATA_DIRTY", "0")
            .env("STRATA_CHANGE", "+")
            .env("STRATA_COMMIT_FOR", "1");
        tell_commit(&mut program, folder.path());
        assert!(program.get_envs().all(|(_, value)| value.is_none()), "{program:?}");
    }
}
