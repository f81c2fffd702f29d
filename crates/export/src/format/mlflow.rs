//! MLflow: runs in its file store, or sent to a server by its REST interface.

mod content;
mod file_store;
mod rest;
mod server;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::content::Content;
use crate::place::Place;
use crate::{Destination, ExportError, ExportOption, Exporter, Options, RecordedRun};

/// The experiment that runs belong to where none is named.
const EXPERIMENT: &str = "strata";

/// Gives runs to MLflow: parameters, metrics of each epoch, tags, data set, files. A run that it has already is brought up to date.
#[derive(Clone, Copy, Debug)]
pub struct Mlflow;

pub(super) const EXPORTER: &dyn Exporter = &Mlflow;

impl Exporter for Mlflow {
    fn name(&self) -> &'static str {
        "mlflow"
    }

    fn about(&self) -> &'static str {
        "Parameters, metrics, files, tags and data set for MLflow: in a folder that it opens, or sent to its server"
    }

    fn destination(&self) -> Destination {
        let about = "The folder of MLflow's file store (also as file:///DIR), or a server's address that starts with http:// or https://";
        Destination { option: "to", value: "DIR|URL", about, is_of_one_run: false }
    }

    fn options(&self) -> &'static [ExportOption] {
        &[
            ExportOption {
                name: "experiment",
                value: "NAME",
                choices: &[],
                about: "The experiment of MLflow's that the runs belong to; `strata` by default, made where there is none",
            },
            ExportOption {
                name: "parent",
                value: "NAME",
                choices: &[],
                about: "A run that these become children of; made where the experiment has none of this name",
            },
        ]
    }

    fn export(&self, runs: &[RecordedRun], to: &Path, options: &Options) -> Result<Vec<String>, ExportError> {
        options.check(self)?;
        let experiment = options.get("experiment").unwrap_or(EXPERIMENT);
        let parent = options.get("parent");
        for (name, value) in [("experiment", Some(experiment)), ("parent", parent)] {
            if let Some(value) = value.filter(|value| value.trim().is_empty() || value.contains(char::is_control)) {
                let (name, value, expects) =
                    (name.to_owned(), value.to_owned(), "a name of printable characters".into());
                return Err(ExportError::Option { exporter: "mlflow", name, value, expects });
            }
        }
        let place = Place::of("mlflow", to)?;
        // All of them are known to fit before the first is written.
        let contents = runs.iter().map(Content::of).collect::<Result<Vec<_>, _>>()?;
        match place {
            Place::Server(url) => rest::export(&contents, &url, experiment, parent),
            Place::Folder(folder) => file_store::export(&contents, &folder, experiment, parent),
        }
    }
}
