//! The page of a run, `report.html` in its folder: at its end of what was just evaluated, later of its files.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strata_config::Config;
use strata_dataset::{DataFolder, Images};
use strata_export::{RecordedRun, weights_file};
use strata_files::{is_temporary, write_atomically};
use strata_metrics::{Outputs, SampleResult};
use strata_model::{InputTransform, ModelError, Predictor, TrainedModel};
use strata_pages::{
    ComparePage, ComparedRun, FileOfRun, FirstLayer, InputBasis, RunPage, TestImages, Tested, UncommittedChange,
    WeightTensor,
};
use strata_report::{HistoryEntry, Record, ReportError, RunFolder, read_change, read_notes};
use strata_trainer::TrainError;

use crate::evaluation::{self, evaluate_in};
use crate::run::Parts;
use crate::{Display, ExperimentError, ImagePart, Stop, compare, data, hyperparameters};

/// The page's name in the run's folder.
const PAGE: &str = "report.html";
/// Why a page shows no test images where the config looks for a recipe.
pub(crate) const UNSEEN: &str = "the run's config leaves them unseen (evaluation.test = false)";
/// The most files that a page links to.
const FILES: usize = 200;

/// The test images and what became of each.
#[derive(Debug)]
pub(crate) struct TestedImages {
    classes: Vec<String>,
    results: Vec<SampleResult>,
    images: Arc<Images>,
}

impl TestedImages {
    /// Of the run that `parts` trained, whose weights are in `folder`: `results` as the test gave them; where it kept none, as on a card, they are made again.
    pub(crate) fn of(
        folder: &RunFolder,
        config: &Config,
        parts: &Parts,
        results: Option<Vec<SampleResult>>,
        stop: &Stop,
    ) -> Result<Self, ExperimentError> {
        let images = Arc::clone(&parts.dataset.test);
        let results = match results.filter(|results| results.len() == images.len()) {
            Some(results) => results,
            None => {
                let predictor = Predictor::load(&folder.model_path()).map_err(TrainError::from)?;
                let batch = config.dataset.evaluation_batch.get();
                parts.threads.run(|| classify(&predictor, &images, batch, stop)).map_err(TrainError::from)?
            }
        };
        Ok(Self { classes: parts.dataset.classes.clone(), results, images })
    }
}

/// What becomes of each of `images`, `batch` at a time; of fewer where it is asked to stop.
fn classify(
    predictor: &Predictor,
    images: &Images,
    batch: usize,
    stop: &Stop,
) -> Result<Vec<SampleResult>, ModelError> {
    let (values, classes) = (images.shape().values(), images.classes());
    let mut results = Vec::new();
    for (pixels, labels) in images.pixels().chunks(batch * values).zip(images.labels().chunks(batch)) {
        if stop.is_requested() {
            break;
        }
        let logits = predictor.logits(&predictor.features(pixels)?)?;
        results.extend(Outputs { logits: &logits, labels, classes }.samples().map(|sample| sample.result()));
    }
    Ok(results)
}

/// Makes the page of the run in the folder `run` again from its files, `report.html` in it, whatever the run's state; gives its path. The test images are those in `data`, else where
/// the run had them. Where they cannot be had or the run has no weights, the page says so and shows the rest.
///
/// # Errors
/// [`ExperimentError::Export`] and [`ExperimentError::Report`] where the record or the history cannot be read or the page not be written;
/// [`ExperimentError::InterruptedEarly`] where it was asked to stop.
pub fn write_page(
    run: &Path,
    data: Option<&Path>,
    display: &mut Display,
    stop: &Stop,
) -> Result<PathBuf, ExperimentError> {
    let recorded = RecordedRun::open(run)?;
    let folder = match (data, &recorded.record().dataset.folder) {
        // Where the images are gone from it, nothing is fetched to it.
        (None, Some(folder)) => DataFolder::Existing(folder.into()),
        (named, _) => data::named(named),
    };
    let evaluated = evaluation::RecordedRun::read(run).and_then(|found| match found.config.evaluation.test {
        true => evaluate_in(&found, ImagePart::Test, &folder, display, stop).map(Some),
        false => Ok(None),
    });
    let tested = match evaluated {
        Ok(Some((evaluation, dataset))) => {
            let (classes, results) = (evaluation.classes, evaluation.results);
            Ok(TestedImages { classes, results, images: dataset.test })
        }
        Ok(None) => Err(UNSEEN.to_owned()),
        Err(ExperimentError::InterruptedEarly) => return Err(ExperimentError::InterruptedEarly),
        Err(error) => Err(error.to_string()),
    };
    write(run, &html(run, recorded.record(), recorded.history(), &tested))?;
    Ok(run.join(PAGE))
}

/// Writes the page that sets runs side by side, each by its folder and its record, into the file `path`.
///
/// # Errors
/// [`ExperimentError::Report`] where it cannot be written.
pub fn write_comparison(runs: &[(PathBuf, Record)], path: &Path) -> Result<(), ExperimentError> {
    let records: Vec<Record> = runs.iter().map(|(_, record)| record.clone()).collect();
    let comparison = compare(&records);
    // In the comparison's order, in which the best run is the first.
    let places: HashMap<&str, usize> =
        comparison.names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let place = |record: &Record| {
        let both = format!("{} {}", record.name, record.id);
        places.get(record.name.as_str()).or_else(|| places.get(both.as_str())).copied().unwrap_or(usize::MAX)
    };
    let mut ordered: Vec<&(PathBuf, Record)> = runs.iter().collect();
    ordered.sort_by_key(|(_, record)| place(record));
    let config =
        |run: &Path| String::from_utf8_lossy(&std::fs::read(run.join("config.toml")).unwrap_or_default()).into_owned();
    let configs: Vec<String> = ordered.iter().map(|(run, _)| config(run)).collect();
    let changes: Vec<_> = ordered.iter().map(|(run, record)| changes(run, record)).collect();
    let compared = ordered.iter().zip(&configs).zip(&changes);
    let compared =
        compared.map(|(((_, record), config), changes)| ComparedRun { history: &record.history, config, changes });
    let compared: Vec<ComparedRun<'_>> = compared.collect();
    let config_keys: Vec<String> =
        records.iter().flat_map(hyperparameters).map(|one| one.name).collect::<BTreeSet<_>>().into_iter().collect();
    let page = ComparePage { comparison: &comparison, runs: &compared, config_keys: &config_keys };
    Ok(write_html(path, &page.html())?)
}

/// Writes the page of the run in the folder `run`.
pub(crate) fn write(run: &Path, html: &str) -> Result<(), ReportError> {
    write_html(&run.join(PAGE), html)
}

/// Writes a page, whole or not at all.
fn write_html(path: &Path, html: &str) -> Result<(), ReportError> {
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
    let image = |index: usize| tested.as_ref().ok().map(|tested| tested.images.image(index).to_vec());
    let tested = tested.as_ref().map_err(Clone::clone).map(|tested| {
        let shape = tested.images.shape();
        let images = Ok(TestImages { shape: [shape.channels, shape.height, shape.width], image: &image });
        Tested { classes: &tested.classes, results: &tested.results, images }
    });
    RunPage {
        record,
        history,
        // What cannot be read of them, `note` says.
        notes: &read_notes(run).unwrap_or_default(),
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
fn changes(run: &Path, record: &Record) -> Vec<UncommittedChange> {
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
        InputTransform::Pixels { deviation, .. } => InputBasis::Pixels { deviation },
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
    found.truncate(FILES);
    found
}
