//! Mirrored, moved, cut out: each value of the image is one of its values, or black.

use strata_spec::Edges;

use super::{Augment, Draws};
use crate::{DatasetError, ImageShape};

/// Left and right change places.
#[derive(Debug)]
pub(super) struct Mirror;

impl Augment for Mirror {
    fn apply(&self, image: &mut [u8], shape: ImageShape, _: &mut Draws, _: &mut Vec<u8>) {
        image.chunks_exact_mut(shape.width).for_each(<[u8]>::reverse);
    }

    fn is_mirror(&self) -> bool {
        true
    }
}

/// Moved by up to so many pixels each way.
#[derive(Debug)]
pub(super) struct Shift {
    pub(super) pixels: usize,
    pub(super) edges: Edges,
}

impl Augment for Shift {
    fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        let most = shape.height.min(shape.width) - 1;
        if self.pixels <= most {
            return Ok(());
        }
        let reason = format!("images of {} x {} can be shifted by at most {most}", shape.height, shape.width);
        Err(DatasetError::value("pixels", self.pixels, reason))
    }

    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, scratch: &mut Vec<u8>) {
        let mut draw = || draws.below(2 * self.pixels + 1) as isize - self.pixels as isize;
        let (right, down) = (draw(), draw());
        shift(image, shape, [right, down], self.edges, scratch);
    }
}

/// Moves an image to the right and down.
pub(super) fn shift(
    image: &mut [u8],
    shape: ImageShape,
    [right, down]: [isize; 2],
    edges: Edges,
    scratch: &mut Vec<u8>,
) {
    if right == 0 && down == 0 {
        return;
    }
    scratch.clear();
    scratch.extend_from_slice(image);
    // Where the value at `at` of a side comes from; none beyond an edge that is black.
    let source = |at: usize, by: isize, side: usize| -> Option<usize> {
        let (from, side) = (at as isize - by, side as isize);
        let from = match edges {
            Edges::Zero => (0..side).contains(&from).then_some(from)?,
            Edges::Wrapped => from.rem_euclid(side),
            Edges::Reflected if from < 0 => -from,
            Edges::Reflected if from >= side => 2 * side - 2 - from,
            Edges::Reflected => from,
        };
        usize::try_from(from).ok()
    };
    // The columns that come from neighbouring ones as a whole.
    let inside = right.max(0) as usize..(shape.width as isize + right.min(0)) as usize;
    // As a whole, then what came from beyond an edge.
    let by = down * shape.width as isize + right;
    let planes = image.chunks_exact_mut(shape.plane()).zip(scratch.chunks_exact(shape.plane()));
    for (out, plane) in planes {
        let (to, from) = (by.max(0) as usize, (-by).max(0) as usize);
        let length = shape.plane() - to - from;
        out[to..][..length].copy_from_slice(&plane[from..][..length]);
        for (y, out) in out.chunks_exact_mut(shape.width).enumerate() {
            let Some(row) = source(y, down, shape.height) else {
                out.fill(0);
                continue;
            };
            let is_copied = row as isize == y as isize - down;
            let row = &plane[row * shape.width..][..shape.width];
            if !is_copied {
                let first = (inside.start as isize - right) as usize;
                out[inside.clone()].copy_from_slice(&row[first..][..inside.len()]);
            }
            for x in (0..inside.start).chain(inside.end..shape.width) {
                out[x] = source(x, right, shape.width).map_or(0, |from| row[from]);
            }
        }
    }
}

/// A square in black.
#[derive(Debug)]
pub(super) struct Cutout {
    pub(super) size: usize,
}

impl Augment for Cutout {
    fn check(&self, shape: ImageShape) -> Result<(), DatasetError> {
        let most = shape.height.max(shape.width);
        if (1..=most).contains(&self.size) {
            return Ok(());
        }
        let reason =
            format!("a square of 1 to {most} pixels can be cut out of images of {} x {}", shape.height, shape.width);
        Err(DatasetError::value("size", self.size, reason))
    }

    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, _: &mut Vec<u8>) {
        let (x, y) = (draws.below(shape.width), draws.below(shape.height));
        cut_out(image, shape, [x, y], self.size);
    }
}

/// Makes the square about `middle`, as far as it lies in the image, black.
pub(super) fn cut_out(image: &mut [u8], shape: ImageShape, [x, y]: [usize; 2], size: usize) {
    let range = |middle: usize, side: usize| {
        let first = middle as isize - (size / 2) as isize;
        first.max(0) as usize..((first + size as isize) as usize).min(side)
    };
    let (columns, rows) = (range(x, shape.width), range(y, shape.height));
    for plane in image.chunks_exact_mut(shape.plane()) {
        for row in plane.chunks_exact_mut(shape.width).skip(rows.start).take(rows.len()) {
            row[columns.clone()].fill(0);
        }
    }
}
