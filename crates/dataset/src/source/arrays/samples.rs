//! The samples of an array: bytes, or floats.

use crate::error::room_for;
use crate::{DatasetError, ImageShape};

/// Samples one after the other, channel by channel.
#[derive(Debug, PartialEq)]
pub(super) enum Samples {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "uint8",
            Self::Floats(_) => "floats",
        }
    }

    /// Adds samples of the same type; the error is another one's name.
    pub(super) fn append(&mut self, other: Self) -> Result<(), &'static str> {
        match (self, other) {
            (Self::Bytes(values), Self::Bytes(more)) => values.extend(more),
            (Self::Floats(values), Self::Floats(more)) => values.extend(more),
            (_, other) => return Err(other.type_name()),
        }
        Ok(())
    }

    /// Takes out the samples, of so many values each, that `is_taken` says.
    pub(super) fn split_off(&mut self, is_taken: &[bool], of_each: usize) -> Self {
        match self {
            Self::Bytes(values) => Self::Bytes(take(values, is_taken, of_each)),
            Self::Floats(values) => Self::Floats(take(values, is_taken, of_each)),
        }
    }
}

fn take<T: Copy>(values: &mut Vec<T>, is_taken: &[bool], of_each: usize) -> Vec<T> {
    let (mut left, mut taken) = (Vec::new(), Vec::new());
    for (sample, is_taken) in values.chunks_exact(of_each).zip(is_taken) {
        if *is_taken { taken.extend_from_slice(sample) } else { left.extend_from_slice(sample) }
    }
    *values = left;
    taken
}

/// Samples `[height, width, channels]` as `[channels, height, width]`.
pub(super) fn by_channel<T: Copy>(values: &[T], shape: ImageShape) -> Result<Vec<T>, DatasetError> {
    let mut ordered = room_for(values.len(), "the samples of an array")?;
    for sample in values.chunks_exact(shape.values()) {
        for channel in 0..shape.channels {
            ordered.extend(sample.iter().skip(channel).step_by(shape.channels));
        }
    }
    Ok(ordered)
}
