//! The check of each section, and of what holds between keys.

use std::num::NonZeroUsize;
use std::path::Path;

use strata_files::without_credentials;
use toml::Spanned;

use strata_spec::ranges::{self, Integers};
use strata_spec::{
    Activation, DatasetKind, DatasetSpec, DeviceChoice, EarlyStopping, Metric, OptimizerKind, OptimizerSpec, Phase,
    RngScheme,
};

use crate::architectures::Widths;
use crate::check::{Check, valid_name};
use crate::error::ConfigError;
use crate::experiment::{Checkpointing, DatasetConfig, Experiment, ModelConfig};
use crate::limits::MAX_URL;
use crate::raw::{RawConfig, RawDataset, RawEarlyStopping, RawModel, RawOptimizer, RawPhase};

type Result<T> = std::result::Result<T, ConfigError>;

impl Check<'_> {
    pub(crate) fn experiment(&self, raw: RawConfig, origin: &Path) -> Result<Experiment> {
        let name = match raw.name {
            Some(name) if !valid_name(name.get_ref()) => return Err(self.wrong("name", &name)),
            Some(name) => name.into_inner(),
            None => default_name(origin),
        };
        let device = match &raw.device {
            Some(device) => device.get_ref().parse().map_err(|_| self.wrong("device", device))?,
            None => DeviceChoice::Auto,
        };
        let dataset = self.dataset(&raw.dataset)?;
        Ok(Experiment {
            name,
            seed: self.seed("seed", raw.seed.as_ref())?,
            rng: self.choice("rng", raw.rng.as_ref(), |_| true, RngScheme::Torch)?,
            device,
            threads: self.non_zero("threads", raw.threads.as_ref(), ranges::THREADS)?,
            model: self.model(&raw.model, &dataset.kind)?,
            dataset,
            optimizer: self.optimizer(&raw.optimizer)?,
            phases: self.phases(raw.phases.as_ref())?,
            early_stopping: raw.early_stopping.as_ref().map(|raw| self.early_stopping(raw)).transpose()?,
            checkpoint: Checkpointing {
                every_steps: self.non_zero(
                    "checkpoint.every_steps",
                    raw.checkpoint.every_steps.as_ref(),
                    ranges::STEPS,
                )?,
            },
        })
    }

    fn non_zero(&self, key: &str, value: Option<&Spanned<i64>>, range: Integers) -> Result<Option<NonZeroUsize>> {
        value.map(|value| self.size(key, value, range)).transpose().map(|size| size.and_then(NonZeroUsize::new))
    }

    fn dataset(&self, raw: &RawDataset) -> Result<DatasetConfig> {
        if raw.kind.is_none() {
            return Err(self.missing("dataset.kind"));
        }
        let name = self.choice("dataset.kind", raw.kind.as_ref(), |_| true, DatasetKind::Cifar10)?;
        let kind = match name {
            DatasetKind::Cifar10 => {
                for (key, value) in [("train", &raw.train), ("test", &raw.test), ("seed", &raw.seed)] {
                    self.refuse("dataset", key, value.as_ref(), name, "synthetic")?;
                }
                self.cifar10(raw)?
            }
            DatasetKind::Synthetic => {
                for (key, value) in [("url", &raw.url), ("sha256", &raw.sha256)] {
                    self.refuse("dataset", key, value.as_ref(), name, "cifar10")?;
                }
                let size = |key, value: &Option<Spanned<i64>>, default| {
                    value.as_ref().map_or(Ok(default), |value| self.size(key, value, ranges::SYNTHETIC))
                };
                let train = size("dataset.train", &raw.train, 5_000)?;
                let test = size("dataset.test", &raw.test, 1_000)?;
                let seed = self.seed("dataset.seed", raw.seed.as_ref())?;
                DatasetSpec::Synthetic { train, test, seed }
            }
        };
        let available = i64::try_from(kind.train_images()).unwrap_or(i64::MAX);
        let validation = match &raw.validation {
            Some(value) => {
                self.size("dataset.validation", value, Integers { least: 1, most: available - 1 }).map_err(|_| {
                    let message = format!(
                        "expected an integer from 1 to {}, since {available} images are there to split",
                        available - 1
                    );
                    self.document.wrong(value.span(), "dataset.validation", message)
                })?
            }
            None => usize::try_from(available / 10).unwrap_or(1),
        };
        let batch = self.non_zero("dataset.batch", raw.batch.as_ref(), ranges::BATCH)?;
        let batch = batch.unwrap_or(NonZeroUsize::MIN.saturating_add(127));
        let evaluation_batch =
            self.non_zero("dataset.evaluation_batch", raw.evaluation_batch.as_ref(), ranges::EVALUATION_BATCH)?;
        Ok(DatasetConfig {
            kind,
            validation,
            batch,
            evaluation_batch: evaluation_batch.unwrap_or(batch.saturating_add(batch.get())),
            normalise: raw.normalise.unwrap_or(false),
        })
    }

    fn cifar10(&self, raw: &RawDataset) -> Result<DatasetSpec> {
        let url = match &raw.url {
            Some(url) => {
                let text = url.get_ref();
                let bare = without_credentials(text);
                let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| bare.strip_prefix(scheme));
                let whole = rest.is_some_and(|rest| !rest.is_empty());
                if !whole || text.len() > MAX_URL || text.chars().any(char::is_control) {
                    return Err(self.wrong("dataset.url", url));
                }
                text.clone()
            }
            None => DatasetSpec::CIFAR10_URL.to_owned(),
        };
        let sha256 = match &raw.sha256 {
            Some(sum) if sum.get_ref().len() == 64 && sum.get_ref().bytes().all(|b| b.is_ascii_hexdigit()) => {
                sum.get_ref().to_ascii_lowercase()
            }
            Some(sum) => return Err(self.wrong("dataset.sha256", sum)),
            None => DatasetSpec::CIFAR10_SHA256.to_owned(),
        };
        Ok(DatasetSpec::Cifar10 { url, sha256 })
    }

    /// A key of another kind would be without effect: it is an error that names the kinds that take it.
    fn refuse<T>(
        &self,
        section: &str,
        key: &str,
        value: Option<&Spanned<T>>,
        kind: impl std::fmt::Display,
        takers: &str,
    ) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        let message = format!("{section}.kind is {kind}, which has no `{key}`; {takers} takes it");
        Err(self.document.wrong(value.span(), &format!("{section}.{key}"), message))
    }

    fn model(&self, raw: &RawModel, dataset: &DatasetSpec) -> Result<ModelConfig> {
        let key = "model.hidden";
        let list = raw.hidden.as_ref().ok_or_else(|| self.missing(key))?;
        if list.get_ref().len() > ranges::HIDDEN_LAYERS {
            return Err(self.wrong(key, list));
        }
        let hidden: Widths =
            list.get_ref().iter().map(|width| self.size(key, width, ranges::WIDTH)).collect::<Result<_>>()?;
        let mut parameters = 0;
        let mut inputs = dataset.inputs() as u64;
        for width in hidden.iter().chain([&dataset.classes()]).map(|width| *width as u64) {
            parameters += (inputs + 1) * width;
            inputs = width;
        }
        if parameters > ranges::PARAMETERS {
            let message = format!(
                "makes {parameters} parameters; at most {} (4 GB) are taken: narrow a layer",
                ranges::PARAMETERS
            );
            return Err(self.document.wrong(list.span(), key, message));
        }
        Ok(ModelConfig {
            hidden,
            activation: self.choice(
                "model.activation",
                raw.activation.as_ref(),
                |choice| choice != Activation::Identity,
                Activation::Relu,
            )?,
            dropout: self.number("model.dropout", raw.dropout.as_ref(), 0.0, ranges::DROPOUT)?,
        })
    }

    fn optimizer(&self, raw: &RawOptimizer) -> Result<OptimizerSpec> {
        let name = self.choice("optimizer.kind", raw.kind.as_ref(), |_| true, OptimizerKind::Sgd)?;
        let decay = if matches!(name, OptimizerKind::AdamW) { 0.01 } else { 0.0 };
        let weight_decay =
            self.number("optimizer.weight_decay", raw.weight_decay.as_ref(), decay, ranges::WEIGHT_DECAY)?;
        if matches!(name, OptimizerKind::Sgd) {
            self.refuse("optimizer", "betas", raw.betas.as_ref(), OptimizerKind::Sgd, "adam and adamw")?;
            self.refuse("optimizer", "eps", raw.eps.as_ref(), OptimizerKind::Sgd, "adam and adamw")?;
            let momentum = self.number("optimizer.momentum", raw.momentum.as_ref(), 0.0, ranges::MOMENTUM)?;
            let nesterov = raw.nesterov.as_ref().is_some_and(|nesterov| *nesterov.get_ref());
            if let Some(value) = raw.nesterov.as_ref().filter(|_| nesterov && momentum == 0.0) {
                let message = "needs optimizer.momentum above 0, as in momentum = 0.9";
                return Err(self.document.wrong(value.span(), "optimizer.nesterov", message));
            }
            return Ok(OptimizerSpec::Sgd { momentum, nesterov, weight_decay });
        }
        self.refuse("optimizer", "momentum", raw.momentum.as_ref(), name, "sgd")?;
        self.refuse("optimizer", "nesterov", raw.nesterov.as_ref(), name, "sgd")?;
        let betas = match &raw.betas {
            Some(list) => match list.get_ref().as_slice() {
                [first, second] => {
                    let beta = |value| self.number("optimizer.betas", Some(value), 0.0, ranges::BETA);
                    [beta(first)?, beta(second)?]
                }
                _ => return Err(self.wrong("optimizer.betas", list)),
            },
            None => [0.9, 0.999],
        };
        let eps = self.number("optimizer.eps", raw.eps.as_ref(), 1e-8, ranges::EPS)?;
        Ok(match name {
            OptimizerKind::AdamW => OptimizerSpec::AdamW { betas, eps, weight_decay },
            _ => OptimizerSpec::Adam { betas, eps, weight_decay },
        })
    }

    fn phases(&self, raw: Option<&Spanned<Vec<Spanned<RawPhase>>>>) -> Result<Vec<Phase>> {
        let list = raw.ok_or_else(|| self.missing("phases"))?;
        if list.get_ref().is_empty() {
            return Err(self.wrong("phases", list));
        }
        if list.get_ref().len() > ranges::PHASES {
            let message = format!("{} phases; at most {} are taken", list.get_ref().len(), ranges::PHASES);
            return Err(self.document.fault(list.span(), Some("phases"), message));
        }
        let phases: Vec<Phase> =
            list.get_ref().iter().enumerate().map(|(index, raw)| self.phase(index, raw)).collect::<Result<_>>()?;
        let total: usize = phases.iter().map(|phase| phase.epochs).sum();
        if i64::try_from(total).is_ok_and(|total| ranges::EPOCHS.contains(total)) {
            return Ok(phases);
        }
        let message = format!("{total} epochs in all; at most {} are taken", ranges::EPOCHS.most);
        Err(self.document.fault(list.span(), Some("phases"), message))
    }

    fn phase(&self, index: usize, raw: &Spanned<RawPhase>) -> Result<Phase> {
        let place = |key: &str| format!("phases.{index}.{key}");
        let missing = |key: &str| {
            let message = format!("missing: expected {}", crate::keys::expects(&place(key)));
            self.document.fault(raw.span(), Some(&place(key)), message)
        };
        let epochs = raw.get_ref().epochs.as_ref().ok_or_else(|| missing("epochs"))?;
        let lr = raw.get_ref().lr.as_ref().ok_or_else(|| missing("lr"))?;
        Ok(Phase {
            epochs: self.size(&place("epochs"), epochs, ranges::EPOCHS)?,
            learning_rate: self.number(&place("lr"), Some(lr), 0.0, ranges::LEARNING_RATE)?,
        })
    }

    fn early_stopping(&self, raw: &Spanned<RawEarlyStopping>) -> Result<EarlyStopping> {
        let raw = raw.get_ref();
        let key = "early_stopping.patience";
        let patience = raw.patience.as_ref().ok_or_else(|| self.missing(key))?;
        Ok(EarlyStopping {
            metric: self.choice("early_stopping.metric", raw.metric.as_ref(), |_| true, Metric::ValLoss)?,
            patience: self.size(key, patience, ranges::EPOCHS)?,
            min_delta: self.number("early_stopping.min_delta", raw.min_delta.as_ref(), 0.0, ranges::MIN_DELTA)?,
        })
    }
}

/// The file's name without its ending, where that can name a run.
fn default_name(origin: &Path) -> String {
    let stem = origin.file_stem().and_then(|stem| stem.to_str()).filter(|stem| valid_name(stem));
    stem.unwrap_or("experiment").to_owned()
}
