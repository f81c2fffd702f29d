//! Drivers over simulated members: who runs what, how often, and what is proposed.

mod costs;
mod halving;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::driver::claim::{Desk, Next};
use crate::driver::event::Event;
use crate::driver::journal::Journal;
use crate::driver::launch::{Job, Launcher, Processes, Start};
use crate::driver::member_state::MemberState;
use crate::driver::run::{Driver, Options, Told, state_of};
use crate::driver::simulated::Simulated;
use crate::driver::state::State;
use crate::driver::stop::ask_to_stop;
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::tests::sweep;

const RATES: &str = "\"phases.0.lr\" = { low = 1e-3, high = 1.0, scale = \"log\" }\n";

pub(crate) fn begin(path: &Path, method: &str, top: &str) -> SweepFolder {
    let sweep = sweep(method, top, RATES);
    let points = sweep.check().unwrap().points;
    SweepFolder::begin(&path.join("s"), &sweep, &[], points).unwrap()
}

/// Takes the next members; gives their names.
pub(crate) fn take<const N: usize>(desk: &mut Desk<'_>) -> [String; N] {
    [(); N].map(|()| match desk.next(&Simulated::default()).unwrap() {
        Next::Job(job) => job.name,
        other => panic!("{other:?}"),
    })
}

fn options(jobs: usize) -> Options {
    Options { jobs, pause: Duration::from_millis(5), ..Options::default() }
}

fn run(folder: &SweepFolder, options: Options, launcher: &Simulated) -> State {
    Driver::open(folder, options).unwrap().run(&mut launcher.clone(), &mut |_| {}, &|| false).unwrap()
}

/// How often each member was begun.
fn begun(launcher: &Simulated) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for (name, _) in launcher.world.lock().unwrap().starts.iter().filter(|(_, is_new)| *is_new) {
        *counts.entry(name.clone()).or_default() += 1;
    }
    counts
}

#[test]
fn every_member_runs_once_preempted_ones_resume_and_failed_ones_run_again_on_request() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "seeds = 2\nbudget = { members = 60 }");
    let launcher = Simulated { failing: 0.2, preempted: 0.3, ..Simulated::default() };
    let state = run(&folder, options(4), &launcher);
    let (finished, failed, members) = state.counts();
    assert!(failed > 0 && finished + failed == 60 && members == 60, "{:?}", state.counts());
    let starts = launcher.world.lock().unwrap().starts.len();
    assert!(starts > 60, "some were resumed");
    // Nothing is left to do, whoever comes.
    run(&folder, options(4), &launcher);
    assert_eq!(launcher.world.lock().unwrap().starts.len(), starts);
    let healed = Simulated { failing: 0.0, ..launcher.clone() };
    let state = run(&folder, Options { retry_failed: true, ..options(4) }, &healed);
    assert_eq!(state.counts(), (60, 0, 60));
    assert!(begun(&launcher).values().all(|count| *count == 1));
}

#[test]
fn three_drivers_share_a_sweep_and_no_member_is_begun_twice() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 120 }");
    let launcher = Simulated { preempted: 0.2, ..Simulated::default() };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| run(&folder, options(3), &launcher));
        }
    });
    let state = state_of(&folder).unwrap();
    // What another driver still ran when the first left was ended by that other.
    assert_eq!(state.counts(), (120, 0, 120));
    assert_eq!(begun(&launcher).len(), 120);
    assert!(begun(&launcher).values().all(|count| *count == 1));
}

/// A driver that died in the midst of everything: dropped without a word, its lock free, its members' runs left as they are.
#[test]
fn the_members_of_a_dead_driver_are_taken_over_and_those_of_a_living_one_are_not() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 10 }");
    let launcher = Simulated::default();
    let mut dead = Desk::open(&folder, false).unwrap();
    let mut living = Desk::open(&folder, false).unwrap();
    for desk in [&mut dead, &mut living] {
        assert!(matches!(desk.next(&launcher).unwrap(), Next::Job(_)));
    }
    drop(dead);
    let state = run(&folder, options(2), &launcher);
    assert_eq!(state.counts(), (9, 0, 10));
    let left: Vec<_> = state.members().filter(|(_, state)| matches!(state, MemberState::Claimed(_))).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].0.point, 1, "the living one's, however long it says nothing");
    drop(living);
    assert_eq!(run(&folder, options(2), &launcher).counts(), (10, 0, 10));
}

/// Between its start and the first file in its run's folder nothing but its log tells of a member whose driver was killed.
#[cfg(unix)]
#[test]
fn a_member_that_has_not_made_its_folder_is_not_started_again_when_its_driver_dies() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 2 }");
    let arguments = |_: &SweepFolder, _: &Job| vec!["60".into()];
    let mut launcher = Processes { program: "sleep".into(), arguments: Box::new(arguments) };
    let mut dead = Desk::open(&folder, false).unwrap();
    let Next::Job(job) = dead.next(&launcher).unwrap() else { panic!("no member") };
    let mut process = launcher.start(&folder, &job).unwrap();
    drop(dead);
    // The member inherits the driver's lock too, until it is the program that it becomes.
    let alive = std::fs::read_dir(folder.path().join("drivers")).unwrap().next().unwrap().unwrap().path();
    while std::fs::File::open(&alive).unwrap().try_lock_shared().is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let claimed = |desk: &mut Desk<'_>| match desk.next(&launcher).unwrap() {
        Next::Job(job) => Some(job.member),
        _ => None,
    };
    let mut desk = Desk::open(&folder, false).unwrap();
    assert_eq!((claimed(&mut desk), claimed(&mut desk)), (Some(folder.sweep().member(1)), None));
    process.stop();
    while process.poll().unwrap().is_none() {}
    assert_eq!(claimed(&mut desk), Some(job.member));
}

/// On a file server that did not hear of this machine for longer than its lease, another takes its members.
#[test]
fn a_member_that_another_process_took_is_ended_and_not_told_twice() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 4 }");
    let launcher = Simulated { slow: 1_000_000, ..Simulated::default() };
    let journal = folder.path().join("journal.jsonl");
    let state = std::thread::scope(|scope| {
        let driver = scope.spawn(|| {
            let mut notes = Vec::new();
            let mut tell = |told: Told<'_>| notes.extend(matches!(told, Told::Note(_)).then(|| format!("{told:?}")));
            let stop = || state_of(&folder).unwrap().counts().0 > 0;
            let ended = Driver::open(&folder, options(1)).unwrap().run(&mut launcher.clone(), &mut tell, &stop);
            (ended, notes)
        });
        while state_of(&folder).unwrap().claimed.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut desk = Desk::open(&folder, false).unwrap();
        let id = desk.id(0);
        let (value, metrics) = (Some(0.5), Default::default());
        let finished = Event::Finished { id, value, metrics, epochs: 4, seconds: 1.0 };
        // What is another's is not told.
        desk.record(vec![finished.clone()]).unwrap();
        let told = desk.state.counts().0;
        let lock = folder.lock().unwrap();
        let mut other = Journal::new(&folder);
        other.news(&mut desk.state).unwrap();
        other.append(&lock, &[Event::Claimed { id, driver: "other".into() }, finished]).unwrap();
        drop(lock);
        let (ended, notes) = driver.join().unwrap();
        assert!(matches!(ended, Err(SweepError::Interrupted { .. })) && notes[0].contains("p0000"), "{notes:?}");
        assert_eq!(told, 0);
        state_of(&folder).unwrap()
    });
    assert_eq!(state.members[0].state, MemberState::Finished);
    let told = std::fs::read_to_string(journal).unwrap();
    assert_eq!(told.matches("finished").count(), 1, "{told}");
}

#[test]
fn a_run_that_the_journal_does_not_know_is_left_alone_and_counted_when_it_ends() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 4 }");
    let launcher = Simulated::default();
    let member = folder.sweep().member(2);
    let (name, start) = (folder.sweep().member_name(member), Start::New(Vec::new()));
    let job = Job { member, name, start, pause_after: None, memory: 0, threads: 0, device: None };
    std::fs::create_dir(folder.run(&job.name)).unwrap();
    let mut foreign = launcher.clone().start(&folder, &job).unwrap();
    std::thread::scope(|scope| {
        let driver = scope.spawn(|| run(&folder, options(1), &launcher));
        while state_of(&folder).unwrap().counts().0 < 3 && !driver.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(30));
        assert!(!driver.is_finished());
        while foreign.poll().unwrap().is_none() {}
        assert_eq!(driver.join().unwrap().counts(), (4, 0, 4));
    });
    assert!(begun(&launcher).values().all(|count| *count == 1));
}

#[test]
fn tpe_proposes_the_same_points_whatever_finishes_first() {
    let points = |jobs: usize, slow: usize, seed: u64| {
        let temporary = tempfile::tempdir().unwrap();
        let folder = begin(temporary.path(), "tpe", "seed = 7\nlag = 5\nbudget = { members = 40 }");
        let state = run(&folder, options(jobs), &Simulated { slow, seed, preempted: 0.2, ..Simulated::default() });
        assert_eq!(state.counts(), (40, 0, 40));
        state.points
    };
    let one = points(1, 1, 0);
    assert_eq!(one, points(5, 9, 1));
    assert_eq!(one, points(3, 30, 2));
    // It learns: later rates lie nearer to the best one.
    let distance = |points: &[crate::Point]| {
        let rates = points.iter().map(|point| point[0].as_ref().unwrap().parse::<f64>().unwrap());
        rates.map(|rate| (rate.log10() + 1.0).abs()).sum::<f64>() / points.len() as f64
    };
    assert!(distance(&one[25..]) < 0.6 * distance(&one[..10]), "{} {}", distance(&one[25..]), distance(&one[..10]));
}

#[test]
fn a_stop_reaches_the_driver_and_what_was_stopped_goes_on_later() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 30 }");
    let launcher = Simulated { slow: 20, ..Simulated::default() };
    let stopped = std::thread::scope(|scope| {
        let driver = scope
            .spawn(|| Driver::open(&folder, options(2)).unwrap().run(&mut launcher.clone(), &mut |_| {}, &|| false));
        while state_of(&folder).unwrap().counts().0 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(ask_to_stop(&folder).unwrap().drivers, 1);
        driver.join().unwrap()
    });
    assert!(matches!(stopped, Err(SweepError::Interrupted { .. })));
    let state = state_of(&folder).unwrap();
    assert!(state.counts().0 < 30 && state.members().all(|(_, state)| !matches!(state, MemberState::Claimed(_))));
    assert_eq!(run(&folder, options(2), &launcher).counts(), (30, 0, 30));
}

#[test]
fn a_budget_that_is_spent_is_told_and_nothing_more_is_begun() {
    // A simulated member has four epochs, of a second each.
    let rows = [
        ("members = 5", (5, 5), "budget: 5 of 5 members: spent"),
        (
            "members = 10, epochs = 12",
            (3, 10),
            "budget: 3 of 10 members, 12 of 12 epochs: spent; what is pending is not begun",
        ),
        (
            "members = 10, hours = 0.002",
            (2, 10),
            "budget: 2 of 10 members, 0.00 of 0.002 hours: spent; what is pending is not begun",
        ),
    ];
    for (budget, (finished, members), expected) in rows {
        let temporary = tempfile::tempdir().unwrap();
        let folder = begin(temporary.path(), "random", &format!("budget = {{ {budget} }}"));
        let before = crate::summary_lines(&folder, &state_of(&folder).unwrap(), 1);
        assert!(!before[1].contains("spent"), "{before:?}");
        let state = run(&folder, options(1), &Simulated::default());
        assert_eq!(state.counts(), (finished, 0, members));
        let lines = crate::summary_lines(&folder, &state, 1);
        assert_eq!(lines[1], expected);
        assert!(!lines.iter().any(|line| line.starts_with("left:")), "{lines:?}");
    }
}

/// Each line is appended to a journal of one point with two seeds, and refused by its number without having changed anything.
#[test]
fn a_line_of_the_journal_that_lacks_something_is_refused_whole() {
    let rows = [
        (
            "{\"at\":\"t\",\"event\":\"proposed\",\"point\":1,\"values\":[]}",
            "point 1 has 0 values, and 1 keys are tried",
        ),
        (
            "{\"at\":\"t\",\"event\":\"proposed\",\"point\":3,\"values\":[\"0.1\"]}",
            "point 3 is proposed where point 1 comes next",
        ),
        ("{\"at\":\"t\",\"event\":\"proposed\",\"point\":1}", "missing field `values`"),
        ("{\"at\":\"t\",\"event\":\"claimed\",\"point\":1,\"seed\":0,\"driver\":\"d\"}", "no member of the sweep"),
        ("{\"at\":\"t\",\"event\":\"released\",\"point\":0,\"seed\":2}", "no member of the sweep"),
        ("{\"at\":\"t\",\"event\":\"claimed\",\"point\":0,\"seed\":0}", "missing field `driver`"),
        ("{\"at\":\"t\",\"event\":\"failed\",\"point\":0,\"seed\":0}", "missing field `reason`"),
        (
            "{\"at\":\"t\",\"event\":\"finished\",\"point\":0,\"seed\":0,\"metrics\":{},\"epochs\":1,\"seconds\":1.0}",
            "missing field `value`",
        ),
        (
            "{\"at\":\"t\",\"event\":\"paused\",\"point\":0,\"seed\":0,\"epochs\":1,\"seconds\":1.0}",
            "missing field `value`",
        ),
        ("{\"at\":\"t\",\"event\":\"finishd\",\"point\":0,\"seed\":0}", "unknown variant `finishd`"),
        ("{\"event\":\"stop\"}", "missing field `at`"),
        ("{\"at\":\"t\",\"event\":\"stop\"", "EOF"),
    ];
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "tpe", "seeds = 2\nbudget = { members = 2 }");
    run(&folder, options(1), &Simulated::default());
    let journal = folder.path().join("journal.jsonl");
    let whole = std::fs::read_to_string(&journal).unwrap();
    for (line, expected) in rows {
        std::fs::write(&journal, format!("{whole}{line}\n")).unwrap();
        let mut state = State::new(folder.sweep(), None);
        let refused = Journal::new(&folder).news(&mut state).unwrap_err().to_string();
        let place = format!("journal.jsonl:{}: ", whole.lines().count() + 1);
        assert!(refused.contains(&place) && refused.contains(expected), "{line}\n  gives {refused}");
        assert_eq!((state.counts(), state.points.len()), ((2, 0, 2), 1), "{line}");
        // Nothing is written to it, or run.
        assert!(Driver::open(&folder, options(1)).is_err());
        assert_eq!(std::fs::read_to_string(&journal).unwrap(), format!("{whole}{line}\n"));
    }
    // Cut off, as the error says, it goes on; a key that its kind does not have says nothing.
    std::fs::write(&journal, format!("{whole}{{\"at\":\"t\",\"event\":\"stop\",\"who\":\"me\"}}\n")).unwrap();
    assert_eq!(run(&folder, options(1), &Simulated::default()).counts(), (2, 0, 2));
}

#[test]
fn a_torn_line_of_the_journal_is_cut_off_and_another_sweep_is_kept_out() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 4 }");
    run(&folder, options(1), &Simulated::default());
    let journal = folder.path().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, [&whole[..], b"{\"at\":\"20"].concat()).unwrap();
    assert_eq!(state_of(&folder).unwrap().counts(), (4, 0, 4));
    assert_eq!(run(&folder, options(1), &Simulated::default()).counts(), (4, 0, 4));
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.starts_with(std::str::from_utf8(&whole).unwrap()) && text.lines().all(|line| line.ends_with('}')));
    let other = sweep("random", "budget = { members = 5 }", RATES);
    let points = other.points();
    let refused = SweepFolder::begin(folder.path(), &other, &[], points).unwrap_err();
    assert!(matches!(refused, SweepError::OtherSweep { .. }), "{refused}");
}

#[test]
fn a_task_that_failed_before_it_had_a_record_is_collected_with_the_reason_in_its_log() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 5 }");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let texts = [
        "error: a first\nexit code 1\nerror: no such images\nexit code 2\n",
        "error: interrupted\nexit code 130\n",
        "killed\nexit code 137\n",
        "error: it goes on again\nexit code 1\nInitial, val_loss: 2.3\n",
    ];
    for (task, text) in texts.iter().enumerate() {
        std::fs::write(logs.join(format!("slurm-{task}.log")), text).unwrap();
    }
    for found in [1, 0] {
        assert_eq!(crate::slurm::collect(&folder, &Simulated::default()).unwrap(), found);
        let state = state_of(&folder).unwrap();
        let states: Vec<&MemberState> = state.members().map(|(_, state)| state).collect();
        assert_eq!(states[0], &MemberState::Failed("exit code 2: error: no such images".into()));
        assert!(states[1..].iter().all(|state| **state == MemberState::Pending), "{states:?}");
    }
}
