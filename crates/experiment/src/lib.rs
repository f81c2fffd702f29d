//! An experiment, from its config to its record: the only crate that knows all the others.
//!
//! [`Runner::start`] trains what an [`Config`] says and records it in a folder; [`Runner::resume`] goes on where a
//! run was stopped, [`Runner::reproduce`] trains it again and compares; [`dataset_info`], [`dataset_grid`] and [`dataset_show`] look at the images. The networks come from outside as [`CompiledNetwork`]s, since
//! their types are generated in the program that is built for them.

mod checkpoints;
mod clock;
mod compare;
mod data;
mod display;
mod ensemble;
mod environment;
mod error;
mod evaluate_on;
mod evaluation;
mod evaluation_tables;
mod frame;
mod inputs;
mod inspect;
mod listing;
mod live;
mod loaders;
mod lost;
mod memory;
mod mirrored;
mod own_keys;
mod own_run;
mod page;
mod pages_of_files;
mod parent;
mod predict;
mod record;
mod recorded_config;
mod recorder;
mod reproduce;
mod resume;
mod resumption;
mod run;
mod seeds;
mod setup;
mod sha256;
mod stop;
mod tensorboard;
mod threads;
mod ticker;
mod training;
mod weights;

pub use compare::{compare, hyperparameters};
pub use display::{Display, beside_bar};
pub use ensemble::{EnsembleEvaluation, Views, evaluate_ensemble};
pub use environment::{Commit, command_of_program, environment};
pub use error::ExperimentError;
pub use evaluate_on::{OtherSamples, evaluate_on};
pub use evaluation::{RunEvaluation, evaluate_run};
pub use inspect::{ImagePart, dataset_grid, dataset_info, dataset_show};
pub use listing::Listing;
pub use loaders::LoaderAdapter;
pub use own_run::OwnRun;
pub use pages_of_files::{write_comparison, write_page};
pub use parent::StartFrom;
pub use predict::{ClassProbability, ImageClassifier};
pub use record::recorded;
pub use recorder::Recorder;
pub use reproduce::Reproduction;
pub use resumption::Resumption;
pub use run::{Runner, find_run};
pub use seeds::seeds_table;
pub use setup::CompiledNetwork;
pub use stop::Stop;
pub use strata_config::{Config, ConfigError};
pub use strata_pages::{ShownKey, SweptKeys};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
