//! A data set's files and pictures: where they come from, where they go, and what is said of them.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::Command;

use crate::archives::{FOLDER, archive, data_files, file_url, sha256, write_config};
use crate::harness::{Outcome, Sandbox, program, start, wait_until};
use crate::server::{Answer, Server};

const LONG: &str = "phases=[{epochs=400,lr=0.001}]";

/// Starts a run of `cifar.toml`, interrupts it after an epoch, and leaves it to be resumed.
fn interrupted(sandbox: &Sandbox, arguments: &[&str]) {
    let mut run = start(sandbox.command(["experiment", "cifar.toml", "--name", "run", "--set", LONG]).args(arguments));
    wait_until("the run has a checkpoint", || sandbox.history_lines("run") >= 3 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
}

fn with_folder(folder: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("{folder}/{name}"), bytes);
    }
    sandbox
}

/// A disk that is not mounted: its mount point is gone, or there and empty.
#[test]
fn a_resume_downloads_nothing_into_the_folder_that_the_run_was_started_with() {
    let sandbox = with_folder("disk/data");
    let bytes = archive(&data_files());
    let server = Server::start(bytes.clone(), &[Answer::Right], None);
    write_config(&sandbox, &server.url, &sha256(&bytes));
    interrupted(&sandbox, &["--data", "disk/data"]);
    fs::rename(sandbox.path("disk"), sandbox.path("elsewhere")).unwrap();
    for is_empty in [false, true] {
        if is_empty {
            fs::create_dir_all(sandbox.path("disk/data")).unwrap();
        }
        sandbox.run(["resume", "run"]).failed_saying(1, &["disk/data/", "is not downloaded", "--data"]);
        assert_eq!(sandbox.names("disk/data"), Vec::<String>::new());
        assert_eq!(sandbox.path("disk").exists(), is_empty);
    }
    assert_eq!(server.requests(), Vec::<u64>::new());
    // One that is named by hand is downloaded to, where it is there.
    sandbox.run(["resume", "run", "--data", "new"]).failed_saying(2, &["/new is not a folder", "--data"]);
    assert!(!sandbox.path("new").exists() && server.requests().is_empty());
    fs::create_dir(sandbox.path("new")).unwrap();
    let mut run = sandbox.start(["resume", "run", "--data", "new"]);
    wait_until("the run goes on", || sandbox.history_lines("run") >= 8 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
    assert_eq!(server.requests(), [0]);
    assert!(sandbox.record("run")["dataset"]["folder"].as_str().unwrap().ends_with("/new"));
}

/// A file in a folder's place is named, however deep the path goes on.
#[test]
fn a_folder_below_a_file_is_none() {
    let sandbox = with_folder("data");
    write_config(&sandbox, "https://example.invalid/a.tar.gz", &sha256(b""));
    for folder in ["cifar.toml", "cifar.toml/x", "cifar.toml/x/y"] {
        let outcome = sandbox.run(["experiment", "cifar.toml", "--data", folder]);
        outcome.failed_saying(2, &["/cifar.toml is not a folder", "--data is to name the folder"]);
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "other file systems take no name that is not UTF-8")]
fn a_folder_whose_name_a_record_cannot_hold_is_refused_before_anything_starts() {
    let sandbox = with_folder("data");
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    let name = std::ffi::OsStr::from_bytes(b"da\xfeta");
    fs::rename(sandbox.path("data"), sandbox.path("").join(name)).unwrap();
    let with_data = |arguments: &[&str]| start(sandbox.command(arguments).arg("--data").arg(name)).wait();
    with_data(&["experiment", "cifar.toml"]).failed_saying(2, &["--data", "da\u{fffd}ta", "not UTF-8", "link"]);
    assert!(!sandbox.path("runs").exists());
    // Nothing is recorded here.
    with_data(&["dataset", "info", "cifar.toml"]).succeeded();
    symlink(name, sandbox.path("link")).unwrap();
    sandbox.run(["experiment", "cifar.toml", "--data", "link"]).succeeded();
}

#[test]
fn a_file_in_the_data_folders_place_is_the_users_mistake() {
    let sandbox = Sandbox::new();
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    for command in [&["experiment", "cifar.toml"][..], &["dataset", "info", "cifar.toml"]] {
        let outcome = start(sandbox.command(command).args(["--data", "small.toml"])).wait();
        outcome.failed_saying(2, &["small.toml is not a folder", "--data is to name the folder"]);
        assert!(!outcome.err.contains("lock"), "{}", outcome.err);
    }
}

/// All that a run and its download leave, as one text.
fn everything_below(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => text += &everything_below(&path),
            false => text += &String::from_utf8_lossy(&fs::read(path).unwrap()),
        }
    }
    text
}

#[test]
fn a_password_and_a_query_in_a_url_are_used_and_never_shown() {
    let sandbox = Sandbox::new();
    let bytes = archive(&data_files());
    let server = Server::start(bytes.clone(), &[Answer::Half, Answer::Right], None);
    let url = server.url.replace("http://", "http://ann:s3cret@") + "?token=s3cret&b=1";
    write_config(&sandbox, &url, &sha256(&bytes));
    let mut all = Vec::new();
    let mut told = |outcome: Outcome| all.push(outcome.out + &outcome.err);
    let mut run = sandbox.command(["experiment", "cifar.toml", "--name", "run", "--set", LONG]);
    let mut run = start(run.env("STRATA_LOG", "trace").args(["--set", &format!("dataset.url={url}")]));
    wait_until("the run has a checkpoint", || sandbox.history_lines("run") >= 3 || !run.is_running());
    run.signal("INT");
    told(run.wait());
    assert_eq!(sandbox.status("run"), "interrupted");
    let mut resumed = sandbox.start(["resume", "run"]);
    wait_until("the run goes on", || sandbox.history_lines("run") >= 8 || !resumed.is_running());
    resumed.signal("INT");
    told(resumed.wait());
    // Errors of the config, of the address and of the server, and a file of which half came.
    for (url, code) in [
        (url.replace("http", "ftp"), 2),
        (url.replace("s3cret@", "s3cret/@"), 1),
        (url.replace("http://", ""), 2),
        (url.replace("s3cret@", "s3cret@\u{1}"), 2),
        ("http://127.0.0.1:1/a.tar.gz?X-Amz-Signature=s3cret".to_owned(), 1),
        ("http://ann:s3cret@no-such-host.invalid/a.tar.gz".to_owned(), 1),
    ] {
        for arguments in [vec![], vec!["--set".to_owned(), format!("dataset.url=\"{url}\"")]] {
            write_config(&sandbox, &url, &sha256(b"other"));
            let outcome = start(sandbox.command(["experiment", "cifar.toml", "--data", "new"]).args(arguments)).wait();
            assert_eq!(outcome.code(), Some(code), "{url}: {outcome:?}");
            told(outcome);
        }
    }
    for text in all.iter().chain([&everything_below(&sandbox.path("runs")), &everything_below(&sandbox.path("cache"))])
    {
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert!(everything_below(&sandbox.path("runs")).contains("http://127.0.0.1"));
    let asked = server.heads().join("\n");
    assert!(asked.contains("GET /release.tar.gz?token=s3cret&b=1 "), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("authorization: basic"), "{asked}");
}

/// A run knows neither password nor query: where its file is gone, they are to be given by hand.
#[test]
fn a_resume_whose_download_fails_says_how_to_give_what_the_run_does_not_keep() {
    let sandbox = Sandbox::new();
    let bytes = archive(&data_files());
    let server = Server::start(bytes.clone(), &[Answer::Right], Some(1));
    write_config(&sandbox, &format!("{}?token=s3cret", server.url), &sha256(&bytes));
    interrupted(&sandbox, &[]);
    for name in sandbox.names("cache/strata") {
        fs::remove_file(sandbox.path(&format!("cache/strata/{name}"))).unwrap();
    }
    let outcome = sandbox.run(["resume", "run"]);
    outcome.failed_saying(1, &["cannot download", "a run keeps no password and no query", "dataset info"]);
}

/// A proxy that answers every CONNECT with a refusal.
#[test]
fn a_refusing_proxy_is_named_in_the_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // All of the request, which may come in pieces: a socket closed before that is a broken pipe, no refusal.
            let mut request = Vec::new();
            let mut piece = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(count @ 1..) => request.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let sandbox = Sandbox::new();
    write_config(&sandbox, "https://example.invalid/a.tar.gz", &sha256(b""));
    let outcome = start(sandbox.command(["dataset", "info", "cifar.toml"]).env("HTTPS_PROXY", proxy)).wait();
    outcome.failed_saying(1, &["CONNECT proxy failed", "check the proxy", "HTTPS_PROXY"]);
    assert!(!outcome.err.contains("where it stopped"), "{}", outcome.err);
}

#[test]
fn certificates_named_by_the_environment_are_used() {
    let sandbox = Sandbox::new();
    write_config(&sandbox, "https://127.0.0.1:1/a.tar.gz", &sha256(b""));
    let outcome = start(sandbox.command(["dataset", "info", "cifar.toml"]).env("SSL_CERT_FILE", "none.pem")).wait();
    outcome.failed_saying(1, &["SSL_CERT_FILE", "none.pem", "check SSL_CERT_FILE"]);
}

fn grid(sandbox: &Sandbox, out: &str) -> Outcome {
    sandbox.run(["dataset", "grid", "small.toml", "--out", out])
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "/dev/full is Linux's")]
fn pictures_are_written_to_devices_and_links_and_not_to_pipes() {
    let sandbox = Sandbox::new();
    grid(&sandbox, "whole.png").succeeded();
    grid(&sandbox, "/dev/null").succeeded();
    grid(&sandbox, "/dev/full").failed_saying(1, &["/dev/full", "No space left", "--out"]);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    fs::create_dir(sandbox.path("disk")).unwrap();
    sandbox.write("disk/old.png", "old");
    for (link, target) in [("old.png", "disk/old.png"), ("new.png", "disk/new.png")] {
        symlink(target, sandbox.path(link)).unwrap();
        grid(&sandbox, link).succeeded();
        assert!(sandbox.path(link).is_symlink());
        assert!(sandbox.read(target) == sandbox.read("whole.png"));
    }
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    for command in ["grid", "show"] {
        let index = if command == "show" { &["0"][..] } else { &[] };
        let mut command = sandbox.command(["dataset", command, "small.toml", "--out", "pipe"]);
        start(command.args(index)).wait().failed_saying(1, &["pipe", "not a regular file", "--out"]);
    }
    assert!(fs::symlink_metadata(sandbox.path("pipe")).unwrap().file_type().is_fifo());
}

/// The weights' file of a run that is to be resumed lies on another disk.
#[test]
fn a_runs_files_that_are_links_stay_links() {
    let sandbox = Sandbox::new();
    let mut run = sandbox.start_training(["--name", "run", "--set", LONG]);
    wait_until("the run has a checkpoint", || sandbox.history_lines("run") >= 3 || !run.is_running());
    run.signal("INT");
    run.wait();
    fs::create_dir(sandbox.path("disk")).unwrap();
    let files =
        ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "record.json", "history.jsonl", "loss.svg"];
    for file in files {
        let name = file.rsplit('/').next().unwrap();
        fs::rename(sandbox.path(&format!("runs/run/{file}")), sandbox.path(&format!("disk/{name}"))).unwrap();
        symlink(sandbox.path(&format!("disk/{name}")), sandbox.path(&format!("runs/run/{file}"))).unwrap();
    }
    symlink(sandbox.path("disk/model"), sandbox.path("runs/run/model.safetensors")).unwrap();
    sandbox.run(["resume", "run"]).succeeded();
    for file in files.iter().chain(&["model.safetensors"]) {
        assert!(sandbox.path(&format!("runs/run/{file}")).is_symlink(), "{file}");
    }
    assert!(sandbox.path("disk/model").is_file());
    assert_eq!(sandbox.status("run"), "finished");
}

/// Another number of parameters draws another first batch, as training does.
#[test]
fn the_sheet_is_of_the_batch_that_training_sees() {
    let sandbox = Sandbox::new();
    let labels = |arguments: &[&str]| {
        let mut command = sandbox.command(["dataset", "grid", "small.toml", "--out", "grid.png"]);
        start(command.args(arguments)).wait().succeeded().out
    };
    let linear = labels(&[]);
    assert_ne!(linear, labels(&["--set", "model.hidden=[64]"]));
    assert_eq!(linear, labels(&["--set", "phases.0.lr=0.5"]));
}

#[test]
fn an_image_is_shown_with_its_label_and_class_name() {
    let sandbox = Sandbox::new();
    for (name, bytes) in data_files() {
        sandbox.write(&format!("data/{name}"), bytes);
    }
    write_config(&sandbox, "http://127.0.0.1:1/a.tar.gz", &sha256(b""));
    let show = |arguments: &[&str]| {
        start(sandbox.command(["dataset", "show", "cifar.toml", "--data", "data"]).args(arguments)).wait()
    };
    let files = data_files();
    let names = "airplane automobile bird cat deer dog frog horse ship truck".split(' ').collect::<Vec<_>>();
    let label = files[5].1[3 * 3073];
    let outcome = show(&["3", "--part", "test", "--out", "three.png"]).succeeded();
    let first = format!("test image 3: label {label}, {}", names[usize::from(label)]);
    assert_eq!(outcome.out.lines().next(), Some(first.as_str()));
    assert!(outcome.out.lines().skip(1).filter(|line| line.len() == 64).count() >= 20, "{}", outcome.out);
    assert_eq!(sandbox.read("three.png")[1..4], *b"PNG");
    // The n-th validation image is the training image that it says.
    let outcome = show(&["0", "--part", "validation"]).succeeded();
    let place = outcome.out.split("(training image ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    let picture = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    let same = show(&[&place]).succeeded();
    assert!(same.out.starts_with(&format!("training image {place} (kept for validation): label ")), "{}", same.out);
    assert_eq!(picture(&same.out), picture(&outcome.out));
    show(&["20", "--part", "test"]).failed_saying(2, &["no test image 20", "0 to 19"]);
    assert_eq!(show(&["0", "--part", "none"]).code(), Some(2));
    assert_eq!(show(&[]).code(), Some(2));
}

/// With an address space too small for it, each large thing is an error that names its key.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "other systems heed no `ulimit -v`")]
fn what_does_not_fit_into_memory_is_named_by_its_key() {
    let sandbox = Sandbox::new();
    let limited = |arguments: &[&str]| {
        let mut shell = Command::new("sh");
        sandbox.confine(&mut shell);
        shell.args(["-c", "ulimit -v 600000; exec \"$@\"", "sh"]).arg(program());
        start(shell.args(["experiment", "small.toml", "--threads", "1"]).args(arguments)).wait()
    };
    limited(&[]).succeeded();
    let images = "dataset.train=200000";
    limited(&["--set", images]).failed_saying(1, &["synthetic training images", "lower dataset.train"]);
    limited(&["--set", "dataset.test=200000"]).failed_saying(1, &["synthetic test images", "lower dataset.test"]);
    let many = ["--set", "dataset.train=40000", "--set", "dataset.validation=1"];
    limited(&[&many[..], &["--set", "dataset.batch=40000"]].concat()).failed_saying(1, &["lower dataset.batch"]);
    let evaluation = ["--set", "dataset.test=40000", "--set", "dataset.evaluation_batch=40000"];
    limited(&evaluation).failed_saying(1, &["lower dataset.evaluation_batch"]);
    // From what fits to what does not: what a product makes of a batch, and what else the process has, are in no sum that could be exact.
    let mut refused = [0, 0];
    for size in [9000, 20000, 31000] {
        let rows = [
            ("dataset.evaluation_batch", format!("dataset.test={size}"), "dataset.train=300".to_owned()),
            ("dataset.batch", "dataset.test=50".to_owned(), format!("dataset.train={size}")),
        ];
        for (count, (key, test, train)) in refused.iter_mut().zip(rows) {
            let sizes = ["--set", &test, "--set", &train, "--set", "dataset.validation=50"];
            let once = ["--set", "phases=[{epochs=1,lr=0.001}]", "--set", &format!("{key}={size}")];
            let outcome = limited(&[&sizes[..], &once].concat());
            if outcome.status.code() != Some(0) {
                outcome.failed_saying(1, &["there is no memory for", &format!("lower {key}")]);
                *count += 1;
            }
        }
    }
    assert!(refused.iter().all(|count| (1..3).contains(count)), "{refused:?}");
}

#[test]
fn the_layout_of_the_archive_is_read_from_a_folder_of_its_name() {
    let sandbox = with_folder(&format!("data/{FOLDER}"));
    write_config(&sandbox, &file_url(&sandbox.path("none.tar.gz")), &sha256(b""));
    sandbox.run(["experiment", "cifar.toml", "--data", "data"]).succeeded();
}
