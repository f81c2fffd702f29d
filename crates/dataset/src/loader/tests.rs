//! Orders against PyTorch's, and passes of any size.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::thread;

use proptest::prelude::*;
use strata_rng::Philox;

use super::batches::{AHEAD, Worker};
use super::*;
use crate::{ImageBatch, ImageShape, PixelScale, Split};

const TINY: ImageShape = ImageShape { channels: 1, height: 1, width: 2 };

fn unit() -> Arc<dyn Transform> {
    PixelScale::Unit.transform(TINY).unwrap()
}

/// Image `i` holds the bytes `i % 256, i / 256 % 256`, so pixels tell which image they are.
fn numbered(len: usize) -> Arc<Images> {
    let pixels = (0..len).flat_map(|i| [i as u8, (i >> 8) as u8]).collect();
    let labels = (0..len).map(|i| (i * 7 % 10) as u8).collect();
    Arc::new(Images::new(TINY, pixels, labels, 10).unwrap())
}

fn loader(images: &Arc<Images>, indices: Vec<u32>, batch: usize, order: Order) -> ImageLoader {
    let content = BatchContent::Pixels;
    ImageLoader::new(Arc::clone(images), indices, batch, order, unit(), content).unwrap()
}

/// PyTorch 2.15, seed 43: a split of 2,000 into 1,800 and 200, the initial parameters of
/// 3072-64-32-10, then a validation pass, and three epochs of a training and a validation pass.
#[test]
fn batch_orders_equal_pytorchs() {
    let images = numbered(2000);
    let mut rng = TorchRng::new(43);
    let split = Split::random(2000, 200, &mut rng).unwrap();
    assert_eq!(split.validation[..8], [1454, 372, 1082, 1538, 746, 467, 1528, 1752]);
    let parameters = (3072 + 1) * 64 + (64 + 1) * 32 + (32 + 1) * 10;
    rng.fill_uniform(&mut vec![0.0; parameters], -1.0, 1.0);
    let train = loader(&images, split.train, 50, Order::Shuffled);
    let validation = loader(&images, split.validation.clone(), 100, Order::InOrder);
    assert_eq!((train.batches(), validation.batches()), (36, 2));
    let validate = |rng: &mut TorchRng| {
        let seen = validation.pass(rng, 0).flat_map(|batch| batch.unwrap().indices);
        assert!(seen.eq(split.validation.iter().copied()));
    };
    validate(&mut rng);
    for first in [
        [1933, 1213, 744, 1161, 439, 995, 1878, 645],
        [436, 25, 859, 954, 617, 401, 1129, 816],
        [981, 1911, 1255, 1083, 1426, 404, 1457, 556],
    ] {
        let batch = train.pass(&mut rng, 0).next().unwrap().unwrap();
        assert_eq!(batch.len(), 50);
        assert_eq!(batch.indices[..8], first);
        validate(&mut rng);
    }
}

#[test]
fn bad_sizes_and_indices_are_refused() {
    let images = numbered(10);
    let rows = [(vec![0], 0, "batch = 0"), (vec![3, 10], 4, "index = 10: there are 10 images")];
    for (indices, batch, message) in rows {
        let error =
            ImageLoader::new(Arc::clone(&images), indices, batch, Order::InOrder, unit(), BatchContent::Indices)
                .unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.is_usage());
    }
}

#[test]
fn batches_by_index_hold_no_pixels() {
    let loader = ImageLoader::new(numbered(10), vec![9, 1], 5, Order::InOrder, unit(), BatchContent::Indices).unwrap();
    let batches: Vec<ImageBatch> = loader.pass(&mut TorchRng::new(1), 0).map(Result::unwrap).collect();
    let expected = ImageBatch { indices: vec![9, 1], pixels: vec![], labels: vec![3, 7], mix: None };
    assert_eq!(batches, [expected]);
}

/// Nothing could be prepared ahead of it.
#[test]
fn a_pass_of_one_batch_starts_no_thread() {
    let images = numbered(7);
    let loader = |batch| loader(&images, (0..7).collect(), batch, Order::InOrder);
    assert!(loader(7).pass(&mut TorchRng::new(1), 0).workers.is_empty());
    assert!(loader(4).pass(&mut TorchRng::new(1), 1).workers.is_empty());
    assert_eq!(loader(4).pass(&mut TorchRng::new(1), 0).workers.len(), 1);
}

/// The thread holds the images by an `Arc` of its own: once the pass is gone, so is that.
#[test]
fn a_pass_dropped_early_ends_its_threads() {
    let images = numbered(10_000);
    for (taken, threads) in [(0, 1), (1, 1), (3, 1), (0, 3), (4, 3)] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let loader = loader(&images, (0..10_000).collect(), 1, Order::InOrder).prepared_ahead_by(threads);
        let mut pass = loader.pass(&mut TorchRng::new(1), 0);
        assert_eq!(pass.by_ref().take(taken).count(), taken);
        assert_eq!(pass.len(), 10_000 - taken);
        drop(pass);
        drop(loader);
        assert_eq!(Arc::strong_count(&images), 1);
    }
}

/// A thread that dies in the middle must neither hang the consumer nor cost a batch.
#[test]
fn no_batch_is_lost_when_the_loader_thread_panics() {
    let images = numbered(10);
    let loader = loader(&images, (0..10).collect(), 2, Order::InOrder);
    let mut pass = loader.pass(&mut TorchRng::new(1), 0);
    let (sender, ready) = sync_channel(AHEAD);
    let preparer = Arc::clone(&pass.preparer);
    let thread = thread::spawn(move || {
        sender.send(preparer.prepare(0)).unwrap();
        std::panic::resume_unwind(Box::new("the thread's end"));
    });
    pass.workers = vec![Worker { ready, thread }];
    let seen: Vec<u32> = pass.flat_map(|batch| batch.unwrap().indices).collect();
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any part of any images, any batch size, any number of batches skipped.
    #[test]
    fn a_pass_serves_each_index_once(
        len in 0usize..700,
        step in 1usize..5,
        batch in 1usize..900,
        skip in 0usize..9,
        threads in 1usize..6,
        shuffled: bool,
        seed: u64,
    ) {
        let images = numbered(len);
        let indices: Vec<u32> = (0..len as u32).step_by(step).collect();
        let order = if shuffled { Order::Shuffled } else { Order::InOrder };
        let loader = loader(&images, indices.clone(), batch, order).prepared_ahead_by(NonZeroUsize::new(threads).unwrap());
        let mut rng = TorchRng::new(seed);
        let expected = loader.order(&mut rng.clone());
        let pass = loader.pass(&mut rng, skip);
        prop_assert_eq!(rng.state().draws, if shuffled { 4 } else { 2 });
        prop_assert_eq!(pass.len(), loader.batches().saturating_sub(skip));
        let mut seen = Vec::new();
        for one in pass.map(Result::unwrap) {
            prop_assert!(one.len() == batch || seen.len() + one.len() + skip * batch == loader.samples());
            for (row, &index) in one.indices.iter().enumerate() {
                let bytes = [index as u8, (index >> 8) as u8].map(|b| f32::from(b) / 255.0);
                prop_assert_eq!(&one.pixels[2 * row..2 * row + 2], &bytes);
                prop_assert_eq!(u32::from(one.labels[row]), index * 7 % 10);
            }
            seen.extend(one.indices);
        }
        prop_assert_eq!(&seen, &expected[expected.len().min(skip * batch)..]);
        let mut all = expected;
        all.sort_unstable();
        prop_assert_eq!(all, indices);
    }
}

/// Adds what it draws to each value, so that a batch tells what was drawn for its samples.
#[derive(Debug)]
struct Noise;

impl Transform for Noise {
    fn values(&self, shape: ImageShape) -> usize {
        shape.values() + 1
    }

    fn apply(&self, image: &[u8], _: ImageShape, draws: &Philox, out: &mut [f32]) {
        let drawn = draws.block(0)[0] as f32;
        out[0] = drawn;
        out[1..].iter_mut().zip(image).for_each(|(out, &byte)| *out = f32::from(byte));
    }
}

/// What is drawn for a sample depends on the pass and on the sample, and on nothing that came before: a resume in the middle of a pass
/// sees the same values.
#[test]
fn a_resumed_pass_repeats_the_transforms_draws() {
    let images = numbered(50);
    let content = BatchContent::Pixels;
    let loader =
        ImageLoader::new(Arc::clone(&images), (0..50).collect(), 7, Order::Shuffled, Arc::new(Noise), content).unwrap();
    let mut rng = TorchRng::new(43);
    let mut passes = Vec::new();
    for _ in 0..2 {
        let before = rng.clone();
        let whole: Vec<ImageBatch> = loader.pass(&mut rng, 0).map(Result::unwrap).collect();
        for skip in 0..8 {
            let rest: Vec<ImageBatch> = loader.pass(&mut before.clone(), skip).map(Result::unwrap).collect();
            assert_eq!(rest, whole[skip..], "{skip}");
        }
        let mut drawn: Vec<(u32, f32)> = Vec::new();
        for batch in &whole {
            drawn.extend(batch.indices.iter().copied().zip(batch.pixels.iter().copied().step_by(3)));
        }
        drawn.sort_by_key(|(index, _)| *index);
        passes.push(drawn);
    }
    let distinct =
        |values: &[(u32, f32)]| values.iter().map(|(_, drawn)| drawn.to_bits()).collect::<BTreeSet<_>>().len();
    assert_eq!(distinct(&passes[0]), 50, "each sample has draws of its own");
    assert_ne!(passes[0], passes[1], "each pass too");
}

/// A device that holds the images looks values up: it would leave such a transform out.
#[test]
fn transforms_without_a_table_are_refused_for_batches_by_index() {
    let refused = ImageLoader::new(numbered(10), vec![1], 1, Order::InOrder, Arc::new(Noise), BatchContent::Indices);
    assert!(matches!(refused, Err(DatasetError::NotATable)));
}

/// Batches of any kind of augmentation: any batch alone, a pass begun in the middle, and other numbers of threads give the same bytes.
mod augmented {
    use strata_spec::{AugmentChange, AugmentSpec, Edges};

    use super::*;
    use crate::{Augmentation, PreparedImages, Synthetic};

    fn list(changes: &[AugmentChange]) -> Augmentation {
        let specs: Vec<_> = changes.iter().map(|&change| AugmentSpec { probability: 0.5, change }).collect();
        Augmentation::new(&specs, 43).unwrap()
    }

    fn images() -> Arc<Images> {
        let shape = ImageShape { channels: 3, height: 9, width: 12 };
        Synthetic { train: 70, test: 1, shape, ..Synthetic::default() }.generate().unwrap().train
    }

    /// Of bytes with everything on, and of low frequencies with what can be done to them.
    fn loaders() -> [ImageLoader; 2] {
        let images = images();
        let mirror = AugmentChange::Mirror { alternate: true };
        let mixup = AugmentChange::MixUp { alpha: 0.4 };
        let of_bytes = list(&[
            mirror,
            AugmentChange::Crop { area: [0.3, 1.0], ratio: [0.75, 1.25] },
            AugmentChange::Shift { pixels: 3, edges: Edges::Reflected },
            AugmentChange::Rotate { degrees: 20.0 },
            AugmentChange::ColourJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4 },
            AugmentChange::Cutout { size: 4 },
            AugmentChange::CutMix { alpha: 1.0 },
            mixup,
        ]);
        let indices: Vec<u32> = (0..70).collect();
        let scale = PixelScale::Unit.transform(images.shape()).unwrap();
        let content = BatchContent::Pixels;
        let bytes = ImageLoader::new(Arc::clone(&images), indices.clone(), 8, Order::Shuffled, scale, content).unwrap();
        let (prepared, _) = PreparedImages::low_frequencies(images, &indices, 20, 0.5).unwrap();
        let values = ImageLoader::prepared(Arc::new(prepared), indices, 8, Order::Shuffled).unwrap();
        [bytes.augmented(of_bytes).unwrap(), values.augmented(list(&[mirror, mixup])).unwrap()]
    }

    #[test]
    fn any_batch_of_any_pass_is_the_same_wherever_it_is_made() {
        for loader in loaders() {
            let mut rng = TorchRng::new(5);
            let mut passes = Vec::new();
            for epoch in 0..3 {
                let before = rng.clone();
                let whole: Vec<_> = loader.pass_of_epoch(&mut rng, epoch, 0).map(Result::unwrap).collect();
                assert!(whole.iter().any(|batch| batch.mix.is_some()));
                let rest: Vec<_> = loader.pass_of_epoch(&mut before.clone(), epoch, 4).map(Result::unwrap).collect();
                assert_eq!(rest, whole[4..]);
                let pass = loader.pass_of_epoch(&mut before.clone(), epoch, 0);
                let alone: Vec<_> = (0..9).rev().map(|number| pass.preparer.prepare(number).unwrap()).collect();
                assert!(alone.iter().rev().eq(&whole));
                for threads in [1, 2, 5] {
                    let ahead = loader.clone().prepared_ahead_by(NonZeroUsize::new(threads).unwrap());
                    let prepared: Vec<_> =
                        ahead.pass_of_epoch(&mut before.clone(), epoch, 0).map(Result::unwrap).collect();
                    assert_eq!(prepared, whole, "{threads} threads");
                }
                passes.push(whole);
            }
            assert_ne!(passes[0], passes[1]);
        }
    }

    /// Images are pasted one after another, and a picture of the batch all at once.
    #[test]
    fn each_image_is_pasted_into_by_the_one_before_as_that_was() {
        let images = images();
        let changes = [AugmentChange::Shift { pixels: 3, edges: Edges::Wrapped }, AugmentChange::CutMix { alpha: 1.0 }];
        let specs = changes.map(|change| AugmentSpec { probability: 1.0, change });
        for batch in [1, 7] {
            let scale = PixelScale::Unit.transform(images.shape()).unwrap();
            let (all, content) = ((0..70).collect(), BatchContent::Pixels);
            let loader = ImageLoader::new(Arc::clone(&images), all, batch, Order::Shuffled, scale, content).unwrap();
            let loader = loader.augmented(Augmentation::new(&specs, 43).unwrap()).unwrap();
            let mut pasted = 0;
            for seed in 0..20 {
                let first = loader.pass(&mut TorchRng::new(seed), 0).next().unwrap().unwrap();
                let picture = loader.first_batch(&mut TorchRng::new(seed)).unwrap();
                let pixels: Vec<u8> = first.pixels.iter().map(|value| (value * 255.0).round() as u8).collect();
                assert_eq!(pixels, *picture.pixels().unwrap(), "batches of {batch}, seed {seed}");
                pasted += usize::from(first.mix.is_some_and(|mix| mix.shares[0] < 1.0));
            }
            assert!(pasted > 10, "{pasted}");
        }
    }

    #[test]
    fn mirrored_values_are_those_of_mirrored_images_to_the_bit() {
        let images = images();
        let indices: Vec<u32> = (0..70).collect();
        let mirror = || list(&[AugmentChange::Mirror { alternate: false }]);
        let (prepared, table) = PreparedImages::low_frequencies(Arc::clone(&images), &indices, 20, 0.5).unwrap();
        let values = ImageLoader::prepared(Arc::new(prepared), indices.clone(), 16, Order::Shuffled).unwrap();
        let bytes = ImageLoader::new(images, indices, 16, Order::Shuffled, table, BatchContent::Pixels).unwrap();
        let batches = |loader: ImageLoader| -> Vec<ImageBatch> {
            loader.augmented(mirror()).unwrap().pass(&mut TorchRng::new(1), 0).map(Result::unwrap).collect()
        };
        assert_eq!(batches(values), batches(bytes));
    }

    #[test]
    fn what_cannot_be_done_to_values_made_before_is_refused() {
        let [_, values] = loaders();
        let shift = list(&[AugmentChange::Shift { pixels: 1, edges: Edges::Zero }]);
        assert!(matches!(values.augmented(shift), Err(DatasetError::NotOfValues)));
        let images = images();
        let scale = PixelScale::Unit.transform(images.shape()).unwrap();
        let loader = ImageLoader::new(images, vec![0], 1, Order::InOrder, scale, BatchContent::Indices).unwrap();
        let mirror = list(&[AugmentChange::Mirror { alternate: false }]);
        assert!(matches!(loader.augmented(mirror), Err(DatasetError::NotATable)));
    }

    #[test]
    fn a_transform_of_other_images_is_refused() {
        let images = images();
        let (_, table) = PreparedImages::low_frequencies(Arc::clone(&images), &[0, 1], 20, 0.5).unwrap();
        let other = numbered(3);
        let error = PreparedImages::new(Arc::clone(&other), table).unwrap_err();
        assert!(error.to_string().starts_with("the transform is of images of [3, 9, 12]"), "{error}");
        let scale = PixelScale::Unit.transform(images.shape()).unwrap();
        let error = ImageLoader::new(other, vec![0], 1, Order::InOrder, scale, BatchContent::Pixels).unwrap_err();
        assert!(matches!(error, DatasetError::OtherShape { .. }) && error.is_usage());
        let error = PreparedImages::low_frequencies(images, &[0], 109, 0.5).unwrap_err();
        assert!(
            error.to_string().starts_with("coefficients = 109: a channel of 9 x 12 pixels has 1 to 108"),
            "{error}"
        );
    }
}
