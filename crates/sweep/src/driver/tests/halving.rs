//! Which members pause and which go on.

use super::{begin, options, run};
use crate::driver::simulated::Simulated;

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
    let best = crate::driver::best::ranked(&folder, &state)[0].0;
    let rate: f64 = state.points[best][0].as_ref().unwrap().parse().unwrap();
    assert!((rate.log10() + 1.0).abs() < 0.3, "{rate}");
}

/// Most points end at a rung: a method that learns waits for none of them.
#[test]
fn a_method_that_learns_proposes_from_the_first_rung_whoever_goes_on() {
    let points = |jobs: usize, slow: usize, seed: u64| {
        let temporary = tempfile::tempdir().unwrap();
        let top = "seed = 7\nseeds = 2\nlag = 2\nbudget = { members = 60 }\nhalving = { first = 1, factor = 2 }";
        let folder = begin(temporary.path(), "tpe", top);
        let state = run(&folder, options(jobs), &Simulated { slow, seed, preempted: 0.1, ..Simulated::default() });
        assert!(state.counts().0 < 60 && state.counts().0 > 0, "{:?}", state.counts());
        state.points
    };
    let one = points(1, 1, 0);
    assert_eq!((one.len(), &one), (30, &points(4, 9, 1)));
}

/// One at a time, nothing else is left after each point of a method that learns, until the next one is proposed.
#[test]
fn a_first_point_is_not_trained_to_its_end_while_others_are_to_come() {
    for (members, finished) in [(12, 1..=4), (2, 1..=1)] {
        let temporary = tempfile::tempdir().unwrap();
        let top = format!("seed = 7\nbudget = {{ members = {members} }}\nhalving = {{ first = 1, factor = 3 }}");
        let folder = begin(temporary.path(), "tpe", &top);
        let launcher = Simulated::default();
        let state = run(&folder, options(1), &launcher);
        let starts = launcher.world.lock().unwrap().starts.clone();
        let goes_on = starts.iter().position(|(_, is_new)| !is_new);
        // A third of three points goes on at once; of two the better one does, for want of others.
        assert_eq!(goes_on, Some(members.min(3)), "{starts:?}");
        let best = (0..members.min(3)).max_by(|a, b| {
            let value = |point: &usize| state.members[*point].rungs[&1].unwrap();
            value(a).total_cmp(&value(b))
        });
        assert_eq!(starts[members.min(3)].0, format!("p{:04}-s43", best.unwrap()));
        assert!(finished.contains(&state.counts().0), "{:?}", state.counts());
    }
}
