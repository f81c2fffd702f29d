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
    assert_eq!(data.test.image(2), &pixels(1)[2 * 3072..]);
    assert_eq!(load_from(DatasetKind::Cifar100, pickled.path()).unwrap().sha256(), data.sha256());
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
fn mnist_and_fashion_mnist_are_read_plain_and_gzipped() {
    for (kind, folder, class) in
        [(DatasetKind::Mnist, "MNIST/raw", "9"), (DatasetKind::FashionMnist, "FashionMNIST/raw", "ankle boot")]
    {
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
        assert_eq!(data.train.image(1)[0], (784 * 5) as u8);
        assert_eq!(load_from(kind, packed.path()).unwrap().sha256(), data.sha256());
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
