//! The same bytes everywhere, learnable classes, and what is refused.

use super::*;

/// Fixed once and for all: another machine, thread count or compiler must not move a bit.
#[test]
fn synthetic_images_equal_their_golden_hash() {
    let make = || {
        let synthetic = Synthetic { seed: 43, train: 300, test: 100, ..Synthetic::default() };
        synthetic.generate().unwrap().sha256().unwrap()
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    assert_eq!(make(), "9ced670463d4636f46a16bb094bbaf208981f7d6733174804422ec4b4949b633");
    assert_eq!(alone.unwrap().install(make), make());
}

#[test]
fn synthetic_images_differ_by_seed_and_part_and_have_balanced_classes() {
    let make = |seed| {
        let synthetic = Synthetic { seed, train: 20, test: 20, ..Synthetic::default() };
        synthetic.generate().unwrap()
    };
    let data = make(1);
    assert_ne!(data.train.pixels().unwrap(), data.test.pixels().unwrap());
    assert_ne!(data.train.pixels().unwrap(), make(2).train.pixels().unwrap());
    assert_eq!(data.train.class_counts(), [2; 10]);
}

/// What a linear reader of one pixel can know is far below what the figures tell: the nearest
/// class by mean image is right nearly always, the best single pixel's threshold seldom.
#[test]
fn the_class_is_separable_by_whole_images_but_not_by_single_pixels() {
    let synthetic = Synthetic { seed: 5, train: 1000, test: 300, ..Synthetic::default() };
    let data = synthetic.generate().unwrap();
    let values = ImageShape::CIFAR.values();
    let mut means = vec![vec![0.0f64; values]; 10];
    for (image, &label) in data.train.pixels().unwrap().chunks(values).zip(data.train.labels()) {
        let mean = &mut means[usize::from(label)];
        for (mean, &byte) in mean.iter_mut().zip(image) {
            *mean += f64::from(byte) / 100.0;
        }
    }
    let right = |pixels: std::ops::Range<usize>| {
        let bytes = data.test.pixels().unwrap();
        let images = bytes.chunks(values).zip(data.test.labels());
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
        let synthetic = Synthetic { train, test, ..Synthetic::default() };
        let error = synthetic.generate().unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.is_usage());
    }
}

#[test]
fn any_shape_and_number_of_classes_has_its_names_and_even_counts() {
    for ([channels, height, width], classes) in
        [([1, 1, 1], 2), ([1, 7, 5], 11), ([3, 64, 64], 10), ([9, 3, 20], 30), ([1, 28, 28], 256)]
    {
        let shape = ImageShape { channels, height, width };
        let synthetic = Synthetic { train: 2 * classes, test: classes, shape, classes, ..Synthetic::default() };
        let data = synthetic.generate().unwrap();
        assert_eq!((data.train.shape(), data.test.len()), (shape, classes));
        assert_eq!(data.train.class_counts(), vec![2; classes]);
        let names: std::collections::BTreeSet<_> = data.classes.iter().collect();
        assert_eq!(names.len(), classes, "{names:?}");
    }
    assert_eq!(class_name(10 + 4), "dark saltire");
    assert_eq!(class_name(255), "dark rows 13x13");
}

/// The classes beyond the tenth can be told apart too.
#[test]
fn the_mean_images_of_forty_classes_differ() {
    let shape = ImageShape { channels: 1, height: 24, width: 36 };
    let synthetic = Synthetic { train: 4_000, shape, classes: 40, ..Synthetic::default() };
    let data = synthetic.generate().unwrap();
    let mut means = vec![vec![0.0f64; shape.values()]; 40];
    for (image, &label) in data.train.pixels().unwrap().chunks(shape.values()).zip(data.train.labels()) {
        means[usize::from(label)].iter_mut().zip(image).for_each(|(mean, &byte)| *mean += f64::from(byte) / 100.0);
    }
    for a in 0..40 {
        for b in 0..a {
            let squares: f64 = means[a].iter().zip(&means[b]).map(|(a, b)| (a - b) * (a - b)).sum();
            assert!((squares / shape.values() as f64).sqrt() > 8.0, "{} and {}", data.classes[a], data.classes[b]);
        }
    }
}

#[test]
fn classes_and_shapes_that_cannot_be_are_refused() {
    let shape = |width| ImageShape { channels: 1, height: 1, width };
    let rows = [
        (Synthetic { classes: 0, ..Synthetic::default() }, "classes = 0"),
        (Synthetic { classes: 257, ..Synthetic::default() }, "classes = 257"),
        (Synthetic { shape: shape(0), ..Synthetic::default() }, "image size = 0"),
        (Synthetic { shape: shape(usize::MAX), train: 2, ..Synthetic::default() }, "cannot allocate"),
    ];
    for (synthetic, message) in rows {
        let error = synthetic.generate().unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}
