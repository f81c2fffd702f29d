//! Successive halving without waiting (ASHA; Li and others, *A System for Massively Parallel Hyperparameter Tuning*, MLSys 2020): of the points that
//! have reached a rung, the best part of them goes on at once, without waiting for the rest.
//!
//! Which points are tried depends on the sweep's method alone; which of them go on depends on the order in which they reach their rungs, and so on
//! how fast the members ran.

use std::collections::BTreeMap;

use crate::spec::Sweep;
use crate::state::{MemberState, State};

/// The member to take on from its rung, if there is one: of the latest rung first, of one rung the best first.
pub(crate) fn promoted(sweep: &Sweep, state: &State) -> Option<usize> {
    let halving = sweep.halving?;
    // The points that reached each rung with every seed, by the mean of their values there.
    let mut rungs: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for point in 0..state.points.len() {
        let members = &state.members[point * state.seeds..(point + 1) * state.seeds];
        let Some(first) = members.first() else { continue };
        for epochs in first.rungs.keys() {
            let values: Option<Vec<f64>> = members
                .iter()
                .map(|known| known.rungs.get(epochs).copied().map(|value| value.unwrap_or(f64::NAN)))
                .collect();
            let Some(values) = values else { continue };
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            rungs.entry(*epochs).or_default().push((point, sweep.objective.direction.merit(mean)));
        }
    }
    let waits = |point: usize, epochs: usize| {
        let members = point * state.seeds..(point + 1) * state.seeds;
        members.into_iter().find(|index| state.members[*index].state == MemberState::Paused(epochs))
    };
    for (epochs, points) in rungs.iter_mut().rev() {
        points.sort_by(|(a, x), (b, y)| worst_if_nan(*y).total_cmp(&worst_if_nan(*x)).then(a.cmp(b)));
        let best = points.len() / halving.factor;
        // Where one of a point's seeds went on, so do the others.
        let has_begun = |point: usize| {
            let members = &state.members[point * state.seeds..(point + 1) * state.seeds];
            members.iter().any(|known| known.rungs.contains_key(epochs) && known.state != MemberState::Paused(*epochs))
        };
        let chosen = points.iter().enumerate().filter(|(rank, (point, _))| *rank < best || has_begun(*point));
        if let Some(index) =
            chosen.into_iter().find_map(|(_, (point, merit))| waits(*point, *epochs).filter(|_| !merit.is_nan()))
        {
            return Some(index);
        }
    }
    // A sweep of few points would end without one run of full length: once nothing else is left, the best of the latest rung goes on.
    let is_over = state.open.is_empty() && state.claimed.is_empty() && state.finished == 0;
    let (epochs, points) = rungs.iter().next_back().filter(|_| is_over && !sweep.method.learns())?;
    let (point, _) = points.iter().find(|(_, merit)| !merit.is_nan())?;
    waits(*point, *epochs)
}

fn worst_if_nan(merit: f64) -> f64 {
    if merit.is_nan() { f64::NEG_INFINITY } else { merit }
}
