//! The methods that learn against draws, on functions whose least value is known.

use std::collections::BTreeMap;

use super::propose;
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
    let mut state = State::new(&sweep, None);
    let mut least = f64::INFINITY;
    for number in 0..POINTS {
        let point: Point = match &fixed {
            Some(points) => points[number].clone(),
            None => propose(&sweep, &state).unwrap().unwrap(),
        };
        let place: Vec<f64> = point.iter().flatten().map(|value| value.parse::<f64>().unwrap() / 0.9).collect();
        let value = function(&place);
        least = least.min(value);
        state.apply(Event::Proposed { point: number, values: point }).unwrap();
        let (id, value, metrics) = (Id { point: number, seed: 0 }, Some(value), BTreeMap::new());
        state.apply(Event::Finished { id, value, metrics, epochs: 1, seconds: 1.0 }).unwrap();
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
#[ignore = "a minute without optimisation: each proposal tells all results again"]
fn cma_es_finds_lower_values_than_draws() {
    for (keys, function, best) in [(2, branin as fn(&[f64]) -> f64, 0.397_887), (4, valley, 0.0)] {
        let [random, cma_es] = ["random", "cma_es"].map(|method| median(method, keys, function) - best);
        assert!(cma_es < 0.6 * random, "{cma_es} {random}");
    }
}
