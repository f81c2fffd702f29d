//! Which member comes next: claims are made in the journal, under its lock, so no two drivers take the same.

mod collect;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::driver::event::{Event, Id};
use crate::driver::journal::Journal;
use crate::driver::launch::{Job, Launcher, Start, sets_of};
use crate::driver::left::{has_driver, next_rung};
use crate::driver::member_state::MemberState;
use crate::driver::methods::Proposer;
use crate::driver::outcome::{Look, event_of};
use crate::driver::state::State;
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::memory;

/// How long a look at a driver's lock is believed, where it showed the driver alive.
const ALIVE_FOR: Duration = Duration::from_millis(500);

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    Job(Job),
    /// Nothing at the moment: results are awaited.
    Wait,
    /// Nothing that this driver could do is left.
    Done,
    /// A stop was asked for.
    Stop,
}

/// One process's view of a sweep, and its name in the journal.
pub(crate) struct Desk<'a> {
    pub(crate) folder: &'a SweepFolder,
    pub(crate) state: State,
    journal: Journal,
    /// Its name; the file of that name in `drivers/` is locked while it lives.
    name: String,
    _alive: File,
    others: HashMap<String, Instant>,
    /// Members whose runs a process holds that the journal does not know: started by hand, or by Slurm. They are left alone until they end.
    foreign: BTreeSet<usize>,
    /// Configs that were made of points: epochs and memory.
    sizes: HashMap<usize, (usize, u64)>,
    proposer: Proposer,
}

impl<'a> Desk<'a> {
    /// Opens the sweep for work.
    pub(crate) fn open(folder: &'a SweepFolder, retry_failed: bool) -> Result<Self, SweepError> {
        let nanoseconds =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let name = format!("{}-{}-{nanoseconds:x}", strata_report::host_name(), std::process::id());
        let path = folder.make("drivers")?.join(&name);
        let alive = File::create(&path).map_err(SweepError::io("make the driver's file", &path))?;
        alive.lock().map_err(SweepError::io("lock the driver's file", &path))?;
        folder.make("logs")?;
        let (state, journal) = (State::new(folder.sweep(), folder.points()), Journal::new(folder));
        let (others, foreign, sizes) = (HashMap::new(), BTreeSet::new(), HashMap::new());
        let proposer = Proposer::default();
        let mut desk = Self { folder, state, journal, name, _alive: alive, others, foreign, sizes, proposer };
        let lock = folder.lock()?;
        desk.news()?;
        let mut events = vec![Event::Opened { driver: desk.name.clone() }];
        if retry_failed {
            let failed = desk.state.members.iter().enumerate();
            let failed = failed.filter(|(_, known)| matches!(known.state, MemberState::Failed(_)));
            events.extend(failed.map(|(index, _)| Event::Retried { id: desk.id(index) }));
        }
        desk.tell(&lock, events)?;
        Ok(desk)
    }

    pub(crate) fn id(&self, index: usize) -> Id {
        let member = self.state.member(index);
        Id { point: member.point, seed: member.seed }
    }

    /// Reads what others did.
    pub(crate) fn news(&mut self) -> Result<(), SweepError> {
        self.journal.news(&mut self.state)
    }

    fn tell(&mut self, lock: &File, events: Vec<Event>) -> Result<(), SweepError> {
        self.journal.append(lock, &events)?;
        self.news()
    }

    /// Writes `events` into the journal, but those about members that another process has taken or finished.
    pub(crate) fn record(&mut self, mut events: Vec<Event>) -> Result<(), SweepError> {
        let lock = self.folder.lock()?;
        self.news()?;
        events.retain(|event| self.state.is_free_for(event, &self.name));
        self.tell(&lock, events)
    }

    pub(crate) fn close(mut self) -> Result<State, SweepError> {
        self.record(vec![Event::Closed { driver: self.name.clone() }])?;
        let path: PathBuf = self.folder.path().join("drivers").join(&self.name);
        // A file that stays is one that nobody holds.
        let _ = std::fs::remove_file(path);
        Ok(self.state)
    }

    /// Whether the driver of this name lives.
    fn is_alive(&mut self, name: &str) -> bool {
        if self.others.get(name).is_some_and(|looked| looked.elapsed() < ALIVE_FOR) {
            return true;
        }
        let is_alive = has_driver(self.folder, name);
        if is_alive {
            self.others.insert(name.to_owned(), Instant::now());
        }
        is_alive
    }

    /// Whether the member is still this process's.
    pub(crate) fn holds(&self, index: usize) -> bool {
        self.state.claimed.get(&index) == Some(&self.name)
    }

    /// Whether a stop was asked for since this process began.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.stopped.contains(&self.name)
    }

    /// The other processes that are at work, by name.
    pub(crate) fn others(&mut self) -> Vec<String> {
        let opened: Vec<String> = self.state.opened.iter().filter(|name| **name != self.name).cloned().collect();
        opened.into_iter().filter(|name| self.is_alive(name)).collect()
    }

    /// Takes the next member.
    pub(crate) fn next(&mut self, launcher: &dyn Launcher) -> Result<Next, SweepError> {
        let lock = self.folder.lock()?;
        self.news()?;
        if self.is_stopping() {
            return Ok(Next::Stop);
        }
        // What others hold who do not tell the journal of it: the runs of drivers that died, which may live on, and foreign ones.
        let mut is_held = false;
        let claimed: Vec<(usize, String)> = self.state.claimed.iter().map(|(index, by)| (*index, by.clone())).collect();
        let left: Vec<usize> = claimed
            .into_iter()
            .filter(|(_, by)| *by != self.name && !self.is_alive(by))
            .map(|(index, _)| index)
            .collect();
        let foreign: Vec<usize> =
            self.foreign.iter().copied().filter(|index| self.state.open.contains(index)).collect();
        self.foreign.clear();
        for index in left.into_iter().chain(foreign) {
            match self.settled(&lock, launcher, index)? {
                Settled::Held => {
                    is_held = true;
                    self.foreign.extend(Some(index).filter(|index| self.state.open.contains(index)));
                }
                Settled::Ended => {}
                Settled::Open(start) => return self.take(&lock, index, start).map(Next::Job),
            }
        }
        let is_spent = self.is_spent();
        while let Some(index) = self.candidate(is_spent) {
            match self.settled(&lock, launcher, index)? {
                Settled::Ended => {}
                Settled::Open(start) => return self.take(&lock, index, start).map(Next::Job),
                Settled::Held => {
                    self.foreign.insert(index);
                    is_held = true;
                }
            }
        }
        let sweep = self.folder.sweep();
        let number = self.state.points.len();
        if self.may_propose() && !is_spent {
            if let Some(values) = self.proposer.next(sweep, &self.state)? {
                self.tell(&lock, vec![Event::Proposed { point: number, values }])?;
                drop(lock);
                return self.next(launcher);
            }
            return Ok(Next::Wait);
        }
        let others = self.state.claimed.values().any(|driver| *driver != self.name);
        let is_mine = self.state.claimed.values().any(|driver| *driver == self.name);
        let more_may_come = sweep.halving.is_some() && others && !is_spent;
        Ok(if is_held || is_mine || more_may_come { Next::Wait } else { Next::Done })
    }

    /// Whether points are to come that depend on results, as far as their number goes.
    fn may_propose(&self) -> bool {
        let sweep = self.folder.sweep();
        sweep.method.learns() && self.state.points.len() < sweep.most_points()
    }

    /// Whether the budget is spent: nothing new is begun.
    fn is_spent(&self) -> bool {
        let (sweep, state) = (self.folder.sweep(), &self.state);
        let planned: usize = state
            .claimed
            .keys()
            .map(|index| {
                let epochs = self.sizes.get(&(index / state.seeds)).map_or(0, |(epochs, _)| *epochs);
                epochs.saturating_sub(state.members[*index].epochs)
            })
            .sum();
        sweep.budget.is_spent(state.epochs + planned as u64, state.seconds)
    }

    /// The member to be taken next: one that was interrupted, one that its rung lets go on, or the first that is pending.
    fn candidate(&self, is_spent: bool) -> Option<usize> {
        let state = &self.state;
        let is_free = |index: &&usize| !self.foreign.contains(index);
        if let Some(index) = state.interrupted.iter().find(is_free) {
            return Some(*index);
        }
        if is_spent {
            return None;
        }
        state
            .promoted(!self.may_propose())
            .filter(|index| !self.foreign.contains(index))
            .or_else(|| state.open.iter().find(is_free).copied())
    }

    /// What the member's folder tells, where it is not yet in the journal.
    fn settled(&mut self, lock: &File, launcher: &dyn Launcher, index: usize) -> Result<Settled, SweepError> {
        let known = &self.state.members[index];
        let (id, member) = (self.id(index), self.state.member(index));
        let name = self.folder.sweep().member_name(member);
        if launcher.is_running(self.folder, &name) {
            return Ok(Settled::Held);
        }
        let is_retried = known.attempts > 0 && known.state == MemberState::Pending;
        if known.attempts == 0 && !self.folder.run(&name).exists() {
            return Ok(Settled::Open(Start::New(sets_of(self.folder.sweep(), &self.state.points, member))));
        }
        let target = self.target(index)?;
        match launcher.look(self.folder, &name) {
            Look::Held => Ok(Settled::Held),
            Look::Absent => Ok(Settled::Open(Start::New(sets_of(self.folder.sweep(), &self.state.points, member)))),
            Look::Failed { .. } if is_retried => Ok(Settled::Open(Start::Resume)),
            found => match event_of(found, id, target) {
                // It waits at the rung that it is to leave now.
                Some(Event::Paused { epochs, .. }) if self.state.members[index].rungs.contains_key(&epochs) => {
                    Ok(Settled::Open(Start::Resume))
                }
                Some(event) => {
                    self.tell(lock, vec![event])?;
                    Ok(Settled::Ended)
                }
                None => Ok(Settled::Open(Start::Resume)),
            },
        }
    }

    /// Where the member is to pause next; none where it runs to its end.
    pub(crate) fn target(&mut self, index: usize) -> Result<Option<usize>, SweepError> {
        let Some(halving) = self.folder.sweep().halving else { return Ok(None) };
        let (epochs, _) = self.size(index)?;
        Ok(next_rung(halving, &self.state, index, epochs))
    }

    /// Epochs and memory of a member's run.
    pub(crate) fn size(&mut self, index: usize) -> Result<(usize, u64), SweepError> {
        let member = self.state.member(index);
        if let Some(size) = self.sizes.get(&member.point) {
            return Ok(*size);
        }
        let size = match self.state.config(self.folder.sweep(), member.point) {
            Some(config) => (config.epochs(), memory::of_run(&config)),
            // The run says what is wrong with it.
            None => (0, 0),
        };
        self.sizes.insert(member.point, size);
        Ok(size)
    }

    fn take(&mut self, lock: &File, index: usize, start: Start) -> Result<Job, SweepError> {
        let (id, member) = (self.id(index), self.state.member(index));
        let pause_after = self.target(index)?;
        let (_, memory) = self.size(index)?;
        self.tell(lock, vec![Event::Claimed { id, driver: self.name.clone() }])?;
        let name = self.folder.sweep().member_name(member);
        Ok(Job { member, name, start, pause_after, memory, threads: 0, device: None })
    }
}

enum Settled {
    /// A process runs it.
    Held,
    /// It has ended; the journal knows it now.
    Ended,
    /// It is to be started so.
    Open(Start),
}
