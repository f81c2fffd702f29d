//! Images for a classifier: where they come from, how they are split, and how they are served.
//!
//! [`load`] reads a published data set (CIFAR-10, CIFAR-100, MNIST, Fashion-MNIST), fetching and verifying it where it is not there, or makes
//! the [`Synthetic`] one. Either is a [`Dataset`]: bytes `[N, channels, rows, columns]` with labels and class names. A [`Split`] divides its
//! training part, and an [`ImageLoader`] serves an order of it in batches that a background thread prepares ahead.
//!
//! Draws are PyTorch's, so a split and a batch order are those PyTorch makes of the same seed.
//! This crate sees no network of layers and no config file.

mod augment;
mod batch;
mod dataset;
mod digest;
pub mod download;
mod duplicates;
mod error;
mod images;
mod loader;
mod picture;
mod pixel_file;
mod prepared;
mod served;
mod sheet;
mod source;
mod split;
#[cfg(test)]
mod testing;
mod text_picture;
mod transform;

pub use augment::{Augment, Augmentation, Draws};
pub use batch::{BatchContent, ImageBatch, MixedImages};
pub use dataset::Dataset;
pub use download::FetchProgress;
pub use duplicates::Duplicates;
pub use error::DatasetError;
pub use images::{ChannelStatistics, ImageShape, Images};
pub use loader::{Batches, ImageLoader, Order};
pub use picture::read_image;
pub use prepared::PreparedImages;
pub use sheet::{contact_sheet, contact_sheet_png};
pub use source::{DataFolder, Synthetic, load, load_test_arrays, published_in};
pub use split::Split;
pub use text_picture::text_picture;
pub use transform::{PixelScale, Transform, ValueScale};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
