//! What is wrong with members, before the first of them runs: each key, each combination, each network.
//!
//! The time that it takes is bounded: no more than [`MAX_CHECKED`] configs are made, whatever the sweep.

use std::collections::BTreeSet;

use strata_config::{Config, ConfigError};
use strata_spec::NetworkSpec;

use crate::domain::Domain;
use crate::error::SweepError;
use crate::memory;
use crate::points::uniform;
use crate::read::MAX_MEMBERS;
use crate::read_keys::unknown;
use crate::spec::{Method, Point, Sweep};

/// Configs that are made at most to find what is wrong: a second's work.
pub const MAX_CHECKED: usize = 2_000;
/// Networks of a sweep: each is compiled, which takes a second or more.
pub const MAX_NETWORKS: usize = 64;

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The points, where they are known before the first result.
    pub points: Option<Vec<Point>>,
    /// The networks that members may ask for.
    pub networks: Vec<NetworkSpec>,
    /// How many configs were made and found right.
    pub configs: usize,
    /// Whether every point that can be proposed was among them; else every value was, and every pair of values as far as [`MAX_CHECKED`] goes.
    pub is_complete: bool,
}

impl Sweep {
    /// Finds what is wrong with the members, and the networks that they need.
    ///
    /// # Errors
    /// More members than a sweep may have; a key that does not exist or a value that it does not take; values that do not go together;
    /// more networks than are built, or one that this machine has no memory for.
    pub fn check(&self) -> Result<Checked, SweepError> {
        if let (Method::Grid, Some(all)) = (self.method, self.combinations()) {
            let members = all.saturating_mul(self.seeds.len() as u128);
            if members > MAX_MEMBERS as u128 && self.budget.members.is_none() || all > 10_000_000 {
                return Err(self.unsuited(format!(
                    "the grid has {all} combinations, {members} members with their seeds; at most {MAX_MEMBERS} are taken. \
                     Fewer values, or `method = \"random\"` with a budget"
                )));
            }
        }
        self.check_values()?;
        let points = self.points();
        let mut configs: Vec<Point> = match &points {
            Some(points) => points.clone(),
            None => self.corners(),
        };
        let is_complete = points.is_some() && configs.len() <= MAX_CHECKED;
        if configs.len() > MAX_CHECKED {
            configs = self.corners().into_iter().chain(configs).take(MAX_CHECKED).collect();
        }
        let (mut texts, mut networks, mut largest) = (BTreeSet::new(), Vec::new(), None::<(u64, Config)>);
        let mut of_networks = if is_complete { Vec::new() } else { self.networks_points()? };
        let count = configs.len() + of_networks.len();
        for point in configs.drain(..).chain(of_networks.drain(..)) {
            let config = self.checked(&point)?;
            if texts.insert(config.network().to_string()) {
                networks.push(config.network().clone());
                if networks.len() > MAX_NETWORKS {
                    let message = format!(
                        "needs more than {MAX_NETWORKS} networks, each of which is compiled: list fewer choices"
                    );
                    return Err(self.unsuited(message));
                }
            }
            let bytes = memory::of_run(&config);
            if largest.as_ref().is_none_or(|(most, _)| bytes > *most) {
                largest = Some((bytes, config));
            }
        }
        if let Some((bytes, config)) = largest
            && let Some(total) = memory::total().filter(|total| bytes > *total)
        {
            let (network, parameters) = (config.network(), config.network().parameters());
            return Err(self.unsuited(format!(
                "network {network} has {parameters} parameters: a run needs about {} MB, and this machine has {} MB",
                bytes >> 20,
                total >> 20
            )));
        }
        Ok(Checked { points, networks, configs: count, is_complete })
    }

    /// A point whose config has this network, of those that the check looks at; none where there is none.
    #[must_use]
    pub fn point_with(&self, network: &NetworkSpec) -> Option<Point> {
        let points = self.networks_points().unwrap_or_default();
        let has = |point: &Point| self.config(point, self.seeds[0]).is_ok_and(|config| config.network() == network);
        points.into_iter().find(has)
    }

    pub(crate) fn unsuited(&self, reason: String) -> SweepError {
        SweepError::Unsuited { path: self.file.clone(), reason }
    }

    /// The config of a point; what is wrong with it is told with the point's values.
    fn checked(&self, point: &Point) -> Result<Config, SweepError> {
        self.config(point, self.seeds[0]).map_err(|error| SweepError::Combination {
            path: self.file.clone(),
            values: self.shown(point),
            message: message(&error),
        })
    }

    /// Each key is one of a config, and takes each value as far as that can be seen without the others.
    fn check_values(&self) -> Result<(), SweepError> {
        let first = self.point(|key| self.values(key).into_iter().next().unwrap_or_default());
        for (number, key) in self.keys.iter().enumerate() {
            for value in self.values(number) {
                let mut point = first.clone();
                point[number] = Some(value.clone());
                let Err(ConfigError::Invalid(error)) = self.config(&point, self.seeds[0]) else { continue };
                let is_own =
                    error.key().is_some_and(|path| path == key.path || path.starts_with(&format!("{}.", key.path)));
                let is_unknown = strata_config::keys::find(&key.path).is_none()
                    && error.origin().contains(&format!("--set {}=", key.path));
                if is_own && key.when.is_empty() || is_unknown {
                    let own = error.message().to_owned();
                    let message = if is_unknown && !own.starts_with("unknown key") && error.key().is_none() {
                        unknown(&key.path)
                    } else {
                        own
                    };
                    let shown = if is_unknown { String::new() } else { format!("{value}: ") };
                    let (path, line) = (self.file.clone(), Some(key.line));
                    return Err(SweepError::Invalid {
                        path,
                        line,
                        key: Some(key.path.clone()),
                        message: shown + &message,
                    });
                }
            }
        }
        Ok(())
    }

    /// A key's values to look at: each that is counted, else both ends of its range.
    fn values(&self, key: usize) -> Vec<String> {
        let domain = &self.keys[key].domain;
        match (domain, domain.count()) {
            (Domain::Choices(choices), _) => choices.clone(),
            (_, Some(count)) if count <= 64 => (0..count).filter_map(|index| domain.at(index)).collect(),
            _ => vec![domain.at_unit(0.0), domain.at_unit(1.0)],
        }
    }

    /// Points that have between them each value of [`values`](Self::values), and all combinations of these where they are few, else pairs.
    fn corners(&self) -> Vec<Point> {
        let values: Vec<Vec<String>> = (0..self.keys.len()).map(|key| self.values(key)).collect();
        let all = values.iter().map(Vec::len).try_fold(1usize, |product, count| product.checked_mul(count));
        if let Some(all) = all.filter(|all| *all <= MAX_CHECKED / 4) {
            return product(&values, all).into_iter().map(|chosen| self.point(|key| chosen[key].clone())).collect();
        }
        let mut points = Vec::new();
        for a in 0..values.len() {
            for b in a + 1..values.len() {
                for first in &values[a] {
                    for second in &values[b] {
                        // The other keys' values change from pair to pair.
                        let number = points.len() as u64;
                        points.push(self.point(|key| match key {
                            _ if key == a => first.clone(),
                            _ if key == b => second.clone(),
                            _ => {
                                let values = &values[key];
                                values[(uniform(0, key as u64, number) * values.len() as f64) as usize].clone()
                            }
                        }));
                        if points.len() == MAX_CHECKED / 2 {
                            return points;
                        }
                    }
                }
            }
        }
        points
    }

    /// Points that have every combination of what decides the network.
    fn networks_points(&self) -> Result<Vec<Point>, SweepError> {
        let decides = |path: &str| path.starts_with("model.") || path.starts_with("dataset.");
        let mut values: Vec<Vec<String>> = Vec::new();
        for (number, key) in self.keys.iter().enumerate() {
            let first = || self.values(number).into_iter().take(1).collect();
            let is_condition =
                self.keys.iter().any(|other| decides(&other.path) && other.when.iter().any(|c| c.key == number));
            values.push(match key.domain.count() {
                Some(count) if decides(&key.path) || is_condition => {
                    if count > MAX_CHECKED {
                        return Err(self.unsuited(format!(
                            "{} has {count} values, each of which may need a network of its own: list fewer",
                            key.path
                        )));
                    }
                    (0..count).filter_map(|index| key.domain.at(index)).collect()
                }
                _ => first(),
            });
        }
        let all = values.iter().map(Vec::len).try_fold(1usize, |product, count| product.checked_mul(count));
        match all.filter(|all| *all <= MAX_CHECKED) {
            Some(all) => {
                Ok(product(&values, all).into_iter().map(|chosen| self.point(|key| chosen[key].clone())).collect())
            }
            None => Err(self.unsuited(format!("the values under model and dataset make more than {MAX_CHECKED} combinations, each of which may need a network of its own"))),
        }
    }
}

fn product(values: &[Vec<String>], all: usize) -> Vec<Vec<String>> {
    let mut combinations = Vec::with_capacity(all);
    for number in 0..all {
        let mut rest = number;
        let mut chosen = Vec::with_capacity(values.len());
        for values in values {
            chosen.push(values[rest % values.len()].clone());
            rest /= values.len();
        }
        combinations.push(chosen);
    }
    combinations
}

/// What a config's error says of a value, without its place in a text that nobody wrote.
fn message(error: &ConfigError) -> String {
    match error {
        ConfigError::Invalid(error) => match (error.key(), error.value()) {
            (Some(key), Some(value)) => format!("{key} = {value}: {}", error.message()),
            (Some(key), None) => format!("{key}: {}", error.message()),
            _ => error.message().to_owned(),
        },
        other => other.to_string(),
    }
}
