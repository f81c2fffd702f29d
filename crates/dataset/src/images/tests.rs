//! Statistics by hand, and what is no set of images.

use super::*;

const PAIR: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

#[test]
fn statistics_are_those_worked_out_by_hand() {
    // Channel 0 holds 0, 0, 255, 255: mean 1/2, deviation 1/2. Channel 1 holds 51 four times:
    // mean 0.2, deviation 0.
    let pixels = vec![0, 255, 51, 51, 255, 0, 51, 51];
    let images = Images::new(PAIR, pixels, vec![0, 1], 2).unwrap();
    let statistics = images.channel_statistics().unwrap();
    assert_eq!(statistics.mean, [0.5, 0.2]);
    assert_eq!(statistics.deviation, [0.5, 0.0]);
}

#[test]
fn statistics_of_no_images_are_defined() {
    let images = Images::new(PAIR, vec![], vec![], 2).unwrap();
    assert_eq!(images.channel_statistics().unwrap().mean, [0.0, 0.0]);
    assert!(images.image(0).unwrap().is_empty());
}

#[test]
fn a_label_out_of_range_names_its_record() {
    let error = Images::new(PAIR, vec![0; 12], vec![0, 9, 10], 10).unwrap_err();
    assert!(error.to_string().contains("record 2"), "{error}");
    assert!(error.to_string().contains("label 10, but labels are 0 to 9"), "{error}");
}

#[test]
fn sizes_that_disagree_are_refused() {
    let huge = ImageShape { channels: usize::MAX, height: 2, width: 1 };
    let none = ImageShape { width: 0, ..PAIR };
    // Each row: shape, pixels, classes, and the name the error gives.
    let rows = [
        (PAIR, 7, 10, "pixels = 7"),
        (PAIR, 8, 0, "classes = 0"),
        (PAIR, 8, 257, "classes = 257"),
        (huge, 8, 10, "image size"),
        (none, 0, 10, "image size = 0"),
    ];
    for (shape, pixels, classes, name) in rows {
        let error = Images::new(shape, vec![0; pixels], vec![0; 2], classes).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.is_usage());
    }
}

#[test]
fn floats_have_statistics_a_range_and_a_picture_and_are_no_bytes() {
    let shape = ImageShape { channels: 2, height: 1, width: 2 };
    let values = vec![0.0, 1.0, 0.5, 0.25, -2.0, 2.0, 1.0, 0.0];
    let images = Images::of_values(shape, values, vec![0, 1], 2).unwrap();
    assert_eq!(images.range(), Some((-2.0, 2.0)));
    // By hand: (0 + 1 - 2 + 2) / 4 and its deviation √((0.25² + 0.75² + 2.25² + 1.75²) / 4).
    let statistics = images.channel_statistics().unwrap();
    assert_eq!(statistics.mean, [0.25, 0.4375]);
    assert!((statistics.deviation[0] - (8.75f64 / 4.0).sqrt()).abs() < 1e-12, "{statistics:?}");
    // In 0..1 by 255, otherwise by the sample's own range.
    assert_eq!(*images.picture(0).unwrap(), [0, 255, 128, 64]);
    assert_eq!(*images.picture(1).unwrap(), [0, 255, 191, 128]);
    assert!(images.picture(2).unwrap().is_empty());
    for bytes in [images.image(0), images.pixels(), images.between(0..1)] {
        assert!(matches!(bytes, Err(DatasetError::NotBytes)));
    }
    assert!(Images::of_values(shape, vec![0.0; 3], vec![0], 1).is_err());
    let error = Images::of_values(shape, vec![0.0, 0.0, 0.0, f32::NAN], vec![0], 1).unwrap_err();
    assert!(error.to_string().contains("sample 0"), "{error}");
}
