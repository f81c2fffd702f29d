//! Drivers over simulated members: who runs what, how often, and what is proposed.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::driver::{Driver, Options, ask_to_stop, state_of};
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::simulated::Simulated;
use crate::state::{MemberState, State};
use crate::tests::sweep;

const RATES: &str = "\"phases.0.lr\" = { low = 1e-3, high = 1.0, scale = \"log\" }\n";

fn begin(path: &Path, method: &str, top: &str) -> SweepFolder {
    let sweep = sweep(method, top, RATES);
    let points = sweep.check().unwrap().points;
    SweepFolder::begin(&path.join("s"), &sweep, &[], points).unwrap()
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
    let mut dead = crate::claim::Desk::open(&folder, false).unwrap();
    let mut living = crate::claim::Desk::open(&folder, false).unwrap();
    for desk in [&mut dead, &mut living] {
        assert!(matches!(desk.next(&launcher).unwrap(), crate::claim::Next::Job(_)));
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
fn halving_pauses_runs_and_takes_the_best_third_on() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = begin(temporary.path(), "random", "budget = { members = 27 }\nhalving = { first = 1, factor = 3 }");
    let launcher = Simulated { preempted: 0.1, ..Simulated::default() };
    let state = run(&folder, options(1), &launcher);
    // Of four epochs the rungs are 1 and 3: of 27 at most 9 and some that were the best for a while go on, of those a third.
    let reached = |epochs: usize| state.members.iter().filter(|known| known.rungs.contains_key(&epochs)).count();
    assert_eq!(reached(1), 27);
    assert!((9..=14).contains(&reached(3)), "{}", reached(3));
    assert!((3..=6).contains(&state.counts().0), "{:?}", state.counts());
    let best = crate::best::ranked(&folder, &state)[0].0;
    let rate: f64 = state.points[best][0].as_ref().unwrap().parse().unwrap();
    assert!((rate.log10() + 1.0).abs() < 0.3, "{rate}");
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
        assert_eq!(ask_to_stop(&folder).unwrap(), 1);
        driver.join().unwrap()
    });
    assert!(matches!(stopped, Err(SweepError::Interrupted { .. })));
    let state = state_of(&folder).unwrap();
    assert!(state.counts().0 < 30 && state.members().all(|(_, state)| !matches!(state, MemberState::Claimed(_))));
    assert_eq!(run(&folder, options(2), &launcher).counts(), (30, 0, 30));
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
