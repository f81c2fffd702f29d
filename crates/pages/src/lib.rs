//! Runs as pages: one HTML file each, self-contained, that a browser opens without a network.
//!
//! [`ComparePage`] sets runs side by side, thousands if need be. [`RunPage`] shows one run: what it was, its curves, what the network made of the test images, its weights. Charts are SVG drawn here, pictures are PNG
//! in the page's own text; a small script adds what a pointer or a key brings up, and without it everything but the images of a
//! cell of the confusion matrix can be read. What comes from outside (names, notes, commands) is text on the page and nothing else.
//!
//! This crate reads and writes no file, and knows no network and no data set: it is given records, numbers and bytes.

mod chart;
mod classified;
mod compare_page;
mod curves;
mod document;
mod files;
mod first_layer;
mod gallery;
mod html;
mod number;
mod outcomes;
mod pictures;
mod reliability;
mod run_page;
mod tested;
mod weights;
mod what_was_run;

pub use classified::{TestImages, Tested};
pub use compare_page::{ComparePage, ComparedRun, ShownKey, SweptKeys};
pub use files::{FileOfRun, UncommittedChange};
pub use first_layer::{FirstLayer, InputBasis};
pub use run_page::RunPage;
pub use weights::WeightTensor;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
