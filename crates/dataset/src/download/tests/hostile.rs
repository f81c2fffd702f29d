//! Servers that lie, loop and stall, and files that are not the one wanted.

use super::*;

/// An answer that points to itself.
#[test]
fn an_endless_redirect_is_an_error() {
    let case = Case::new();
    let server =
        Server::start(vec![reply("302 Found", &["Location: /cifar-10-binary.tar.gz", "Content-Length: 0"], b"")]);
    let error = case.error(&server);
    assert!(error.contains(": too many redirects; correct the URL, or"), "{error}");
    assert!(server.requests().len() <= 12);
}

#[test]
fn a_redirect_keeps_the_range_header() {
    let case = Case::new();
    let elsewhere = reply("301 Moved Permanently", &["Location: /elsewhere", "Content-Length: 0"], b"");
    let server = Server::start(vec![elsewhere.clone(), cut(&case.body, 80_000), elsewhere, rest(&case.body, 80_000)]);
    case.fetch(&server).unwrap();
    assert!(server.requests()[3].contains("range: bytes=80000-\n"));
    case.assert_whole();
}

/// A body without a length that never ends would fill the disk.
#[test]
fn a_body_longer_than_the_limit_is_cut_off() {
    let mut case = Case::new();
    case.limits.longest = 100_000;
    let chunk = [b"30d40\r\n".as_slice(), &case.body, b"\r\n"].concat();
    let server = Server::start(vec![reply("200 OK", &["Transfer-Encoding: chunked"], &chunk.repeat(3))]);
    let error = case.error(&server);
    assert!(error.contains("more than the 100000 bytes expected"), "{error}");
    assert_eq!(case.names(), Vec::<String>::new());
}

/// A length that is absurd is refused before a byte of it is read.
#[test]
fn a_content_length_over_the_limit_is_refused() {
    let case = Case::new();
    let server = Server::start(vec![reply("200 OK", &["Content-Length: 9000000000000000000"], &[1; 100])]);
    let error = case.error(&server);
    assert!(error.contains("9000000000000000000 bytes"), "{error}");
}

/// More bytes than Content-Length says: those beyond are another answer's, and not the file's.
#[test]
fn bytes_beyond_the_content_length_are_ignored() {
    let case = Case::new();
    let Reply::Raw(mut bytes) = whole(&case.body) else {
        panic!("a whole answer is raw");
    };
    bytes.extend_from_slice(&[1; 5000]);
    let server = Server::start(vec![Reply::Raw(bytes)]);
    case.fetch(&server).unwrap();
    case.assert_whole();
}

/// A server that falls silent, before its answer or in the middle of it, is given up.
#[test]
fn a_stalled_connection_is_an_error() {
    for sent in [0, 40, 80_000] {
        let mut case = Case::new();
        case.limits.stall = Duration::from_millis(60);
        case.limits.retries = 1;
        let Reply::Raw(bytes) = whole(&case.body) else {
            panic!("a whole answer is raw");
        };
        let server = Server::start(vec![Reply::Stall(bytes[..sent].to_vec())]);
        let error = case.error(&server);
        assert!(error.contains("timeout"), "{error}");
    }
}

/// One drop after the other is never silent, and would never end.
#[test]
fn a_connection_that_is_too_slow_is_an_error() {
    let mut case = Case::new();
    (case.limits.window, case.limits.least, case.limits.retries) = (Duration::from_millis(30), 10_000, 1);
    let Reply::Raw(head) = cut(&case.body, 100) else {
        panic!("a cut answer is raw");
    };
    let server = Server::start(vec![Reply::Drip(head)]);
    let error = case.error(&server);
    assert!(error.contains("the server sends too slowly: ") && error.contains("run again to go on"), "{error}");
    assert_eq!(server.requests().len(), 2);
}

/// Ctrl-C while the server is silent does not wait for the timeout.
#[test]
fn a_cancelled_download_keeps_its_partial_file() {
    let case = Case::new();
    let Reply::Raw(bytes) = cut(&case.body, 80_000) else {
        panic!("a cut answer is raw");
    };
    let server = Server::start(vec![Reply::Stall(bytes)]);
    let (came, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let error = case.fetch_from(&server.url, &|| stop.load(Ordering::Relaxed), &mut |event| {
        if let FetchProgress::Advanced { bytes } = event {
            let so_far = came.fetch_add(bytes as usize, Ordering::Relaxed) + bytes as usize;
            stop.store(so_far == 80_000, Ordering::Relaxed);
        }
    });
    assert!(matches!(error, Err(DatasetError::Cancelled)));
    let part = fs::read(with_suffix(&case.target(), ".part")).unwrap();
    assert_eq!(part, case.body[..80_000]);
    assert_eq!(case.names(), ["a.tar.gz.part", "a.tar.gz.part.json"]);
}

/// A page of a hotel's network instead of the file: removed, so that the next try starts clean.
#[test]
fn a_wrong_checksum_names_both_sums_and_removes_the_file() {
    let case = Case::new();
    let server = Server::start(vec![whole(b"<html>please log in</html>"), whole(&case.body)]);
    let error = case.error(&server);
    for part in [&sha256(b"<html>please log in</html>"), &sha256(&case.body), "26 bytes", "a.tar.gz.part", "run again"]
    {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(case.names(), Vec::<String>::new());
    case.fetch(&server).unwrap();
    case.assert_whole();
}

/// The first half was damaged on disk: the sum says so, and a whole transfer mends it.
#[test]
fn a_damaged_resumed_download_is_restarted_once() {
    let mut case = Case::new();
    case.limits.retries = 0;
    let server = Server::start(vec![cut(&case.body, 80_000), rest(&case.body, 80_000), whole(&case.body)]);
    case.error(&server);
    let part = with_suffix(&case.target(), ".part");
    let mut bytes = fs::read(&part).unwrap();
    bytes[40_000] ^= 1;
    fs::write(&part, bytes).unwrap();
    case.fetch(&server).unwrap();
    assert_eq!(server.requests().len(), 3);
    case.assert_whole();
}

/// A file in the cache that is not the one wanted may be the user's: named, and left alone.
#[test]
fn an_existing_file_of_another_checksum_is_not_touched() {
    let case = Case::new();
    fs::create_dir_all(case.target().parent().unwrap()).unwrap();
    fs::write(case.target(), b"mine").unwrap();
    let server = Server::start(vec![whole(&case.body)]);
    let error = case.fetch(&server).unwrap_err().to_string();
    assert!(error.contains("delete it to have it fetched again"), "{error}");
    assert_eq!(fs::read(case.target()).unwrap(), b"mine");
    assert!(server.requests().is_empty());
}

/// No network: one error that says where to put the file by hand.
#[test]
fn an_unreachable_server_is_an_error_that_says_where_to_put_the_file() {
    let case = Case::new();
    let url = {
        let server = Server::start(vec![whole(b"")]);
        server.url.clone()
    };
    let error = case.fetch_from(&url, &|| false, &mut |_| {}).unwrap_err().to_string();
    for part in [url.as_str(), "no connection", "put the file by hand at", &case.target().display().to_string()] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(case.names(), Vec::<String>::new());
}

/// Whoever comes second waits, and then finds the file there.
#[test]
fn concurrent_processes_download_once() {
    let case = Case::new();
    let server = Server::start(vec![whole(&case.body)]);
    let watch = &mut Watch { cancel: &|| false, progress: &mut |_| {} };
    fs::create_dir_all(case.target().parent().unwrap()).unwrap();
    let held = Lock::hold(&case.target(), watch).unwrap();
    std::thread::scope(|scope| {
        let (sender, waiting) = std::sync::mpsc::channel();
        let (case, server) = (&case, &server);
        let second = scope.spawn(move || {
            case.fetch_from(&server.url, &|| false, &mut |event| {
                let _ = sender.send(event);
            })
        });
        let path = case.target();
        assert_eq!(waiting.recv().unwrap(), FetchProgress::Waiting { path });
        fs::write(case.target(), &case.body).unwrap();
        drop(held);
        second.join().unwrap().unwrap();
    });
    assert!(server.requests().is_empty());
    case.assert_whole();
}
