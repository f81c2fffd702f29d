//! Successive halving without waiting (ASHA; Li and others, *A System for Massively Parallel Hyperparameter Tuning*, MLSys 2020): of the points that
//! have reached a rung, the best part of them goes on at once, without waiting for the rest.
//!
//! Which points are tried depends on the sweep's method alone; which of them go on depends on the order in which they reach their rungs, and so on
//! how fast the members ran.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use strata_spec::Direction;

use crate::driver::member_state::{Known, MemberState};
use crate::spec::Halving;

/// How points stand at the rungs, by the rungs' epochs. Whatever happens to a member changes it in the logarithm of the points' number.
#[derive(Debug)]
pub(crate) struct Rungs {
    factor: usize,
    direction: Direction,
    rungs: BTreeMap<usize, Rung>,
}

/// The points that reached a rung with every seed.
#[derive(Debug, Default)]
struct Rung {
    ranks: HashMap<usize, Rank>,
    /// The best of them, one of each `factor`.
    best: BTreeSet<Rank>,
    others: BTreeSet<Rank>,
    /// Those with a member that is paused here.
    waiting: BTreeSet<Rank>,
    /// Those of them of which another member went on.
    parted: BTreeSet<Rank>,
}

/// A point's place at a rung: the better merit is the lesser, of equal ones the earlier point, and no number is the last.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    merit: f64,
    point: usize,
}

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.merit.total_cmp(&self.merit).then(self.point.cmp(&other.point))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Rungs {
    pub(crate) fn new(halving: Halving, direction: Direction) -> Self {
        Self { factor: halving.factor, direction, rungs: BTreeMap::new() }
    }

    /// Takes note of a point whose `members`, one for each seed, are now these.
    pub(crate) fn update(&mut self, point: usize, members: &[Known]) {
        for epochs in members.first().into_iter().flat_map(|first| first.rungs.keys()) {
            let reached = members.iter().map(|known| known.rungs.get(epochs).copied());
            let values: Option<Vec<f64>> = reached.map(|value| Some(value?.unwrap_or(f64::NAN))).collect();
            let Some(values) = values else { continue };
            let merit = self.direction.merit(values.iter().sum::<f64>() / values.len() as f64);
            // Values that are no numbers are the worst of all, and do not go on.
            let merit = if merit.is_nan() { f64::NEG_INFINITY } else { merit };
            let is_paused = |known: &Known| known.state == MemberState::Paused(*epochs);
            let is_waiting = merit > f64::NEG_INFINITY && members.iter().any(is_paused);
            let is_parted = is_waiting && !members.iter().all(is_paused);
            let rung = self.rungs.entry(*epochs).or_default();
            let rank = rung.place(Rank { merit, point }, self.factor);
            change(&mut rung.waiting, rank, is_waiting);
            change(&mut rung.parted, rank, is_parted);
        }
    }

    /// The point that goes on from a rung, and the rung's epochs: of the latest rung first, of one rung the best first.
    pub(crate) fn promoted(&self) -> Option<(usize, usize)> {
        self.rungs.iter().rev().find_map(|(epochs, rung)| {
            let first = rung.waiting.first().filter(|rank| rung.best.contains(rank));
            // Where one of a point's seeds went on, so do the others.
            first.or(rung.parted.first()).map(|rank| (rank.point, *epochs))
        })
    }

    /// The best point at the latest rung that any has reached, and the rung's epochs.
    pub(crate) fn best_of_latest(&self) -> Option<(usize, usize)> {
        let (epochs, rung) = self.rungs.iter().next_back()?;
        rung.waiting.first().map(|rank| (rank.point, *epochs))
    }
}

impl Rung {
    /// Puts a point where its merit belongs.
    fn place(&mut self, rank: Rank, factor: usize) -> Rank {
        match self.ranks.insert(rank.point, rank) {
            Some(before) if before == rank => return rank,
            Some(before) => {
                for ranks in [&mut self.best, &mut self.others, &mut self.waiting, &mut self.parted] {
                    ranks.remove(&before);
                }
            }
            None => {}
        }
        let is_better = self.best.last().is_some_and(|last| rank < *last);
        if is_better {
            self.best.insert(rank)
        } else {
            self.others.insert(rank)
        };
        let most = self.ranks.len() / factor;
        while self.best.len() > most {
            self.others.extend(self.best.pop_last());
        }
        while self.best.len() < most {
            let Some(first) = self.others.pop_first() else { break };
            self.best.insert(first);
        }
        rank
    }
}

fn change(ranks: &mut BTreeSet<Rank>, rank: Rank, is_in: bool) {
    if is_in {
        ranks.insert(rank);
    } else {
        ranks.remove(&rank);
    }
}

#[cfg(test)]
mod tests {
    use crate::driver::event::{Event, Id};
    use crate::driver::member_state::MemberState;
    use crate::driver::state::State;
    use crate::points::uniform;
    use crate::tests::sweep;

    /// The member that goes on, found by looking at all of them.
    fn sorted(state: &State, factor: usize) -> Option<usize> {
        let members = |point: usize| &state.members[point * state.seeds..(point + 1) * state.seeds];
        [3, 1].into_iter().find_map(|epochs| {
            let mut points: Vec<(usize, f64)> = Vec::new();
            for point in 0..state.points.len() {
                let values = members(point).iter().map(|known| known.rungs.get(&epochs).copied().flatten());
                if let Some(values) = values.collect::<Option<Vec<f64>>>() {
                    points.push((point, values.iter().sum::<f64>() / values.len() as f64));
                }
            }
            points.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
            let best = points.len() / factor;
            points.iter().enumerate().find_map(|(rank, (point, _))| {
                let waits = |index: &usize| state.members[*index].state == MemberState::Paused(epochs);
                let went_on = members(*point).iter().any(|known| known.state != MemberState::Paused(epochs));
                let mut waiting = point * state.seeds..(point + 1) * state.seeds;
                waiting.find(waits).filter(|_| rank < best || went_on)
            })
        })
    }

    #[test]
    fn who_goes_on_is_who_a_look_at_all_members_finds() {
        let top = "seeds = 2\nbudget = { members = 120 }\nhalving = { first = 1, factor = 3 }\nobjective = \"val_acc\"";
        let sweep = sweep("random", top, "\"phases.0.lr\" = { low = 1e-3, high = 1.0 }\n");
        let points = sweep.points().unwrap();
        let (mut state, mut promotions) = (State::new(&sweep, Some(&points)), 0);
        for step in 0..2_000u64 {
            let draw = |stream: u64| uniform(1, stream, step);
            let expected = sorted(&state, 3);
            assert_eq!(state.promoted(true), expected, "step {step}");
            promotions += usize::from(expected.is_some());
            // Coarse values, so that some are equal.
            let value = Some((draw(0) * 20.0).round());
            let index = expected.unwrap_or((draw(1) * state.members.len() as f64) as usize);
            let id = Id { point: index / 2, seed: index % 2 };
            let event = match &state.members[index].state {
                MemberState::Pending => Event::Paused { id, epochs: 1, value, seconds: 1.0 },
                MemberState::Paused(_) if expected.is_none() => continue,
                MemberState::Paused(_) if draw(2) < 0.2 => Event::Released { id },
                MemberState::Paused(1) => Event::Paused { id, epochs: 3, value, seconds: 2.0 },
                MemberState::Paused(_) => {
                    Event::Finished { id, value, metrics: Default::default(), epochs: 4, seconds: 3.0 }
                }
                MemberState::Interrupted => Event::Paused { id, epochs: 3, value, seconds: 3.0 },
                _ => continue,
            };
            state.apply(event).unwrap();
        }
        assert!(promotions > 40 && state.counts().0 > 5, "{promotions} {:?}", state.counts());
    }
}
