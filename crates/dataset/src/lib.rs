//! Images for a classifier: where they come from, how they are split, and how they are served.
//!
//! [`load_cifar10`] fetches, verifies and reads CIFAR-10's binary release; [`Synthetic`] makes ten
//! learnable classes of the same layout from a seed. Either is a [`Dataset`]: bytes
//! `[N, 3, 32, 32]` with labels and class names. A [`Split`] divides its training part, and a
//! [`Loader`] serves an order of it in batches that a background thread prepares ahead.
//!
//! Draws are PyTorch's, so a split and a batch order are those PyTorch makes of the same seed.
//! This crate sees no network of layers and no config file.

mod batch;
mod cifar10;
mod dataset;
mod digest;
mod download;
mod error;
mod images;
mod loader;
mod sheet;
mod split;
mod synthetic;
#[cfg(test)]
mod testing;
mod text_picture;

pub use batch::{Batch, BatchContent, PixelScale};
pub use cifar10::{Cifar10Source, load_cifar10};
pub use dataset::Dataset;
pub use download::Progress;
pub use error::DatasetError;
pub use images::{ChannelStatistics, ImageShape, Images};
pub use loader::{Loader, Order, Pass};
pub use sheet::contact_sheet;
pub use split::Split;
pub use synthetic::Synthetic;
pub use text_picture::text_picture;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
