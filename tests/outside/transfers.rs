//! CIFAR-10 over HTTP: fetched once, resumed after a break, and never half.

use crate::archives::{archive, data_files, sha256, write_config};
use crate::harness::{Outcome, Sandbox, program, start};
use crate::server::{Answer, Server};

fn info(sandbox: &Sandbox) -> Outcome {
    sandbox.run(["dataset", "info", "cifar.toml"])
}

/// The archive is in the cache, whole, and nothing else is.
#[track_caller]
fn cached(sandbox: &Sandbox, bytes: &[u8]) {
    let names = sandbox.names("cache/strata");
    assert_eq!(names, [format!("cifar-10-binary-{}.tar.gz", &sha256(bytes)[..12])]);
    assert!(sandbox.read(&format!("cache/strata/{}", names[0])) == bytes);
}

#[test]
fn a_release_is_fetched_once() {
    let bytes = archive(&data_files());
    let sandbox = Sandbox::new();
    let server = Server::start(bytes.clone(), &[Answer::Right], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    sandbox.run(["experiment", "cifar.toml"]).succeeded();
    cached(&sandbox, &bytes);
    let second = info(&sandbox).succeeded();
    assert!(second.out.contains("training images     200") && !second.out.contains("Downloading"), "{}", second.out);
    assert_eq!(server.requests(), [0]);
    assert_eq!(sandbox.status("cifar"), "finished");
}

#[test]
fn cut_connection_is_resumed_where_it_broke() {
    let bytes = archive(&data_files());
    let sandbox = Sandbox::new();
    let server = Server::start(bytes.clone(), &[Answer::Half, Answer::Right], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    info(&sandbox).succeeded();
    cached(&sandbox, &bytes);
    assert_eq!(server.requests(), [0, bytes.len() as u64 / 2]);
}

/// The first run finds nobody after the cut and gives up; the second goes on from what it left.
#[test]
fn a_second_process_resumes_a_broken_download() {
    let bytes = archive(&data_files());
    let half = bytes.len() / 2;
    let sandbox = Sandbox::new();
    let gone = Server::start(bytes.clone(), &[Answer::Half], Some(1));
    write_config(&sandbox, &gone.url, &sha256(&bytes));
    info(&sandbox).failed_saying(1, &[&gone.url, "run again to go on", "put the file by hand"]);
    let part = sandbox.names("cache/strata").into_iter().find(|name| name.ends_with(".part")).unwrap();
    assert!(sandbox.read(&format!("cache/strata/{part}")) == bytes[..half]);

    // The same address, served again.
    let address = gone.url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let server = Server::start_at(&address, bytes.clone(), &[Answer::Right]);
    info(&sandbox).succeeded();
    cached(&sandbox, &bytes);
    assert_eq!(server.requests(), [half as u64]);
}

#[test]
fn range_request_answered_with_whole_file_restarts() {
    let bytes = archive(&data_files());
    let sandbox = Sandbox::new();
    let server = Server::start(bytes.clone(), &[Answer::Half, Answer::Whole], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    info(&sandbox).succeeded();
    cached(&sandbox, &bytes);
    assert_eq!(server.requests(), [0, bytes.len() as u64 / 2]);
}

#[test]
fn failing_server_is_given_up_after_retries() {
    let bytes = archive(&data_files());
    let sandbox = Sandbox::new();
    let server = Server::start(bytes.clone(), &[Answer::Fault], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    let outcome = sandbox.run(["experiment", "cifar.toml"]);
    outcome.failed_saying(1, &[&server.url, "HTTP status 500", "put the file by hand"]);
    assert_eq!(sandbox.names("cache/strata"), Vec::<String>::new());
    assert_eq!(sandbox.names("runs"), Vec::<String>::new());
    assert!(server.requests().len() > 1, "it tried again");
}

#[test]
fn damaged_or_oversized_download_is_removed() {
    let bytes = archive(&data_files());
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 3] ^= 0x10;
    for (served, answers) in [(flipped, &[Answer::Right][..]), (bytes.clone(), &[Answer::TooMuch])] {
        let sandbox = Sandbox::new();
        let server = Server::start(served, answers, None);
        write_config(&sandbox, &server.url, &sha256(&bytes));
        let line = info(&sandbox).failed(1);
        assert!(line.contains("checksum") && line.contains(&sha256(&bytes)), "{line}");
        assert_eq!(sandbox.names("cache/strata"), Vec::<String>::new());
    }
}

/// As on a full disk: a file may not grow beyond 512 blocks (256 or 512 KB, as the shell counts).
#[test]
fn a_download_that_fills_the_disk_says_what_to_do_and_resumes() {
    let bytes = archive(&data_files());
    let sandbox = Sandbox::new();
    let server = Server::start(bytes.clone(), &[Answer::Right], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    let mut shell = std::process::Command::new("sh");
    sandbox.confine(&mut shell);
    shell.args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$@\"", "sh"]).arg(program());
    let outcome = start(shell.args(["dataset", "info", "cifar.toml"])).wait();
    outcome.failed_saying(1, &["cache/strata/", ".part", "File too large", "free some space there", "--data"]);
    info(&sandbox).succeeded();
    cached(&sandbox, &bytes);
    assert!(server.requests()[1] > 0, "it begins where the disk was full: {:?}", server.requests());
}
