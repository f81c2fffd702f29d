//! The check of each section, and of what holds between keys.

use std::num::NonZeroUsize;
use std::path::Path;

use toml::Spanned;

use crate::architectures::Widths;
use crate::check::{Check, below_one, not_negative, positive, valid_name};
use crate::choice::{Activation, DatasetName, Metric, OptimizerName, RngScheme};
use crate::error::ConfigError;
use crate::experiment::{
    CIFAR10_SHA256, CIFAR10_URL, CLASSES, Checkpointing, DatasetConfig, DatasetKind, DeviceChoice, EarlyStopping,
    Experiment, ModelConfig, OptimizerConfig, PIXELS, Phase,
};
use crate::limits::{
    CIFAR10_TRAIN, MAX_BATCH, MAX_EPOCHS, MAX_EVALUATION_BATCH, MAX_LAYERS, MAX_PARAMETERS, MAX_PHASES, MAX_STEPS,
    MAX_SYNTHETIC, MAX_THREADS, MAX_URL, MAX_WIDTH,
};
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
        Ok(Experiment {
            name,
            seed: self.seed("seed", raw.seed.as_ref())?,
            rng: self.choice("rng", raw.rng.as_ref(), RngScheme::Torch)?,
            device,
            threads: self.non_zero("threads", raw.threads.as_ref(), MAX_THREADS)?,
            dataset: self.dataset(&raw.dataset)?,
            model: self.model(&raw.model)?,
            optimizer: self.optimizer(&raw.optimizer)?,
            phases: self.phases(raw.phases.as_ref())?,
            early_stopping: raw.early_stopping.as_ref().map(|raw| self.early_stopping(raw)).transpose()?,
            checkpoint: Checkpointing {
                every_steps: self.non_zero("checkpoint.every_steps", raw.checkpoint.every_steps.as_ref(), MAX_STEPS)?,
            },
        })
    }

    fn non_zero(&self, key: &str, value: Option<&Spanned<i64>>, most: i64) -> Result<Option<NonZeroUsize>> {
        value.map(|value| self.size(key, value, 1, most)).transpose().map(|size| size.and_then(NonZeroUsize::new))
    }

    fn dataset(&self, raw: &RawDataset) -> Result<DatasetConfig> {
        if raw.kind.is_none() {
            return Err(self.missing("dataset.kind"));
        }
        let name = self.choice("dataset.kind", raw.kind.as_ref(), DatasetName::Cifar10)?;
        let (kind, available) = match name {
            DatasetName::Cifar10 => {
                for (key, value) in [("train", &raw.train), ("test", &raw.test), ("seed", &raw.seed)] {
                    self.refuse("dataset", key, value.as_ref(), "cifar10", "synthetic")?;
                }
                (self.cifar10(raw)?, CIFAR10_TRAIN)
            }
            DatasetName::Synthetic => {
                for (key, value) in [("url", &raw.url), ("sha256", &raw.sha256)] {
                    self.refuse("dataset", key, value.as_ref(), "synthetic", "cifar10")?;
                }
                let size = |key, value: &Option<Spanned<i64>>, default| {
                    value.as_ref().map_or(Ok(default), |value| self.size(key, value, 10, MAX_SYNTHETIC))
                };
                let train = size("dataset.train", &raw.train, 5_000)?;
                let test = size("dataset.test", &raw.test, 1_000)?;
                let seed = self.seed("dataset.seed", raw.seed.as_ref())?;
                (DatasetKind::Synthetic { train, test, seed }, i64::try_from(train).unwrap_or(MAX_SYNTHETIC))
            }
        };
        let validation = match &raw.validation {
            Some(value) => self.size("dataset.validation", value, 1, available - 1).map_err(|_| {
                let message = format!(
                    "expected an integer from 1 to {}, since {available} images are there to split",
                    available - 1
                );
                self.document.wrong(value.span(), "dataset.validation", message)
            })?,
            None => usize::try_from(available / 10).unwrap_or(1),
        };
        let batch = self.non_zero("dataset.batch", raw.batch.as_ref(), MAX_BATCH)?;
        let batch = batch.unwrap_or(NonZeroUsize::MIN.saturating_add(127));
        let evaluation_batch =
            self.non_zero("dataset.evaluation_batch", raw.evaluation_batch.as_ref(), MAX_EVALUATION_BATCH)?;
        Ok(DatasetConfig {
            kind,
            validation,
            batch,
            evaluation_batch: evaluation_batch.unwrap_or(batch.saturating_add(batch.get())),
            normalise: raw.normalise.unwrap_or(false),
        })
    }

    fn cifar10(&self, raw: &RawDataset) -> Result<DatasetKind> {
        let url = match &raw.url {
            Some(url) => {
                let text = url.get_ref();
                let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| text.strip_prefix(scheme));
                let whole = rest.is_some_and(|rest| !rest.is_empty());
                if !whole || text.len() > MAX_URL || text.chars().any(char::is_control) {
                    return Err(self.wrong("dataset.url", url));
                }
                text.clone()
            }
            None => CIFAR10_URL.to_owned(),
        };
        let sha256 = match &raw.sha256 {
            Some(sum) if sum.get_ref().len() == 64 && sum.get_ref().bytes().all(|b| b.is_ascii_hexdigit()) => {
                sum.get_ref().to_ascii_lowercase()
            }
            Some(sum) => return Err(self.wrong("dataset.sha256", sum)),
            None => CIFAR10_SHA256.to_owned(),
        };
        Ok(DatasetKind::Cifar10 { url, sha256 })
    }

    /// A key of another kind would be without effect: it is an error that names the kinds that take it.
    fn refuse<T>(&self, section: &str, key: &str, value: Option<&Spanned<T>>, kind: &str, takers: &str) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        let message = format!("{section}.kind is {kind}, which has no `{key}`; {takers} takes it");
        Err(self.document.wrong(value.span(), &format!("{section}.{key}"), message))
    }

    fn model(&self, raw: &RawModel) -> Result<ModelConfig> {
        let key = "model.hidden";
        let list = raw.hidden.as_ref().ok_or_else(|| self.missing(key))?;
        if list.get_ref().len() > MAX_LAYERS {
            return Err(self.wrong(key, list));
        }
        let hidden: Widths =
            list.get_ref().iter().map(|width| self.size(key, width, 1, MAX_WIDTH)).collect::<Result<_>>()?;
        let mut parameters = 0;
        let mut inputs = PIXELS as u64;
        for width in hidden.iter().chain([&CLASSES]).map(|width| *width as u64) {
            parameters += (inputs + 1) * width;
            inputs = width;
        }
        if parameters > MAX_PARAMETERS {
            let message =
                format!("makes {parameters} parameters; at most {MAX_PARAMETERS} (4 GB) are taken: narrow a layer");
            return Err(self.document.wrong(list.span(), key, message));
        }
        Ok(ModelConfig {
            hidden,
            activation: self.choice("model.activation", raw.activation.as_ref(), Activation::Relu)?,
            dropout: self.number("model.dropout", raw.dropout.as_ref(), 0.0, below_one)?,
        })
    }

    fn optimizer(&self, raw: &RawOptimizer) -> Result<OptimizerConfig> {
        let name = self.choice("optimizer.kind", raw.kind.as_ref(), OptimizerName::Sgd)?;
        let decay = if matches!(name, OptimizerName::AdamW) { 0.01 } else { 0.0 };
        let weight_decay = self.number("optimizer.weight_decay", raw.weight_decay.as_ref(), decay, not_negative)?;
        if matches!(name, OptimizerName::Sgd) {
            self.refuse("optimizer", "betas", raw.betas.as_ref(), "sgd", "adam and adamw")?;
            self.refuse("optimizer", "eps", raw.eps.as_ref(), "sgd", "adam and adamw")?;
            let momentum = self.number("optimizer.momentum", raw.momentum.as_ref(), 0.0, below_one)?;
            let nesterov = raw.nesterov.as_ref().is_some_and(|nesterov| *nesterov.get_ref());
            if let Some(value) = raw.nesterov.as_ref().filter(|_| nesterov && momentum == 0.0) {
                let message = "needs optimizer.momentum above 0, as in momentum = 0.9";
                return Err(self.document.wrong(value.span(), "optimizer.nesterov", message));
            }
            return Ok(OptimizerConfig::Sgd { momentum, nesterov, weight_decay });
        }
        self.refuse("optimizer", "momentum", raw.momentum.as_ref(), name.as_str(), "sgd")?;
        self.refuse("optimizer", "nesterov", raw.nesterov.as_ref(), name.as_str(), "sgd")?;
        let betas = match &raw.betas {
            Some(list) => match list.get_ref().as_slice() {
                [first, second] => {
                    let beta = |value| self.number("optimizer.betas", Some(value), 0.0, below_one);
                    [beta(first)?, beta(second)?]
                }
                _ => return Err(self.wrong("optimizer.betas", list)),
            },
            None => [0.9, 0.999],
        };
        let eps = self.number("optimizer.eps", raw.eps.as_ref(), 1e-8, positive)?;
        Ok(match name {
            OptimizerName::AdamW => OptimizerConfig::AdamW { betas, eps, weight_decay },
            _ => OptimizerConfig::Adam { betas, eps, weight_decay },
        })
    }

    fn phases(&self, raw: Option<&Spanned<Vec<Spanned<RawPhase>>>>) -> Result<Vec<Phase>> {
        let list = raw.ok_or_else(|| self.missing("phases"))?;
        if list.get_ref().is_empty() {
            return Err(self.wrong("phases", list));
        }
        if list.get_ref().len() > MAX_PHASES {
            let message = format!("{} phases; at most {MAX_PHASES} are taken", list.get_ref().len());
            return Err(self.document.fault(list.span(), Some("phases"), message));
        }
        let phases: Vec<Phase> =
            list.get_ref().iter().enumerate().map(|(index, raw)| self.phase(index, raw)).collect::<Result<_>>()?;
        let total: usize = phases.iter().map(|phase| phase.epochs).sum();
        if i64::try_from(total).is_ok_and(|total| total <= MAX_EPOCHS) {
            return Ok(phases);
        }
        let message = format!("{total} epochs in all; at most {MAX_EPOCHS} are taken");
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
            epochs: self.size(&place("epochs"), epochs, 1, MAX_EPOCHS)?,
            lr: self.number(&place("lr"), Some(lr), 0.0, positive)?,
        })
    }

    fn early_stopping(&self, raw: &Spanned<RawEarlyStopping>) -> Result<EarlyStopping> {
        let raw = raw.get_ref();
        let key = "early_stopping.patience";
        let patience = raw.patience.as_ref().ok_or_else(|| self.missing(key))?;
        Ok(EarlyStopping {
            metric: self.choice("early_stopping.metric", raw.metric.as_ref(), Metric::ValLoss)?,
            patience: self.size(key, patience, 1, MAX_EPOCHS)?,
            min_delta: self.number("early_stopping.min_delta", raw.min_delta.as_ref(), 0.0, not_negative)?,
        })
    }
}

/// The file's name without its ending, where that can name a run.
fn default_name(origin: &Path) -> String {
    let stem = origin.file_stem().and_then(|stem| stem.to_str()).filter(|stem| valid_name(stem));
    stem.unwrap_or("experiment").to_owned()
}
