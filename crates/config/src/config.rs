//! A config that has been checked.

use std::num::NonZeroUsize;
use std::ops::Deref;
use std::path::Path;

use strata_spec::ranges::THREADS;
use strata_spec::{DeviceChoice, NetworkSpec};

use crate::error::ConfigError;
use crate::handle::Key;
use crate::keys;
use crate::name::valid_name;
use crate::read;
use crate::settings::Settings;
use crate::value::Value;
use crate::values::Values;
use crate::written::fallback;

/// A config whose every value has been checked; gives its [`Settings`], and any key's value by [`Config::get`].
///
/// [`Config::read`] and [`Config::parse`] make one; [`Config::to_toml`] writes it back with every
/// default spelt out, and reading that gives an equal config.
///
/// ```
/// use std::path::Path;
/// use strata_config::{Config, keys};
/// use strata_spec::Activation;
///
/// let text = r#"
///     name = "small"
///     seed = 43
///     phases = [{ epochs = 2, lr = 0.1 }]
///
///     [dataset]
///     kind = "synthetic"
///
///     [model]
///     hidden = [128, 64]
/// "#;
/// let sets = ["model.activation=gelu".to_owned(), "phases.0.lr=0.05".to_owned()];
/// let config = Config::parse(text, Path::new("small.toml"), &sets)?;
/// assert_eq!(config.network().to_string(), "3072, 128, 64, 10");
/// assert_eq!(config.model.activation, Activation::Gelu);
/// assert_eq!(config.phases[0].learning_rate, 0.05);
/// // any key by its name; what has no effect has no value
/// assert_eq!(config.get(&keys::MOMENTUM), Some(0.0));
/// assert_eq!(config.get(&keys::BETAS), None);
///
/// let misspelt = Config::parse(text, Path::new("small.toml"), &["model.hiden=[8]".to_owned()]);
/// assert!(misspelt.unwrap_err().to_string().contains("did you mean `hidden`?"));
/// # Ok::<(), strata_config::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) values: Values,
    settings: Settings,
    network: NetworkSpec,
}

/// Equal where every value that has an effect is.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.values.same(&other.values)
    }
}

impl Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl Config {
    /// Reads the config at `path`, lays `sets` (`section.key=value` each) over it, and checks the whole.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is larger than 1 MiB or no UTF-8; or what [`Config::parse`] finds.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        Self::read_with_data(path, sets, None)
    }

    /// As [`Config::read`], where the folder or file `data` is in the place of `dataset.path`, if there is one: what a config leaves to the data is looked up there.
    ///
    /// # Errors
    ///
    /// As [`Config::read`]; [`ConfigError::Data`] where `data` holds no such data.
    pub fn read_with_data(path: &Path, sets: &[String], data: Option<&Path>) -> Result<Self, ConfigError> {
        Self::parse_with_data(&read::read_text(path)?, path, sets, data)
    }

    /// Checks the config `text`, with `sets` laid over it; `origin` is what errors call the file.
    ///
    /// A value that is written, other than the default, and has no effect beside the others is an error. A resolved config, which
    /// says so in its first line, may hold some: earlier versions wrote them, and they are left out.
    ///
    /// # Errors
    ///
    /// The first fault found: no TOML, a key that does not exist, or a value of the wrong type, out of its range or without effect.
    pub fn parse(text: &str, origin: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        Self::parse_with_data(text, origin, sets, None)
    }

    /// As [`Config::parse`], with `data` as of [`Config::read_with_data`].
    ///
    /// # Errors
    ///
    /// As [`Config::parse`]; [`ConfigError::Data`] where `data` holds no such data.
    pub fn parse_with_data(
        text: &str,
        origin: &Path,
        sets: &[String],
        data: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        read::values(text, origin, sets, data).map(|(values, network)| Self::of(values, network))
    }

    fn of(values: Values, network: NetworkSpec) -> Self {
        Self { settings: Settings::of(&values), values, network }
    }

    /// The whole network, from the features of an image to the classes. What follows the hidden layers of a chain of dense layers
    /// ([`NetworkSpec::is_chain`]) is in [`ModelConfig`](crate::ModelConfig); any other says it itself.
    #[must_use]
    pub fn network(&self) -> &NetworkSpec {
        &self.network
    }

    /// The value of a key that stands in no list; none where it has no value or no effect.
    #[must_use]
    pub fn get<T>(&self, key: &Key<T>) -> Option<T> {
        self.values.get(key)
    }

    /// The value of a key of the phase numbered `index`, from 0.
    #[must_use]
    pub fn in_phase<T>(&self, key: &Key<T>, index: usize) -> Option<T> {
        self.values.in_phase(key, index)
    }

    /// The same config on another device.
    #[must_use]
    pub fn on_device(mut self, device: DeviceChoice) -> Self {
        self.values.insert(keys::DEVICE.path().to_owned(), Value::Text(device.to_string()));
        Self::of(self.values, self.network)
    }

    /// The same config with another number of worker threads, 1 to 1,024; none takes what the machine has.
    #[must_use]
    pub fn with_threads(mut self, threads: Option<NonZeroUsize>) -> Self {
        let place = keys::THREADS.path();
        match threads.map(|threads| i64::try_from(threads.get()).unwrap_or(THREADS.most)) {
            Some(threads) => self.values.insert(place.to_owned(), Value::Integer(threads.min(THREADS.most))),
            None => drop(self.values.by_place.remove(place)),
        }
        Self::of(self.values, self.network)
    }

    /// The file's name without its ending, where the config has no `name` and that cannot be one: the run is then called
    /// `experiment`.
    #[must_use]
    pub fn unusable_file_name(&self) -> Option<&str> {
        self.values.file_stem.as_deref().filter(|stem| !valid_name(stem))
    }

    /// Every value that can change a run's result and has an effect, by the name that the record's hyperparameters have for it, in the
    /// order of the keys. A name with a dot is of a section that is recorded as one. A key that came after the first records is left out where
    /// its value is the default: a record from before it says the same.
    #[must_use]
    pub fn recorded(&self) -> Vec<(&'static str, Recorded)> {
        let mut recorded = Vec::new();
        for key in keys::all() {
            let Some(name) = key.recorded() else { continue };
            let places = key.places(&self.values);
            let values: Vec<_> = places.iter().map(|place| self.values.at(place).cloned()).collect();
            let is_default = |place: &str, value: &Value| Some(value) == fallback(key, place, &self.values).as_ref();
            if key.is_of_list() {
                // Every table as by default: nothing that a record from before the key was there could not say.
                let is_set = |(place, value): (&String, &Option<Value>)| {
                    value.as_ref().is_some_and(|value| !is_default(place, value))
                };
                if places.iter().zip(&values).any(is_set) {
                    recorded.push((name, Recorded::OfPhases(values)));
                }
            } else {
                let says_something = |value: &Value| key.always_recorded || !is_default(key.path(), value);
                let values = values.into_iter().flatten().filter(says_something);
                recorded.extend(values.map(|value| (name, Recorded::One(value))));
            }
        }
        recorded
    }
}

/// What the record has of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// Its value.
    One(Value),
    /// The value of each phase; none where the key has no effect in it.
    OfPhases(Vec<Option<Value>>),
}
