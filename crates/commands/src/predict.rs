//! `predict`: classes of image files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::json;
use strata_experiment::{ClassProbability, ImageClassifier, find_run};
use strata_files::{IMAGE_ENDINGS, ImageFiles, escape_path};

use crate::output::{show, show_part};

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The run, by folder or name, or a weights file.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// PNG, JPEG, WebP, GIF and BMP files of any size; of folders, those in them and in the folders below.
    #[arg(value_name = "IMAGE", required = true, num_args = 1..)]
    images: Vec<PathBuf>,
    /// How many classes to show, the likeliest first.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Write a JSON list with an object an image: `file`, `classes` (`class`, `label`, `probability`), or `error`.
    #[arg(long)]
    json: bool,
    /// The folder of all runs' folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
}

/// Classifies each image and shows it at once, as long as somebody reads; one that cannot be read is told of, and is an error at the end.
pub(crate) fn predict(asked: &Predict) -> anyhow::Result<()> {
    let is_file = asked.run.extension().is_some_and(|end| end == "safetensors") && asked.run.is_file();
    let run = if is_file { asked.run.clone() } else { find_run(&asked.run, &asked.runs)? };
    let classifier = ImageClassifier::open(&run)?;
    let (mut failed, mut count) = (0usize, 0usize);
    let mut reader = ControlFlow::Continue(());
    'all: for path in &asked.images {
        let files = match files(path) {
            Ok(files) => files.into_iter().map(|file| (file, None)).collect(),
            Err(error) => vec![(path.clone(), Some(error))],
        };
        for (file, error) in files {
            let found = match error {
                Some(error) => Err(error),
                None => classifier.classify(&file).map_err(anyhow::Error::from),
            };
            failed += usize::from(found.is_err());
            let before = if count == 0 { "[\n" } else { ",\n" };
            count += 1;
            match (asked.json, found) {
                (true, found) => reader = show_part(&format!("{before}{}", in_json(&file, found, asked.top.into())))?,
                (false, Ok(classes)) => reader = show_part(&in_words(&file, &classes, asked.top.into()))?,
                (false, Err(error)) => strata_cli::note(&format!("left out: {error:#}")),
            }
            if reader.is_break() {
                break 'all;
            }
        }
    }
    if asked.json {
        show("\n]\n")?;
    }
    match failed {
        0 => Ok(()),
        _ => bail!("{failed} of {count} could not be classified"),
    }
}

/// The image files that a path means: itself, or those in a folder and below, by name.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = ImageFiles::below(path)?.images;
    if found.is_empty() {
        bail!("{}: no {} file in this folder or below", escape_path(path), IMAGE_ENDINGS.join(", "));
    }
    Ok(found)
}

fn in_words(file: &Path, classes: &[ClassProbability], top: usize) -> String {
    let class = |class: &ClassProbability| format!("{} {:.4}", class.class, class.probability);
    format!("{}: {}\n", escape_path(file), classes.iter().take(top).map(class).collect::<Vec<_>>().join(", "))
}

fn in_json(file: &Path, found: anyhow::Result<Vec<ClassProbability>>, top: usize) -> String {
    let file = file.to_string_lossy();
    let object = match found {
        Ok(classes) => {
            let class = |class: &ClassProbability| json!({"class": class.class, "label": class.label, "probability": class.probability});
            json!({"file": file, "classes": classes.iter().take(top).map(class).collect::<Vec<_>>()})
        }
        Err(error) => json!({"file": file, "error": format!("{error:#}")}),
    };
    object.to_string()
}
