//! Arrays that NumPy wrote, and what is wrong with others.

use std::fs;

use super::*;
use crate::source::tests::zip;
use crate::{PreparedImages, ValueScale};

/// `numpy.save` of an array of this type and shape, in the format's version 1 (`np.lib.format.write_array`).
fn npy(type_name: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{type_name}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header}{}\n", " ".repeat(63 - (10 + header.len()) % 64));
    [b"\x93NUMPY\x01\x00".as_slice(), &(padded.len() as u16).to_le_bytes(), padded.as_bytes(), data].concat()
}

const SHAPE: ImageShape = ImageShape { channels: 2, height: 1, width: 2 };

fn load(path: &Path, counts: [usize; 2]) -> Result<Dataset, DatasetError> {
    let arrays = Arrays { path, shape: SHAPE, classes: 3, counts, seed: 1 };
    arrays.load(&mut Watch { cancel: &|| false, progress: &mut |_| {} })
}

/// Three images to train on, one to validate, two to test; labels of three types.
fn files() -> Vec<(String, Vec<u8>)> {
    let pixels = |first: u8, images: u8| (first..first + 4 * images).collect::<Vec<u8>>();
    let big: Vec<u8> = [0i32, 1].iter().flat_map(|label| label.to_be_bytes()).collect();
    let long: Vec<u8> = [2i64, 0, 1].iter().flat_map(|label| label.to_le_bytes()).collect();
    vec![
        ("x_train.npy".into(), npy("|u1", "(3, 1, 2, 2)", &pixels(0, 3))),
        ("y_train.npy".into(), npy("<i8", "(3,)", &long)),
        ("x_val.npy".into(), npy("|u1", "(1, 1, 2, 2)", &pixels(40, 1))),
        ("y_val.npy".into(), npy("|u1", "(1, 1)", &[1])),
        ("x_test.npy".into(), npy("|u1", "(2, 1, 2, 2)", &pixels(80, 2))),
        ("y_test.npy".into(), npy(">i4", "(2,)", &big)),
    ]
}

fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
    folder
}

#[test]
fn a_folder_and_an_archive_of_arrays_are_the_same_data() {
    let folder = folder(&files());
    let data = load(folder.path(), [4, 2]).unwrap();
    assert_eq!((data.train.labels(), data.validation), (&[2, 0, 1, 1][..], Some(1)));
    assert_eq!((data.test.labels(), data.classes.as_slice()), (&[0, 1][..], &["0", "1", "2"].map(str::to_owned)[..]));
    // [height, width, channels] as [channels, height, width]: 4 5 6 7 becomes 4 6 and 5 7.
    assert_eq!(*data.train.image(1).unwrap(), [4, 6, 5, 7]);
    let archive = folder.path().join("data.npz");
    fs::write(&archive, zip(&files())).unwrap();
    assert_eq!(load(&archive, [4, 2]).unwrap().sha256().unwrap(), data.sha256().unwrap());
}

/// NumPy would take the last one.
#[test]
fn an_archive_with_an_array_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("data.npz");
    let mut twice = files();
    twice.push(twice[0].clone());
    fs::write(&archive, zip(&twice)).unwrap();
    let error = load(&archive, [4, 2]).unwrap_err().to_string();
    assert!(error.contains(&format!("{} is in it more than once", twice[0].0)), "{error}");
}

#[test]
fn images_to_test_on_are_drawn_where_there_is_no_array_of_them() {
    let files: Vec<_> = files().into_iter().take(2).collect();
    let data = load(folder(&files).path(), [2, 1]).unwrap();
    let mut all = [data.train.pixels().unwrap(), data.test.pixels().unwrap()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..12).collect::<Vec<u8>>());
    assert_eq!((data.train.len(), data.validation, data.test.len()), (2, None, 1));
}

#[test]
fn wrong_arrays_are_told_with_their_file_and_row() {
    let long = |labels: [i64; 3]| labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<u8>>();
    // The header's text alone is changed, its length is kept.
    let place = files()[0].1.windows(5).position(|text| text == b"False").unwrap();
    let mut fortran = files()[0].1.clone();
    fortran[place..place + 5].copy_from_slice(b"True ");
    // Each row: the file, its bytes, and what is said.
    let rows: [(&str, Vec<u8>, &str); 12] = [
        ("y_train.npy", npy("<i8", "(3,)", &long([0, 3, 1])), "y_train.npy, record 1 (counted from 0): label 3"),
        ("y_train.npy", npy("<i8", "(3,)", &long([0, 0, -1])), "record 2 (counted from 0): label -1"),
        ("y_train.npy", npy("<f8", "(3,)", &[0; 24]), "it is float64 of shape [3]"),
        ("y_train.npy", npy("|u1", "(2,)", &[0; 2]), "2 labels for 3 images"),
        ("x_train.npy", npy("<i2", "(3, 1, 2, 2)", &[0; 24]), "its values are int16; samples are of uint8"),
        ("x_test.npy", npy("<f4", "(2, 1, 2, 2)", &[0; 32]), "x_train is of uint8, and another part of floats"),
        ("x_val.npy", npy("<f4", "(1, 1, 2, 2)", &[0; 16]), "x_train is of uint8, and another part of floats"),
        ("x_train.npy", npy("|u1", "(3, 2, 1, 2)", &[0; 12]), "not [N, 1, 2, 2]"),
        ("x_train.npy", npy("|u1", "(3, 1, 2, 2)", &[0; 11]), "is not that of its 11 bytes"),
        ("x_train.npy", fortran, "Fortran's order"),
        ("x_train.npy", npy("|O1", "(3, 1, 2, 2)", &[0; 12]), "no plain numbers"),
        ("x_train.npy", b"\x93NUMPY\x01\x00\xff\xff".to_vec(), "cut short"),
    ];
    for (name, bytes, expected) in rows {
        let folder = folder(&files());
        fs::write(folder.path().join(name), bytes).unwrap();
        let error = load(folder.path(), [4, 2]).map(drop).unwrap_err().to_string();
        let says_file = expected.contains("another part") || error.contains(name);
        assert!(error.contains(expected) && says_file, "{expected}: {error}");
    }
    let folder = folder(&files());
    assert!(load(folder.path(), [5, 2]).map(drop).unwrap_err().to_string().contains("4 images to train on, and 5"));
    fs::remove_file(folder.path().join("y_test.npy")).unwrap();
    assert!(load(folder.path(), [4, 2]).map(drop).unwrap_err().to_string().contains("there is no y_test beside it"));
}

/// What NumPy 2 wrote, byte for byte: `np.savez_compressed(f, x_train=np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2), y_train=np.array([2, 0, 1]),
/// x_test=…, y_test=…)`.
#[test]
fn an_archive_that_numpy_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numpy.npz");
    fs::write(&path, include_bytes!("numpy.npz")).unwrap();
    let data = load(&path, [3, 2]).unwrap();
    assert_eq!(*data.train.pixels().unwrap(), [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11]);
    assert_eq!((data.train.labels(), data.test.labels()), (&[2, 0, 1][..], &[1, 1][..]));
}

/// Of `make_floats.py`: float16, big-endian float32 and float64, each in single precision, channel by channel.
#[test]
fn floats_of_any_size_are_read_and_those_that_are_no_numbers_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("floats.npz");
    fs::write(&path, include_bytes!("floats.npz")).unwrap();
    let data = load(&path, [3, 1]).unwrap();
    assert_eq!(data.validation, Some(1));
    let third = 0.333_251_95;
    let train = [0.099_975_586, 2f32.powi(-24), -1.5, 65504.0, -0.0, 7.25, third, -2.0, 0.1, -3.0, 1e-3, 4.0];
    assert_eq!(data.train.values().unwrap(), train);
    assert_eq!(data.test.values().unwrap(), [0.1, 1.0, 0.0, -5.0]);
    assert_eq!(load_test(&path).unwrap().values(), data.test.values());

    // NumPy's means and deviations, as `make_floats.py` prints them; of the third sample, which validates, nothing.
    let of_channels = ValueScale::of(&data.train, &[0, 1]).unwrap();
    assert_close(of_channels.mean(), &[1.837_493_9, 16_375.208]);
    assert_close(of_channels.deviation(), &[3.125_178_3, 28_364.521]);
    let rows = [0.099_975_586, -1.5, 2f32.powi(-24), 65504.0, -0.0, third, 7.25, -2.0];
    let shape = ImageShape { channels: 1, height: 1, width: 4 };
    let rows = Arc::new(Images::of_values(shape, rows.to_vec(), vec![2, 0], 3).unwrap());
    let of_features = ValueScale::of(&rows, &[0, 1]).unwrap();
    assert_close(of_features.mean(), &[0.049_987_79, -0.583_374, 3.625, 32_751.0]);
    assert_close(of_features.deviation(), &[0.049_987_79, 0.916_626, 3.625, 32_753.0]);
    let scaled = PreparedImages::scaled(rows, &of_features).unwrap();
    assert_close(scaled.values(1), &[-1.0, 1.0, 1.0, -1.0]);
    assert!(ValueScale::of(&data.train, &[3]).is_err() && ValueScale::of(&data.train, &[]).is_err());

    let floats = |values: [f64; 4]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    for (value, said) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf"), (1e39, "1e39")] {
        let mut files = files();
        files.retain(|(name, _)| name.ends_with("test.npy"));
        files[0].1 = npy("<f8", "(2, 1, 2, 2)", &[floats([0.0; 4]), floats([0.0, 1.0, value, 2.0])].concat());
        let error = load_test(self::folder(&files).path()).unwrap_err().to_string();
        let value = said.parse::<f64>().unwrap();
        let said = format!("x_test.npy: sample 1 (counted from 0): {value} is no finite number");
        assert!(error.contains(&said), "{said}: {error}");
    }
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
    }
}

fn load_test(path: &Path) -> Result<Images, DatasetError> {
    crate::load_test_arrays(path, SHAPE, 3, &|| false)
}

#[test]
fn floats_to_test_on_are_drawn_as_bytes_are() {
    let values: Vec<u8> = (0..12).flat_map(|value| (value as f32).to_le_bytes()).collect();
    let mut floats: Vec<_> = files().into_iter().take(2).collect();
    floats[0].1 = npy("<f4", "(3, 1, 2, 2)", &values);
    let bytes = load(folder(&files()[..2]).path(), [2, 1]).unwrap();
    let floats = load(folder(&floats).path(), [2, 1]).unwrap();
    for (bytes, floats) in [(&bytes.train, &floats.train), (&bytes.test, &floats.test)] {
        let same: Vec<f32> = bytes.pixels().unwrap().iter().map(|byte| f32::from(*byte)).collect();
        assert_eq!((floats.values().unwrap(), floats.labels()), (same.as_slice(), bytes.labels()));
    }
    assert_ne!(bytes.sha256().unwrap(), floats.sha256().unwrap());
}
