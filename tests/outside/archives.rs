//! A tiny data set in CIFAR-10's binary layout, and its archive.

use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::harness::Sandbox;
use crate::random::Random;

/// The six data files and their numbers of images.
pub(crate) const FILES: [(&str, usize); 6] = [
    ("data_batch_1.bin", 40),
    ("data_batch_2.bin", 40),
    ("data_batch_3.bin", 40),
    ("data_batch_4.bin", 40),
    ("data_batch_5.bin", 40),
    ("test_batch.bin", 20),
];
pub(crate) const FOLDER: &str = "cifar-10-batches-bin";
/// A label and 3,072 pixels.
pub(crate) const RECORD: usize = 3073;

/// The bytes of each data file: labels in turn, pixels at random, so that nothing can be packed.
pub(crate) fn data_files() -> Vec<(&'static str, Vec<u8>)> {
    let mut random = Random(1);
    let mut image = |label: usize| {
        let mut bytes = vec![(label % 10) as u8];
        bytes.extend((1..RECORD).map(|_| random.next() as u8));
        bytes
    };
    FILES.iter().map(|(name, images)| (*name, (0..*images).flat_map(&mut image).collect())).collect()
}

/// A `.tar.gz` of `files` in the release's folder.
pub(crate) fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{FOLDER}/{name}"), bytes.as_slice()).unwrap();
    }
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar.into_inner().unwrap()).unwrap();
    gz.finish().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A config of CIFAR-10 from `url`, as `cifar.toml` in the sandbox.
pub(crate) fn write_config(sandbox: &Sandbox, url: &str, sha256: &str) {
    let config = format!(
        "seed = 43\n\n[dataset]\nkind = \"cifar10\"\nurl = \"{url}\"\nsha256 = \"{sha256}\"\nvalidation = 20\nbatch = 32\n\n\
         [model]\nhidden = []\n\n[[phases]]\nepochs = 1\nlr = 0.001\n"
    );
    sandbox.write("cifar.toml", config);
}

pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}
