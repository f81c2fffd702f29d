//! The best point, and its config.

use std::collections::BTreeSet;

use strata_config::Config;

use crate::driver::member_state::MemberState;
use crate::driver::state::State;
use crate::error::SweepError;
use crate::folder::SweepFolder;

/// The points that have a mean over their seeds, by their numbers, the best first; of equal ones the earlier.
pub(crate) fn ranked(folder: &SweepFolder, state: &State) -> Vec<(usize, f64)> {
    let direction = folder.sweep().objective.direction;
    let means = (0..state.points.len()).filter_map(|point| Some((point, state.mean(point)?)));
    let mut means: Vec<_> = means.collect();
    means.sort_by(|(a, x), (b, y)| direction.merit(*y).total_cmp(&direction.merit(*x)).then(a.cmp(b)));
    means
}

/// The config of the best point with the sweep's first seed, which runs as it is; and the point's number and mean.
///
/// # Errors
/// [`SweepError::NothingFinished`].
pub fn best_config(folder: &SweepFolder, state: &State) -> Result<(Config, usize, f64), SweepError> {
    let sweep = folder.sweep();
    let Some((point, mean)) = ranked(folder, state).first().copied() else {
        return Err(SweepError::NothingFinished {
            path: folder.path().to_owned(),
            objective: sweep.objective.key.clone(),
        });
    };
    let mut sets = sweep.sets(&state.points[point], sweep.seeds[0]);
    sets.push(format!("name={}-best", sweep.name.chars().take(59).collect::<String>()));
    Ok((Config::parse(&sweep.base_text, &sweep.base_file, &sets)?, point, mean))
}

/// The members that have results, by name: those of the best points first, then those that wait at a rung.
#[must_use]
pub fn best_members(folder: &SweepFolder, state: &State) -> Vec<String> {
    let members =
        ranked(folder, state).into_iter().flat_map(|(point, _)| point * state.seeds..(point + 1) * state.seeds);
    let is_finished = |index: &usize| state.members[*index].state == MemberState::Finished;
    let finished: BTreeSet<usize> = (0..state.members.len()).filter(is_finished).collect();
    let ranked: Vec<usize> = members.collect();
    // A point with a failed seed has no mean; its other members have results all the same.
    let known: BTreeSet<usize> = ranked.iter().copied().collect();
    let paused = (0..state.members.len()).filter(|index| matches!(state.members[*index].state, MemberState::Paused(_)));
    let all = ranked.iter().copied().chain(finished.difference(&known).copied()).chain(paused);
    all.map(|index| folder.sweep().member_name(state.member(index))).collect()
}
