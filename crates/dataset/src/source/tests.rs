//! Releases of CIFAR-10 that are whole.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::request::below;
use super::*;

#[test]
fn a_file_below_a_url_keeps_the_urls_query() {
    let rows = [
        ("https://host/mnist", "https://host/mnist/a.gz"),
        ("https://host/mnist/?token=a/b", "https://host/mnist/a.gz?token=a/b"),
        ("file:///data/what?/mnist", "file:///data/what?/mnist/a.gz"),
    ];
    for (url, expected) in rows {
        assert_eq!(below(url, "a.gz"), expected);
    }
}
use crate::testing::{Server, impatient, sha256, whole};

mod damaged;
mod pickles;
mod published;

pub(super) use published::zip;

const RECORD: usize = 3073;
const FOLDER: &str = "cifar-10-batches-bin";
const ARCHIVE: &str = "cifar-10-binary.tar.gz";
const NAMES: &str = "batches.meta.txt";
const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// CIFAR-10 as a test asks for it.
struct Asked {
    url: String,
    sha256: String,
    folder: Option<PathBuf>,
    may_download: bool,
}

impl Default for Asked {
    fn default() -> Self {
        let release = DatasetKind::Cifar10.release().unwrap();
        Self {
            url: release.url.to_owned(),
            sha256: release.sha256.unwrap().to_owned(),
            folder: None,
            may_download: true,
        }
    }
}

impl Asked {
    fn load(
        &self,
        cancel: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<Dataset, DatasetError> {
        let (url, sha256) = (self.url.clone(), Some(self.sha256.clone()));
        let spec = DatasetSpec::Published { kind: DatasetKind::Cifar10, url, sha256 };
        let folder = match &self.folder {
            None => DataFolder::Cache,
            Some(path) if self.may_download => DataFolder::Named(path.clone()),
            Some(path) => DataFolder::Existing(path.clone()),
        };
        load_within(&spec, &folder, &impatient(), &mut Watch { cancel, progress })
    }
}

/// A data file of `count` records: labels and pixels follow from its number and their place.
fn data_file(number: usize, count: usize) -> Vec<u8> {
    let mut bytes = vec![];
    for record in 0..count {
        bytes.push(((number + record) % 10) as u8);
        bytes.extend((0..RECORD - 1).map(|value| (value * 7 + record * 3 + number) as u8));
    }
    bytes
}

fn names() -> Vec<u8> {
    b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n".to_vec()
}

/// An entry of an archive: its name as it stands in the header, its kind and its bytes.
type Entry = (String, EntryType, Vec<u8>);

/// A small release: two records a training file, three test records.
fn entries() -> Vec<Entry> {
    let mut entries = vec![(format!("{FOLDER}/{}", NAMES), EntryType::Regular, names())];
    for (number, name) in FILES.iter().enumerate() {
        let bytes = data_file(number, if number < 5 { 2 } else { 3 });
        entries.push((format!("{FOLDER}/{name}"), EntryType::Regular, bytes));
    }
    entries
}

fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    // Straight into the field: an attacker's tool does not refuse `..`.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn tar_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(vec![]);
    for (name, kind, bytes) in entries {
        let header = header(name, *kind, bytes.len() as u64);
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with an archive of these bytes, and the source that names it by a `file://` URL.
fn release(archive: &[u8]) -> (TempDir, Asked) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release.tar.gz");
    fs::write(&path, archive).unwrap();
    let source =
        Asked { url: crate::testing::file_url(&path), sha256: sha256(archive), folder: None, may_download: true };
    (folder, source)
}

fn read(source: &Asked) -> Result<Dataset, DatasetError> {
    source.load(&|| false, &mut |_| {})
}

/// What an archive of these bytes, its checksum in order, is refused for.
fn refusal(archive: &[u8]) -> String {
    let (folder, source) = release(archive);
    let error = read(&source).unwrap_err().to_string();
    assert!(error.contains("release.tar.gz"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unpacked");
    error
}

fn assert_small_release(data: &Dataset) {
    assert_eq!(data.name, "cifar10");
    assert_eq!(data.classes[3], "cat");
    assert_eq!(data.train.labels(), [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert_eq!(data.test.labels(), [5, 6, 7]);
    // File 3, record 1: the seventh training image.
    assert_eq!(*data.train.image(7).unwrap(), data_file(3, 2)[RECORD + 1..]);
    assert_eq!(*data.test.image(0).unwrap(), data_file(5, 1)[1..]);
}

#[test]
fn a_local_archive_is_read_without_unpacking() {
    let (folder, mut source) = release(&gzip(&tar_bytes(&entries())));
    source.sha256 = source.sha256.to_ascii_uppercase();
    let mut events = vec![];
    let data = source.load(&|| false, &mut |event| events.push(event)).unwrap();
    assert_small_release(&data);
    let path = folder.path().join("release.tar.gz");
    let expected = [
        FetchProgress::Verifying { path: path.clone() },
        FetchProgress::Reading { path },
        FetchProgress::Done { train: 10, test: 3 },
    ];
    assert_eq!(events, expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Order, other entries and a leading `./` make no difference; names may be missing.
#[test]
fn an_archive_in_another_order_is_the_same_data_set() {
    let mut all = entries();
    all.remove(0);
    all.reverse();
    for (name, ..) in &mut all {
        name.insert_str(0, "./");
    }
    all.push((format!("{FOLDER}/readme.html"), EntryType::Regular, vec![1; 700]));
    all.push((format!("{FOLDER}/"), EntryType::Directory, vec![]));
    let (_folder, source) = release(&gzip(&tar_bytes(&all)));
    assert_small_release(&read(&source).unwrap());
}

#[test]
fn a_folder_of_data_files_is_used_as_it_is() {
    for sub in ["", FOLDER] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(sub)).unwrap();
        for (name, _, bytes) in entries() {
            let name = name.rsplit('/').next().unwrap();
            fs::write(folder.path().join(sub).join(name), bytes).unwrap();
        }
        // The URL and the checksum are not so much as looked up.
        let source = Asked { folder: Some(folder.path().to_owned()), ..Asked::default() };
        assert_small_release(&read(&source).unwrap());
    }
}

#[test]
fn an_archive_in_the_folder_is_used_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let archive = gzip(&tar_bytes(&entries()));
    fs::write(folder.path().join(ARCHIVE), &archive).unwrap();
    // One of the six files alone is of no use, and of no harm.
    fs::write(folder.path().join("test_batch.bin"), b"").unwrap();
    let source = Asked {
        url: "http://127.0.0.1:1/no-server-here".to_owned(),
        sha256: sha256(&archive),
        folder: Some(folder.path().to_owned()),
        may_download: true,
    };
    assert_small_release(&read(&source).unwrap());
}

#[test]
fn a_missing_archive_is_downloaded_to_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let archive = gzip(&tar_bytes(&entries()));
    let server = Server::start(vec![whole(&archive)]);
    let source = Asked {
        url: server.url.clone(),
        sha256: sha256(&archive),
        folder: Some(folder.path().join("new")),
        may_download: true,
    };
    for _ in 0..2 {
        assert_small_release(&read(&source).unwrap());
    }
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(folder.path().join("new").join(ARCHIVE)).unwrap(), archive);
}

/// Downloads of two releases do not overwrite each other in the cache.
#[test]
fn the_cache_keeps_releases_of_other_checksums_apart() {
    let (source, limits) = (source(DatasetKind::Cifar10).unwrap(), impatient());
    let request = Request { source, url: "", sha256: None, folder: &DataFolder::Cache, limits: &limits };
    let path = request.target(ARCHIVE, source.release_sha256().unwrap()).unwrap();
    assert!(path.ends_with("strata/cifar-10-binary-c4a38c50a1bc.tar.gz"), "{}", path.display());
}

/// A folder that is not there any more, or is empty, is a disk that is not mounted: nothing is put there.
#[test]
fn an_existing_folder_is_never_downloaded_to() {
    let folder = tempfile::tempdir().unwrap();
    let archive = gzip(&tar_bytes(&entries()));
    let server = Server::start(vec![whole(&archive)]);
    for place in [folder.path().join("gone"), folder.path().to_owned()] {
        let (url, sha256) = (server.url.clone(), sha256(&archive));
        let mut source = Asked { url, sha256, folder: Some(place.clone()), may_download: false };
        let error = read(&source).unwrap_err();
        assert!(matches!(&error, DatasetError::Missing { path } if path.starts_with(&place)), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        source.folder = Some(folder.path().join("kept"));
        source.may_download = true;
        read(&source).unwrap();
        source.may_download = false;
        assert_small_release(&read(&source).unwrap());
        fs::remove_dir_all(folder.path().join("kept")).unwrap();
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_file_given_as_the_data_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = Asked { folder: Some(file.path().to_owned()), ..Asked::default() };
    let error = read(&source).unwrap_err();
    assert!(error.is_usage() && error.to_string().ends_with(" is not a folder"), "{error}");
}
