//! The resolved config: every key with its value, as TOML that reads back to an equal experiment.

use std::fmt::Write as _;

use strata_files::without_credentials;
use strata_spec::{DatasetSpec, Named, OptimizerSpec};

use crate::experiment::Experiment;

impl Experiment {
    /// The whole config as TOML, defaults spelt out; [`Experiment::parse`] makes an equal experiment of it, but for a user name and
    /// password in `dataset.url`, which are left out.
    ///
    /// What has no value (threads left to the machine, no early stopping) is left out, since TOML has no null.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = Text(String::from("# The resolved config of one experiment: every key with its value.\n"));
        text.string("name", &self.name);
        text.key("seed", self.seed);
        text.string("rng", self.rng.as_str());
        text.string("device", &self.device.to_string());
        if let Some(threads) = self.threads {
            text.key("threads", threads);
        }
        text.section("[dataset]");
        match &self.dataset.kind {
            DatasetSpec::Cifar10 { url, sha256 } => {
                text.string("kind", "cifar10");
                // A run's folder is shown around: it holds no password.
                text.string("url", &without_credentials(url));
                text.string("sha256", sha256);
            }
            DatasetSpec::Synthetic { train, test, seed } => {
                text.string("kind", "synthetic");
                text.key("train", train);
                text.key("test", test);
                text.key("seed", seed);
            }
        }
        text.key("validation", self.dataset.validation);
        text.key("batch", self.dataset.batch);
        text.key("evaluation_batch", self.dataset.evaluation_batch);
        text.key("normalise", self.dataset.normalise);
        text.section("[model]");
        text.key("hidden", format_args!("{:?}", self.model.hidden));
        text.string("activation", self.model.activation.as_str());
        text.number("dropout", self.model.dropout);
        self.optimizer_to_toml(&mut text);
        for phase in &self.phases {
            text.section("[[phases]]");
            text.key("epochs", phase.epochs);
            text.number("lr", phase.learning_rate);
        }
        if let Some(stopping) = &self.early_stopping {
            text.section("[early_stopping]");
            text.string("metric", stopping.metric.as_str());
            text.key("patience", stopping.patience);
            text.number("min_delta", stopping.min_delta);
        }
        if let Some(steps) = self.checkpoint.every_steps {
            text.section("[checkpoint]");
            text.key("every_steps", steps);
        }
        text.0
    }

    fn optimizer_to_toml(&self, text: &mut Text) {
        text.section("[optimizer]");
        text.string("kind", self.optimizer.kind().as_str());
        match &self.optimizer {
            OptimizerSpec::Sgd { momentum, nesterov, weight_decay } => {
                text.number("momentum", *momentum);
                text.key("nesterov", nesterov);
                text.number("weight_decay", *weight_decay);
            }
            OptimizerSpec::Adam { betas, eps, weight_decay } | OptimizerSpec::AdamW { betas, eps, weight_decay } => {
                text.key("betas", format_args!("{betas:?}"));
                text.number("eps", *eps);
                text.number("weight_decay", *weight_decay);
            }
        }
    }
}

struct Text(String);

impl Text {
    fn section(&mut self, header: &str) {
        self.0.push('\n');
        self.0.push_str(header);
        self.0.push('\n');
    }

    fn key(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name} = {value}");
    }

    fn string(&mut self, name: &str, value: &str) {
        self.key(name, toml::Value::from(value));
    }

    /// `{:?}` gives the shortest digits that read back to the same float, always with a point or an exponent.
    fn number(&mut self, name: &str, value: f64) {
        self.key(name, format_args!("{value:?}"));
    }
}
