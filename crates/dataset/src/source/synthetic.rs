//! Ten learnable classes of images in CIFAR-10's layout, made from a seed.

use std::sync::Arc;

use rayon::prelude::*;
use strata_rng::{Philox, TorchRng};

use crate::error::room_for;
use crate::{Dataset, DatasetError, ImageShape, Images};

/// The most images of a part: 3 GB of pixels.
const MOST: usize = 1_000_000;
const SIDE: i32 = 32;
const FIGURES: [&str; 10] =
    ["disc", "ring", "frame", "plus", "saltire", "rows", "columns", "checks", "wedge", "stripes"];

/// A data set of figures in noise: no file, no network, the same bytes on every machine.
///
/// Each image shows its class's figure, moved by up to three pixels each way, lighter than its
/// ground by an amount of its own in each channel, under uniform noise of about the figure's
/// strength. No single pixel tells a class, and a small network learns them in a few epochs.
///
/// Integer arithmetic over [`Philox`] only: each image is a function of seed, part and index. The
/// classes of a part are as even as its size allows, in random order.
///
/// ```
/// use strata_dataset::{ImageShape, Synthetic};
///
/// let data = Synthetic { seed: 43, train: 200, test: 50 }.generate()?;
/// assert_eq!(data.train.shape(), ImageShape::CIFAR);
/// assert_eq!(data.train.class_counts(), [20; 10]);
/// assert_eq!(data.classes[0], "disc");
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
}

impl Synthetic {
    /// Makes both parts.
    ///
    /// # Errors
    ///
    /// A part without images, or with more than a million.
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
        let train = self.part(0, self.train, "synthetic training images")?;
        if cancel() {
            return Err(DatasetError::Cancelled);
        }
        Ok(Dataset {
            name: "synthetic".to_owned(),
            classes: FIGURES.map(str::to_owned).to_vec(),
            train: Arc::new(train),
            test: Arc::new(self.part(1, self.test, "synthetic test images")?),
        })
    }

    fn part(&self, part: u64, count: usize, what: &'static str) -> Result<Images, DatasetError> {
        let order = TorchRng::new(self.seed.wrapping_add(part)).permutation(count);
        let labels: Vec<u8> = order.iter().map(|place| (place % 10) as u8).collect();
        let values = ImageShape::CIFAR.values();
        let mut pixels = room_for(count * values, what)?;
        pixels.resize(count * values, 0);
        pixels.par_chunks_mut(values).zip(&labels).enumerate().for_each(|(index, (image, &label))| {
            let philox = Philox::new(self.seed, part << 32 | index as u64);
            draw(image, label, &philox);
        });
        Images::new(ImageShape::CIFAR, pixels, labels, FIGURES.len())
    }
}

/// Draws one image `[3, 32, 32]`: block 0 decides place and colours, the others are noise.
fn draw(image: &mut [u8], label: u8, philox: &Philox) {
    let [place, ground, contrast, strength] = philox.block(0);
    let shift = |bits: u32| (bits % 7) as i32 - 3;
    let (right, down) = (shift(place & 0xFFFF), shift(place >> 16));
    // 64 to 127 for the figure as a whole, three quarters to five quarters of it in a channel.
    let strength = 64 + (strength % 64) as i32;
    let levels: [[i32; 2]; 3] = std::array::from_fn(|channel| {
        let byte = |bits: u32| (bits >> (8 * channel) & 0xFF) as i32;
        let ground = 24 + byte(ground) % 64;
        [ground, ground + strength * (192 + byte(contrast) / 2) / 256]
    });
    let mut figure = [0; (SIDE * SIDE) as usize];
    for (at, inside) in (0..).zip(&mut figure) {
        let (x, y) = (at % SIDE - right, at / SIDE - down);
        // Doubled, so that the middle between two pixels is an integer: -31 to 31 unmoved.
        *inside = usize::from(covers(label, 2 * x - SIDE + 1, 2 * y - SIDE + 1));
    }
    let mut noise = (1..).flat_map(|position| philox.block(position));
    for (plane, levels) in image.chunks_mut(figure.len()).zip(levels) {
        for (four, inside) in plane.chunks_mut(4).zip(figure.chunks(4)) {
            let bytes = noise.next().unwrap_or_default().to_le_bytes();
            for ((pixel, &inside), byte) in four.iter_mut().zip(inside).zip(bytes) {
                let value = levels[inside] + (i32::from(byte) - 128) / 2;
                *pixel = value.clamp(0, 255) as u8;
            }
        }
    }
}

/// Whether the class's figure covers this place, in half pixels from the image's middle.
fn covers(label: u8, x: i32, y: i32) -> bool {
    let band = |z: i32| z.div_euclid(16) % 2 == 0;
    match label {
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
mod tests {
    use super::*;

    /// Fixed once and for all: another machine, thread count or compiler must not move a bit.
    #[test]
    fn the_same_bytes_everywhere() {
        let make = || {
            let synthetic = Synthetic { seed: 43, train: 300, test: 100 };
            synthetic.generate().unwrap().sha256()
        };
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        assert_eq!(make(), "9ced670463d4636f46a16bb094bbaf208981f7d6733174804422ec4b4949b633");
        assert_eq!(alone.unwrap().install(make), make());
    }

    #[test]
    fn seeds_and_parts_differ_and_classes_are_even() {
        let make = |seed| {
            let synthetic = Synthetic { seed, train: 20, test: 20 };
            synthetic.generate().unwrap()
        };
        let data = make(1);
        assert_ne!(data.train.pixels(), data.test.pixels());
        assert_ne!(data.train.pixels(), make(2).train.pixels());
        assert_eq!(data.train.class_counts(), [2; 10]);
    }

    /// What a linear reader of one pixel can know is far below what the figures tell: the nearest
    /// class by mean image is right nearly always, the best single pixel's threshold seldom.
    #[test]
    fn whole_images_tell_the_class_and_single_pixels_do_not() {
        let synthetic = Synthetic { seed: 5, train: 1000, test: 300 };
        let data = synthetic.generate().unwrap();
        let values = ImageShape::CIFAR.values();
        let mut means = vec![vec![0.0f64; values]; 10];
        for (image, &label) in data.train.pixels().chunks(values).zip(data.train.labels()) {
            let mean = &mut means[usize::from(label)];
            for (mean, &byte) in mean.iter_mut().zip(image) {
                *mean += f64::from(byte) / 100.0;
            }
        }
        let right = |pixels: std::ops::Range<usize>| {
            let images = data.test.pixels().chunks(values).zip(data.test.labels());
            let nearest = |image: &[u8]| {
                let distance = |mean: &Vec<f64>| -> f64 {
                    let pairs = pixels.clone().map(|p| f64::from(image[p]) - mean[p]);
                    pairs.map(|difference| difference * difference).sum()
                };
                (0..10).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])))
            };
            images.filter(|(image, label)| nearest(image) == Some(usize::from(**label))).count()
        };
        assert!(right(0..values) > 180, "{}", right(0..values));
        for pixel in (0..values).step_by(97) {
            assert!(right(pixel..pixel + 1) < 90, "{pixel}");
        }
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for (train, test, message) in [(0, 10, "train = 0"), (10, 0, "test = 0"), (10, usize::MAX, "test = ")] {
            let synthetic = Synthetic { seed: 1, train, test };
            let error = synthetic.generate().unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.is_usage());
        }
    }
}
