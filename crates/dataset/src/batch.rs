//! One batch of images.

/// What a batch carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchContent {
    /// Indices, labels and transformed pixels.
    Pixels,
    /// Indices and labels only, for a device that holds the images already.
    Indices,
}

/// Some samples, in the order they are to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBatch {
    /// Which images of the data set's part these are, `[len]`.
    pub indices: Vec<u32>,
    /// Transformed pixels, `[len, values of a transformed image]` (`[len, 3072]`); empty where only indices were asked for.
    pub pixels: Vec<f32>,
    /// Labels, `[len]`.
    pub labels: Vec<u8>,
    /// Where the images were mixed (MixUp, CutMix): the partners' labels and the shares.
    pub mix: Option<MixedImages>,
}

/// The second class of each image of a mixed batch.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedImages {
    /// The partners' labels, `[len]`.
    pub labels: Vec<u8>,
    /// The share of each image that is its own, `[len]`, 0 to 1.
    pub shares: Vec<f32>,
}

impl ImageBatch {
    /// How many samples it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it holds none; a loader yields no such batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}
