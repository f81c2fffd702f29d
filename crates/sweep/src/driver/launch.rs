//! How members run: each as a process of a program's own, so that one that crashes takes no other with it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::driver::outcome::{Look, look};
use crate::folder::SweepFolder;
use crate::members::Member;
use crate::spec::Sweep;

/// A member to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Which.
    pub member: Member,
    /// Its name, and that of its folder.
    pub name: String,
    /// Whether it begins or goes on.
    pub start: Start,
    /// The epochs in all after which it is to pause; none for a run to its end.
    pub pause_after: Option<usize>,
    /// Bytes of memory that it needs, roughly.
    pub memory: u64,
    /// Worker threads.
    pub threads: usize,
    /// Where it computes, in the words of a config; none for what its config says.
    pub device: Option<String>,
}

/// How a job starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// From the base config with these laid over it.
    New(Vec<String>),
    /// From the last checkpoint in its folder.
    Resume,
}

/// How a running member ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// What starts members, and looks at what became of them.
pub trait Launcher {
    /// Starts a member.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(&mut self, folder: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>>;

    /// Looks at what is in a member's folder.
    fn look(&self, folder: &SweepFolder, name: &str) -> Look {
        look(&folder.run(name), folder.sweep())
    }

    /// Whether a process that was started for a member still lives, though its driver may not and its run's folder may not be there yet.
    fn is_running(&self, folder: &SweepFolder, name: &str) -> bool {
        is_locked(&folder.log(name))
    }
}

/// Whether a process holds the lock of the file `path`.
pub(crate) fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// A member that was started.
pub trait Running {
    /// How it ended, once it has.
    ///
    /// # Errors
    /// The system cannot tell.
    fn poll(&mut self) -> io::Result<Option<Ended>>;

    /// Asks it to save its state and end.
    fn stop(&mut self);

    /// Ends it at once, such that it writes nothing more where that can be.
    fn kill(&mut self) {
        self.stop();
    }
}

/// The command line of a job, without the program.
pub type Arguments = dyn Fn(&SweepFolder, &Job) -> Vec<OsString>;

/// Starts members as processes of a program.
pub struct Processes {
    /// The program.
    pub program: PathBuf,
    /// What it is started with: to begin a run in the member's folder, or to go on with the one there.
    pub arguments: Box<Arguments>,
}

impl Launcher for Processes {
    fn start(&mut self, folder: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>> {
        let log = OpenOptions::new().create(true).append(true).open(folder.log(&job.name))?;
        // The lock is the open file's, which the member inherits: it is held until the member ends, whatever becomes of the driver.
        log.lock()?;
        let mut command = Command::new(&self.program);
        command.args((self.arguments)(folder, job)).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C in the terminal is the driver's to hear: it tells each member once, and a second one would cost them what they have not saved.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Box::new(Process { child: command.spawn()? }))
    }
}

struct Process {
    child: Child,
}

impl Running for Process {
    fn poll(&mut self) -> io::Result<Option<Ended>> {
        let status = self.child.try_wait()?;
        Ok(status.map(|status| {
            #[cfg(unix)]
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            #[cfg(not(unix))]
            let signal = None;
            Ended { code: status.code(), signal }
        }))
    }

    #[cfg(unix)]
    fn stop(&mut self) {
        // One that has ended by itself hears nothing, which is as well.
        terminate(self.child.id());
    }

    #[cfg(not(unix))]
    fn stop(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        // One that has ended by itself is as well.
        let _ = self.child.kill();
    }
}

/// Asks the process to save its state and end; whether it heard.
#[cfg(unix)]
pub(crate) fn terminate(pid: u32) -> bool {
    let process = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::kill_process(process, rustix::process::Signal::TERM).is_ok())
}

/// Asks the process to save its state and end; whether it heard, which none does here.
#[cfg(not(unix))]
pub(crate) fn terminate(_: u32) -> bool {
    false
}

/// The last line that a member printed, shortened, for the reason of a failure that no record has.
pub(crate) fn last_line(folder: &SweepFolder, name: &str) -> Option<String> {
    error_line(&tail(&folder.log(name))?)
}

/// The last error in a log, else its last line; shortened.
pub(crate) fn error_line(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| line.starts_with("error: ")).or(log.lines().next_back())?;
    Some(line.chars().take(300).collect())
}

/// The end of a log.
pub(crate) fn tail(log: &Path) -> Option<String> {
    const TAIL: u64 = 4096;
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is laid over the base for a job that begins.
pub(crate) fn sets_of(sweep: &Sweep, points: &[crate::spec::Point], member: Member) -> Vec<String> {
    let seed = sweep.seeds.get(member.seed).copied().unwrap_or_default();
    points.get(member.point).map(|point| sweep.sets(point, seed)).unwrap_or_default()
}
