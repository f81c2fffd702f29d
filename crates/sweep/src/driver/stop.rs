//! A stop: whoever works on the sweep is asked to save its members' states and end.

use std::time::{Duration, Instant};

use strata_report::{Owner, host_name, owner_of};

use crate::driver::claim::Desk;
use crate::driver::event::Event;
use crate::driver::launch::{is_locked, terminate};
use crate::driver::left::left_behind;
use crate::error::SweepError;
use crate::folder::SweepFolder;

/// How long a member that was just started is waited for until its run says which process it is.
const STARTING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Who was asked to stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many drivers, each of which stops its own members.
    pub drivers: usize,
    /// The members, by name, that go on though their driver is gone, and were asked themselves.
    pub members: Vec<String>,
    /// Those of them that could not be asked, each with who runs it.
    pub unreached: Vec<String>,
}

/// Asks every process that works on the sweep to stop: its drivers, and the runs of members whose driver is gone.
///
/// # Errors
/// The journal cannot be read or written.
pub fn ask_to_stop(folder: &SweepFolder) -> Result<Asked, SweepError> {
    let mut desk = Desk::open(folder, false)?;
    let drivers = desk.others().len();
    desk.record(vec![Event::Stop])?;
    let state = desk.close()?;
    let mut asked = Asked { drivers, ..Asked::default() };
    for index in left_behind(folder, &state) {
        let name = folder.sweep().member_name(state.member(index));
        match stop_member(folder, &name, STARTING) {
            Stopped::Asked => asked.members.push(name),
            Stopped::Unreached(by) => asked.unreached.push(format!("{name} ({by})")),
            Stopped::Ended => {}
        }
    }
    Ok(asked)
}

#[derive(Debug, PartialEq)]
enum Stopped {
    Asked,
    /// Nothing runs it.
    Ended,
    /// It goes on, by whom.
    Unreached(String),
}

/// Asks the run of a member to stop that no driver answers for.
fn stop_member(folder: &SweepFolder, name: &str, patience: Duration) -> Stopped {
    let (run, begin) = (folder.run(name), Instant::now());
    loop {
        let owner = owner_of(&run);
        // The number of a process that is gone may be another's, which must not hear of it.
        let pid = owner.as_ref().filter(|owner| owner.is_here(&run)).and_then(|owner| owner.pid);
        if pid.is_some_and(terminate) {
            return Stopped::Asked;
        }
        let is_over = begin.elapsed() >= patience;
        match owner {
            None if !is_locked(&folder.log(name)) => return Stopped::Ended,
            None if is_over => return Stopped::Unreached("it is starting".to_owned()),
            Some(owner) if is_over || is_elsewhere(&owner) => return Stopped::Unreached(owner.to_string()),
            // It starts: its run's lock is not taken yet, or its name is not yet written in the place of the one before it.
            _ => std::thread::sleep(PAUSE),
        }
    }
}

/// Whether it says that it is a process of another machine.
fn is_elsewhere(owner: &Owner) -> bool {
    owner.host.as_ref().is_some_and(|host| *host != host_name())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::process::{Child, Command};

    use super::*;
    use crate::driver::tests::{begin, take};

    /// What stands for a member's process: it holds the lock of its run as `flock` took it, until it is told to end.
    fn holder(lock: &File, run: &Path, host: &str) -> Child {
        lock.lock().unwrap();
        let process = Command::new("sleep").arg("60").stdin(lock.try_clone().unwrap()).spawn().unwrap();
        let text = format!("{{\"pid\":{},\"host\":\"{host}\",\"since\":\"today\"}}\n", process.id());
        fs::write(run.join("lock"), text).unwrap();
        process
    }

    #[test]
    fn the_members_of_a_driver_that_died_are_asked_themselves_and_nobody_else_is() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = begin(temporary.path(), "random", "budget = { members = 4 }");
        let mut desk = Desk::open(&folder, false).unwrap();
        let names = take::<3>(&mut desk);
        let here = host_name();
        let runs = names.clone().map(|name| folder.run(&name));
        runs.iter().for_each(|run| fs::create_dir(run).unwrap());
        let mut own = holder(&File::create(runs[0].join("lock")).unwrap(), &runs[0], &here);
        let mut remote = holder(&File::create(runs[1].join("lock")).unwrap(), &runs[1], "another-machine");
        let asked = ask_to_stop(&folder).unwrap();
        assert_eq!(asked, Asked { drivers: 1, ..Asked::default() }, "a living driver stops its own");
        drop(desk);
        let asked = ask_to_stop(&folder).unwrap();
        assert_eq!((asked.drivers, &asked.members), (0, &vec![names[0].clone()]));
        let expected = format!("{} (process {} on another-machine, since today)", names[1], remote.id());
        assert_eq!(asked.unreached, [expected]);
        assert!(!own.wait().unwrap().success(), "it was told");

        // One that has ended, whose number another process has by now: whether or not somebody holds the lock, that one hears nothing.
        let lock = File::create(runs[2].join("lock")).unwrap();
        let mut gone = holder(&lock, &runs[2], &here);
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let text = fs::read_to_string(runs[2].join("lock")).unwrap();
        fs::write(runs[2].join("lock"), text.replace(&gone.id().to_string(), &other.id().to_string())).unwrap();
        gone.kill().unwrap();
        gone.wait().unwrap();
        let words = format!("process {} on {here}, since today", other.id());
        assert_eq!(stop_member(&folder, &names[2], Duration::ZERO), Stopped::Unreached(words));
        drop(lock);
        assert_eq!(stop_member(&folder, &names[2], Duration::ZERO), Stopped::Ended);
        for process in [&mut remote, &mut other] {
            assert_eq!(process.try_wait().unwrap(), None, "it was told");
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}
