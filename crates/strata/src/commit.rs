//! The commit that this program was built from, as `cargo xtask` tells it.

use strata_cli::note;
use strata_experiment::Commit;

/// The commit that `cargo xtask` told this very process. What else the environment holds, from a user or another program, says nothing of
/// these sources; it is left out, and said.
pub(crate) fn of_launcher() -> Option<Commit> {
    let id = std::env::var("STRATA_COMMIT").ok().filter(|commit| !commit.is_empty())?;
    let process = std::env::var("STRATA_COMMIT_FOR").ok();
    if process != Some(std::process::id().to_string()) {
        note("STRATA_COMMIT is not recorded: `cargo xtask` alone knows the program's commit");
        return None;
    }
    let dirty = std::env::var("STRATA_DIRTY").ok().map(|dirty| dirty == "1");
    Some(Commit { id, dirty })
}
