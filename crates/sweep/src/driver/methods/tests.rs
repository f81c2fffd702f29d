//! The methods that learn against draws, on functions whose least value is known.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Proposer;
use crate::driver::event::{Event, Id};
use crate::driver::state::State;
use crate::spec::{Point, Sweep};
use crate::tests::sweep;

const REPETITIONS: u64 = 20;
const POINTS: usize = 100;

/// Branin's function of two variables in 0..1 (Dixon and Szegő, 1978): three least values of 0.397887.
fn branin(u: &[f64]) -> f64 {
    let (x, y) = (15.0 * u[0] - 5.0, 15.0 * u[1]);
    let pi = std::f64::consts::PI;
    (y - 5.1 / (4.0 * pi * pi) * x * x + 5.0 / pi * x - 6.0).powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * x.cos() + 10.0
}

/// A narrow valley that no axis lies along: the least value is 0, at 0.3 everywhere.
fn valley(u: &[f64]) -> f64 {
    let sum: f64 = u.iter().map(|u| u - 0.3).sum();
    let squares: f64 = u.iter().map(|u| (u - 0.3).powi(2)).sum();
    squares + 10.0 * sum * sum
}

/// Keys that take numbers from 0 to 0.9.
const KEYS: [&str; 4] = ["model.dropout", "loss.label_smoothing", "optimizer.momentum", "optimizer.weight_decay"];

fn space(method: &str, seed: u64, keys: usize) -> Sweep {
    let keys: String = KEYS[..keys].iter().map(|key| format!("\"{key}\" = {{ low = 0.0, high = 0.9 }}\n")).collect();
    let top = format!("objective = \"val_loss\"\nseed = {seed}\nbudget = {{ members = {POINTS} }}");
    sweep(method, &top, &keys)
}

/// The least value of `function` among the points that `method` proposes, one after the other.
fn least(method: &str, seed: u64, keys: usize, function: fn(&[f64]) -> f64) -> f64 {
    let sweep = space(method, seed, keys);
    let fixed = sweep.points();
    let (mut state, mut proposer) = (State::new(&sweep, None), Proposer::default());
    let mut least = f64::INFINITY;
    for number in 0..POINTS {
        let point: Point = match &fixed {
            Some(points) => points[number].clone(),
            None => proposer.next(&sweep, &state).unwrap().unwrap(),
        };
        let place: Vec<f64> = point.iter().flatten().map(|value| value.parse::<f64>().unwrap() / 0.9).collect();
        let value = function(&place);
        least = least.min(value);
        state.apply(Event::Proposed { point: number, values: point }).unwrap();
        state.apply(finished(number, Some(value))).unwrap();
    }
    least
}

/// The median over the repetitions.
fn median(method: &str, keys: usize, function: fn(&[f64]) -> f64) -> f64 {
    let mut found: Vec<f64> = (0..REPETITIONS).map(|seed| least(method, seed, keys, function)).collect();
    found.sort_by(f64::total_cmp);
    println!("{method}: {:.4}, {:.4} to {:.4}", (found[9] + found[10]) / 2.0, found[4], found[15]);
    (found[9] + found[10]) / 2.0
}

#[test]
fn tpe_finds_lower_values_than_draws() {
    for (keys, function, best) in [(2, branin as fn(&[f64]) -> f64, 0.397_887), (4, valley, 0.0)] {
        let [random, sobol, tpe] = ["random", "sobol", "tpe"].map(|method| median(method, keys, function) - best);
        assert!(tpe < 0.6 * random, "{tpe} {random} {sobol}");
    }
}

#[cfg(feature = "cma-es")]
#[test]
fn cma_es_finds_lower_values_than_draws() {
    for (keys, function, best) in [(2, branin as fn(&[f64]) -> f64, 0.397_887), (4, valley, 0.0)] {
        let [random, cma_es] = ["random", "cma_es"].map(|method| median(method, keys, function) - best);
        assert!(cma_es < 0.6 * random, "{cma_es} {random}");
    }
}

fn finished(point: usize, value: Option<f64>) -> Event {
    let (id, metrics) = (Id { point, seed: 0 }, BTreeMap::new());
    Event::Finished { id, value, metrics, epochs: 1, seconds: 1.0 }
}

/// What a method learns of a value's place is the place that it proposes this value by.
#[test]
fn each_counted_value_is_the_nearest_to_its_own_place() {
    for range in [
        "low = 1, high = 100, step = 10",
        "low = 1, high = 101, step = 10",
        "low = 1, high = 100",
        "low = 1, high = 1000, points = 4, scale = \"log\"",
    ] {
        let domain = &sweep("grid", "", &format!("\"dataset.batch\" = {{ {range} }}\n")).keys[0].domain;
        for value in (0..domain.count().unwrap()).filter_map(|index| domain.at(index)) {
            assert_eq!(domain.nearest(domain.place(&value).unwrap()), value, "{range}");
        }
    }
    let key = "\"phases.0.lr\" = { low = 0.1, high = 1.05, step = 0.1 }\n";
    let domain = &sweep("grid", "", key).keys[0].domain;
    let values: Vec<String> = (0..domain.count().unwrap()).filter_map(|index| domain.at(index)).collect();
    let found: Vec<String> = values.iter().map(|value| domain.nearest(domain.place(value).unwrap())).collect();
    assert_eq!(found, values);
    assert_eq!((domain.nearest(1.0), domain.nearest(0.0)), ("1.0".to_owned(), "0.1".to_owned()));
}

/// One process may propose all points, or each be another's that knows the journal alone, and results may come late and be taken back.
#[test]
fn a_proposer_that_was_there_from_the_start_proposes_what_a_new_one_does() {
    for method in [
        "tpe",
        #[cfg(feature = "cma-es")]
        "cma_es",
    ] {
        let sweep = space(method, 3, 3);
        let (mut state, mut proposer) = (State::new(&sweep, None), Proposer::default());
        let mut open = Vec::new();
        while state.points.len() < 60 {
            let number = state.points.len();
            let point = proposer.next(&sweep, &state).unwrap();
            assert_eq!(point, Proposer::default().next(&sweep, &state).unwrap(), "{method} {number}");
            match point {
                Some(values) => {
                    state.apply(Event::Proposed { point: number, values }).unwrap();
                    open.push(number);
                }
                // The results come in another order than the points, and some are none.
                None => {
                    let point = open.remove(open.len() / 2);
                    state.apply(finished(point, (point % 7 != 5).then_some((point % 11) as f64))).unwrap();
                }
            }
            if number == 40 {
                state.apply(finished(5, Some(-1.0))).unwrap();
            }
        }
    }
}

/// `cargo test --release -p strata-sweep --features cma-es -- --ignored --nocapture proposals`
#[test]
#[ignore = "prints how long proposals take, for docs/scale.md"]
fn proposals_of_many_points() {
    for (method, keys) in [
        ("tpe", 1),
        ("tpe", 4),
        #[cfg(feature = "cma-es")]
        ("cma_es", 4),
    ] {
        let sweep = space(method, 1, keys);
        let (mut state, mut proposer, begin) = (State::new(&sweep, None), Proposer::default(), Instant::now());
        for number in 0..10_000 {
            let values = proposer.next(&sweep, &state).unwrap().unwrap();
            let value = values[0].as_ref().unwrap().parse().unwrap();
            state.apply(Event::Proposed { point: number, values }).unwrap();
            state.apply(finished(number, Some(value))).unwrap();
            if [999, 9_999].contains(&number) {
                println!("{method}, {keys} keys: {} points in {:.2?}", number + 1, begin.elapsed());
            }
        }
        let begin = Instant::now();
        Proposer::default().next(&sweep, &state).unwrap();
        println!("{method}, {keys} keys: one proposal of a process that has just begun: {:.2?}", begin.elapsed());
    }
}
