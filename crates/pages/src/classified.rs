//! Samples as a network classified them, and their images.

use std::fmt;

use strata_metrics::SampleResult;

use crate::html::text;

/// A matrix of more classes is a picture, without a number in each cell.
pub(crate) const LARGEST_TABLE: usize = 20;

/// A part of the data as a network classified it.
#[derive(Clone, Debug)]
pub struct Tested<'a> {
    /// The names of the classes, in the order of the labels.
    pub classes: &'a [String],
    /// One for each image, in their order.
    pub results: &'a [SampleResult],
    /// The images; or why they are not there.
    pub images: Result<TestImages<'a>, String>,
}

/// The images that were classified.
#[derive(Clone, Copy)]
pub struct TestImages<'a> {
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
    /// The bytes of an image, `[channels, height, width]`; none of one that cannot be had.
    pub image: &'a dyn Fn(usize) -> Option<Vec<u8>>,
}

impl fmt::Debug for TestImages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestImages").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Tested<'_> {
    /// A class's name as HTML.
    pub(crate) fn class(&self, label: u32) -> String {
        self.classes.get(label as usize).map_or_else(|| format!("class {label}"), |name| text(name))
    }
}
