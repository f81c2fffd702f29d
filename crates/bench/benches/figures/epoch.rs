//! A whole run as the program does it, and what of its epochs is not steps.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use strata_experiment::{CompiledNetwork, Config, Display, Runner, Stop};

use crate::clocked::{self, Call, Noted};
use crate::measure::{head, row, short};
use crate::networks;
use crate::options::{Network, OptimizerName, Threads};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    network: Network,
    /// Samples a step; evaluation takes twice as many.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// What updates the weights.
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: OptimizerName,
    /// Epochs, of which the table shows the mean.
    #[arg(long, default_value_t = 2)]
    epochs: usize,
    /// Synthetic training images, a tenth of them to validate on; where no data is named.
    #[arg(long, default_value_t = 50_000)]
    images: usize,
    /// The folder of CIFAR-10's files, instead of synthetic images.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The folder in which the run's folder is made, and removed; it decides which disk is timed. By default the system's temporary folder.
    #[arg(long)]
    runs: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    options.threads.start()?;
    let folder = match &options.runs {
        Some(runs) => tempfile::tempdir_in(runs)?,
        None => tempfile::tempdir()?,
    };
    let parts = Parts {
        dataset: match &options.data {
            Some(_) => "kind = \"cifar10\"\nvalidation = 5000".to_owned(),
            None => synthetic(options.images, options.images / 10),
        },
        widths: &options.network.widths,
        batch: options.batch,
        optimizer: options.optimizer,
        epochs: options.epochs,
    };
    train(&parts, options.data.as_deref(), folder.path())?;
    table(&clocked::take(), options.epochs)
}

/// What of a run's config differs between the benches.
pub(crate) struct Parts<'a> {
    /// The table's lines but the batch.
    pub(crate) dataset: String,
    pub(crate) widths: &'a str,
    pub(crate) batch: usize,
    pub(crate) optimizer: OptimizerName,
    pub(crate) epochs: usize,
}

/// A config's lines for so many synthetic images, as few as can be to test on.
pub(crate) fn synthetic(train: usize, validation: usize) -> String {
    format!("kind = \"synthetic\"\ntrain = {train}\ntest = 10\nvalidation = {validation}")
}

/// Runs an experiment in `folder` exactly as the program does, its calls noted.
pub(crate) fn train(parts: &Parts<'_>, data: Option<&Path>, folder: &Path) -> anyhow::Result<()> {
    let network = networks::network(parts.widths)?;
    let hidden = &network.widths[1..network.widths.len() - 1];
    let Parts { dataset, batch, epochs, .. } = parts;
    let optimizer = parts.optimizer.config();
    let text = format!(
        "name = \"bench\"\nseed = 43\n\n[dataset]\n{dataset}\nbatch = {batch}\n\n[model]\nhidden = {hidden:?}\n\n\
         [optimizer]\n{optimizer}\n\n[[phases]]\nepochs = {epochs}\nlr = 0.001\n"
    );
    let config = folder.join("bench.toml");
    std::fs::write(&config, text)?;
    let experiment = Config::read(&config, &[])?;
    clocked::wrap(network.build);
    let compiled = [CompiledNetwork { network: network.text, build: clocked::build }];
    let (stop, display) = (Stop::default(), Display::default());
    let mut runner = Runner {
        networks: &compiled,
        data: data.map(Path::to_owned),
        command: Vec::new(),
        commit: None,
        stop,
        display,
    };
    runner.start(&experiment, &folder.join("runs"), None)?;
    Ok(())
}

/// What an epoch consists of, in the order of its table.
const KINDS: [&str; 6] = [
    "training steps",
    "between training steps: waiting for batches, reading losses, display",
    "evaluation's steps",
    "between them: waiting for batches",
    "history, record, plots",
    "checkpoints: copies, checksums, files",
];

/// Adds up calls and the pauses between them, from the first training step to the last epoch's checkpoint.
fn table(noted: &[Noted], epochs: usize) -> anyhow::Result<()> {
    let is = |call| move |noted: &Noted| noted.0 == call;
    let first = noted.iter().position(is(Call::Training)).context("no step was noted")?;
    let mut seconds = [0.0; KINDS.len()];
    let mut snapshots = 0;
    for pair in noted[first..].windows(2) {
        let [(call, begin, end), (next, after, _)] = pair else { continue };
        let (spent, pause) = ((*end - *begin).as_secs_f64(), (*after - *end).as_secs_f64());
        let (own, then) = match (call, next) {
            (Call::Training, _) => (0, 1),
            (Call::TrainingScore, Call::Validation) => (1, 3),
            (Call::TrainingScore, _) => (1, 1),
            (Call::Validation, _) => (2, 3),
            (Call::ValidationScore, _) => (3, 4),
            (Call::Snapshot, _) => (5, 5),
        };
        seconds[own] += spent;
        seconds[then] += pause;
        snapshots += usize::from(*call == Call::Snapshot);
        if snapshots == epochs {
            break;
        }
    }
    anyhow::ensure!(snapshots == epochs, "{snapshots} checkpoints of {epochs} epochs were noted");
    let total: f64 = seconds.iter().sum();
    println!();
    head(&["part of an epoch", "s", "share"]);
    for (kind, seconds) in KINDS.iter().zip(seconds) {
        let each = seconds / epochs as f64;
        row(&[(*kind).to_owned(), short(each), format!("{:.2} %", 100.0 * seconds / total)]);
    }
    row(&["all".to_owned(), short(total / epochs as f64), "100 %".to_owned()]);
    Ok(())
}
