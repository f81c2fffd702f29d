//! Weights that a run starts from: another run's, or a file that PyTorch or anybody else saved.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use strata_export::{ExportError, weights_file};
use strata_model::{GivenTensors, NamedTensor, TrainedModel, Usage, read_tensor_file};
use strata_report::{ParentRecord, Record, read_parent, read_record};
use strata_spec::ranges::PARAMETERS;
use strata_trainer::Classifier;

use crate::ExperimentError;
use crate::sha256::sha256;

/// Which weights a run starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFrom {
    /// The folder of a run that has given its weights, or a safetensors file.
    pub path: PathBuf,
    /// Whether the last layer is drawn as of any run, whatever the file has of it: for other classes.
    pub new_last_layer: bool,
}

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beginning<'a> {
    /// Drawn weights.
    Drawn,
    /// Weights that the user names.
    From(&'a StartFrom),
    /// What another run began with, whose record says so: the same bytes.
    Again(&'a ParentRecord),
}

/// The run that is to take the weights.
pub(crate) struct Taker<'a> {
    /// Its network's tensors, whose values do not matter.
    pub(crate) tensors: &'a [NamedTensor],
    pub(crate) usage: Usage,
    /// Of its images, and of how they are divided.
    pub(crate) dataset_sha256: &'a str,
    pub(crate) split_sha256: String,
}

/// The weights, read and checked.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) record: ParentRecord,
    /// In the network's order; none for one that is drawn.
    tensors: Vec<Option<NamedTensor>>,
}

impl Parent {
    /// Reads what a run begins with; none where its weights are drawn.
    pub(crate) fn read(beginning: Beginning<'_>, taker: &Taker<'_>) -> Result<Option<Self>, ExperimentError> {
        match beginning {
            Beginning::Drawn => Ok(None),
            Beginning::From(from) => Self::named(from, taker).map(Some),
            Beginning::Again(record) => Self::again(record, taker).map(Some),
        }
    }

    fn named(from: &StartFrom, taker: &Taker<'_>) -> Result<Self, ExperimentError> {
        let (record, run) = located(from)?;
        let (mut parent, bytes) = Self::read_file(record, taker)?;
        let notes = &mut parent.record.notes;
        // Its metadata, where Strata wrote it, says how the weights were used.
        if let Ok((_, _, Some(was))) = TrainedModel::from_bytes(&bytes) {
            notes.extend(differences(&was, &taker.usage, from.new_last_layer));
        }
        notes.extend(run.as_ref().and_then(|run| seen_images(run, taker)));
        Ok(parent)
    }

    /// The same bytes as before, or the run would be another one.
    fn again(record: &ParentRecord, taker: &Taker<'_>) -> Result<Self, ExperimentError> {
        let (parent, _) = Self::read_file(record.clone(), taker)?;
        if parent.record.sha256 != record.sha256 {
            let (found, expected) = (&parent.record.sha256, &record.sha256);
            let reason = format!("its SHA-256 is {found}, the run started from {expected}");
            return Err(ExperimentError::StartFrom { path: record.path.clone().into(), reason });
        }
        Ok(Self { record: record.clone(), ..parent })
    }

    fn read_file(record: ParentRecord, taker: &Taker<'_>) -> Result<(Self, Vec<u8>), ExperimentError> {
        let wrong = |reason| ExperimentError::StartFrom { path: record.path.clone().into(), reason };
        let bytes = read_weights(&record)?;
        let given = GivenTensors::read(&bytes, taker.tensors, record.new_last_layer);
        let GivenTensors { tensors, notes } = given.map_err(|error| wrong(error.to_string()))?;
        Ok((Self { record: ParentRecord { sha256: sha256(&bytes), notes, ..record }, tensors }, bytes))
    }

    /// Whether there are weights for every parameter, so that none is drawn.
    pub(crate) fn is_whole(&self) -> bool {
        self.tensors.iter().all(Option::is_some)
    }

    /// Gives them to a classifier that was initialised, whose own draws stay where there are none.
    pub(crate) fn give_to(&self, classifier: &mut dyn Classifier) -> Result<(), ExperimentError> {
        let (mut weights, state) = classifier.snapshot()?;
        for (tensor, given) in weights.tensors.iter_mut().zip(&self.tensors) {
            if let Some(given) = given {
                tensor.values.clone_from(&given.values);
            }
        }
        Ok(classifier.restore(&weights, &state)?)
    }
}

/// Where the weights are that `from` names, not yet read, and the run that gave them.
fn located(from: &StartFrom) -> Result<(ParentRecord, Option<Record>), ExperimentError> {
    let (path, run) = if from.path.is_dir() {
        let run = read_record(&from.path)?;
        let weights = weights_file(&from.path, &run).map_err(|error| match error {
            ExportError::Weights { reason, .. } => ExperimentError::StartFrom { path: from.path.clone(), reason },
            other => other.into(),
        });
        (weights?, Some(run))
    } else {
        (from.path.clone(), None)
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    let Some(text) = path.to_str().map(str::to_owned) else {
        return Err(ExperimentError::UnrecordableFolder { path });
    };
    let (new_last_layer, id) = (from.new_last_layer, run.as_ref().map(|run| run.id.clone()));
    Ok((ParentRecord { path: text, new_last_layer, run: id, ..ParentRecord::default() }, run))
}

fn read_weights(record: &ParentRecord) -> Result<Vec<u8>, ExperimentError> {
    // In double precision at most.
    let bytes = read_tensor_file(Path::new(&record.path), 2 * PARAMETERS as usize);
    bytes.map_err(|source| {
        let path = PathBuf::from(&record.path);
        match source.kind() {
            // It is there, and holds something else.
            ErrorKind::InvalidData => ExperimentError::StartFrom { path, reason: source.to_string() },
            _ => ExportError::Io { action: "reading weights from", path, source }.into(),
        }
    })
}

/// What runs that are there are to have started from, by the weights' bytes; wherever their file was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExpectedParent(Option<(String, bool)>);

impl ExpectedParent {
    pub(crate) fn of(from: Option<&StartFrom>) -> Result<Self, ExperimentError> {
        let Some(from) = from else { return Ok(Self(None)) };
        let (record, _) = located(from)?;
        Ok(Self(Some((sha256(&read_weights(&record)?), record.new_last_layer))))
    }

    /// That the run in `run` started from it.
    ///
    /// # Errors
    /// [`ExperimentError::OtherParent`] where it did not.
    pub(crate) fn check(&self, run: &Path) -> Result<(), ExperimentError> {
        let recorded = match read_parent(run)? {
            None if run.join("record.json").exists() => read_record(run)?.parent,
            parent => parent,
        };
        let found = Self(recorded.map(|parent| (parent.sha256, parent.new_last_layer)));
        if found == *self {
            return Ok(());
        }
        Err(ExperimentError::OtherParent { run: run.to_owned(), found: found.in_words(), asked: self.in_words() })
    }

    fn in_words(&self) -> String {
        match &self.0 {
            None => "drawn weights".to_owned(),
            Some((sha256, false)) => format!("the weights of SHA-256 {sha256}"),
            Some((sha256, true)) => format!("the weights of SHA-256 {sha256}, its last layer drawn"),
        }
    }
}

/// A short name for what a run started from, by which `compare` tells it from others.
pub(crate) fn short_name(parent: &ParentRecord) -> String {
    match &parent.run {
        Some(run) => run.clone(),
        None => {
            let file = Path::new(&parent.path).file_name().unwrap_or_default().to_string_lossy();
            format!("{file} {}", parent.sha256.get(..8).unwrap_or_default())
        }
    }
}

/// In what the weights were used otherwise than they are now, in sentences.
fn differences(was: &Usage, is: &Usage, new_last_layer: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if was.activation != is.activation {
        notes.push(format!("its hidden layers had {}, here they have {}", was.activation, is.activation));
    }
    if (&was.input, &was.transform) != (&is.input, &is.transform) {
        notes.push("its samples became inputs in another way than here".to_owned());
    }
    if was.classes != is.classes && !new_last_layer {
        notes.push("its classes have other names than here, and its last layer is kept".to_owned());
    }
    notes
}

/// Whether `run` was trained on images that validate here.
fn seen_images(run: &Record, taker: &Taker<'_>) -> Option<String> {
    let is_seen = run.dataset.sha256 == taker.dataset_sha256 && run.dataset.split.sha256 != taker.split_sha256;
    is_seen.then(|| {
        "it was trained on images that validate here, whose accuracy tells little: its split had another seed or size".to_owned()
    })
}
