//! Pages made of the files of runs: that of one run again, and that which sets several side by side.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use strata_export::RecordedRun;
use strata_pages::{ComparePage, ComparedRun, SweptKeys};
use strata_report::Record;

use crate::evaluation::{self, evaluate_in};
use crate::page::{PAGE, TestedImages, UNSEEN, changes, html, write, write_html};
use crate::{Display, ExperimentError, ImagePart, Stop, compare, data, hyperparameters};

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
    let folder = data::named_or_recorded(data, recorded.record().dataset.folder.as_deref().map(Path::new));
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

/// Writes the page that sets runs side by side, each by its folder and its record, into the file `path`; of a sweep's runs with the keys that it `swept`.
///
/// # Errors
/// [`ExperimentError::Report`] where it cannot be written.
pub fn write_comparison(
    runs: &[(PathBuf, Record)],
    swept: Option<SweptKeys<'_>>,
    path: &Path,
) -> Result<(), ExperimentError> {
    let records: Vec<Record> = runs.iter().map(|(_, record)| record.clone()).collect();
    let comparison = compare(&records);
    // In the comparison's order, in which the best run is the first.
    let ordered: Vec<&(PathBuf, Record)> = comparison.places.iter().filter_map(|place| runs.get(*place)).collect();
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
    let page = ComparePage { comparison: &comparison, runs: &compared, config_keys: &config_keys, swept };
    Ok(write_html(path, &page.html())?)
}
