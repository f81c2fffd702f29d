//! CIFAR as torchvision's pickles.

use super::*;

/// A pickle of a dictionary with pixels `[N, 3072]` and labels, as Python 2 wrote the official files.
pub(super) fn pickle(labels_key: &str, labels: &[u8], pixels: &[u8]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85"
            .to_vec();
    bytes.extend(b"U\x01b\x87Rq\x05(K\x01M");
    bytes.extend((labels.len() as u16).to_le_bytes());
    bytes.extend(b"M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((pixels.len() as u32).to_le_bytes());
    bytes.extend(pixels);
    bytes.extend(b"tbU");
    bytes.push(labels_key.len() as u8);
    bytes.extend(labels_key.as_bytes());
    bytes.extend(b"q\x08]q\x09(");
    labels.iter().for_each(|&label| bytes.extend([b'K', label]));
    bytes.extend(b"eu.");
    bytes
}

/// The data files of `entries`, as pickles under torchvision's names.
fn pickled() -> Vec<Entry> {
    let files = entries().into_iter().skip(1).zip([
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ]);
    let mut all: Vec<Entry> = files
        .map(|((_, kind, bytes), name)| {
            let (labels, pixels): (Vec<u8>, Vec<&[u8]>) =
                bytes.chunks(RECORD).map(|record| (record[0], &record[1..])).unzip();
            (format!("cifar-10-batches-py/{name}"), kind, pickle("labels", &labels, &pixels.concat()))
        })
        .collect();
    let mut meta = b"\x80\x02}(U\x0blabel_names](".to_vec();
    for name in String::from_utf8(names()).unwrap().lines().filter(|name| !name.is_empty()) {
        meta.extend([b'U', name.len() as u8]);
        meta.extend(name.as_bytes());
    }
    meta.extend(b"eu.");
    all.push(("cifar-10-batches-py/batches.meta".to_owned(), EntryType::Regular, meta));
    all
}

fn asked(folder: &Path) -> Asked {
    let url = "http://127.0.0.1:1/no-server-here".to_owned();
    Asked { url, folder: Some(folder.to_owned()), ..Asked::default() }
}

#[test]
fn every_layout_of_the_same_images_gives_the_same_data_set() {
    let (_folder, source) = release(&gzip(&tar_bytes(&entries())));
    let binary = read(&source).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = gzip(&tar_bytes(&pickled()));
    fs::create_dir(folder.path().join("cifar-10-batches-py")).unwrap();
    for (name, _, bytes) in pickled() {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("cifar-10-python.tar.gz"), &archive).unwrap();
    let by_url = release(&archive);
    for (name, asked) in [
        ("the folder around it", asked(folder.path())),
        ("the folder itself", asked(&folder.path().join("cifar-10-batches-py"))),
        ("the archive's folder", asked(other.path())),
        ("the archive itself", asked(&other.path().join("cifar-10-python.tar.gz"))),
        ("the archive by its address", by_url.1),
    ] {
        let data = read(&asked).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_small_release(&data);
        assert_eq!(data.sha256().unwrap(), binary.sha256().unwrap(), "{name}");
    }
}

#[test]
fn pickles_that_call_functions_or_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, _, bytes) in pickled() {
        fs::write(folder.path().join(name.rsplit('/').next().unwrap()), bytes).unwrap();
    }
    let refusal = |bytes: &[u8]| {
        fs::write(folder.path().join("data_batch_2"), bytes).unwrap();
        read(&asked(folder.path())).unwrap_err().to_string()
    };
    let pixels = vec![7; 2 * (RECORD - 1)];
    for (bytes, problem) in [
        (b"\x80\x02cos\nsystem\nU\x02ls\x85R.".to_vec(), "it calls os.system"),
        (pickle("labels", &[1, 2], &pixels[1..]), "of 6143 bytes"),
        (pickle("labels", &[1, 10], &pixels), "record 1 (counted from 0): label 10"),
        (pickle("other", &[1, 2], &pixels), "has no \"labels\""),
        (b"<html>".to_vec(), "not a pickle of plain images"),
    ] {
        let error = refusal(&bytes);
        assert!(error.contains("data_batch_2") && error.contains(problem), "{error}");
    }
}
