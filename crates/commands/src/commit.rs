//! The commit that this program was built from, as `cargo xtask` tells it.

use strata_cli::note;
use strata_experiment::Commit;

/// The commit that `cargo xtask` told this very process. What else the environment holds, from a user or another program, says nothing of
/// these sources; it is left out, and said.
pub(crate) fn of_launcher() -> Option<Commit> {
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
