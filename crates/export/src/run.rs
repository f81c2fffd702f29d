//! A recorded run, as exporters see it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use strata_model::{InputTransform, ModelError, NamedTensor, TrainedModel, Usage};
use strata_report::{
    HistoryEntry, Record, RunState, TimingLine, join_history, read_history, read_record_as_it_stands, read_timing,
};
use strata_spec::{Activation, Named, Precision};

use crate::ExportError;

/// The sizes of an image of the data sets that there were when weights files did not say how to use themselves.
const FIRST_IMAGES: [usize; 3] = [3, 32, 32];

/// A run's folder, read: what it was, how it went, and where its weights are.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    folder: PathBuf,
    record: Record,
    config: String,
    history: Vec<HistoryEntry>,
    timing: Vec<TimingLine>,
}

impl RecordedRun {
    /// Reads the run in `folder`; its weights are read when they are asked for.
    ///
    /// # Errors
    /// [`ExportError::Report`] where its record or its history cannot be read, [`ExportError::Io`] where its config cannot.
    pub fn open(folder: &Path) -> Result<Self, ExportError> {
        let record = read_record_as_it_stands(folder)?;
        // The record is written now and then, the history with each epoch; runs of other programs may have the record only.
        let timing = read_timing(folder).map(|timing| timing.entries).unwrap_or_default();
        let history = match folder.join("history.jsonl").exists() {
            true => join_history(&read_history(folder)?.entries, &timing),
            false => record.history.clone(),
        };
        let path = folder.join("config.toml");
        let config = match path.exists() {
            true => fs::read(&path).map_err(ExportError::io("reading", &path))?,
            false => Vec::new(),
        };
        let config = String::from_utf8_lossy(&config).into_owned();
        Ok(Self { folder: folder.to_owned(), record, config, history, timing })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its record, by which a run that was killed is interrupted.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The text of its config; empty where it has none.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// The initial evaluation, then an entry an epoch.
    pub fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    /// When each line of the history was made, as far as it is known.
    pub fn timing(&self) -> &[TimingLine] {
        &self.timing
    }

    /// Its weights and how to use them. Files of versions that wrote weights only are used as the record says.
    ///
    /// # Errors
    /// [`ExportError::Weights`] where there are none yet, the file is not the one that its record names, or nothing says how its inputs were made of
    /// images; [`ExportError::Model`] where the file is damaged.
    pub fn model(&self) -> Result<TrainedModel, ExportError> {
        let path = weights_file(&self.folder, &self.record)?;
        match TrainedModel::load(&path) {
            Err(ModelError::NoUsage { .. }) => Ok(TrainedModel::load_as(&path, self.recorded_usage()?)?),
            loaded => Ok(loaded?),
        }
    }

    /// Its network's tensors, whatever they are used for.
    ///
    /// # Errors
    /// As [`RecordedRun::model`], but for what is not known of their use.
    pub fn tensors(&self) -> Result<Vec<NamedTensor>, ExportError> {
        let path = weights_file(&self.folder, &self.record)?;
        let bytes = fs::read(&path).map_err(ExportError::io("reading weights from", &path))?;
        let (weights, ..) = TrainedModel::from_bytes(&bytes).map_err(|reason| reason.at(&path))?;
        Ok(weights.tensors)
    }

    /// How the weights are used, by the record of a version whose weights files did not say it.
    fn recorded_usage(&self) -> Result<Usage, ExportError> {
        let wrong = |reason: String| ExportError::Weights { run: self.folder.clone(), reason };
        let parameters = &self.record.hyperparameters;
        let activation = match parameters.get("activation").and_then(|name| name.as_str()) {
            Some(name) => {
                Activation::from_name(name).ok_or_else(|| wrong(format!("its activation {name:?} is unknown")))?
            }
            // A network without hidden layers has none.
            None => Activation::Relu,
        };
        let dropout = parameters.get("dropout").and_then(|value| value.as_f64()).unwrap_or(0.0) as f32;
        let pixels = &self.record.dataset.pixels;
        let is_normalised = parameters.get("normalise").and_then(|value| value.as_bool()).unwrap_or(false);
        let (mean, deviation) = match pixels {
            Some(pixels) => (pixels.mean.clone(), pixels.deviation.clone()),
            None if is_normalised => {
                return Err(wrong(
                    "its pixels were normalised, and a version wrote it that kept neither means nor deviations: train it again".into(),
                ));
            }
            None => (vec![0.0; FIRST_IMAGES[0]], vec![1.0; FIRST_IMAGES[0]]),
        };
        let classes = self.record.dataset.classes.clone();
        let transform = InputTransform::Pixels { mean, deviation };
        // There was no other then.
        let precision = Precision::F32;
        Ok(Usage { activation, dropout, input: FIRST_IMAGES.to_vec(), classes, transform, precision })
    }
}

/// The weights file of the run in `folder`, which is the one that its record names.
///
/// # Errors
/// [`ExportError::Weights`] where the record names none yet, or the file is another one; [`ExportError::Io`] where it cannot be read.
pub fn weights_file(folder: &Path, record: &Record) -> Result<PathBuf, ExportError> {
    let wrong = |reason: String| ExportError::Weights { run: folder.to_owned(), reason };
    let Some(model) = &record.model else {
        let stands = RunState::of(folder).in_words();
        let reason = format!("it has no weights file yet: {stands}, and one is written at the end of training");
        return Err(wrong(reason));
    };
    let path = folder.join(&model.file);
    let found = strata_files::hexadecimal(&sha256_of(&path)?);
    match found == model.sha256 {
        true => Ok(path),
        false => Err(wrong(format!(
            "{} is not the file that its record names: its SHA-256 is {found}, the record has {}",
            model.file, model.sha256
        ))),
    }
}

fn sha256_of(path: &Path) -> Result<Vec<u8>, ExportError> {
    let failed = |source| ExportError::Io { action: "reading weights from", path: path.to_owned(), source };
    let mut file = strata_files::open_regular(path, u64::MAX).map_err(failed)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&piece[..read]),
        }
    }
}
