//! What saving and loading takes, and the parts of it.

use std::path::PathBuf;

use clap::Args;
use sha2::{Digest, Sha256};
use strata_files::write_atomically;
use strata_model::TrainedModel;
use strata_rng::TorchRng;
use strata_trainer::{Checkpoint, CheckpointHistory, Elapsed, Progress};

use crate::measure::{head, row, short, typical};
use crate::networks::{self, ADAM, SGD};
use crate::options::{Network, Timing};
use crate::weights::as_model;

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    network: Network,
    /// The folder in which the files are written, and removed; it decides which disk is timed. By default the system's temporary folder.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.timing.threads.start()?;
    let folder = match &options.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let network = options.network.network()?;
    let seconds = options.timing.seconds;
    let path = folder.path().join("model.safetensors");
    head(&["what", "MB", "ms", "MB/s"]);
    let tell = |what: &str, bytes: usize, seconds: f64| {
        let megabytes = bytes as f64 / 1e6;
        row(&[what.to_owned(), format!("{megabytes:.1}"), short(seconds * 1e3), format!("{:.0}", megabytes / seconds)]);
    };

    let mut classifier = networks::classifier(&network, SGD)?;
    let size = 4 * networks::parameters(&network.widths);
    tell("copying the weights", size, time(seconds, || Ok(classifier.snapshot()?))?);
    let (weights, _) = classifier.snapshot()?;
    let model = as_model(weights)?;
    let bytes = model.to_bytes()?;
    tell("their SHA-256", bytes.len(), time(seconds, || Ok(Sha256::digest(&bytes)))?);
    let write = || Ok(write_atomically(&path, |file| file.write_all(&bytes))?);
    tell("writing and syncing so many bytes", bytes.len(), time(seconds, write)?);
    tell("saving weights", bytes.len(), time(seconds, || Ok(model.save(&path)?))?);
    tell("loading weights", bytes.len(), time(seconds, || Ok(TrainedModel::load(&path)?))?);

    for (name, optimizer) in [("SGD", SGD), ("Adam", ADAM)] {
        let mut classifier = networks::classifier(&network, optimizer)?;
        let progress = Progress::new(&TorchRng::new(43));
        let (weights, optimizer) = classifier.snapshot()?;
        let architecture = weights.architecture.clone();
        let (history, elapsed) = (CheckpointHistory::None, Elapsed::default());
        let checkpoint = Checkpoint { run: "bench".into(), progress, history, elapsed, weights, optimizer };
        let save = time(seconds, || Ok(checkpoint.save(&path)?))?;
        let size = usize::try_from(std::fs::metadata(&path)?.len())?;
        tell(&format!("saving a checkpoint, {name}"), size, save);
        let load = time(seconds, || Ok(Checkpoint::load(&path, "bench", &architecture)?))?;
        tell(&format!("loading a checkpoint, {name}"), size, load);
    }
    Ok(())
}

/// Seconds of `work`, what it gives dropped within them.
fn time<T>(seconds: f64, mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let work = |()| {
        std::hint::black_box(work()?);
        Ok(())
    };
    typical(seconds, || (), work)
}
