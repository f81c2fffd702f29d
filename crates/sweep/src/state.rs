//! How a sweep stands, as its journal tells.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::journal::{Event, Id};
use crate::members::Member;
use crate::spec::Point;

/// How a member stands.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberState {
    /// Nobody has taken it yet, or it is to be run again.
    Pending,
    /// The driver of this name has taken it.
    Claimed(String),
    /// It was stopped, and can be resumed.
    Interrupted,
    /// It waits at a rung, after as many epochs.
    Paused(usize),
    /// It is done.
    Finished,
    /// It failed, with the reason.
    Failed(String),
}

impl MemberState {
    /// In a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed(_) => "running",
            Self::Interrupted => "interrupted",
            Self::Paused(_) => "paused",
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
        }
    }
}

/// What is known of a member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) state: MemberState,
    /// The objective's value at each rung that it reached, by epochs.
    pub(crate) rungs: BTreeMap<usize, Option<f64>>,
    pub(crate) value: Option<f64>,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) epochs: usize,
    pub(crate) seconds: f64,
    /// How often it was started or resumed.
    pub(crate) attempts: usize,
}

impl Known {
    fn new() -> Self {
        let (rungs, metrics) = (BTreeMap::new(), BTreeMap::new());
        Self { state: MemberState::Pending, rungs, value: None, metrics, epochs: 0, seconds: 0.0, attempts: 0 }
    }
}

/// How a sweep stands.
#[derive(Debug, Default)]
pub struct State {
    /// The points that were proposed so far.
    pub(crate) points: Vec<Point>,
    pub(crate) seeds: usize,
    pub(crate) members: Vec<Known>,
    /// The members that anybody may take, by number: pending and interrupted ones.
    pub(crate) open: BTreeSet<usize>,
    /// Those that were taken and have not ended.
    pub(crate) claimed: BTreeMap<usize, String>,
    /// Points whose members are all finished or failed, by their number of members that are.
    ended: HashMap<usize, usize>,
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
    pub(crate) fn new(points: Option<&[Point]>, seeds: usize) -> Self {
        let mut state = Self { seeds, ..Self::default() };
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

    /// Every member and how it stands, in their order.
    pub fn members(&self) -> impl Iterator<Item = (Member, &MemberState)> {
        self.members.iter().enumerate().map(|(index, known)| (self.member(index), &known.state))
    }

    /// Members finished, failed, and in all so far.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.finished, self.failed, self.members.len())
    }

    /// Whether all members of a point have ended.
    pub(crate) fn has_ended(&self, point: usize) -> bool {
        self.ended.get(&point) == Some(&self.seeds)
    }

    /// The mean of the objective over a point's seeds; none where a member has none.
    pub(crate) fn mean(&self, point: usize) -> Option<f64> {
        let members = &self.members[point * self.seeds..(point + 1) * self.seeds];
        let values: Option<Vec<f64>> =
            members.iter().map(|known| known.value.filter(|value| value.is_finite())).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
    }

    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Opened { driver } => {
                self.opened.insert(driver);
            }
            Event::Closed { driver } => {
                self.opened.remove(&driver);
            }
            Event::Stop => self.stopped = self.opened.clone(),
            Event::Proposed { point, values } => {
                if point == self.points.len() {
                    self.propose(values);
                }
            }
            Event::Claimed { id, driver } => self.claim(id, driver),
            Event::Released { id } => self.set(id, MemberState::Interrupted),
            Event::Retried { id } => self.set(id, MemberState::Pending),
            Event::Failed { id, reason } => self.set(id, MemberState::Failed(reason)),
            Event::Paused { id, epochs, value, seconds } => {
                if let Some(known) = self.known(id) {
                    known.rungs.insert(epochs, value);
                }
                self.measured(id, epochs, seconds);
                self.set(id, MemberState::Paused(epochs));
            }
            Event::Finished { id, value, metrics, epochs, seconds } => {
                if let Some(known) = self.known(id) {
                    (known.value, known.metrics) = (value, metrics);
                }
                self.measured(id, epochs, seconds);
                self.set(id, MemberState::Finished);
            }
        }
    }

    /// The member's place; none of what a damaged journal names.
    fn place(&self, id: Id) -> Option<usize> {
        let index = id.point.checked_mul(self.seeds)?.checked_add(id.seed)?;
        (id.seed < self.seeds && index < self.members.len()).then_some(index)
    }

    fn known(&mut self, id: Id) -> Option<&mut Known> {
        let index = self.place(id)?;
        self.members.get_mut(index)
    }

    /// Notes that a member has trained `epochs` and taken `seconds` in all.
    fn measured(&mut self, id: Id, epochs: usize, seconds: f64) {
        let Some(known) = self.known(id) else { return };
        let (more, longer) = (epochs.saturating_sub(known.epochs), (seconds - known.seconds).max(0.0));
        (known.epochs, known.seconds) = (epochs, seconds);
        self.epochs += more as u64;
        self.seconds += longer;
    }

    fn claim(&mut self, id: Id, driver: String) {
        self.set(id, MemberState::Claimed(driver.clone()));
        let Some(index) = self.place(id) else { return };
        self.members[index].attempts += 1;
        self.claimed.insert(index, driver);
    }

    fn set(&mut self, id: Id, state: MemberState) {
        let Some(index) = self.place(id) else { return };
        let known = &mut self.members[index];
        let ends = |state: &MemberState| matches!(state, MemberState::Finished | MemberState::Failed(_));
        let before = std::mem::replace(&mut known.state, state);
        let ended = self.ended.entry(id.point).or_default();
        *ended = *ended + usize::from(ends(&known.state)) - usize::from(ends(&before));
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
    }
}
