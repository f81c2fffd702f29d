//! From a sweep's file to a [`Sweep`]: every key of the file is known and each value right in itself.

use std::path::Path;

use strata_config::{Config, read_text, valid_name};
use strata_spec::{Criterion, Direction};
use toml::de::{DeTable, DeValue};

use crate::domain::Domain;
use crate::error::SweepError;
use crate::read_keys;
use crate::spec::{Budget, Halving, Method, Slurm, Sweep};
use crate::text::{Table, Text, Value};

const TOP: &[&str] = &[
    "name",
    "base",
    "set",
    "method",
    "seed",
    "seeds",
    "objective",
    "direction",
    "lag",
    "budget",
    "keys",
    "halving",
    "launcher",
];
/// Seeds of a point: beyond, a mean gains nothing.
const MAX_SEEDS: u64 = 1000;
/// Members of a sweep, which the journal and the tables are made for.
pub(crate) const MAX_MEMBERS: usize = 100_000;

impl Sweep {
    /// Reads the sweep's file at `path` and the base config that it names, from the sweep's file on; `sets` are laid over the base too.
    ///
    /// What is wrong with single keys and values is found here, what is wrong with members by [`Sweep::check`].
    ///
    /// # Errors
    /// A file cannot be read or is no TOML; the first wrong key or value, with its line.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, SweepError> {
        let text = read_text(path)?;
        let base = Self::base_of(path, &text)?;
        let file = path.parent().unwrap_or(Path::new("")).join(&base);
        let base_text = read_text(&file)?;
        Self::parse(path, &text, &file, &base_text, sets)
    }

    /// The base config that the sweep's `text` names.
    fn base_of(path: &Path, text: &str) -> Result<String, SweepError> {
        let source = Text { path, text };
        let table = parsed(source)?;
        let top = Table { source, name: "", table: &table };
        let missing = || source.missing("base", "missing: expected the path of a config, from this file on");
        top.string("base")?.ok_or_else(missing)
    }

    /// As [`Sweep::read`], of texts; `path` and `base_file` are what errors call them.
    ///
    /// # Errors
    /// As [`Sweep::read`].
    pub fn parse(
        path: &Path,
        text: &str,
        base_file: &Path,
        base_text: &str,
        sets: &[String],
    ) -> Result<Self, SweepError> {
        let source = Text { path, text };
        let table = parsed(source)?;
        let top = Table { source, name: "", table: &table };
        top.takes_only(TOP)?;
        Self::base_of(path, text)?;
        let sets: Vec<String> = top.strings("set")?.into_iter().chain(sets.iter().cloned()).collect();
        let base = Config::parse(base_text, base_file, &sets)?;
        let method = method(&top)?;
        let keys = match top.table("keys")? {
            Some(keys) => read_keys::keys(&keys)?,
            None => Vec::new(),
        };
        if keys.is_empty() {
            return Err(
                source.missing("keys", "missing: expected a table of at least one key of a config and its values")
            );
        }
        let sweep = Self {
            name: name(&top, path)?,
            file: path.to_owned(),
            text: text.to_owned(),
            base_file: base_file.to_owned(),
            base_text: base_text.to_owned(),
            sets,
            method,
            seed: top.integer("seed", 0, i64::MAX as u64)?.unwrap_or_default(),
            seeds: seeds(&top, base.seed)?,
            objective: objective(&top, &base)?,
            budget: budget(&top)?,
            halving: halving(&top, &base)?,
            lag: lag(&top, method)?,
            slurm: slurm(&top)?,
            keys,
        };
        sweep.goes_together(&top)?;
        Ok(sweep)
    }

    /// What holds between the keys of the file.
    fn goes_together(&self, top: &Table<'_>) -> Result<(), SweepError> {
        let source = top.source;
        if self.method != Method::Grid && self.budget == Budget::default() {
            let name = self.method.as_str();
            return Err(
                source.missing("budget", format!("missing: {name} ends only with one; members, epochs or hours"))
            );
        }
        if let Some(members) = self.budget.members.filter(|members| *members < self.seeds.len()) {
            let message = format!("{members} members are fewer than the {} seeds of one point", self.seeds.len());
            return Err(source.missing("budget.members", message));
        }
        for key in &self.keys {
            let message = match (self.method, key.domain.count()) {
                (Method::Grid, None) => "a grid needs its values counted: add `step` or `points`",
                (Method::CmaEs, _) if !key.when.is_empty() => "cma_es takes no conditions; tpe does",
                (Method::CmaEs, _) if matches!(key.domain, Domain::Choices(_)) => {
                    "cma_es takes ranges alone; tpe takes lists"
                }
                _ => continue,
            };
            let (path, line) = (self.file.clone(), Some(key.line));
            return Err(SweepError::Invalid { path, line, key: Some(key.path.clone()), message: message.to_owned() });
        }
        Ok(())
    }
}

fn parsed(source: Text<'_>) -> Result<DeTable<'_>, SweepError> {
    match DeTable::parse(source.text) {
        Ok(table) => Ok(table.into_inner()),
        Err(error) => {
            let end = source.text.len();
            Err(source.fault(error.span().unwrap_or(end..end), "", format!("not TOML: {}", error.message())))
        }
    }
}

fn name(top: &Table<'_>, path: &Path) -> Result<String, SweepError> {
    let rule = "expected 1 to 64 of a-z A-Z 0-9 . _ -, not starting with a dot or a hyphen";
    match top.string("name")? {
        Some(name) if valid_name(&name) => Ok(name),
        Some(_) => Err(top.source.missing("name", rule)),
        None => {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| valid_name(stem));
            stem.map(str::to_owned)
                .ok_or_else(|| top.source.missing("name", format!("missing, and the file's cannot be one: {rule}")))
        }
    }
}

fn method(top: &Table<'_>) -> Result<Method, SweepError> {
    let names = || Method::ALL.map(|(_, name)| name).join(", ");
    let Some(value) = top.get("method") else {
        return Err(top.source.missing("method", format!("missing: expected one of {}", names())));
    };
    let name = value.get_ref().as_str().unwrap_or_default();
    let found = Method::ALL.iter().find(|(_, known)| *known == name).map(|(method, _)| *method);
    found.ok_or_else(|| top.wrong("method", value, format!("expected one of {}", names())))
}

/// A list of seeds, or how many, counted from 1; the base's own where nothing is said.
fn seeds(top: &Table<'_>, base: u64) -> Result<Vec<u64>, SweepError> {
    let Some(value) = top.get("seeds") else { return Ok(vec![base]) };
    let DeValue::Array(items) = value.get_ref() else {
        let message = "expected a list of seeds, or how many from 1 on";
        let count = top.integer("seeds", 1, MAX_SEEDS).map_err(|_| top.wrong("seeds", value, message))?;
        return Ok((1..=count.unwrap_or(1)).collect());
    };
    let seed = |item| crate::text::integer(item).and_then(|seed| u64::try_from(seed).ok());
    let mut seeds = Vec::new();
    for item in items {
        let seed = seed(item).ok_or_else(|| top.wrong("seeds", item, "expected a seed, an integer from 0 on"))?;
        if seeds.contains(&seed) {
            return Err(top.wrong("seeds", item, format!("{seed} stands there twice")));
        }
        seeds.push(seed);
    }
    if seeds.is_empty() || seeds.len() as u64 > MAX_SEEDS {
        return Err(top.wrong("seeds", value, format!("expected 1 to {MAX_SEEDS} seeds")));
    }
    Ok(seeds)
}

/// The metric of the records that is to be made good: what the base chooses its epochs by where nothing is said.
fn objective(top: &Table<'_>, base: &Config) -> Result<Criterion, SweepError> {
    let Some(value) = top.get("objective") else {
        if let Some(value) = top.get("direction") {
            return Err(top.wrong("direction", value, "has no effect without `objective`"));
        }
        return Ok(base.checkpoint.best.clone());
    };
    let key = value.get_ref().as_str().unwrap_or_default().to_owned();
    let measured = || {
        let own = base.metrics.iter().map(|name| format!("val_{name}, test_{name}"));
        ["val_acc, val_loss, test_acc, test_loss, seconds".to_owned()]
            .into_iter()
            .chain(own)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let name = ["best_val_", "initial_val_", "val_", "test_"].iter().find_map(|part| key.strip_prefix(part));
    let mirrored = base.evaluation.mirrored.then(|| name.and_then(|name| name.strip_suffix("_mirrored"))).flatten();
    let known = match mirrored.or(name) {
        Some("loss") => Some(Direction::Lower),
        Some("acc") => Some(Direction::Higher),
        Some(name) if base.metrics.iter().any(|metric| metric == name) => {
            strata_metrics::find(name).map(|metric| metric.direction())
        }
        _ => (key == "seconds").then_some(Direction::Lower),
    };
    if key.starts_with("test_") && !base.evaluation.test {
        return Err(top.wrong("objective", value, "is not measured: evaluation.test is false"));
    }
    let Some(known) = known else {
        let message = format!("is not recorded of these runs; they have {} (`metrics` adds more)", measured());
        return Err(top.wrong("objective", value, message));
    };
    let direction = match (top.string("direction")?.as_deref(), top.get("direction")) {
        (Some("lower"), _) => Direction::Lower,
        (Some("higher"), _) => Direction::Higher,
        (_, Some(value)) => return Err(top.wrong("direction", value, "expected \"lower\" or \"higher\"")),
        (_, None) => known,
    };
    Ok(Criterion { key, direction })
}

fn budget(top: &Table<'_>) -> Result<Budget, SweepError> {
    let Some(table) = top.table("budget")? else { return Ok(Budget::default()) };
    table.takes_only(&["members", "epochs", "hours"])?;
    let members = table.integer("members", 1, MAX_MEMBERS as u64)?;
    let hours = table.number("hours")?;
    if let Some((_, value)) = hours.zip(table.get("hours")).filter(|(hours, _)| *hours <= 0.0) {
        return Err(table.wrong("hours", value, "expected a number above 0"));
    }
    let epochs = table.integer("epochs", 1, i64::MAX as u64)?;
    Ok(Budget { members: members.and_then(|members| usize::try_from(members).ok()), epochs, hours })
}

fn halving(top: &Table<'_>, base: &Config) -> Result<Option<Halving>, SweepError> {
    let Some(table) = top.table("halving")? else { return Ok(None) };
    table.takes_only(&["first", "factor"])?;
    // Runs that pause have a history alone: the test's numbers, the best epoch's and the seconds come with the record.
    let is_of_epochs = |name: &str| matches!(name, "loss" | "acc") || strata_metrics::find(name).is_some();
    let is_measured =
        |value: &Value<'_>| value.get_ref().as_str().and_then(|key| key.strip_prefix("val_")).is_some_and(is_of_epochs);
    if let Some(value) = top.get("objective").filter(|value| !is_measured(value)) {
        let message = "is not measured after each epoch, which `halving` goes by: expected val_acc, val_loss, or val_ and one of `metrics`";
        return Err(top.wrong("objective", value, message));
    }
    let epochs = base.epochs() as u64;
    let first = table.integer("first", 1, epochs.saturating_sub(1).max(1))?;
    let first = first
        .ok_or_else(|| table.source.missing("halving.first", "missing: expected the epochs before the first pause"))?;
    let factor = table.integer("factor", 2, 100)?.unwrap_or(3);
    Ok(Some(Halving { first: first as usize, factor: factor as usize }))
}

fn lag(top: &Table<'_>, method: Method) -> Result<usize, SweepError> {
    let lag = top.integer("lag", 1, 1000)?;
    if let Some((value, _)) = top.get("lag").zip(lag).filter(|_| method != Method::Tpe) {
        return Err(top.wrong("lag", value, "has an effect with `method = \"tpe\"` alone"));
    }
    Ok(lag.map_or(4, |lag| lag as usize))
}

fn slurm(top: &Table<'_>) -> Result<Slurm, SweepError> {
    let Some(table) = top.table("launcher")? else { return Ok(Slurm { grace: 60, ..Slurm::default() }) };
    let options = ["partition", "account", "time", "cpus", "memory", "gres"];
    let others = ["throttle", "grace", "lines"];
    table.takes_only(&options.iter().chain(&others).copied().collect::<Vec<_>>())?;
    let mut slurm = Slurm {
        throttle: table.integer("throttle", 1, 100_000)?,
        grace: table.integer("grace", 5, 3600)?.unwrap_or(60),
        lines: table.strings("lines")?,
        ..Slurm::default()
    };
    for name in options {
        let Some(value) = table.get(name) else { continue };
        let text = match (value.get_ref().as_str(), crate::text::integer(value)) {
            (Some(text), _) => text.to_owned(),
            (None, Some(number)) => number.to_string(),
            _ => return Err(table.wrong(name, value, "expected a string or an integer")),
        };
        if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(table.wrong(name, value, "expected one word, as sbatch takes it"));
        }
        slurm.options.push((name.to_owned(), text));
    }
    Ok(slurm)
}
