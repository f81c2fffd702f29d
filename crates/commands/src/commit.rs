//! The commit that this program was built from, as `cargo xtask` tells it, at its start or at its build.

use strata_cli::note;
use strata_experiment::Commit;

/// What the program is told at its start; else what its build was, which is told where the program goes elsewhere.
pub(crate) fn of_program() -> Option<Commit> {
    of_launcher().or_else(|| of_build(option_env!("STRATA_BUILT_FROM"), option_env!("STRATA_BUILT_DIRTY")))
}

/// The changes to the commit stayed where it was built.
fn of_build(id: Option<&str>, dirty: Option<&str>) -> Option<Commit> {
    let id = id.filter(|id| !id.is_empty())?.to_owned();
    Some(Commit { id, dirty: dirty.map(|dirty| dirty == "1"), change: None })
}

/// The commit that `cargo xtask` told this very process. What else the environment holds, from a user or another program, says nothing of
/// these sources; it is left out, and said.
fn of_launcher() -> Option<Commit> {
    let id = std::env::var("STRATA_COMMIT").ok().filter(|commit| !commit.is_empty())?;
    let process = std::env::var("STRATA_COMMIT_FOR").ok();
    if !process.is_some_and(|process| own_processes().any(|own| own == process)) {
        note("STRATA_COMMIT is not recorded: `cargo xtask` alone knows the program's commit");
        return None;
    }
    let dirty = std::env::var("STRATA_DIRTY").ok().map(|dirty| dirty == "1");
    let change = std::env::var("STRATA_CHANGE").ok().filter(|change| !change.is_empty());
    Some(Commit { id, dirty, change })
}

/// This process, and the one that started it: a member of a sweep is started by the program that was told.
fn own_processes() -> impl Iterator<Item = String> {
    #[cfg(unix)]
    let parent = Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    let parent = None;
    [Some(std::process::id()), parent].into_iter().flatten().map(|process| process.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_was_told_its_commit_keeps_it() {
        assert_eq!(of_build(None, None), None);
        assert_eq!(of_build(Some(""), Some("1")), None);
        let commit = |dirty| Some(Commit { id: "3f5e056".to_owned(), dirty, change: None });
        assert_eq!(of_build(Some("3f5e056"), Some("1")), commit(Some(true)));
        assert_eq!(of_build(Some("3f5e056"), Some("0")), commit(Some(false)));
        assert_eq!(of_build(Some("3f5e056"), None), commit(None));
    }
}
