//! The driver: claims members, runs some at a time, and tells the journal what became of them.

mod lost;

use std::time::{Duration, Instant};

use crate::driver::claim::{Desk, Next};
use crate::driver::event::Event;
use crate::driver::journal::Journal;
use crate::driver::launch::{Ended, Job, Launcher, Running, last_line};
use crate::driver::left::tell_left;
use crate::driver::outcome::{Look, event_of};
use crate::driver::state::State;
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::memory::meminfo;

/// Pauses between two looks at the members, from the shortest to the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];
/// How long a member that was started is counted with the memory that it has not taken yet.
const SETTLING: Duration = Duration::from_secs(5);
/// Starts of one member without an end after which it counts as failed: whatever stops it would stop it again.
const MAX_ATTEMPTS: usize = 50;

/// How members are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Members at a time, 1 or more.
    pub jobs: usize,
    /// Worker threads of each; 0 for what its config says.
    pub threads: usize,
    /// Devices, of which the members that run at a time take one each in turn; empty for what their configs say.
    pub devices: Vec<String>,
    /// Whether failed members are run again.
    pub retry_failed: bool,
    /// The longest pause between two looks at the members.
    pub pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { jobs: 1, threads: 0, devices: Vec::new(), retry_failed: false, pause: PAUSES[1] }
    }
}

/// What a driver tells while it works.
#[derive(Debug)]
pub enum Told<'a> {
    /// A member was started or goes on.
    Started(&'a Job),
    /// A member ended, and how, in a few words.
    Ended(&'a Job, String),
    /// A moment passed.
    Moment(&'a State, usize),
    /// What a person may want to know.
    Note(String),
}

/// Works on a sweep until nothing is left that it could do.
pub struct Driver<'a> {
    desk: Desk<'a>,
    options: Options,
    running: Vec<Active>,
    /// Claimed, and waiting for memory.
    held: Option<Job>,
    is_stopping: bool,
}

struct Active {
    job: Job,
    process: Box<dyn Running>,
    slot: usize,
    since: Instant,
    is_stopped: bool,
    /// Whether another process has taken it.
    is_lost: bool,
}

impl<'a> Driver<'a> {
    /// Opens the sweep in `folder` for work.
    ///
    /// # Errors
    /// The folder cannot be written, or its journal is damaged.
    pub fn open(folder: &'a SweepFolder, options: Options) -> Result<Self, SweepError> {
        let desk = Desk::open(folder, options.retry_failed)?;
        Ok(Self { desk, options, running: Vec::new(), held: None, is_stopping: false })
    }

    /// Runs members by `launcher` until none is left, `stop` says so, or the journal does. Gives how the sweep stands then.
    ///
    /// # Errors
    /// [`SweepError::Interrupted`] where it was asked to stop; a file cannot be read or written.
    pub fn run(
        mut self,
        launcher: &mut dyn Launcher,
        tell: &mut dyn FnMut(Told<'_>),
        stop: &dyn Fn() -> bool,
    ) -> Result<State, SweepError> {
        let mut pause = PAUSES[0];
        loop {
            if stop() {
                self.is_stopping = true;
            }
            let mut has_changed = self.reap(launcher, tell)?;
            let mut is_done = false;
            while !self.is_stopping && self.running.len() < self.options.jobs {
                match self.next(launcher)? {
                    Next::Job(job) => {
                        self.start(job, launcher, tell)?;
                        has_changed = true;
                    }
                    Next::Wait => break,
                    Next::Stop => self.is_stopping = true,
                    Next::Done => {
                        is_done = true;
                        break;
                    }
                }
            }
            self.watch_for_stop()?;
            self.kill_lost(tell);
            if self.is_stopping {
                self.stop_members()?;
            }
            tell(Told::Moment(&self.desk.state, self.running.len()));
            if self.running.is_empty() && (is_done || self.is_stopping) {
                break;
            }
            pause = if has_changed { PAUSES[0] } else { (pause * 2).min(self.options.pause) };
            std::thread::sleep(pause);
        }
        let (is_stopping, path) = (self.is_stopping, self.desk.folder.path().to_owned());
        let state = self.desk.close()?;
        if is_stopping { Err(SweepError::Interrupted { path }) } else { Ok(state) }
    }

    /// The next member for which there is memory.
    fn next(&mut self, launcher: &dyn Launcher) -> Result<Next, SweepError> {
        let job = match self.held.take() {
            Some(job) => job,
            None => match self.desk.next(launcher)? {
                Next::Job(job) => job,
                other => return Ok(other),
            },
        };
        let unsettled: u64 = self
            .running
            .iter()
            .filter(|active| active.since.elapsed() < SETTLING)
            .map(|active| active.job.memory)
            .sum();
        let is_enough = available_memory().is_none_or(|available| available.saturating_sub(unsettled) >= job.memory);
        if is_enough {
            return Ok(Next::Job(job));
        }
        if !self.running.is_empty() {
            self.held = Some(job);
            return Ok(Next::Wait);
        }
        let megabytes = (job.memory >> 20, available_memory().unwrap_or_default() >> 20);
        let reason =
            format!("not started: it needs about {} MB of memory, and {} MB are free", megabytes.0, megabytes.1);
        let id = self.desk.id(self.desk.state.index(job.member));
        self.desk.record(vec![Event::not_started(id, reason)])?;
        Ok(Next::Wait)
    }

    fn start(
        &mut self,
        mut job: Job,
        launcher: &mut dyn Launcher,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<(), SweepError> {
        let slot = (0..self.options.jobs)
            .find(|slot| self.running.iter().all(|active| active.slot != *slot))
            .unwrap_or_default();
        job.threads = self.options.threads;
        job.device = self.options.devices.get(slot % self.options.devices.len().max(1)).cloned();
        match launcher.start(self.desk.folder, &job) {
            Ok(process) => {
                tell(Told::Started(&job));
                self.running.push(Active {
                    job,
                    process,
                    slot,
                    since: Instant::now(),
                    is_stopped: false,
                    is_lost: false,
                });
            }
            Err(error) => {
                let id = self.desk.id(self.desk.state.index(job.member));
                let reason = format!("it could not be started: {error}");
                tell(Told::Ended(&job, format!("failed: {reason}")));
                self.desk.record(vec![Event::not_started(id, reason)])?;
            }
        }
        Ok(())
    }

    /// Takes note of members that ended; whether any did.
    fn reap(&mut self, launcher: &dyn Launcher, tell: &mut dyn FnMut(Told<'_>)) -> Result<bool, SweepError> {
        let mut ended = Vec::new();
        let mut left = Vec::new();
        for mut active in self.running.drain(..) {
            match active.process.poll() {
                Ok(None) => left.push(active),
                Ok(Some(how)) => ended.push((active, how)),
                // Whoever cannot be waited for has ended: what became of it is in its folder.
                Err(_) => ended.push((active, Ended { code: None, signal: None })),
            }
        }
        self.running = left;
        let has_ended = !ended.is_empty();
        for (active, how) in ended.into_iter().filter(|(active, _)| !active.is_lost) {
            let event = self.outcome(&active, how, launcher);
            tell(Told::Ended(&active.job, event.words()));
            self.desk.record(vec![event])?;
        }
        Ok(has_ended)
    }

    /// What the journal is told of a member whose process ended.
    fn outcome(&self, active: &Active, how: Ended, launcher: &dyn Launcher) -> Event {
        let (job, folder) = (&active.job, self.desk.folder);
        let index = self.desk.state.index(job.member);
        let id = self.desk.id(index);
        let found = launcher.look(folder, &job.name);
        let stopped = match &found {
            Look::Stopped { values, seconds } => Some((values.len(), *seconds)),
            _ => None,
        };
        let attempts = self.desk.state.members[index].attempts;
        if let Some(event) = event_of(found, id, job.pause_after) {
            return event;
        }
        let log = || last_line(folder, &job.name).map_or_else(String::new, |line| format!(": {line}"));
        let reason = match (how.signal, how.code) {
            // SIGTERM and what a batch system sends: it is to be resumed.
            _ if active.is_stopped => return Event::Released { id },
            (None, Some(130)) | (Some(15 | 2 | 1), _) if attempts < MAX_ATTEMPTS => return Event::Released { id },
            (Some(signal), _) => {
                format!("signal {signal} ended its process{}", if signal == 9 { " (out of memory?)" } else { "" })
            }
            (None, Some(code)) => format!("exit code {code}{}", log()),
            (None, None) if stopped.is_some() => return Event::Released { id },
            (None, None) => format!("its process was lost{}", log()),
        };
        let (epochs, seconds) = stopped.unwrap_or_default();
        Event::Failed { id, reason, epochs, seconds }
    }

    /// Reads what others wrote, where nothing else did: a stop may have been asked for.
    fn watch_for_stop(&mut self) -> Result<(), SweepError> {
        self.desk.news()?;
        if self.desk.is_stopping() {
            self.is_stopping = true;
        }
        Ok(())
    }

    /// Asks each running member once to save its state and end.
    fn stop_members(&mut self) -> Result<(), SweepError> {
        if let Some(job) = self.held.take() {
            let id = self.desk.id(self.desk.state.index(job.member));
            self.desk.record(vec![Event::Released { id }])?;
        }
        for active in self.running.iter_mut().filter(|active| !active.is_stopped) {
            active.process.stop();
            active.is_stopped = true;
        }
        Ok(())
    }
}

/// The memory that a further process can have, in bytes, where the system says.
fn available_memory() -> Option<u64> {
    meminfo("MemAvailable:")
}

/// How the sweep in `folder` stands: as its journal tells, and where a driver died before it told the journal, as its members' folders do.
///
/// # Errors
/// The journal cannot be read.
pub fn state_of(folder: &SweepFolder) -> Result<State, SweepError> {
    let mut state = State::new(folder.sweep(), folder.points());
    Journal::new(folder).news(&mut state)?;
    tell_left(folder, &mut state)?;
    Ok(state)
}
