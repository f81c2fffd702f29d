//! A training run as a folder: its record, history, lock, plots and tables.
//!
//! [`RunFolder`] writes a run so that a kill at any moment leaves it readable; [`read_record`], [`read_history`] and
//! [`list_runs`] read runs, damaged and hostile ones included; [`runs_table`] and [`compare_table`] show them.
//! Everything shown is derived from the files in the run's folder.
//!
//! This crate knows no network, no data set and no training loop: it is given numbers and text.

mod best;
mod bounded;
mod change;
mod clock;
mod digest;
mod error;
mod extra;
mod filter;
mod folder;
mod history;
mod housekeeping;
mod json;
mod lines;
mod lock;
mod metrics;
mod names;
mod notes;
mod owner;
mod part;
mod plot;
mod png_plots;
mod read;
mod record;
mod schema;
mod sheet;
mod sheets;
mod state;
mod summary;
mod table;

pub use best::better_first;
pub use change::read_change;
pub use clock::now;
pub use digest::HistoryDigest;
pub use error::ReportError;
pub use extra::Extra;
pub use filter::{Filter, FilterError, order_of_values, order_to_sort_by};
pub use folder::RunFolder;
pub use history::{HistoryDifference, HistoryEntry, MAX_HISTORY, TimingLine, first_difference, join_history};
pub use housekeeping::{free_checkpoints, remove_run};
pub use lines::Lines;
pub use lock::owner_of;
pub use metrics::{Best, Metrics};
pub use notes::{Notes, add_note, read_notes};
pub use owner::{Owner, host_name};
pub use part::{Environment, Part};
pub use plot::{plots, plots_png};
pub use png_plots::write_png_plots;
pub use read::{read_history, read_parent, read_record, read_record_to_write, read_timing};
pub use record::{
    Chosen, DatasetRecord, FrequencyRecord, ModelFile, ParentRecord, PhaseRecord, PixelRecord, Record, Rng,
    SplitRecord, Status, ValueRecord,
};
pub use schema::SCHEMA;
pub use sheet::{Cell, Format, Sheet, printable_json};
pub use sheets::{Fields, fields_sheet, groups_sheet, history_sheet, mean_and_deviation, seeds_sheet};
pub use state::{RunState, read_record_as_it_stands};
pub use strata_spec::HistoryRow;
pub use summary::{RunSummary, list_runs};
pub use table::{
    Comparison, ComparisonRow, Hyperparameter, compare_table, recorded_hyperparameters, runs_sheet, runs_table,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
