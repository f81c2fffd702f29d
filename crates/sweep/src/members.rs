//! Members: the runs of a sweep, each a point with a seed.

use strata_config::{Config, ConfigError};

use crate::spec::{Point, Sweep};

/// A run of the sweep: which point, and which of the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// The point's number, from 0.
    pub point: usize,
    /// The seed's place in [`Sweep::seeds`].
    pub seed: usize,
}

impl Sweep {
    /// The base config, with what the sweep lays over it for every member.
    ///
    /// # Errors
    /// It is wrong, which [`Sweep::read`] finds first.
    pub fn base(&self) -> Result<Config, ConfigError> {
        Config::parse(&self.base_text, &self.base_file, &self.sets)
    }

    /// The name of a member, and of its folder: `p0012-s43`.
    #[must_use]
    pub fn member_name(&self, member: Member) -> String {
        format!("p{:04}-s{}", member.point, self.seeds.get(member.seed).copied().unwrap_or_default())
    }

    /// The member number `index`, point by point.
    #[must_use]
    pub fn member(&self, index: usize) -> Member {
        Member { point: index / self.seeds.len(), seed: index % self.seeds.len() }
    }

    /// What is laid over the base config for a member, as `section.key=value`, the sweep's own settings first.
    #[must_use]
    pub fn sets(&self, point: &Point, seed: u64) -> Vec<String> {
        let values = self.keys.iter().zip(point).filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let own = values.map(|(key, value)| format!("{}={value}", key.path));
        self.sets.iter().cloned().chain(own).chain([format!("seed={seed}")]).collect()
    }

    /// The config of a point with a seed.
    ///
    /// # Errors
    /// Values that do not go together.
    pub fn config(&self, point: &Point, seed: u64) -> Result<Config, ConfigError> {
        Config::parse(&self.base_text, &self.base_file, &self.sets(point, seed))
    }

    /// The point's values as `key=value, …`.
    #[must_use]
    pub fn shown(&self, point: &Point) -> String {
        let values = self.keys.iter().zip(point).filter_map(|(key, value)| Some((key, value.as_ref()?)));
        values.map(|(key, value)| format!("{}={value}", key.path)).collect::<Vec<_>>().join(", ")
    }
}
