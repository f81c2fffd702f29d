//! Augmentation of one's own: images moved by up to two pixels and mirrored, the same again wherever a pass is taken up.

use std::sync::Arc;

use strata_dataset::{BatchContent, DatasetError, ImageLoader, ImageShape, Order, PixelScale, Synthetic, Transform};
use strata_rng::{Philox, TorchRng};

/// What is done before `then`.
#[derive(Debug)]
struct ShiftAndMirror {
    most: usize,
    then: Arc<dyn Transform>,
}

impl Transform for ShiftAndMirror {
    fn apply(&self, image: &[u8], shape: ImageShape, draws: &Philox, out: &mut [f32]) {
        let [right, down, mirror, _] = draws.block(0);
        let shift = |bits: u32| bits as usize % (2 * self.most + 1);
        let (right, down) = (shift(right), shift(down));
        let mut moved = vec![0; image.len()];
        for (place, value) in moved.iter_mut().enumerate() {
            let (channel, rest) = (place / shape.plane(), place % shape.plane());
            let (y, mut x) = (rest / shape.width, rest % shape.width);
            if mirror % 2 == 1 {
                x = shape.width - 1 - x;
            }
            // Counted from `most` pixels outside of the image, which are black.
            let (y, x) = ((y + down).checked_sub(self.most), (x + right).checked_sub(self.most));
            if let (Some(y), Some(x)) = (y.filter(|y| *y < shape.height), x.filter(|x| *x < shape.width)) {
                *value = image[channel * shape.plane() + y * shape.width + x];
            }
        }
        self.then.apply(&moved, shape, draws, out);
    }
}

fn main() -> Result<(), DatasetError> {
    let data = Synthetic { train: 300, test: 50, ..Synthetic::default() }.generate()?;
    let then = PixelScale::Unit.transform(data.train.shape())?;
    let transform = Arc::new(ShiftAndMirror { most: 2, then });
    let all = (0..300).collect();
    let loader = ImageLoader::new(data.train, all, 64, Order::Shuffled, transform, BatchContent::Pixels)?;

    let mut rng = TorchRng::new(43);
    let before = rng.clone();
    let whole = loader.pass(&mut rng, 0).collect::<Result<Vec<_>, _>>()?;
    let next = loader.pass(&mut rng, 0).collect::<Result<Vec<_>, _>>()?;
    println!(
        "{} batches; the first label of two passes: {} and {}",
        whole.len(),
        whole[0].labels[0],
        next[0].labels[0]
    );
    // A resume draws the pass again and leaves out what was trained on.
    let resumed = loader.pass(&mut before.clone(), 3).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(resumed, whole[3..]);
    Ok(())
}
