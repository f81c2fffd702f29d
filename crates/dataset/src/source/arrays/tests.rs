//! Arrays that NumPy wrote, and what is wrong with others.

use std::fs;

use super::*;
use crate::source::tests::zip;

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
    let rows: [(&str, Vec<u8>, &str); 10] = [
        ("y_train.npy", npy("<i8", "(3,)", &long([0, 3, 1])), "y_train.npy, record 1 (counted from 0): label 3"),
        ("y_train.npy", npy("<i8", "(3,)", &long([0, 0, -1])), "record 2 (counted from 0): label -1"),
        ("y_train.npy", npy("<f8", "(3,)", &[0; 24]), "it is float64 of shape [3]"),
        ("y_train.npy", npy("|u1", "(2,)", &[0; 2]), "2 labels for 3 images"),
        ("x_train.npy", npy("<f4", "(3, 1, 2, 2)", &[0; 48]), "its values are float32"),
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
        assert!(error.contains(expected) && error.contains(name), "{expected}: {error}");
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
