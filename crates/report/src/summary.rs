//! The runs of a folder, each in a few values; a run that cannot be read is a row that says so.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::ReportError;
use crate::metrics::Metrics;
use crate::names::{CONFIG, HISTORY, LOCK, RECORD, name_of};
use crate::schema::SCHEMA;
use crate::state::{RunState, look, may_be_there};

/// One run in a listing. Fields are empty where there is no readable record.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The folder's real name; of a run in a folder below the one that was listed, the way to it, as in `sweep/first`.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// How the run stands.
    pub state: RunState,
    /// Why it ended, in the record's words.
    pub reason: Option<String>,
    /// The record's identifier.
    pub id: Option<String>,
    /// When it started, RFC 3339 in UTC.
    pub started: Option<String>,
    /// The record's hyperparameters.
    pub hyperparameters: Map<String, Value>,
    /// The record's schema, this program's where there is no readable record.
    pub schema: u32,
    /// The record's metrics.
    pub metrics: Metrics,
    /// How long it took, in seconds; never negative.
    pub seconds: Option<f64>,
}

impl RunSummary {
    /// Summarises the run in the folder `path`, whatever is in it.
    pub fn of(path: &Path) -> RunSummary {
        let (state, record) = look(path);
        let Some(record) = record else { return Self::without_record(path, state) };
        RunSummary {
            seconds: record.duration(),
            id: Some(record.id),
            started: Some(record.started),
            reason: record.reason,
            hyperparameters: record.hyperparameters,
            schema: record.schema,
            metrics: record.metrics,
            ..Self::without_record(path, state)
        }
    }

    fn without_record(path: &Path, state: RunState) -> RunSummary {
        RunSummary {
            name: name_of(path),
            path: path.to_path_buf(),
            state,
            reason: None,
            id: None,
            started: None,
            hyperparameters: Map::new(),
            schema: SCHEMA,
            metrics: Metrics::default(),
            seconds: None,
        }
    }
}

/// Every run in the folder `runs` and in folders below it, oldest first, those without a known start last.
///
/// Folders that hold none of a run's files are looked into, down to eight below `runs`, those that cannot be looked into are listed as unreadable. A folder `runs` that does not exist holds no runs.
///
/// # Errors
///
/// [`ReportError::Io`] where `runs` itself cannot be read.
pub fn list_runs(runs: &Path) -> Result<Vec<RunSummary>, ReportError> {
    let mut summaries = Vec::new();
    let mut seen = HashSet::new();
    collect(runs, "", 0, &mut seen, &mut summaries)?;
    // `false` sorts before `true`: runs with a start come first.
    summaries.sort_by(|a, b| {
        let key = |s: &RunSummary| (s.started.is_none(), s.started.clone(), s.name.clone());
        key(a).cmp(&key(b))
    });
    Ok(summaries)
}

/// How many folders below the folder of runs a run may lie.
const DEEPEST: usize = 8;

/// Adds the runs in `folder`, whose names begin with `way`.
fn collect(
    folder: &Path,
    way: &str,
    depth: usize,
    seen: &mut HashSet<PathBuf>,
    summaries: &mut Vec<RunSummary>,
) -> Result<(), ReportError> {
    let fail = || ReportError::io("list the runs in the folder", folder);
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        // A file among the runs, or a folder that is nobody's business.
        Err(_) if depth > 0 => return Ok(()),
        other => other.map_err(fail())?,
    };
    for entry in entries {
        let path = entry.map_err(fail())?.path();
        // A link to a run beside it is that run.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let has = |file: &str| may_be_there(&path.join(file));
        if [CONFIG, RECORD, HISTORY, LOCK].into_iter().any(has) {
            let mut summary = RunSummary::of(&path);
            // A kill or a full disk before the config left no run, and the next one of this name takes the folder over.
            let is_left_over = summary.state == RunState::Died && ![CONFIG, RECORD, HISTORY].into_iter().any(has);
            if !is_left_over {
                summary.name.insert_str(0, way);
                summaries.push(summary);
            }
        } else if depth < DEEPEST {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            collect(&path, &format!("{way}{name}/"), depth + 1, seen, summaries)?;
        }
    }
    Ok(())
}
