//! Servers that cut, stall, lie and loop: each ends in the whole file or in one clear error.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::partial::with_suffix;
use super::*;
use crate::testing::{Reply, Server, cut, impatient, reply, rest, sha256, whole};

mod hostile;

/// A folder to download to, and what is wanted there.
struct Case {
    folder: TempDir,
    body: Vec<u8>,
    limits: Limits,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            body: (0..200_000u64).map(|i| ((i * i) >> 7) as u8).collect(),
            limits: impatient(),
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("cache/a.tar.gz")
    }

    fn fetch(&self, server: &Server) -> Result<File, DatasetError> {
        self.fetch_from(&server.url, &|| false, &mut |_| {})
    }

    fn fetch_from(
        &self,
        url: &str,
        cancel: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(FetchProgress),
    ) -> Result<File, DatasetError> {
        let wanted = Wanted { url, sha256: &sha256(&self.body), target: &self.target(), limits: &self.limits };
        fetch(&wanted, &mut Watch { cancel, progress })
    }

    fn error(&self, server: &Server) -> String {
        let error = self.fetch(server).unwrap_err().to_string();
        assert!(!self.target().exists(), "half a file is no file");
        error
    }

    /// The whole file is in its place, and nothing else is.
    fn assert_whole(&self) {
        assert_eq!(fs::read(self.target()).unwrap(), self.body);
        assert_eq!(self.names(), ["a.tar.gz"]);
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.target().parent().unwrap()) else {
            return vec![];
        };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_second_run_downloads_nothing() {
    let case = Case::new();
    let server = Server::start(vec![whole(&case.body)]);
    let mut events = vec![];
    case.fetch_from(&server.url, &|| false, &mut |event| events.push(event)).unwrap();
    case.assert_whole();
    let total = Some(200_000);
    assert_eq!(events[0], FetchProgress::Started { total, resumed_from: 0 });
    let advanced = events.iter().map(|event| match event {
        FetchProgress::Advanced { bytes } => *bytes,
        _ => 0,
    });
    assert_eq!(advanced.sum::<u64>(), 200_000);
    case.fetch(&server).unwrap();
    assert_eq!(server.requests().len(), 1);
}

/// The connection is cut half-way: the rest is asked for, of the same version.
#[test]
fn a_cut_connection_is_resumed_at_once() {
    let case = Case::new();
    let server = Server::start(vec![cut(&case.body, 80_000), rest(&case.body, 80_000)]);
    case.fetch(&server).unwrap();
    case.assert_whole();
    let again = &server.requests()[1];
    assert!(again.contains("range: bytes=80000-\n"), "{again}");
    assert!(again.contains("if-range: \"one\"\n"), "{again}");
}

/// The process ends after each break: the next one goes on where the last stopped.
#[test]
fn a_later_run_resumes() {
    let mut case = Case::new();
    case.limits.retries = 0;
    let server = Server::start(vec![cut(&case.body, 80_000), rest(&case.body, 80_000)]);
    let error = case.error(&server);
    assert!(error.contains(&server.url), "{error}");
    assert!(error.contains(&case.target().display().to_string()), "{error}");
    assert_eq!(case.names(), ["a.tar.gz.part", "a.tar.gz.part.json"]);
    let mut events = vec![];
    case.fetch_from(&server.url, &|| false, &mut |event| events.push(event)).unwrap();
    case.assert_whole();
    let (total, resumed_from) = (Some(200_000), 80_000);
    assert_eq!(events[0], FetchProgress::Started { total, resumed_from });
}

/// The file has changed, or the server knows no ranges: 200 is the whole file again.
#[test]
fn a_200_to_a_range_request_restarts_the_download() {
    let case = Case::new();
    let other = vec![7; 90_000];
    let server = Server::start(vec![cut(&other, 80_000), whole(&case.body)]);
    case.fetch(&server).unwrap();
    case.assert_whole();
}

/// A partial file of another URL must not be the beginning of this one.
#[test]
fn a_partial_download_of_another_url_is_not_resumed() {
    let mut case = Case::new();
    case.limits.retries = 0;
    let first = Server::start(vec![cut(&case.body, 80_000)]);
    case.error(&first);
    let second = Server::start(vec![whole(&case.body)]);
    case.fetch(&second).unwrap();
    assert!(!second.requests()[0].contains("range:"));
    case.assert_whole();
}

/// The note beside a partial file is damaged, or tells of fewer bytes than there are.
#[test]
fn damaged_metadata_of_a_partial_download_restarts_it() {
    for note in [
        "",
        "{",
        r#"{"url":"URL","validator":null,"total":10,"more":1}"#,
        r#"{"url":"URL","validator":null,"total":10}"#,
    ] {
        let case = Case::new();
        let server = Server::start(vec![whole(&case.body)]);
        fs::create_dir_all(case.target().parent().unwrap()).unwrap();
        fs::write(with_suffix(&case.target(), ".part"), [9; 1000]).unwrap();
        let note = note.replace("URL", &server.url);
        fs::write(with_suffix(&case.target(), ".part.json"), note).unwrap();
        case.fetch(&server).unwrap();
        assert!(!server.requests()[0].contains("range:"));
        case.assert_whole();
    }
}

/// The server resumes at another place than the one asked for: those bytes must not be appended.
#[test]
fn a_wrong_content_range_restarts_the_download() {
    let case = Case::new();
    let server = Server::start(vec![cut(&case.body, 80_000), rest(&case.body, 79_999), whole(&case.body)]);
    case.fetch(&server).unwrap();
    assert!(!server.requests()[2].contains("range:"));
    case.assert_whole();
}

/// 206 of a file that has another length by now.
#[test]
fn a_range_of_another_total_length_restarts_the_download() {
    let case = Case::new();
    let longer = [case.body.as_slice(), &[1]].concat();
    let server = Server::start(vec![cut(&longer, 80_000), rest(&case.body, 80_000), whole(&case.body)]);
    case.fetch(&server).unwrap();
    assert_eq!(server.requests().len(), 3);
    case.assert_whole();
}

/// 416 after all bytes have come (the server told no length before): the file is whole.
#[test]
fn a_416_at_the_end_completes_the_download() {
    let case = Case::new();
    let chunk = [b"30d40\r\n".as_slice(), &case.body, b"\r\n"].concat();
    // Chunked, without the chunk of length zero that ends it.
    let server = Server::start(vec![
        reply("200 OK", &["Transfer-Encoding: chunked"], &chunk),
        reply("416 Range Not Satisfiable", &["Content-Range: bytes */200000", "Content-Length: 0"], b""),
    ]);
    case.fetch(&server).unwrap();
    assert!(server.requests()[1].contains("range: bytes=200000-\n"));
    case.assert_whole();
}

/// 416 half-way: the file is shorter by now, so what is here is of no use.
#[test]
fn a_416_half_way_restarts_the_download() {
    let case = Case::new();
    let longer = [case.body.as_slice(), &case.body].concat();
    let server = Server::start(vec![
        cut(&longer, 300_000),
        reply("416 Range Not Satisfiable", &["Content-Range: bytes */200000", "Content-Length: 0"], b""),
        whole(&case.body),
    ]);
    case.fetch(&server).unwrap();
    case.assert_whole();
}

/// 206 to a request for the whole file.
#[test]
fn an_unrequested_206_is_an_error() {
    let case = Case::new();
    let server = Server::start(vec![rest(&case.body, 0)]);
    let error = case.error(&server);
    assert!(error.contains("HTTP status 206"), "{error}");
    assert_eq!(case.names(), Vec::<String>::new());
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let case = Case::new();
    let busy = reply("503 Service Unavailable", &["Content-Length: 0"], b"");
    let server = Server::start(vec![busy.clone(), busy, whole(&case.body)]);
    case.fetch(&server).unwrap();
    case.assert_whole();
}

#[test]
fn repeated_500s_are_an_error_after_the_retries() {
    let case = Case::new();
    let server = Server::start(vec![reply("500 Internal Server Error", &["Content-Length: 4"], b"oops")]);
    let error = case.error(&server);
    assert!(error.contains("HTTP status 500"), "{error}");
    assert_eq!(server.requests().len(), 3);
    assert_eq!(case.names(), Vec::<String>::new());
}

#[test]
fn a_404_is_an_error_at_once() {
    let case = Case::new();
    let server = Server::start(vec![reply("404 Not Found", &["Content-Length: 0"], b"")]);
    let error = case.error(&server);
    assert!(error.contains("HTTP status 404; correct the URL, or"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

/// Nothing that is no regular file is written over, neither where the file shall be nor beside it; and no pipe is waited for.
#[cfg(unix)]
#[test]
fn a_target_that_is_no_regular_file_is_refused_and_kept() {
    use std::os::unix::fs::FileTypeExt;
    for suffix in ["", ".part", ".lock"] {
        let case = Case::new();
        fs::create_dir_all(case.target().parent().unwrap()).unwrap();
        let pipe = with_suffix(&case.target(), suffix);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let server = Server::start(vec![whole(&case.body)]);
        let error = case.fetch(&server).unwrap_err().to_string();
        assert!(error.contains(pipe.to_str().unwrap()) && error.contains("not a regular file"), "{error}");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{suffix}");
    }
}

/// A link in the cache leads to a disk with more room: the file comes to lie there, and the link stays.
#[cfg(unix)]
#[test]
fn a_symbolic_link_as_target_is_followed() {
    let case = Case::new();
    let disk = case.folder.path().join("disk");
    for folder in [case.target().parent().unwrap(), &disk] {
        fs::create_dir_all(folder).unwrap();
    }
    std::os::unix::fs::symlink("../disk/b.tar.gz", case.target()).unwrap();
    let server = Server::start(vec![whole(&case.body)]);
    case.fetch(&server).unwrap();
    assert!(case.target().is_symlink());
    assert_eq!(fs::read(disk.join("b.tar.gz")).unwrap(), case.body);
    case.assert_whole();
}
