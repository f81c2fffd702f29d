//! How a sweep stands, as its journal tells.

use std::collections::{BTreeMap, BTreeSet};

use strata_config::Config;

use crate::driver::event::{Event, Id};
use crate::driver::halving::Rungs;
use crate::driver::member_state::{Known, MemberState};
use crate::members::Member;
use crate::spec::{Budget, Point, Sweep};

/// How a sweep stands.
#[derive(Debug, Default)]
pub struct State {
    /// The points that were proposed so far.
    pub(crate) points: Vec<Point>,
    /// Values of a point.
    keys: usize,
    pub(crate) seeds: usize,
    pub(crate) members: Vec<Known>,
    /// The members that anybody may take, by number: pending and interrupted ones.
    pub(crate) open: BTreeSet<usize>,
    /// Those of them that are interrupted.
    pub(crate) interrupted: BTreeSet<usize>,
    /// How points stand at the rungs; none where the sweep does not halve.
    pub(crate) rungs: Option<Rungs>,
    /// Those that were taken and have not ended.
    pub(crate) claimed: BTreeMap<usize, String>,
    /// How often the state of a member that had ended changed.
    pub(crate) revised: usize,
    pub(crate) opened: BTreeSet<String>,
    /// The processes that were at work when a stop was asked for.
    pub(crate) stopped: BTreeSet<String>,
    /// Seconds and epochs of all members together.
    pub(crate) seconds: f64,
    pub(crate) epochs: u64,
    pub(crate) finished: usize,
    pub(crate) failed: usize,
}

impl State {
    /// How `sweep` stands before its first member, with the points that are known by then.
    pub(crate) fn new(sweep: &Sweep, points: Option<&[Point]>) -> Self {
        let rungs = sweep.halving.map(|halving| Rungs::new(halving, sweep.objective.direction));
        let mut state = Self { keys: sweep.keys.len(), seeds: sweep.seeds.len(), rungs, ..Self::default() };
        for point in points.unwrap_or_default() {
            state.propose(point.clone());
        }
        state
    }

    fn propose(&mut self, point: Point) {
        self.points.push(point);
        for _ in 0..self.seeds {
            self.open.insert(self.members.len());
            self.members.push(Known::new());
        }
    }

    /// The member's place in the order of all.
    pub(crate) fn index(&self, member: Member) -> usize {
        member.point * self.seeds + member.seed
    }

    pub(crate) fn member(&self, index: usize) -> Member {
        Member { point: index / self.seeds, seed: index % self.seeds }
    }

    /// The config of a point; none where it is none that runs.
    pub(crate) fn config(&self, sweep: &Sweep, point: usize) -> Option<Config> {
        sweep.config(self.points.get(point)?, sweep.seeds[0]).ok()
    }

    /// Every member and how it stands, in their order.
    pub fn members(&self) -> impl Iterator<Item = (Member, &MemberState)> {
        self.members.iter().enumerate().map(|(index, known)| (self.member(index), &known.state))
    }

    /// Members finished, failed, and in all so far.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.finished, self.failed, self.members.len())
    }

    /// What a method learns of a point, the mean over its seeds: of the values at the first rung, and without rungs of those at the end. `Some(None)` where a
    /// member has none, `None` while one has yet to come.
    pub(crate) fn result(&self, point: usize) -> Option<Option<f64>> {
        let known = &self.members[point * self.seeds..(point + 1) * self.seeds];
        let value = |known: &Known| match known.rungs.values().next() {
            Some(value) => Some(*value),
            None => known.state.is_over().then_some(known.value),
        };
        let values: Vec<Option<f64>> = known.iter().map(value).collect::<Option<_>>()?;
        Some(mean(values))
    }

    /// The mean of the objective over a point's seeds; none where a member has none.
    pub(crate) fn mean(&self, point: usize) -> Option<f64> {
        mean(self.members[point * self.seeds..(point + 1) * self.seeds].iter().map(|known| known.value))
    }

    /// Follows one event; the reason where it can be none of this sweep's, and nothing changed.
    pub(crate) fn apply(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Opened { driver } => {
                self.opened.insert(driver);
            }
            Event::Closed { driver } => {
                self.opened.remove(&driver);
            }
            Event::Stop => self.stopped = self.opened.clone(),
            Event::Proposed { point, values } => {
                if point != self.points.len() {
                    return Err(format!("point {point} is proposed where point {} comes next", self.points.len()));
                }
                if values.len() != self.keys {
                    return Err(format!("point {point} has {} values, and {} keys are tried", values.len(), self.keys));
                }
                self.propose(values);
            }
            Event::Claimed { id, driver } => {
                let index = self.place(id)?;
                self.set(index, MemberState::Claimed(driver.clone()));
                self.members[index].attempts += 1;
                self.claimed.insert(index, driver);
            }
            Event::Released { id } => self.set(self.place(id)?, MemberState::Interrupted),
            Event::Retried { id } => self.set(self.place(id)?, MemberState::Pending),
            Event::Failed { id, reason, epochs, seconds } => {
                let index = self.place(id)?;
                let known = &self.members[index];
                // What it had cost before stays, where it was resumed in vain or the line does not say.
                let (epochs, seconds) = (epochs.max(known.epochs), seconds.max(known.seconds));
                self.measured(index, epochs, seconds);
                self.set(index, MemberState::Failed(reason));
            }
            Event::Paused { id, epochs, value, seconds } => {
                let index = self.place(id)?;
                self.members[index].rungs.insert(epochs, value);
                self.measured(index, epochs, seconds);
                self.set(index, MemberState::Paused(epochs));
            }
            Event::Finished { id, value, metrics, epochs, seconds } => {
                let index = self.place(id)?;
                let known = &mut self.members[index];
                (known.value, known.metrics) = (value, metrics);
                self.measured(index, epochs, seconds);
                self.set(index, MemberState::Finished);
            }
        }
        Ok(())
    }

    /// Whether the process `name` may tell `event`: not where its member is finished, or another's.
    ///
    /// A process keeps its members as long as its locks, and on a network's file system it loses these where the server has not heard of its machine for longer than a lease.
    pub(crate) fn is_free_for(&self, event: &Event, name: &str) -> bool {
        let (Event::Released { id } | Event::Failed { id, .. } | Event::Paused { id, .. } | Event::Finished { id, .. }) =
            event
        else {
            return true;
        };
        self.place(*id).is_ok_and(|index| {
            self.members[index].state != MemberState::Finished && self.claimed.get(&index).is_none_or(|by| by == name)
        })
    }

    /// The member's place.
    fn place(&self, id: Id) -> Result<usize, String> {
        let index = id.point.checked_mul(self.seeds).and_then(|first| first.checked_add(id.seed));
        let index = index.filter(|index| id.seed < self.seeds && *index < self.members.len());
        index.ok_or_else(|| format!("point {} with seed number {} is no member of the sweep", id.point, id.seed))
    }

    /// Notes that a member has trained `epochs` and taken `seconds` in all.
    fn measured(&mut self, index: usize, epochs: usize, seconds: f64) {
        let known = &mut self.members[index];
        let (more, longer) = (epochs.saturating_sub(known.epochs), (seconds - known.seconds).max(0.0));
        (known.epochs, known.seconds) = (epochs, seconds);
        self.epochs += more as u64;
        self.seconds += longer;
    }

    fn set(&mut self, index: usize, state: MemberState) {
        let known = &mut self.members[index];
        let before = std::mem::replace(&mut known.state, state);
        let point = index / self.seeds;
        self.revised += usize::from(before.is_over());
        let count = |state: &MemberState, finished: &mut usize, failed: &mut usize, by: isize| {
            let counter = match state {
                MemberState::Finished => finished,
                MemberState::Failed(_) => failed,
                _ => return,
            };
            *counter = counter.saturating_add_signed(by);
        };
        count(&before, &mut self.finished, &mut self.failed, -1);
        count(&known.state, &mut self.finished, &mut self.failed, 1);
        self.claimed.remove(&index);
        match known.state {
            MemberState::Pending | MemberState::Interrupted => self.open.insert(index),
            _ => self.open.remove(&index),
        };
        match known.state {
            MemberState::Interrupted => self.interrupted.insert(index),
            _ => self.interrupted.remove(&index),
        };
        if let Some(rungs) = &mut self.rungs {
            rungs.update(point, &self.members[point * self.seeds..(point + 1) * self.seeds]);
        }
    }

    /// The member that its rung lets go on, if there is one; `is_whole` where no further point is proposed.
    pub(crate) fn promoted(&self, is_whole: bool) -> Option<usize> {
        let rungs = self.rungs.as_ref()?;
        // A sweep of few points would end without one run of full length: once nothing else is left, the best of the latest rung goes on.
        // A method that learns has nothing else after every point, and proposes the next one then.
        let is_over = is_whole && self.open.is_empty() && self.claimed.is_empty() && self.finished == 0;
        let (point, epochs) = rungs.promoted().or_else(|| rungs.best_of_latest().filter(|_| is_over))?;
        let mut members = point * self.seeds..(point + 1) * self.seeds;
        members.find(|index| self.members[*index].state == MemberState::Paused(epochs))
    }
}

/// The mean of values; none where one is missing or no number.
fn mean(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let values: Option<Vec<f64>> = values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect();
    values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
}

impl Budget {
    /// Whether so many epochs and seconds leave nothing for a further member.
    pub(crate) fn is_spent(&self, epochs: u64, seconds: f64) -> bool {
        self.epochs.is_some_and(|most| epochs >= most) || self.hours.is_some_and(|hours| seconds >= hours * 3600.0)
    }
}
