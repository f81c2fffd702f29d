//! Unusual ways to start the program: few threads allowed, an explicit loader, a config that can be read once.

use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::process::Command;

use crate::harness::{Outcome, Sandbox, program, signal_of, start, wait_until};

/// No account of a usual system.
const NOBODY: u32 = 61_234;

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// Runs `experiment small.toml` as an account that may have `most` threads; as root's limit is none, as another account.
fn train_with(sandbox: &Sandbox, most: usize, arguments: &[&str]) -> Outcome {
    let limit = format!("--nproc={most}");
    let copy = sandbox.path("strata");
    if !copy.exists() {
        fs::copy(program(), &copy).unwrap();
    }
    let mut command = if is_root() {
        for path in ["", "small.toml", "strata"] {
            chown(sandbox.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let id = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "prlimit"]);
        command
    } else {
        Command::new("prlimit")
    };
    sandbox.confine(&mut command);
    start(command.arg(limit).arg(copy).args(["experiment", "small.toml"]).args(arguments)).wait()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "prlimit and setpriv are Linux's")]
fn worker_threads_beyond_the_accounts_limit_are_an_error_with_their_number() {
    let sandbox = Sandbox::new();
    for (arguments, threads) in [(&["--threads", "5"][..], "5"), (&["--set", "threads=7"], "7")] {
        let said = ["cannot start", threads, "worker threads", "--threads"];
        train_with(&sandbox, 2, arguments).failed_saying(1, &said);
    }
    // Without a number there are as many as the machine has; one alone needs a limit of one.
    train_with(&sandbox, 1, &[]).failed_saying(1, &["cannot start", "worker threads", "--threads"]);
    assert_eq!(sandbox.names("runs"), Vec::<String>::new());
}

/// The threads for batches and bars are dispensable: one worker thread beside the first and the one that waits for signals is enough.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "prlimit and setpriv are Linux's")]
fn a_run_needs_one_worker_thread_beside_the_first_and_that_of_signals() {
    if !is_root() {
        // The limit counts all processes of the account, of which there are others.
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "free"]).succeeded();
    for most in [3, 4] {
        let name = format!("limited-{most}");
        fs::remove_dir_all(sandbox.path("runs")).ok();
        train_with(&sandbox, most, &["--threads", "1", "--name", &name]).succeeded();
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks into /proc")]
fn a_program_started_by_an_explicit_loader_trains() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let loader = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.rsplit('/').next().is_some_and(|file| file.starts_with("ld-linux")));
    // A system without glibc has no huge pages to ask for either.
    let Some(loader) = loader else { return };
    let sandbox = Sandbox::new();
    let mut command = Command::new(loader);
    sandbox.confine(&mut command);
    start(command.env_remove("GLIBC_TUNABLES").arg(program()).args(["experiment", "small.toml"])).wait().succeeded();
    assert_eq!(sandbox.status("small"), "finished");
}

fn make_pipe(sandbox: &Sandbox) {
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe.toml")).status().unwrap().success());
}

#[test]
fn a_signal_ends_a_command_that_waits_for_its_config() {
    const O_NONBLOCK: i32 = 0o4000;
    let sandbox = Sandbox::new();
    make_pipe(&sandbox);
    for arguments in [&["dataset", "info", "pipe.toml"][..], &["experiment", "pipe.toml"]] {
        let run = sandbox.start(arguments);
        let mut writer = None;
        // It can be opened for writing once the program reads.
        wait_until("the config is opened", || {
            writer = File::options().write(true).custom_flags(O_NONBLOCK).open(sandbox.path("pipe.toml")).ok();
            writer.is_some()
        });
        run.signal("TERM");
        assert_eq!(signal_of(&run.wait()), Some(15), "{arguments:?}");
    }
}

#[test]
fn a_config_from_a_pipe_is_trained() {
    let sandbox = Sandbox::new();
    make_pipe(&sandbox);
    let run = sandbox.start(["experiment", "pipe.toml"]);
    fs::write(sandbox.path("pipe.toml"), sandbox.read("small.toml")).unwrap();
    run.wait().succeeded();
    assert_eq!(sandbox.status("small"), "finished");
}

/// Generation never asks whether it is still wanted, and leaves nothing: the first signal ends it.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "it looks into /proc")]
fn a_signal_ends_the_generation_of_images_at_once() {
    let sandbox = Sandbox::new();
    let sizes = ["--set", "dataset.train=200000", "--set", "dataset.test=200000"];
    for command in [&["dataset", "info", "small.toml"][..], &["experiment", "small.toml"]] {
        let mut run = sandbox.start(command.iter().chain(&sizes));
        let status = format!("/proc/{}/status", run.pid());
        wait_until("images are generated", || {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let resident =
                text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
            resident.is_some_and(|kilobytes: u64| kilobytes > 100_000) || !run.is_running()
        });
        run.signal("INT");
        let outcome = run.wait();
        outcome.failed_saying(130, &["interrupted before anything was recorded"]);
        assert!(!outcome.err.contains("stopping after"), "{}", outcome.err);
    }
    assert_eq!(sandbox.names("runs"), Vec::<String>::new());
}
