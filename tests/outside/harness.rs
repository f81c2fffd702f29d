//! Builds `strata` once, and runs it in a folder of the test's own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(2);

/// A config that trains in well under a second; its network is a committed row.
pub(crate) const SMALL: &str = r#"name = "small"
seed = 43

[dataset]
kind = "synthetic"
train = 300
test = 50
validation = 50
batch = 32

[model]
hidden = []

[optimizer]
kind = "adam"

[[phases]]
epochs = 2
lr = 0.001
"#;

/// What the tests' program is built with beside the committed networks.
fn architectures() -> PathBuf {
    root().join("tests/architectures.txt")
}

/// The network of `configs/residual.toml`, which the tests' program is built with, as `model.network` has it.
pub(crate) fn residual_network() -> String {
    let list = fs::read_to_string(architectures()).unwrap();
    let line = list.lines().find(|line| line.contains("skip(")).expect("a residual network");
    line.strip_prefix("3072, ").and_then(|line| line.strip_suffix(", 10")).unwrap().to_owned()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Cargo, without the variables it set for this package alone: build scripts of dependencies watch some of them.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_TARGET_TMPDIR"]
            .iter()
            .any(|own| text.starts_with(own))
        {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(root());
    cargo
}

/// The built program: a copy, since a test of the launcher builds it again.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = cargo();
        cargo.env("STRATA_ARCHITECTURES", architectures());
        cargo.args(["build", "--package", "strata", "--message-format", "json-render-diagnostics"]);
        let built = cargo.stderr(Stdio::inherit()).output().unwrap();
        assert!(built.status.success(), "strata does not build");
        let messages = String::from_utf8(built.stdout).unwrap();
        let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut ours = messages.filter(|message| message["target"]["name"] == "strata");
        let built = ours
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the program");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (copy, program) = (folder.join(format!("strata.{}", std::process::id())), folder.join("strata"));
        fs::copy(&built, &copy).unwrap();
        fs::rename(&copy, &program).unwrap();
        program
    })
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    pub(crate) fn code(&self) -> Option<i32> {
        assert_ne!(self.status.code(), Some(101), "it panicked: {self:?}");
        assert!(!self.err.contains("panicked"), "it panicked: {self:?}");
        assert!(!self.err.contains('\u{1b}') && !self.out.contains('\u{1b}'), "escape codes in a file: {self:?}");
        self.status.code()
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code(), Some(0), "{self:?}");
        self
    }

    /// It ended with this exit code and one error, whose line (without `error: `) is given back.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> String {
        assert_eq!(self.code(), Some(code), "{self:?}");
        let errors: Vec<_> = self.err.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(errors.len(), 1, "one error: {self:?}");
        errors[0].to_owned()
    }

    /// As [`failed`](Self::failed), and the line holds each of `parts`.
    #[track_caller]
    pub(crate) fn failed_saying(&self, code: i32, parts: &[&str]) {
        let line = self.failed(code);
        for part in parts {
            assert!(line.contains(part), "{part:?} is missing in: {line}");
        }
    }
}

/// A started command.
pub(crate) struct Started {
    child: Child,
    out: File,
    err: File,
}

impl Started {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().unwrap();
        assert!(status.success(), "signal {name}");
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// kill -9; how it ended, should it have ended before.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill().unwrap();
        self.wait()
    }

    pub(crate) fn wait(mut self) -> Outcome {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it hangs: {}", text(&mut self.err));
            }
            sleep(PAUSE);
        };
        Outcome { status, out: text(&mut self.out), err: text(&mut self.err) }
    }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).unwrap();
    String::from_utf8(bytes).expect("the program writes UTF-8")
}

/// Starts `command`; its output goes to files, so that nothing it writes can block it.
pub(crate) fn start(command: &mut Command) -> Started {
    let [out, err] = [(); 2].map(|()| tempfile::tempfile().unwrap());
    command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
    Started { child: command.spawn().unwrap(), out, err }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    let mut condition = condition;
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(PAUSE);
    }
}

/// A folder of the test's own, which is home, cache and working folder of what runs in it.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// With [`SMALL`] in it, as `small.toml`.
    pub(crate) fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        sandbox.write("small.toml", SMALL);
        sandbox
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> Vec<u8> {
        fs::read(self.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        String::from_utf8(self.read(relative)).unwrap()
    }

    /// The names in a folder, sorted; none where there is no such folder.
    pub(crate) fn names(&self, relative: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(relative)) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn record(&self, run: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("runs/{run}/record.json"))).unwrap()
    }

    pub(crate) fn status(&self, run: &str) -> String {
        self.record(run)["status"].as_str().unwrap().to_owned()
    }

    /// The whole lines of a run's history; 0 where there is none yet.
    pub(crate) fn history_lines(&self, run: &str) -> usize {
        let bytes = fs::read(self.path(&format!("runs/{run}/history.jsonl"))).unwrap_or_default();
        bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    /// What config and seed decide: the weights and the history.
    pub(crate) fn result(&self, run: &str) -> [Vec<u8>; 2] {
        ["model.safetensors", "history.jsonl"].map(|file| self.read(&format!("runs/{run}/{file}")))
    }

    /// Nothing half-written lies in a run's folder: every name is one that a run has.
    #[track_caller]
    pub(crate) fn holds_only_a_runs_files(&self, run: &str) {
        const FILES: [&str; 10] = [
            "accuracy.svg",
            "checkpoints",
            "config.toml",
            "history.jsonl",
            "lock",
            "loss.svg",
            "model.safetensors",
            "record.json",
            "report.html",
            "timing.jsonl",
        ];
        let names = self.names(&format!("runs/{run}"));
        assert!(names.iter().all(|name| FILES.contains(&name.as_str())), "{names:?}");
        let checkpoints = self.names(&format!("runs/{run}/checkpoints"));
        assert!(
            checkpoints.iter().all(|name| name == "best.safetensors" || name == "last.safetensors"),
            "{checkpoints:?}"
        );
    }

    /// Makes `command` run in this folder, with nothing of the user's about it.
    pub(crate) fn confine(&self, command: &mut Command) {
        command.current_dir(self.folder.path());
        command.env("HOME", self.folder.path()).env("XDG_CACHE_HOME", self.path("cache"));
        for name in ["STRATA_LOG", "STRATA_COMMIT", "STRATA_DIRTY", "RUST_BACKTRACE", "COLUMNS"] {
            command.env_remove(name);
        }
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program());
        self.confine(&mut command);
        command.args(arguments);
        command
    }

    pub(crate) fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Started {
        start(&mut self.command(arguments))
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.start(arguments).wait()
    }

    /// Trains `small.toml` with further arguments.
    pub(crate) fn train<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.start_training(arguments).wait()
    }

    pub(crate) fn start_training<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Started {
        let mut command = self.command(["experiment", "small.toml"]);
        start(command.args(arguments))
    }
}

/// Whether it was a signal that ended the program, by number.
pub(crate) fn signal_of(outcome: &Outcome) -> Option<i32> {
    outcome.status.signal()
}
