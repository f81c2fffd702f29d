//! CIFAR-10's data files and their archive.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use strata_dataset::{DataFolder, Dataset, DatasetError};
use strata_spec::{DatasetKind, DatasetSpec};

use crate::scratch;

const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
const RECORD: usize = 3_073;
/// Tar's unit.
const BLOCK: usize = 512;

/// CIFAR-10 from `folder`, else from the archive at `url`.
fn load(url: String, sha256: String, folder: Option<&Path>) -> Result<Dataset, DatasetError> {
    let spec = DatasetSpec::Published { kind: DatasetKind::Cifar10, url, sha256: Some(sha256) };
    let folder = folder.map_or(DataFolder::Cache, |folder| DataFolder::Existing(folder.to_owned()));
    strata_dataset::load(&spec, &folder, &|| false, &mut |_| {})
}

/// What holds for every data set that a reader gives.
fn assert_whole(data: &Dataset) {
    assert_eq!(data.classes.len(), 10);
    for part in [&data.train, &data.test] {
        assert!(!part.is_empty() && part.labels().iter().all(|&label| label < 10));
        assert!(part.pixels().is_ok_and(|pixels| pixels.len() == part.len() * (RECORD - 1)));
    }
}

/// A folder of data files. The first six bytes say how long each is, the seventh whether there is a list of names; the others are
/// the records' labels, and after them the list. (As raw bytes, the six files would need thousands of them to hold a record each.)
pub fn cifar_files(data: &[u8]) -> bool {
    let Some((head, rest)) = data.split_first_chunk::<7>() else { return false };
    let folder = scratch();
    let mut rest = rest.iter().copied();
    let (mut expected, mut right) = ([vec![], vec![]], true);
    for (number, (name, shape)) in FILES.iter().zip(head).enumerate() {
        let records = usize::from(shape & 3);
        let labels: Vec<u8> = rest.by_ref().take(records).collect();
        // Each pixel follows from its place, so that a shifted record is seen.
        let mut bytes: Vec<u8> =
            labels.iter().flat_map(|&label| (0..RECORD).map(move |i| if i == 0 { label } else { i as u8 })).collect();
        right &= !labels.is_empty() && labels.iter().all(|&label| label < 10);
        match shape >> 2 & 7 {
            0 => bytes.push(0),
            1 => drop(bytes.pop()),
            2 => {
                right = false;
                continue;
            }
            _ => {}
        }
        right &= bytes.len().is_multiple_of(RECORD);
        expected[number / 5].extend(labels);
        fs::write(folder.path().join(name), bytes).expect("a data file");
    }
    let names: Vec<u8> = rest.collect();
    let named = head[6] & 1 == 1;
    if named {
        fs::write(folder.path().join("batches.meta.txt"), names).expect("the list of names");
    }
    // Where a file is missing, the reader turns to the archive: one that is not there, lest it turn to the network.
    let found = load("file:///nonexistent/strata.tar.gz".into(), "0".repeat(64), Some(folder.path()));
    if !named {
        assert_eq!(found.is_ok(), right, "{found:?}");
    }
    let is_read = found.is_ok();
    if let Ok(found) = found {
        assert!(right);
        assert_whole(&found);
        for (part, labels) in [&found.train, &found.test].into_iter().zip(expected) {
            assert_eq!(part.labels(), labels);
            let pixels = (1..RECORD).map(|i| i as u8);
            let is_right = |image| part.image(image).is_ok_and(|image| image.iter().copied().eq(pixels.clone()));
            assert!((0..part.len()).all(is_right));
        }
    }
    is_read
}

/// Six pickles of images and labels, as torchvision's archive has them; all are the same one.
pub fn pickle(data: &[u8]) -> bool {
    let folder = scratch();
    for name in FILES.map(|name| name.trim_end_matches(".bin")) {
        fs::write(folder.path().join(name), data).expect("a pickle");
    }
    let found = load("file:///nonexistent/strata.tar.gz".into(), "0".repeat(64), Some(folder.path()));
    if let Ok(found) = &found {
        assert_whole(found);
        assert_eq!(found.train.len(), 5 * found.test.len());
    }
    found.is_ok()
}

/// An archive under its right checksum. The first byte says what the others are: the archive, a tar to be compressed, or one whose
/// headers' own checksums are mended first, so that the fuzzer gets past them.
pub fn archive(data: &[u8]) -> bool {
    let Some((&kind, rest)) = data.split_first() else { return false };
    let bytes = match kind % 3 {
        0 => rest.to_vec(),
        1 => gzip(rest),
        _ => gzip(&mended(rest)),
    };
    let folder = scratch();
    let path = folder.path().join("a.tar.gz");
    fs::write(&path, &bytes).expect("the archive");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = load(file_url(&path), sha256, None);
    if let Ok(found) = &found {
        assert_whole(found);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "something was unpacked");
    found.is_ok()
}

/// The URL of a file, on Windows too, where a path begins with a drive: `file:///C:/folder/file`.
fn file_url(path: &Path) -> String {
    let path = path.display().to_string().replace('\\', "/");
    format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" })
}

/// `bytes` compressed, as the seeds' archives are.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("compressed bytes")
}

/// The tar with the checksum of each header as the header asks for.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(block) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<BLOCK>()) {
        if block.iter().all(|&byte| byte == 0) {
            at += BLOCK;
            continue;
        }
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
        let size = header.entry_size().ok().and_then(|size| usize::try_from(size).ok());
        let next = size.and_then(|size| size.checked_next_multiple_of(BLOCK)).and_then(|size| at.checked_add(size));
        let Some(next) = next.and_then(|next| next.checked_add(BLOCK)) else { break };
        at = next;
    }
    bytes
}
