//! Members that a driver left behind when it died: the journal has them as taken, and what became of them is in their folders alone.

use std::collections::HashMap;

use crate::driver::event::{Event, Id};
use crate::driver::launch::is_locked;
use crate::driver::outcome::{Look, event_of, look};
use crate::driver::state::State;
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::spec::Halving;

/// Whether the driver of this name lives: its file is locked. One that is stopped (SIGSTOP) lives.
pub(crate) fn has_driver(folder: &SweepFolder, name: &str) -> bool {
    is_locked(&folder.path().join("drivers").join(name))
}

/// The members that were taken by drivers which live no more, by number.
pub(crate) fn left_behind(folder: &SweepFolder, state: &State) -> Vec<usize> {
    let mut drivers: HashMap<&str, bool> = HashMap::new();
    let mut is_left = |by| !*drivers.entry(by).or_insert_with(|| has_driver(folder, by));
    state.claimed.iter().filter(|(_, by)| is_left(by.as_str())).map(|(index, _)| *index).collect()
}

/// What the journal would have been told of a member whose driver died, by what its folder tells; none while a process runs it.
pub(crate) fn event_of_left(folder: &SweepFolder, state: &State, index: usize, found: Look) -> Option<Event> {
    let member = state.member(index);
    let id = Id { point: member.point, seed: member.seed };
    match found {
        Look::Held => None,
        // It was taken and never begun.
        Look::Absent => Some(Event::Retried { id }),
        found => Some(event_of(found, id, target(folder, state, index)).unwrap_or(Event::Released { id })),
    }
}

/// Has `state` follow what became of the members whose drivers died. The journal is not told.
pub(crate) fn tell_left(folder: &SweepFolder, state: &mut State) -> Result<(), SweepError> {
    for index in left_behind(folder, state) {
        let name = folder.sweep().member_name(state.member(index));
        if is_locked(&folder.log(&name)) {
            continue;
        }
        if let Some(event) = event_of_left(folder, state, index, look(&folder.run(&name), folder.sweep())) {
            // It is about a member that the state has.
            state.apply(event).map_err(|reason| SweepError::Damaged { path: folder.run(&name), line: None, reason })?;
        }
    }
    Ok(())
}

/// Where the member was to pause next.
fn target(folder: &SweepFolder, state: &State, index: usize) -> Option<usize> {
    let halving = folder.sweep().halving?;
    let epochs = state.config(folder.sweep(), state.member(index).point)?.epochs();
    next_rung(halving, state, index, epochs)
}

/// The first rung that a member of so many epochs has not reached.
pub(crate) fn next_rung(halving: Halving, state: &State, index: usize, epochs: usize) -> Option<usize> {
    let reached = state.members[index].rungs.keys().next_back().copied().unwrap_or_default();
    halving.rungs(epochs).into_iter().find(|rung| *rung > reached)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use strata_report::{Record, Status};

    use super::*;
    use crate::driver::claim::Desk;
    use crate::driver::member_state::MemberState;
    use crate::driver::run::state_of;
    use crate::driver::tests::{begin, take};

    /// A driver's name is free when it is dropped, as when it dies; its claims are not.
    #[test]
    fn members_of_a_driver_that_died_stand_as_their_folders_tell_until_the_journal_is_told() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = begin(temporary.path(), "random", "budget = { members = 6 }");
        let mut desk = Desk::open(&folder, false).unwrap();
        let names = take::<6>(&mut desk);
        let run = |index: usize| folder.run(&names[index]);
        let ended = [(0, Status::Finished), (1, Status::Failed), (2, Status::Running)];
        for (index, status) in ended {
            let mut record = Record::new("r", vec![]);
            (record.status, record.metrics.val_acc) = (status, Some(0.5));
            record.reason = Some("no memory".into());
            fs::create_dir(run(index)).unwrap();
            fs::write(run(index).join("record.json"), serde_json::to_vec(&record).unwrap()).unwrap();
        }
        fs::create_dir(run(3)).unwrap();
        fs::write(run(3).join("config.toml"), "").unwrap();
        let held = [run(3).join("lock"), folder.log(&names[4])].map(|path| File::create(path).unwrap());
        held.iter().for_each(|file| file.lock().unwrap());
        let running = |state: &State| state.members().filter(|(_, state)| state.as_str() == "running").count();
        // A living one's are its own to tell of.
        assert_eq!(running(&state_of(&folder).unwrap()), 6);
        drop(desk);

        let expected = [
            MemberState::Finished,
            MemberState::Failed("no memory".into()),
            MemberState::Interrupted,
            MemberState::Claimed(String::new()),
            MemberState::Claimed(String::new()),
            MemberState::Pending,
        ];
        let stands = || {
            let state = state_of(&folder).unwrap();
            let members = state.members().map(|(_, state)| match state {
                MemberState::Claimed(_) => MemberState::Claimed(String::new()),
                state => state.clone(),
            });
            members.collect::<Vec<_>>()
        };
        assert_eq!(stands(), expected);
        let journal = || fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
        assert!(!journal().contains("finished"), "a look writes nothing");
        let launcher = crate::Processes { program: "true".into(), arguments: Box::new(|_, _| Vec::new()) };
        for found in [2, 0] {
            assert_eq!(crate::slurm::collect(&folder, &launcher).unwrap(), found);
            assert_eq!(stands(), expected);
        }
        assert!(
            ["finished", "failed", "released", "retried"].iter().all(|event| journal().matches(event).count() == 1)
        );
        drop(held);
        assert_eq!(stands()[3..5], [MemberState::Interrupted, MemberState::Pending]);
    }
}
