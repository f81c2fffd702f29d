//! What an exporter is.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{ExportError, RecordedRun};

/// Makes of recorded runs what another program opens.
pub trait Exporter: Sync {
    /// What it is called, such as `onnx`.
    fn name(&self) -> &'static str;

    /// A sentence on what it makes.
    fn about(&self) -> &'static str;

    /// What it writes to.
    fn destination(&self) -> Destination;

    /// What can be chosen.
    fn options(&self) -> &'static [ExportOption] {
        &[]
    }

    /// Exports `runs` to `to`; gives a line on each thing that was made.
    ///
    /// # Errors
    /// [`ExportError::Option`] where `options` names or says what this exporter does not know; otherwise what cannot be read, represented or written.
    fn export(&self, runs: &[RecordedRun], to: &Path, options: &Options) -> Result<Vec<String>, ExportError>;
}

/// What an exporter writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The option's name: `out` of a file, `to` of a folder or an address.
    pub option: &'static str,
    /// What stands for its value in a synopsis, such as `FILE`.
    pub value: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// Whether it takes one run only.
    pub is_of_one_run: bool,
}

/// Something that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOption {
    /// Its name.
    pub name: &'static str,
    /// What stands for its value in a synopsis.
    pub value: &'static str,
    /// The values it takes, the default first; any text where there are none.
    pub choices: &'static [&'static str],
    /// A sentence.
    pub about: &'static str,
}

/// What was chosen, by the options' names; what is missing is as by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Chooses `value` for the option `name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// What was chosen for an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether all of them are options of `exporter` with values that it takes.
    ///
    /// # Errors
    /// [`ExportError::Option`] with the first that is not.
    pub fn check(&self, exporter: &dyn Exporter) -> Result<(), ExportError> {
        for (name, value) in &self.0 {
            let known = exporter.options().iter().find(|option| option.name == name);
            let expects = match known {
                None if exporter.options().is_empty() => "no options".to_owned(),
                None => {
                    let names: Vec<_> = exporter.options().iter().map(|option| option.name).collect();
                    format!("only {}", names.join(", "))
                }
                Some(option) if !option.choices.is_empty() && !option.choices.contains(&value.as_str()) => {
                    option.choices.join(" or ")
                }
                Some(_) => continue,
            };
            return Err(ExportError::Option {
                exporter: exporter.name(),
                name: name.clone(),
                value: value.clone(),
                expects,
            });
        }
        Ok(())
    }
}

/// The one run of an exporter that takes one.
pub(crate) fn only<'a>(exporter: &'static str, runs: &'a [RecordedRun]) -> Result<&'a RecordedRun, ExportError> {
    match runs {
        [run] => Ok(run),
        _ => Err(ExportError::OneRun { exporter, runs: runs.len() }),
    }
}
