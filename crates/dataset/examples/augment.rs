//! Augmentation: images mirrored and moved, then a change of one's own; the same again wherever a pass is taken up.

use strata_dataset::{
    Augment, Augmentation, BatchContent, DatasetError, Draws, ImageLoader, ImageShape, Order, PixelScale, Synthetic,
};
use strata_rng::TorchRng;
use strata_spec::{AugmentChange, AugmentSpec, Edges};

/// Makes a random number of bright pixels black.
#[derive(Debug)]
struct Specks {
    most: usize,
}

impl Augment for Specks {
    fn apply(&self, image: &mut [u8], shape: ImageShape, draws: &mut Draws, _: &mut Vec<u8>) {
        for _ in 0..draws.below(self.most + 1) {
            let place = draws.below(shape.plane());
            image.iter_mut().skip(place).step_by(shape.plane()).for_each(|value| *value = 0);
        }
    }
}

fn main() -> Result<(), DatasetError> {
    let data = Synthetic { train: 300, test: 50, ..Synthetic::default() }.generate()?;
    let scale = PixelScale::Unit.transform(data.train.shape())?;
    let mirror = AugmentSpec { probability: 0.5, change: AugmentChange::Mirror { alternate: false } };
    let shift = AugmentSpec { probability: 1.0, change: AugmentChange::Shift { pixels: 2, edges: Edges::Reflected } };
    let augmentation = Augmentation::new(&[mirror, shift], 43)?.then(0.8, Specks { most: 20 })?;
    let all = (0..300).collect();
    let loader = ImageLoader::new(data.train, all, 64, Order::Shuffled, scale, BatchContent::Pixels)?;
    let loader = loader.augmented(augmentation)?;

    let mut rng = TorchRng::new(43);
    let before = rng.clone();
    let whole = loader.pass_of_epoch(&mut rng, 0, 0).collect::<Result<Vec<_>, _>>()?;
    let next = loader.pass_of_epoch(&mut rng, 1, 0).collect::<Result<Vec<_>, _>>()?;
    println!(
        "{} batches; the first images of two passes: {} and {}",
        whole.len(),
        whole[0].indices[0],
        next[0].indices[0]
    );
    // A resume draws the pass again and leaves out what was trained on.
    let resumed = loader.pass_of_epoch(&mut before.clone(), 0, 3).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(resumed, whole[3..]);
    Ok(())
}
