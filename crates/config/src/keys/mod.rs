//! Every key of a config, each declared once: a file for each section, with its keys, when they have an effect, and what is made of them.
//!
//! Who adds a key writes its entry in the file of its section, and asks [`Config::get`](crate::Config::get) for it where it acts.

mod augment;
mod averaging;
mod checkpoint;
mod dataset;
mod early_stopping;
mod evaluation;
mod loss;
mod model;
mod optimizer;
mod phases;
mod report;
mod top;

pub use augment::*;
pub use averaging::*;
pub use checkpoint::*;
pub use dataset::*;
pub use early_stopping::*;
pub use evaluation::*;
pub use loss::*;
pub use model::*;
pub use optimizer::*;
pub use phases::*;
pub use report::*;
pub use top::*;

use crate::key::{Entry, Section, Shape};

/// The sections, in the order of the document.
pub(crate) const SECTIONS: &[Section] = &[
    DATASET_SECTION,
    AUGMENT_SECTION,
    MODEL_SECTION,
    LOSS_SECTION,
    OPTIMIZER_SECTION,
    PHASES_SECTION,
    AVERAGING_SECTION,
    EARLY_STOPPING_SECTION,
    EVALUATION_SECTION,
    CHECKPOINT_SECTION,
    REPORT_SECTION,
];

/// Every key, in the order of `docs/config.md`: a key's fallback and effect depend on those before it alone.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    top::ENTRIES.iter().chain(SECTIONS.iter().flat_map(|section| section.keys))
}

/// The key that may be written in place of the one at `path`.
pub(crate) fn alternative(path: &str) -> Option<String> {
    let (first, others) = ALTERNATIVES;
    let name = path.strip_prefix("model.")?;
    others.contains(&name).then(|| format!("model.{first}"))
}

/// The key at `path` (`phases.3.lr`), where there is one.
#[must_use]
pub fn find(path: &str) -> Option<&'static Entry> {
    let generic = generic(path);
    all().find(|key| key.path == generic)
}

/// `path` as the table of keys has it: `phases[].lr`.
fn generic(path: &str) -> String {
    let (mut generic, mut in_list) = (String::new(), false);
    for segment in path.split('.') {
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            // An element: of `phases` it opens a table, of any other list it is a part of that key's own value.
            in_list = true;
            continue;
        }
        if !generic.is_empty() {
            generic.push_str(if in_list { "[]." } else { "." });
        }
        in_list = false;
        generic.push_str(segment);
    }
    generic
}

/// What the value at `path` (`phases.3.lr`) must be.
pub(crate) fn expects(path: &str) -> String {
    if let Some(key) = find(path) {
        return key.takes.expects();
    }
    let generic = generic(path);
    match SECTIONS.iter().find(|section| section.name == generic) {
        Some(Section { shape: Shape::Table, .. }) => "a table of keys".to_owned(),
        Some(section @ Section { shape: Shape::Tables, .. }) => format!("a list of {}", section.tables_in_words()),
        None => "a key of this config".to_owned(),
    }
}

/// The names that `section` may hold ("" for the top: its own keys, then the sections).
pub(crate) fn names(section: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = all().filter(|key| key.section() == section).map(Entry::name).collect();
    if section.is_empty() {
        names.extend(SECTIONS.iter().map(|section| section.name));
    }
    names
}
