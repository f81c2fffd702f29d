//! Runs as a list to choose from, to sort and to group: by metrics, by what is known of a run, and by the keys of configs.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Value, json};
use strata_report::{
    Fields, Filter, Metrics, ReportError, RunSummary, Sheet, Status, fields_sheet, groups_sheet, order_to_sort_by,
    read_notes,
};

use crate::compare::hyperparameters_of;

/// Runs with all that is known of each by name.
#[derive(Debug, Default)]
pub struct Listing {
    runs: Vec<(RunSummary, Fields)>,
    /// Those that no filter kept: what they have is still known.
    left_out: Vec<(RunSummary, Fields)>,
}

impl Listing {
    /// Of these runs. What cannot be read of their notes is told to `problem`.
    pub fn new(runs: Vec<RunSummary>, problem: &mut dyn FnMut(&ReportError)) -> Self {
        let with_fields = |run: RunSummary| {
            let fields = fields(&run, problem);
            (run, fields)
        };
        Self { runs: runs.into_iter().map(with_fields).collect(), left_out: Vec::new() }
    }

    /// The runs.
    pub fn summaries(&self) -> Vec<RunSummary> {
        self.runs.iter().map(|(run, _)| run.clone()).collect()
    }

    /// Keeps the runs that `filter` asks for.
    ///
    /// # Errors
    /// [`ReportError::UnknownKey`] where it compares what no run has and no config could; [`ReportError::NoOrder`] where it asks for less or more than a value
    /// of another kind than the runs have.
    pub fn keep(&mut self, filter: &Filter) -> Result<(), ReportError> {
        filter.keys().try_for_each(|key| self.field(key).map(drop))?;
        filter.check(&|key| self.all().filter_map(|fields| fields.get(recorded_name(key))).collect())?;
        let (kept, others) = std::mem::take(&mut self.runs).into_iter().partition(|(run, fields)| {
            filter.matches(&|key| match recorded_name(key) {
                // A run that was killed is an interrupted one, in whichever words.
                "status" => Some(json!([run.state.as_str(), run.state.status().map(Status::as_str)])),
                name => fields.get(name).cloned(),
            })
        });
        self.runs = kept;
        self.left_out.extend::<Vec<_>>(others);
        Ok(())
    }

    /// Sorts by `key`, the smallest first, or with `descending` the largest; runs without it come last, in their order.
    ///
    /// # Errors
    /// As [`Listing::keep`].
    pub fn sort(&mut self, key: &str, descending: bool) -> Result<(), ReportError> {
        let name = self.field(key)?;
        self.runs.sort_by(|(_, a), (_, b)| {
            let known = |run: &Fields| run.get(name).filter(|value| !value.is_null()).cloned();
            match (known(a), known(b)) {
                (Some(a), Some(b)) => {
                    let order = order_to_sort_by(&a, &b);
                    if descending { order.reverse() } else { order }
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            }
        });
        Ok(())
    }

    /// A row for each run, a column for everything that any run has; without runs, for everything that is known.
    pub fn sheet(&self) -> Sheet {
        if self.runs.is_empty() { Sheet::new(self.known()) } else { fields_sheet(&self.fields()) }
    }

    /// A row for each group of runs that have the same values of `keys`; with `apart` a mean and its deviation have a column each.
    ///
    /// # Errors
    /// As [`Listing::keep`].
    pub fn groups(&self, keys: &[String], apart: bool) -> Result<Sheet, ReportError> {
        let names = keys.iter().map(|key| self.field(key).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
        Ok(groups_sheet(&self.fields(), &names, apart))
    }

    /// All that is known of each run, by name.
    pub(crate) fn into_fields(self) -> Vec<Fields> {
        self.runs.into_iter().map(|(_, fields)| fields).collect()
    }

    /// All that is known of each run, also of those that are left out.
    fn all(&self) -> impl Iterator<Item = &Fields> {
        self.runs.iter().chain(&self.left_out).map(|(_, fields)| fields)
    }

    /// Every name that a run has, or that any run could.
    fn known(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let names =
            self.all().flat_map(|fields| fields.keys().cloned()).chain(of_any_run().into_iter().map(|(name, _)| name));
        names.filter(|name| seen.insert(name.clone())).collect()
    }

    fn fields(&self) -> Vec<Fields> {
        self.runs.iter().map(|(_, fields)| fields.clone()).collect()
    }

    /// The name of `key` among the fields.
    fn field<'a>(&self, key: &'a str) -> Result<&'a str, ReportError> {
        let name = recorded_name(key);
        let is_recorded = || strata_config::keys::all().any(|entry| entry.recorded() == Some(name));
        if self.all().any(|fields| fields.contains_key(name)) || of_any_run().contains_key(name) || is_recorded() {
            return Ok(name);
        }
        let mut known = self.known();
        known.sort();
        Err(ReportError::UnknownKey { key: key.to_owned(), known })
    }
}

/// A key of configs (`optimizer.kind`, `phases[].lr`) by the name that records have for it; any other name is its own.
fn recorded_name(key: &str) -> &str {
    let entry = strata_config::keys::all().find(|entry| entry.path() == key || entry.path().replace("[]", "") == key);
    entry.and_then(strata_config::Entry::recorded).unwrap_or(key)
}

/// What is known of any run, whatever it was trained with; nothing of it yet.
fn of_any_run() -> Fields {
    let metrics = serde_json::to_value(Metrics::default()).unwrap_or_default();
    let metrics = metrics.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    let names = ["name", "status", "id", "started", "seconds", "path"].into_iter().chain(metrics);
    names.chain(["tags", "notes"]).map(|name| (name.to_owned(), Value::Null)).collect()
}

fn fields(run: &RunSummary, problem: &mut dyn FnMut(&ReportError)) -> Fields {
    let mut fields = Fields::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add("name", json!(run.name));
    add("status", json!(run.state.as_str()));
    add("id", json!(run.id));
    add("started", json!(run.started));
    add("seconds", json!(run.seconds));
    add("path", json!(run.path.to_string_lossy()));
    if let Ok(Value::Object(metrics)) = serde_json::to_value(&run.metrics) {
        metrics.into_iter().filter(|(name, _)| name != "seconds").for_each(|(name, value)| add(&name, value));
    }
    for one in hyperparameters_of(&run.hyperparameters, run.schema) {
        add(&one.name, one.value.filter(|_| one.is_recorded).unwrap_or(Value::Null));
    }
    match read_notes(&run.path) {
        Ok(notes) => {
            if !notes.tags.is_empty() {
                add("tags", json!(notes.tags));
            }
            if !notes.notes.is_empty() {
                let texts: Vec<&str> = notes.notes.iter().map(|(_, note)| note.as_str()).collect();
                add("notes", json!(texts.join("\n")));
            }
        }
        Err(error) => problem(&error),
    }
    fields
}
