//! What members that fail cost, by the files of their runs.

use std::fs;
use std::io;
use std::path::PathBuf;

use strata_report::{Record, Status};

use crate::driver::event::Event;
use crate::driver::journal::Journal;
use crate::driver::launch::{Ended, Job, Launcher, Running};
use crate::driver::run::{Driver, Options, state_of};
use crate::driver::state::State;
use crate::driver::tests::begin;
use crate::folder::SweepFolder;

const TOP: &str = "budget = { members = 7, epochs = 7 }";

/// Runs that have a history of three epochs and then end, each with a record of its own status.
struct Failing(Status);

/// The folder of a run, and what its record says.
struct Member(PathBuf, Status);

impl Running for Member {
    fn poll(&mut self) -> io::Result<Option<Ended>> {
        let row = |epoch| {
            format!(
                "{{\"epoch\":{epoch},\"phase\":0,\"lr\":0.1,\"train_loss\":1.0,\"val_loss\":1.0,\"val_acc\":0.5}}\n"
            )
        };
        let mut record = Record::new("r", vec![]);
        (record.status, record.metrics.seconds) = (self.1, Some(9.0));
        record.reason = Some("the loss is no number".to_owned());
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join("history.jsonl"), (0..3).map(row).collect::<String>())?;
        fs::write(self.0.join("record.json"), serde_json::to_vec(&record)?)?;
        Ok(Some(Ended { code: Some(1), signal: None }))
    }

    fn stop(&mut self) {}
}

impl Launcher for Failing {
    fn start(&mut self, folder: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>> {
        Ok(Box::new(Member(folder.run(&job.name), self.0)))
    }
}

/// A record that says so, and a process that ended before its record said so.
#[test]
fn what_failed_members_trained_counts_for_the_budget_and_is_exported() {
    for status in [Status::Failed, Status::Interrupted] {
        let temporary = tempfile::tempdir().unwrap();
        let folder = begin(temporary.path(), "random", TOP);
        let driver = Driver::open(&folder, Options::default()).unwrap();
        let state = driver.run(&mut Failing(status), &mut |_| {}, &|| false).unwrap();
        // The third is begun with six of seven epochs spent.
        assert_eq!(state.counts(), (0, 3, 7), "{status:?}");
        assert_eq!((state.epochs, state.seconds), (9, 27.0));
        let lines = crate::summary_lines(&folder, &state, 1);
        assert_eq!(lines[1], "budget: 3 of 7 members, 9 of 7 epochs: spent; what is pending is not begun");
        let known = &state_of(&folder).unwrap().members[0];
        assert_eq!((known.epochs, known.seconds), (3, 9.0));
    }
}

/// Journals of earlier versions have failures without their costs, and a member may fail once more when it is run again.
#[test]
fn a_failure_takes_back_nothing_that_a_member_cost_before() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", TOP);
    let line = |event: &str| format!("{{\"at\":\"t\",\"event\":{event}}}\n");
    let failed = "\"failed\",\"point\":0,\"seed\":0,\"reason\":\"no memory\"";
    let journal = [
        line("\"paused\",\"point\":0,\"seed\":0,\"epochs\":1,\"value\":0.5,\"seconds\":2.0"),
        line(failed),
        line("\"retried\",\"point\":0,\"seed\":0"),
        line(&format!("{failed},\"epochs\":2,\"seconds\":5.0")),
    ];
    fs::write(folder.path().join("journal.jsonl"), journal.concat()).unwrap();
    let mut state = State::new(folder.sweep(), folder.points());
    Journal::new(&folder).news(&mut state).unwrap();
    assert_eq!((state.counts(), state.epochs, state.seconds), ((0, 1, 7), 2, 5.0));
    let event: Event = serde_json::from_str(&line(failed)).unwrap();
    state.apply(event).unwrap();
    assert_eq!((state.epochs, state.seconds), (2, 5.0));
}
