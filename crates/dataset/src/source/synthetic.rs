//! Learnable classes of images of any shape, made from a seed.

use std::sync::Arc;

use rayon::prelude::*;
use strata_rng::{Philox, TorchRng};

use crate::error::room_for;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// The most images of a part.
const MOST: usize = 1_000_000;
/// The most classes: a label is a byte.
const MOST_CLASSES: usize = 256;
/// Rows and columns that the figures are drawn for; they are stretched to others.
const SIDE: i64 = 32;
const FIGURES: [&str; 10] =
    ["disc", "ring", "frame", "plus", "saltire", "rows", "columns", "checks", "wedge", "stripes"];

/// A data set of figures in noise: no file, no network, the same bytes on every machine.
///
/// Each image shows its class's figure, moved by up to a tenth of the image each way, lighter than its
/// ground by an amount of its own in each channel, under uniform noise of about the figure's
/// strength. No single pixel tells a class, and a small network learns them in a few epochs, from some 8 × 8 pixels on; of smaller
/// images some classes look the same. Beyond ten classes the figures come again: dark on light ground, then small and repeated.
///
/// Integer arithmetic over [`Philox`] only: each image is a function of seed, part, index, shape and number of classes. The
/// classes of a part are as even as its size allows, in random order.
///
/// ```
/// use strata_dataset::{ImageShape, Synthetic};
///
/// let data = Synthetic { seed: 43, train: 200, test: 50, ..Synthetic::default() }.generate()?;
/// assert_eq!(data.train.shape(), ImageShape::CIFAR);
/// assert_eq!(data.train.class_counts(), [20; 10]);
/// assert_eq!(data.classes[0], "disc");
///
/// let shape = ImageShape { channels: 1, height: 9, width: 12 };
/// let data = Synthetic { train: 33, test: 11, shape, classes: 11, ..Synthetic::default() }.generate()?;
/// assert_eq!((data.train.pixels()?.len(), data.classes[10].as_str()), (33 * 108, "dark disc"));
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// What all images are drawn from.
    pub seed: u64,
    /// Training images, 1 to 1,000,000.
    pub train: usize,
    /// Test images, 1 to 1,000,000.
    pub test: usize,
    /// The shape of each image, at least one pixel.
    pub shape: ImageShape,
    /// Classes, 1 to 256.
    pub classes: usize,
}

/// Seed 0, 5,000 and 1,000 images of ten classes in CIFAR-10's layout.
impl Default for Synthetic {
    fn default() -> Self {
        Self { seed: 0, train: 5_000, test: 1_000, shape: ImageShape::CIFAR, classes: FIGURES.len() }
    }
}

impl Synthetic {
    /// Makes both parts.
    ///
    /// # Errors
    ///
    /// A part without images, or with more than a million; no class, or more than 256; images without pixels;
    /// [`DatasetError::Memory`] where there is no room for them.
    pub fn generate(&self) -> Result<Dataset, DatasetError> {
        self.generate_unless(&|| false)
    }

    /// Makes both parts, unless `cancel` says between the two that nobody wants them any more.
    pub(crate) fn generate_unless(&self, cancel: &dyn Fn() -> bool) -> Result<Dataset, DatasetError> {
        for (name, count) in [("train", self.train), ("test", self.test)] {
            if !(1..=MOST).contains(&count) {
                return Err(DatasetError::value(name, count, format!("a synthetic part has 1 to {MOST} images")));
            }
        }
        if !(1..=MOST_CLASSES).contains(&self.classes) {
            return Err(DatasetError::value("classes", self.classes, format!("1 to {MOST_CLASSES} are possible")));
        }
        let train = self.part(0, self.train, "synthetic training images")?;
        if cancel() {
            return Err(DatasetError::Cancelled);
        }
        Ok(Dataset {
            name: "synthetic".to_owned(),
            classes: (0..self.classes).map(class_name).collect(),
            train: Arc::new(train),
            validation: None,
            test: Arc::new(self.part(1, self.test, "synthetic test images")?),
        })
    }

    fn part(&self, part: u64, count: usize, what: &'static str) -> Result<Images, DatasetError> {
        let Self { seed, shape, classes, .. } = *self;
        let order = TorchRng::new(seed.wrapping_add(part)).permutation(count);
        let labels: Vec<u8> = order.iter().map(|&place| (place as usize % classes) as u8).collect();
        let values = shape.checked_values()?;
        let mut pixels = room_for(count.saturating_mul(values), what)?;
        pixels.resize(count * values, 0);
        pixels.par_chunks_mut(values).zip(&labels).enumerate().for_each(|(index, (image, &label))| {
            let philox = Philox::new(seed, part << 32 | index as u64);
            draw(image, shape, label, &philox);
        });
        Images::new(shape, pixels, labels, classes)
    }
}

/// How a class beyond the tenth differs from its figure: its ground is the lighter one, and it is there so many times each way.
fn variant(label: usize) -> (usize, bool, usize) {
    let round = label / FIGURES.len();
    (label % FIGURES.len(), round % 2 == 1, 1 + round / 2)
}

fn class_name(label: usize) -> String {
    let (figure, is_dark, times) = variant(label);
    let dark = if is_dark { "dark " } else { "" };
    let repeated = if times > 1 { format!(" {times}x{times}") } else { String::new() };
    format!("{dark}{}{repeated}", FIGURES[figure])
}

/// Draws one image: block 0 decides place and colours, those after it are noise. The colours of the fifth channel and those after it come
/// from the stream's other end, four to a block.
fn draw(image: &mut [u8], shape: ImageShape, label: u8, philox: &Philox) {
    let [place, ground, contrast, strength] = philox.block(0);
    let shift = |bits: u32, side: usize| (i64::from(bits % 7) - 3) * side as i64 / SIDE;
    let (right, down) = (shift(place & 0xFFFF, shape.width), shift(place >> 16, shape.height));
    // 64 to 127 for the figure as a whole, three quarters to five quarters of it in a channel.
    let strength = 64 + (strength % 64) as i32;
    let levels = |channel: usize| -> [i32; 2] {
        let [ground, contrast] = match channel / 4 {
            0 => [ground, contrast],
            four => {
                let block = philox.block(u64::MAX - four as u64);
                [block[0], block[1]]
            }
        };
        let byte = |bits: u32| (bits >> (8 * (channel % 4)) & 0xFF) as i32;
        let ground = 24 + byte(ground) % 64;
        [ground, ground + strength * (192 + byte(contrast) / 2) / 256]
    };
    let (figure, is_dark, times) = variant(label.into());
    let columns: Vec<i32> = (0..shape.width).map(|at| half_pixels(at, right, shape.width, times)).collect();
    let mut inside = vec![0u8; shape.plane()];
    for (at, row) in inside.chunks_mut(shape.width).enumerate() {
        let y = half_pixels(at, down, shape.height, times);
        row.iter_mut().zip(&columns).for_each(|(inside, &x)| *inside = u8::from(covers(figure, x, y) != is_dark));
    }
    // A plane begins with a word of its own.
    let bytes_of_plane = inside.len().next_multiple_of(4);
    let mut noise = vec![0u8; (shape.channels * bytes_of_plane).next_multiple_of(16)];
    for (block, position) in noise.chunks_exact_mut(16).zip(1..) {
        let words = philox.block(position);
        block.chunks_exact_mut(4).zip(words).for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
    }
    let planes = image.chunks_mut(inside.len()).zip(noise.chunks(bytes_of_plane));
    for (channel, (plane, noise)) in planes.enumerate() {
        // From 24 to 87 and at most 158 more, in integers so short that the compiler's vectors multiply them.
        let [ground, level] = levels(channel).map(|level| level as i16);
        for ((pixel, &inside), &byte) in plane.iter_mut().zip(&inside).zip(noise) {
            let value = ground + (level - ground) * i16::from(inside) + (i16::from(byte) - 128) / 2;
            *pixel = value.clamp(0, 255) as u8;
        }
    }
}

/// A place of a side of so many pixels, in half pixels of a figure from its middle: -31 to 31 where 32 pixels hold it once, unmoved; stretched
/// to other sides. Doubled, so that the middle between two pixels is an integer.
fn half_pixels(at: usize, moved: i64, side: usize, times: usize) -> i32 {
    let doubled = 2 * (at as i64 - moved) - side as i64 + 1;
    let stretched = doubled * SIDE / side as i64;
    if times == 1 {
        return stretched as i32;
    }
    ((stretched * times as i64 + SIDE).rem_euclid(2 * SIDE) - SIDE) as i32
}

/// Whether the class's figure covers this place, in half pixels from the image's middle.
fn covers(figure: usize, x: i32, y: i32) -> bool {
    let band = |z: i32| z.div_euclid(16) % 2 == 0;
    match figure {
        0 => x * x + y * y <= 18 * 18,
        1 => (14 * 14..=26 * 26).contains(&(x * x + y * y)),
        2 => (18..=27).contains(&x.abs().max(y.abs())),
        3 => x.abs().min(y.abs()) <= 5,
        4 => (x - y).abs().min((x + y).abs()) <= 8,
        5 => band(y),
        6 => band(x),
        7 => band(x) == band(y),
        8 => x + y <= 0,
        _ => band(x - y),
    }
}

#[cfg(test)]
mod tests;
