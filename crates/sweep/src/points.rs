//! The points that a sweep can name before it has any result: those of a grid, of draws and of a Sobol sequence.

use std::collections::HashSet;

use strata_rng::Philox;

use crate::read::MAX_MEMBERS;
use crate::spec::{Method, Point, Sweep};

/// Draws in a row that gave nothing new after which a space of counted values counts as used up.
const MAX_REPEATS: usize = 10_000;
/// Points of a sweep that only hours limit, where they do not end by themselves as those of a grid do.
const UNCOUNTED: usize = 2_000;

impl Sweep {
    /// How many combinations of values there are, conditions left out; none where a range is not counted.
    #[must_use]
    pub fn combinations(&self) -> Option<u128> {
        self.keys
            .iter()
            .map(|key| key.domain.count().map(|count| count as u128))
            .try_fold(1, |product: u128, count| Some(product.saturating_mul(count?)))
    }

    /// The most points that the budget leaves room for.
    pub(crate) fn most_points(&self) -> usize {
        let most = MAX_MEMBERS / self.seeds.len();
        match (self.budget.members, self.budget.epochs) {
            (Some(members), _) => (members / self.seeds.len()).min(most),
            (None, Some(epochs)) => usize::try_from(epochs).unwrap_or(most).min(most),
            (None, None) if self.budget.hours.is_some() && self.method != Method::Grid => UNCOUNTED.min(most),
            (None, None) => most,
        }
    }

    /// The points in the order of their numbers; none for a method that learns, whose points come one after the other.
    #[must_use]
    pub fn points(&self) -> Option<Vec<Point>> {
        match self.method {
            Method::Grid => Some(self.grid()),
            Method::Random => Some(self.drawn(|index, key| uniform(self.seed, key as u64, index))),
            Method::Sobol => Some(self.drawn(|index, key| sobol(self.seed, key, index))),
            Method::Tpe | Method::CmaEs => None,
        }
    }

    /// Every combination once, the last key changing fastest.
    fn grid(&self) -> Vec<Point> {
        let counts: Vec<usize> = self.keys.iter().map(|key| key.domain.count().unwrap_or(1)).collect();
        let total: usize = counts.iter().product();
        let (mut points, mut seen) = (Vec::new(), HashSet::new());
        for number in 0..total {
            let mut rest = number;
            let mut indices = vec![0; counts.len()];
            for (index, count) in indices.iter_mut().zip(&counts).rev() {
                (*index, rest) = (rest % count, rest / count);
            }
            let point = self.point(|key| self.keys[key].domain.at(indices[key]).unwrap_or_default());
            // Where a condition does not hold, the values of its key are one point.
            if seen.insert(point.clone()) {
                points.push(point);
                if points.len() == self.most_points() {
                    break;
                }
            }
        }
        points
    }

    /// The first points that `unit` draws, each once where values are counted.
    fn drawn(&self, unit: impl Fn(u64, usize) -> f64) -> Vec<Point> {
        let most = self.most_points();
        let (mut points, mut seen, mut repeats) = (Vec::new(), HashSet::new(), 0);
        for index in 0.. {
            let point = self.point(|key| self.keys[key].domain.at_unit(unit(index, key)));
            if seen.insert(point.clone()) {
                points.push(point);
                repeats = 0;
            } else {
                repeats += 1;
            }
            if points.len() >= most || repeats > MAX_REPEATS {
                break;
            }
        }
        points
    }

    /// The point whose keys have the values that `value` gives, those left out whose conditions do not hold.
    pub(crate) fn point(&self, mut value: impl FnMut(usize) -> String) -> Point {
        let mut point: Point = Vec::with_capacity(self.keys.len());
        for (number, key) in self.keys.iter().enumerate() {
            let holds = key.when.iter().all(|condition| {
                let other = point.get(condition.key).and_then(Option::as_deref);
                let place = other.and_then(|value| self.keys[condition.key].domain.place(value));
                place.is_some_and(|place| condition.choices.contains(&(place as usize)))
            });
            point.push(holds.then(|| value(number)));
        }
        point
    }
}

/// A number from 0 to 1, of 53 bits: a function of seed, key and place alone.
pub(crate) fn uniform(seed: u64, stream: u64, index: u64) -> f64 {
    let [low, high, ..] = Philox::new(seed, stream).block(index);
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// The coordinate of one key in the sequence's point number `index`. A sequence has 65,536 points; a further one has another scrambling.
fn sobol(seed: u64, key: usize, index: u64) -> f64 {
    const POINTS: u64 = 1 << 16;
    let [scrambling, ..] = Philox::new(seed, u64::MAX).block(index / POINTS);
    // At most 64 keys are taken, and 256 dimensions are there.
    f64::from(sobol_burley::sample((index % POINTS) as u32, key as u32, scrambling))
}

#[cfg(test)]
mod tests {
    use crate::tests::sweep;

    #[test]
    fn a_grid_has_each_combination_once_and_no_value_without_its_condition() {
        let keys = "\"optimizer.kind\" = [\"sgd\", \"adam\"]\n\
                    \"optimizer.momentum\" = { values = [0.0, 0.9], when = { \"optimizer.kind\" = \"sgd\" } }\n";
        let points = sweep("grid", "", keys).points().unwrap();
        let shown: Vec<String> =
            points.iter().map(|point| point.iter().flatten().cloned().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(shown, ["\"sgd\" 0.0", "\"sgd\" 0.9", "\"adam\""]);
    }

    /// What hours leave out of a grid is what they do not suffice for.
    #[test]
    fn a_grid_that_only_hours_limit_has_each_combination_and_draws_end() {
        let keys = "\"phases.0.lr\" = { low = 0.001, high = 3.0, points = 3000 }\n";
        let points = |method: &str, top: &str| sweep(method, top, keys).points().unwrap();
        let grid = points("grid", "budget = { hours = 1.0 }");
        assert_eq!((grid.len(), &grid), (3000, &points("grid", "")));
        assert_eq!(points("grid", "budget = { hours = 1.0, epochs = 100 }").len(), 100);
        let key = "\"phases.0.lr\" = { low = 1e-3, high = 1.0 }\n";
        assert_eq!(sweep("random", "budget = { hours = 1.0 }", key).points().unwrap().len(), 2000);
    }

    #[test]
    fn draws_depend_on_seed_and_number_alone_and_counted_values_come_once() {
        let keys = "\"phases.0.lr\" = { low = 1e-3, high = 1.0, scale = \"log\" }\n\"dataset.batch\" = [16, 32]\n";
        for method in ["random", "sobol"] {
            let points = |seed: u64, members: usize| {
                let top = format!("seed = {seed}\nbudget = {{ members = {members} }}\n");
                sweep(method, &top, keys).points().unwrap()
            };
            let (few, many) = (points(1, 8), points(1, 40));
            assert_eq!(few[..], many[..8], "{method}");
            assert_ne!(points(2, 8), few);
            assert_eq!(many.len(), 40);
        }
        let keys = "\"dataset.batch\" = [16, 32]\n\"model.activation\" = [\"relu\", \"gelu\"]\n";
        let all = sweep("random", "budget = { members = 40 }\n", keys).points().unwrap();
        assert_eq!(all.len(), 4, "there are no more");
    }

    /// Each quarter of a Sobol sequence's first points lies in another part: as many as any other.
    #[test]
    fn a_sobol_sequence_leaves_no_quarter_out() {
        let keys = "\"phases.0.lr\" = { low = 1e-3, high = 1.0 }\n\"optimizer.momentum\" = { low = 0.0, high = 0.9 }\n";
        let points = sweep("sobol", "budget = { members = 16 }\n", keys).points().unwrap();
        let mut quarters = [0; 4];
        for point in points {
            let values: Vec<f64> = point.iter().flatten().map(|text| text.parse().unwrap()).collect();
            quarters[usize::from(values[0] > 0.5005) * 2 + usize::from(values[1] > 0.45)] += 1;
        }
        assert_eq!(quarters, [4; 4]);
    }
}
