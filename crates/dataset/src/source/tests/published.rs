//! CIFAR-100, MNIST and Fashion-MNIST, on made files.

use super::pickles::pickle;
use super::*;

fn load_from(kind: DatasetKind, folder: &Path) -> Result<Dataset, DatasetError> {
    let spec = DatasetSpec::published(kind).unwrap();
    load(&spec, &DataFolder::Existing(folder.to_owned()), &|| false, &mut |_| {})
}

#[test]
fn cifar100_has_the_fine_labels_of_records_and_of_pickles() {
    let labels = |part: u8| [99 - part, 7, part];
    let pixels = |part: u8| (0..3 * 3072).map(|value| (value * 11 + usize::from(part)) as u8).collect::<Vec<u8>>();
    let (binary, pickled) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(pickled.path().join("cifar-100-python")).unwrap();
    for (part, name) in [(0, "train"), (1, "test")] {
        let records = labels(part).into_iter().zip(pixels(part).chunks(3072).map(<[u8]>::to_vec).collect::<Vec<_>>());
        let bytes: Vec<u8> = records.flat_map(|(label, pixels)| [vec![19, label], pixels].concat()).collect();
        fs::write(binary.path().join(format!("{name}.bin")), bytes).unwrap();
        let bytes = pickle("fine_labels", &labels(part), &pixels(part));
        fs::write(pickled.path().join("cifar-100-python").join(name), bytes).unwrap();
    }
    let data = load_from(DatasetKind::Cifar100, binary.path()).unwrap();
    assert_eq!((data.name.as_str(), data.classes.len(), data.classes[99].as_str()), ("cifar100", 100, "worm"));
    assert_eq!((data.train.labels(), data.test.labels()), (&labels(0)[..], &labels(1)[..]));
    assert_eq!(*data.test.image(2).unwrap(), pixels(1)[2 * 3072..]);
    assert_eq!(load_from(DatasetKind::Cifar100, pickled.path()).unwrap().sha256().unwrap(), data.sha256().unwrap());
}

#[test]
fn cifar100_coarse_has_the_first_label_of_a_record() {
    let folder = tempfile::tempdir().unwrap();
    for (name, label) in [("train.bin", 19), ("test.bin", 3)] {
        fs::write(folder.path().join(name), [vec![label, 99], vec![7; 3072]].concat()).unwrap();
    }
    let data = load_from(DatasetKind::Cifar100Coarse, folder.path()).unwrap();
    assert_eq!((data.train.labels(), data.test.labels()), (&[19][..], &[3][..]));
    assert_eq!((data.classes.len(), data.classes[19].as_str()), (20, "vehicles_2"));
}

/// Files in a ZIP archive as EMNIST's are: gzipped, then stored or deflated, images by columns, letters from 1 on.
#[test]
fn emnist_is_read_of_its_archive_and_of_torchvisions_folder() {
    let column_major: Vec<u8> = (0..784u32).map(|place| (place % 28 * 5 + place / 28) as u8).collect();
    let files = [
        ("train-images-idx3-ubyte", idx(&[2, 28, 28], &[column_major.clone(), vec![1; 784]].concat())),
        ("train-labels-idx1-ubyte", idx(&[2], &[1, 26])),
        ("test-images-idx3-ubyte", idx(&[1, 28, 28], &column_major)),
        ("test-labels-idx1-ubyte", idx(&[1], &[2])),
    ];
    let (archive, unpacked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let raw = unpacked.path().join("EMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    let mut entries = Vec::new();
    for (name, bytes) in &files {
        fs::write(raw.join(format!("emnist-letters-{name}")), bytes).unwrap();
        entries.push((format!("gzip/emnist-letters-{name}.gz"), gzip(bytes)));
    }
    let path = archive.path().join("gzip.zip");
    fs::write(&path, zip(&entries)).unwrap();
    let data = load_from(DatasetKind::EmnistLetters, archive.path()).unwrap();
    assert_eq!((data.train.labels(), data.test.labels()), (&[0, 25][..], &[1][..]));
    assert_eq!(data.classes[25], "z");
    let image = data.train.image(0).unwrap();
    assert!((0..784).all(|place| image[place] == (place / 28 * 5 + place % 28) as u8), "it stands upright");
    assert_eq!(
        load_from(DatasetKind::EmnistLetters, unpacked.path()).unwrap().sha256().unwrap(),
        data.sha256().unwrap()
    );
    // Every byte that is changed is told, and none makes other images.
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        fs::write(&path, damaged).unwrap();
        let found = load_from(DatasetKind::EmnistLetters, archive.path());
        assert!(found.is_err() || found.unwrap().sha256().unwrap() == data.sha256().unwrap(), "byte {place}");
    }
}

/// A ZIP archive of these files, stored and deflated in turn.
pub(in crate::source) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (number, (name, bytes)) in files.iter().enumerate() {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let method = 8 * (number as u16 % 2);
        let packed = match method {
            0 => bytes.clone(),
            _ => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        };
        let mut common = vec![20, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        directory.extend([b"PK\x01\x02\x14\x00".as_slice(), &common, &[0; 10]].concat());
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend([b"PK\x03\x04".as_slice(), &common, name.as_bytes(), &packed].concat());
    }
    let (count, start) = ((files.len() as u16).to_le_bytes(), (archive.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    archive.extend([directory.as_slice(), b"PK\x05\x06\0\0\0\0", &count, &count, &size, &start, &[0; 2]].concat());
    archive
}

/// An IDX file of bytes: `sizes` are its dimensions.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Three training and two test images, in MNIST's files.
fn idx_files() -> [(&'static str, Vec<u8>); 4] {
    let pixels = |count: usize| (0..count * 784).map(|value| (value * 5) as u8).collect::<Vec<u8>>();
    [
        ("train-images-idx3-ubyte", idx(&[3, 28, 28], &pixels(3))),
        ("train-labels-idx1-ubyte", idx(&[3], &[9, 0, 4])),
        ("t10k-images-idx3-ubyte", idx(&[2, 28, 28], &pixels(2))),
        ("t10k-labels-idx1-ubyte", idx(&[2], &[1, 1])),
    ]
}

#[test]
fn data_sets_in_mnists_format_are_read_plain_and_gzipped() {
    for (kind, folder, class) in [
        (DatasetKind::Mnist, "MNIST/raw", "9"),
        (DatasetKind::FashionMnist, "FashionMNIST/raw", "ankle boot"),
        (DatasetKind::Kmnist, "KMNIST/raw", "wo"),
    ] {
        let (plain, packed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(packed.path().join(folder)).unwrap();
        for (name, bytes) in idx_files() {
            fs::write(plain.path().join(name), &bytes).unwrap();
            fs::write(packed.path().join(folder).join(format!("{name}.gz")), gzip(&bytes)).unwrap();
        }
        let data = load_from(kind, plain.path()).unwrap();
        assert_eq!(data.train.shape(), ImageShape { channels: 1, height: 28, width: 28 });
        assert_eq!((data.train.labels(), data.test.labels()), (&[9, 0, 4][..], &[1, 1][..]));
        assert_eq!(data.classes[9], class);
        assert_eq!(data.train.image(1).unwrap()[0], (784 * 5) as u8);
        assert_eq!(load_from(kind, packed.path()).unwrap().sha256().unwrap(), data.sha256().unwrap());
    }
}

/// Files that are fetched one by one: into the folder, and each by its checksum.
#[test]
fn a_downloaded_file_of_another_checksum_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(vec![whole(&gzip(&idx_files()[0].1))]);
    let spec = DatasetSpec::Published { kind: DatasetKind::Mnist, url: format!("{}/", server.url), sha256: None };
    let named = DataFolder::Named(folder.path().to_owned());
    let error = load_within(&spec, &named, &impatient(), &mut Watch { cancel: &|| false, progress: &mut |_| {} });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("440fcabf73cc") && error.contains("train-images-idx3-ubyte.gz"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(server.requests()[0].contains("/train-images-idx3-ubyte.gz http"), "{:?}", server.requests());
}

#[test]
fn idx_files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (number, bytes, problem) in [
        (0, idx(&[3, 28, 28], &[0; 5]), "its sizes [3, 28, 28] are not those of its 5 values"),
        (0, idx(&[3, 28], &[0; 84]), "it begins with the bytes [0, 0, 8, 2]"),
        (0, idx(&[u32::MAX, u32::MAX, u32::MAX], &[]), "its sizes"),
        (0, vec![0, 0, 8], "it is cut short"),
        (0, idx(&[3, 14, 56], &[0; 3 * 784]), "[1, 14, 56]"),
        (0, idx(&[0, 28, 28], &[]), "labels for 0 images"),
        (1, idx(&[2], &[0, 1]), "it has 2 labels for 3 images"),
        (1, idx(&[3], &[0, 1, 10]), "record 2 (counted from 0): label 10"),
        (3, vec![7; 10_009], "10009 bytes are more than the 10008"),
    ] {
        for (place, (name, whole)) in idx_files().into_iter().enumerate() {
            fs::write(folder.path().join(name), if place == number { &bytes } else { &whole }).unwrap();
        }
        let error = load_from(DatasetKind::Mnist, folder.path()).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn every_published_data_set_has_a_source() {
    for kind in DatasetKind::ALL {
        let source = source(kind);
        assert_eq!(source.is_some(), kind.release().is_some(), "{kind}");
        if let (Some(source), Some(release)) = (source, kind.release()) {
            assert_eq!(matches!(source.origin, Origin::Archive { .. }), release.sha256.is_some(), "{kind}");
        }
    }
}

#[test]
fn published_sets_are_known_by_their_files_names() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(published_in(folder.path()), []);
    fs::write(folder.path().join("cifar-10-python.tar.gz"), b"").unwrap();
    assert_eq!(published_in(folder.path()), [DatasetKind::Cifar10]);
    let raw = folder.path().join("FashionMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    for name in
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    {
        fs::write(raw.join(name), b"").unwrap();
    }
    assert_eq!(published_in(folder.path()), [DatasetKind::Cifar10, DatasetKind::FashionMnist]);
    let found = published_in(&raw);
    assert_eq!(found, [DatasetKind::Mnist, DatasetKind::FashionMnist, DatasetKind::Kmnist]);
}

#[test]
fn a_file_of_mnists_heirs_is_known_by_its_checksum() {
    let fashion = "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5";
    let released_by = files::released_by;
    assert_eq!(released_by("t10k-labels-idx1-ubyte.gz", fashion), Some(DatasetKind::FashionMnist));
    assert_eq!(released_by("train-labels-idx1-ubyte.gz", fashion), None);
}
