//! The page of a run, `report.html` in its folder.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use strata_dataset::Images;
use strata_export::weights_file;
use strata_files::{is_temporary, write_atomically};
use strata_metrics::{Outputs, SampleResult};
use strata_model::{InputTransform, Predictor, TrainedModel};
use strata_pages::{FileOfRun, FirstLayer, InputBasis, RunPage, TestImages, Tested, UncommittedChange, WeightTensor};
use strata_report::{HistoryEntry, Record, ReportError, RunFolder, read_change, read_notes};
use strata_trainer::{Threads, TrainError};

use crate::data::inputs_and_labels;
use crate::{ExperimentError, Stop};

/// The page's name in the run's folder.
pub(crate) const PAGE: &str = "report.html";
/// Why a page shows no test images where the config looks for a recipe.
pub(crate) const UNSEEN: &str = "the run's config leaves them unseen (evaluation.test = false)";

/// The test images and what became of each.
#[derive(Debug)]
pub(crate) struct TestedImages {
    pub(crate) classes: Vec<String>,
    pub(crate) results: Vec<SampleResult>,
    pub(crate) images: Arc<Images>,
}

impl TestedImages {
    /// `results` as the test of `images` gave them; where it kept none, as on a card, they are made again by the weights in `folder`, `batch` images at a time.
    pub(crate) fn of(
        folder: &RunFolder,
        classes: &[String],
        images: &Arc<Images>,
        results: Option<Vec<SampleResult>>,
        (batch, threads, stop): (usize, &Threads, &Stop),
    ) -> Result<Self, ExperimentError> {
        let results = match results.filter(|results| results.len() == images.len()) {
            Some(results) => results,
            None => {
                let predictor = Predictor::load(&folder.model_path()).map_err(TrainError::from)?;
                threads.run(|| classify(&predictor, images, batch, stop))?
            }
        };
        Ok(Self { classes: classes.to_vec(), results, images: Arc::clone(images) })
    }
}

/// What becomes of each of `images`, `batch` at a time; of fewer where it is asked to stop.
fn classify(
    predictor: &Predictor,
    images: &Images,
    batch: usize,
    stop: &Stop,
) -> Result<Vec<SampleResult>, ExperimentError> {
    let mut results = Vec::new();
    for start in (0..images.len()).step_by(batch).take_while(|_| !stop.is_requested()) {
        let samples: Vec<u32> = (start..(start + batch).min(images.len())).map(|index| index as u32).collect();
        let (inputs, labels) = inputs_and_labels(predictor, images, &samples)?;
        let logits = predictor.logits(&inputs).map_err(TrainError::from)?;
        let outputs = Outputs { logits: &logits, labels: &labels, classes: images.classes() };
        results.extend(outputs.samples().map(|sample| sample.result()));
    }
    Ok(results)
}

/// Writes the page of the run in the folder `run`.
pub(crate) fn write(run: &Path, html: &str) -> Result<(), ReportError> {
    write_html(&run.join(PAGE), html)
}

/// Writes a page, whole or not at all.
pub(crate) fn write_html(path: &Path, html: &str) -> Result<(), ReportError> {
    let written = write_atomically(path, |file| file.write_all(html.as_bytes()));
    written.map_err(|source| ReportError::Io { action: "write the file", path: path.to_owned(), source })
}

/// The page of the run in the folder `run`, of its files and of what its caller knows better than they.
pub(crate) fn html(
    run: &Path,
    record: &Record,
    history: &[HistoryEntry],
    tested: &Result<TestedImages, String>,
) -> String {
    let config_path = run.join("config.toml");
    let config = std::fs::read(&config_path).unwrap_or_default();
    let model = weights_file(run, record).map_err(|error| error.to_string());
    let model = model.and_then(|path| TrainedModel::load(&path).map_err(|error| error.to_string()));
    let tensors: Vec<WeightTensor<'_>> = model.iter().flat_map(|model| &model.weights().tensors).map(tensor).collect();
    let image = |index: usize| tested.as_ref().ok()?.images.picture(index).ok().map(Cow::into_owned);
    let tested = tested.as_ref().map_err(Clone::clone).map(|tested| {
        let shape = tested.images.shape();
        let images = Ok(TestImages { shape: [shape.channels, shape.height, shape.width], image: &image });
        Tested { classes: &tested.classes, results: &tested.results, images }
    });
    let notes = read_notes(run);
    RunPage {
        record,
        history,
        notes: notes.as_ref().map_err(ToString::to_string),
        config: &String::from_utf8_lossy(&config),
        config_path: &config_path.to_string_lossy(),
        changes: &changes(run, record),
        files: &files(run),
        tested,
        weights: model.as_ref().map(|_| tensors.as_slice()).map_err(Clone::clone),
        first_layer: model.as_ref().ok().and_then(first_layer),
    }
    .html()
}

/// The uncommitted changes of a run's parts, each once; what is gone is left out.
pub(crate) fn changes(run: &Path, record: &Record) -> Vec<UncommittedChange> {
    let parts = record.known_parts();
    let named: BTreeSet<&String> = parts.iter().filter_map(|part| part.environment.change.as_ref()).collect();
    let read = |file: &String| Some(UncommittedChange { file: file.clone(), text: read_change(run, file).ok()? });
    named.into_iter().filter_map(read).collect()
}

fn tensor(tensor: &strata_model::NamedTensor) -> WeightTensor<'_> {
    WeightTensor { name: &tensor.name, shape: &tensor.shape, values: &tensor.values }
}

/// The first layer's weights, where its inputs are those that images became.
fn first_layer(model: &TrainedModel) -> Option<FirstLayer<'_>> {
    let usage = model.usage();
    let &[channels, height, width] = usage.input.as_slice() else { return None };
    let inputs = match &usage.transform {
        InputTransform::None => return None,
        // A row of features is no picture.
        InputTransform::Values { deviation, .. } if deviation.len() != channels || height * width == 1 => return None,
        InputTransform::Pixels { deviation, .. } | InputTransform::Values { deviation, .. } => {
            InputBasis::Pixels { deviation }
        }
        InputTransform::Frequencies { frequencies, factor, .. } => InputBasis::Frequencies { frequencies, factor },
    };
    let weight = model.weights().tensors.iter().find(|tensor| tensor.name == "layer1.weight")?;
    Some(FirstLayer { weights: &weight.values, image: [channels, height, width], inputs })
}

/// The files of a run's folder and of the folders in it, but for its lock and the page itself. The record is written again after the page, so its size is not known.
fn files(run: &Path) -> Vec<FileOfRun> {
    let mut found = Vec::new();
    let mut gather = |folder: &Path, before: &str| -> Vec<String> {
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (name, Ok(metadata)) = (entry.file_name(), entry.metadata()) else { continue };
            if is_temporary(&name) || name == "lock" || name == PAGE {
                continue;
            }
            let name = format!("{before}{}", name.to_string_lossy());
            match metadata.is_dir() {
                true => folders.push(name),
                false => found.push(FileOfRun { bytes: (name != "record.json").then_some(metadata.len()), name }),
            }
        }
        folders
    };
    for below in gather(run, "") {
        gather(&run.join(&below), &format!("{below}/"));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}
