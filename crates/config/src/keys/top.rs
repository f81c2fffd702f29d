//! The keys that stand in no section.

use std::num::NonZeroUsize;

use strata_metrics::{Metric, registered};
use strata_spec::ranges;
use strata_spec::{DeviceChoice, Precision, RngScheme};

use crate::key::Fallback::{Is, Worked};
use crate::key::keys;
use crate::name::{NAME_RULE, default_name, valid_name};
use crate::takes::Takes::{Choice, Integer, Names, Text};
use crate::takes::{self, choices};
use crate::value::{Value, count, device, named, seed, text, texts};

const DEVICES: &str = "\"auto\", \"cpu\", \"cuda\" or \"cuda:N\" with N from 0 to 255";

keys! {
    /// what the run is called, in lists and in its folder's name
    NAME: String, text => "name", Text { expects: NAME_RULE, read: run_name },
        Worked { words: "the file's name without .toml", out: |values| Some(Value::Text(default_name(values))) }, None, None;
    /// the seed of the split, the initialisation, the batches and dropout
    SEED: u64, seed => "seed", Integer(ranges::SEED), Is("0"), None, Some("seed"), always;
    /// whose draws the run follows: those of PyTorch's CPU generator
    RNG: RngScheme, named => "rng", Choice(choices::<RngScheme>), Is("\"torch\""), None, None;
    /// where to compute; `auto` takes a CUDA card where there is one; a card trains with sgd, adam and adamw by cross entropy (of smoothed and
    /// mixed labels too), without bf16, clipping, averaging, accumulation and class weights, and refuses what it cannot do
    DEVICE: DeviceChoice, device => "device", Text { expects: DEVICES, read: device_name }, Is("\"auto\""), None, None;
    /// the numbers that the products of dense layers are computed with, in training, evaluation and prediction; on a CPU
    PRECISION: Precision, named => "precision", Choice(choices::<Precision>), Is("\"f32\""), None, Some("precision");
    /// worker threads
    THREADS: NonZeroUsize, count => "threads", Integer(ranges::THREADS),
        Worked { words: "what the environment's RAYON_NUM_THREADS says, else what the machine has", out: |_| None }, None, None;
    /// what each evaluation measures besides loss and accuracy; each is a key `val_` and its name in the history
    METRICS: Vec<String>, texts => "metrics", Names(metrics), Is("[]"), None, None;
}

fn metrics() -> Vec<takes::Choice> {
    let choice = |metric: &dyn Metric| (metric.name().to_owned().into(), metric.sentence().to_owned().into());
    registered().iter().map(|metric| choice(&**metric)).collect()
}

fn run_name(name: &str) -> Option<String> {
    valid_name(name).then(|| name.to_owned())
}

fn device_name(name: &str) -> Option<String> {
    name.parse().ok().map(|device: DeviceChoice| device.to_string())
}
