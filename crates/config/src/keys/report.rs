//! `[report]`: what a run writes for other tools while it goes.

use crate::key::Fallback::Is;
use crate::key::{Section, keys, table};
use crate::takes::Takes::Boolean;
use crate::value::boolean;

pub(super) const REPORT_SECTION: Section = table("report", "The record is written in any case.", ENTRIES);

keys! {
    /// make the run's page at its end, `report.html`: curves, confusion matrix with its images, mistakes, weights and what was run, in one file of less than 3 MB
    PAGE: bool, boolean => "report.page", Boolean, Is("true"), None, None;
    /// write events for TensorBoard into the run's folder `tensorboard` while it goes: each epoch's numbers, the training loss every ten steps, weights' histograms
    TENSORBOARD: bool, boolean => "report.tensorboard", Boolean, Is("false"), None, None;
}
