//! Damaged files in a run's folder: no panic, no hang, and never a wrong result.

use std::fs;

use crate::harness::{Outcome, Sandbox, wait_until};
use crate::random::{Random, rounds};

/// Damages of each kind of file. Two hundred: STRATA_TEST_ROUNDS=8.
const DAMAGES: usize = 25;
const FILES: [&str; 8] = [
    "config.toml",
    "history.jsonl",
    "timing.jsonl",
    "record.json",
    "lock",
    "loss.svg",
    "checkpoints/best.safetensors",
    "checkpoints/last.safetensors",
];

/// An interrupted run, another one of the same config, and what each must end in.
struct Template {
    sandbox: Sandbox,
    expected: [Vec<u8>; 2],
}

impl Template {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let sets = [
            "--set",
            "phases=[{epochs=16,lr=0.001}]",
            "--set",
            "early_stopping={patience=12}",
            "--set",
            "checkpoint.every_steps=3",
        ];
        sandbox.train(["--name", "whole"].iter().chain(&sets)).succeeded();
        for name in ["template", "other"] {
            let mut run = sandbox.start_training(["--name", name].iter().chain(&sets));
            wait_until("the run is under way", || sandbox.history_lines(name) >= 12 || !run.is_running());
            run.signal("INT");
            assert_eq!(run.wait().code(), Some(130));
        }
        let expected = sandbox.result("whole");
        Self { sandbox, expected }
    }

    /// A copy of the interrupted run, under a name of its own.
    fn copy(&self, name: &str) {
        for file in FILES {
            self.sandbox.write(&format!("runs/{name}/{file}"), self.sandbox.read(&format!("runs/template/{file}")));
        }
    }

    /// Damages `file` of a fresh copy of the run, a few at a time, and has each of them listed, compared and resumed. How
    /// many of the resumes succeeded.
    fn damage(&self, file: &str, seed: u64) -> usize {
        let mut random = Random(seed);
        let other = self.sandbox.read(&format!("runs/other/{file}"));
        let names: Vec<_> = (0..rounds(DAMAGES)).map(|number| format!("damaged{number}")).collect();
        let mut good = 0;
        for batch in names.chunks(25) {
            for name in batch {
                self.copy(name);
                let place = format!("runs/{name}/{file}");
                let bytes = damaged(&mut random, self.sandbox.read(&place), &other);
                self.sandbox.write(&place, bytes);
            }
            for command in ["runs", "compare"] {
                let outcome = self.sandbox.run([command]).succeeded();
                assert!(!outcome.out.contains('\u{1b}'), "{}", outcome.out);
            }
            for name in batch {
                let before = fs::read(self.sandbox.path(&format!("runs/{name}/{file}"))).unwrap();
                let outcome = self.sandbox.run(["resume", name]);
                let damage =
                    || format!("{file} of {name} (seed {seed}): {outcome:?}\n{:?}", String::from_utf8_lossy(&before));
                match outcome.code() {
                    Some(0) => {
                        assert!(self.sandbox.result(name) == self.expected, "a wrong result: {}", damage());
                        good += 1;
                    }
                    Some(1 | 2) => self.refused(name, file, &before, &outcome),
                    _ => panic!("{}", damage()),
                }
                fs::remove_dir_all(self.sandbox.path(&format!("runs/{name}"))).unwrap();
            }
        }
        good
    }

    /// One error; and nothing of what was there is lost.
    fn refused(&self, name: &str, file: &str, before: &[u8], outcome: &Outcome) {
        outcome.failed(outcome.code().unwrap());
        for checkpoint in ["checkpoints/best.safetensors", "checkpoints/last.safetensors"] {
            let [now, was] = [name, "template"].map(|name| self.sandbox.read(&format!("runs/{name}/{checkpoint}")));
            let expected = if checkpoint == file { before } else { &was };
            assert!(now == expected, "{checkpoint} was changed by a resume that failed: {outcome:?}");
        }
    }
}

/// `bytes` with one damage: flipped bits, a cut, bytes at random, a part twice or away, or another run's file.
fn damaged(random: &mut Random, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    match random.below(8) {
        0..=2 => {
            for _ in 0..=random.below(3) {
                bytes[random.below(length)] ^= 1 << random.below(8);
            }
        }
        3 => bytes.truncate(random.below(length)),
        4 => {
            let (from, count) = (random.below(length), random.below(40));
            bytes.iter_mut().skip(from).take(count).for_each(|byte| *byte = random.next() as u8);
        }
        5 => {
            let (from, count) = (random.below(length), 1 + random.below(60));
            let part: Vec<u8> = bytes.iter().skip(from).take(count).copied().collect();
            bytes.splice(from..from, part);
        }
        6 => {
            let (from, count) = (random.below(length), 1 + random.below(60));
            bytes.drain(from..length.min(from + count));
        }
        _ => {
            bytes = if random.below(4) == 0 {
                (0..random.below(5000)).map(|_| random.next() as u8).collect()
            } else {
                other.to_vec()
            }
        }
    }
    bytes
}

#[test]
fn a_damaged_checkpoint_is_never_trained_on() {
    let template = Template::new();
    let good = template.damage("checkpoints/last.safetensors", 1);
    assert!(good < rounds(DAMAGES) / 2, "{good} resumed: are they damaged at all?");
}

/// Read at the start of the resume and again at the end, by early stopping alone.
#[test]
fn a_damaged_best_checkpoint_is_never_a_result() {
    refused_some(Template::new().damage("checkpoints/best.safetensors", 2));
}

#[test]
fn a_damaged_record_is_refused() {
    refused_some(Template::new().damage("record.json", 3));
}

#[test]
fn a_damaged_history_is_mended_from_the_record() {
    let good = Template::new().damage("history.jsonl", 4);
    assert_eq!(good, rounds(DAMAGES), "the record of an interrupted run holds the history");
}

#[test]
fn damaged_timings_change_no_result() {
    let good = Template::new().damage("timing.jsonl", 5);
    assert_eq!(good, rounds(DAMAGES), "how long it took is no part of the result");
}

#[test]
fn a_damaged_config_is_never_trained_as_another() {
    refused_some(Template::new().damage("config.toml", 6));
}

/// A file that nothing reads would harm no resume: some of the damages must be noticed.
#[track_caller]
fn refused_some(resumed: usize) {
    assert!(resumed < rounds(DAMAGES), "all {resumed} damaged runs were resumed: is the file read at all?");
}

/// The files of two runs of one config, exchanged: each refuses the other's checkpoint.
#[test]
fn another_runs_checkpoint_is_refused() {
    let template = Template::new();
    template.copy("swapped");
    let file = "checkpoints/last.safetensors";
    template.sandbox.write(&format!("runs/swapped/{file}"), template.sandbox.read(&format!("runs/other/{file}")));
    let line = template.sandbox.run(["resume", "swapped"]).failed(1);
    assert!(line.contains("last.safetensors") && line.contains("belongs to run"), "{line}");
}

/// Two checkpoints of one run, both whole: only the epoch tells that these are not the best weights.
#[test]
fn a_best_checkpoint_of_another_epoch_is_refused() {
    let sandbox = Sandbox::new();
    // So small a step changes no prediction: the first epoch stays the best.
    let sets = ["--set", "phases=[{epochs=300,lr=1e-12}]", "--set", "early_stopping={patience=299}"];
    let mut run = sandbox.start_training(["--name", "run"].iter().chain(&sets));
    wait_until("the run is under way", || sandbox.history_lines("run") >= 5 || !run.is_running());
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130));
    let [best, last] = ["best", "last"].map(|name| format!("runs/run/checkpoints/{name}.safetensors"));
    let before = sandbox.read(&best);
    sandbox.write(&best, sandbox.read(&last));
    sandbox.run(["resume", "run"]).failed_saying(1, &[&best, "its epoch is ", "the run's best is 0", "from a copy"]);
    fs::remove_file(sandbox.path(&best)).unwrap();
    let remedy = "or start the run again from its seed";
    sandbox.run(["resume", "run"]).failed_saying(1, &[&best, "there is no such file", "from a copy", remedy]);
    sandbox.write(&best, before);
    fs::remove_file(sandbox.path(&last)).unwrap();
    // What a pipe or a device says would be awaited, or read, for ever.
    for no_file in ["/dev/zero", "/dev/tty"] {
        std::os::unix::fs::symlink(no_file, sandbox.path(&last)).unwrap();
        sandbox.run(["resume", "run"]).failed_saying(1, &[&last, "not a regular file"]);
        fs::remove_file(sandbox.path(&last)).unwrap();
    }
}

#[test]
fn a_folder_in_place_of_a_runs_file_is_an_error_that_says_to_move_it() {
    let template = Template::new();
    for file in ["record.json", "history.jsonl", "timing.jsonl"] {
        let name = format!("{}-is-a-folder", file.replace('.', "-"));
        template.copy(&name);
        let path = format!("runs/{name}/{file}");
        fs::remove_file(template.sandbox.path(&path)).unwrap();
        fs::create_dir(template.sandbox.path(&path)).unwrap();
        let parts = [&path, "something else is in its place: move it away"];
        template.sandbox.run(["resume", &name]).failed_saying(1, &parts);
    }
}

/// What the error says to do is done, and helps.
#[test]
fn a_run_whose_record_is_lost_can_be_trained_again_from_its_config() {
    let template = Template::new();
    template.copy("lost");
    template.sandbox.write("runs/lost/record.json", "{");
    let remedy = "start a new run from the config.toml beside it";
    template.sandbox.run(["resume", "lost"]).failed_saying(1, &["runs/lost/record.json", "line 1", remedy]);
    fs::remove_file(template.sandbox.path("runs/lost/record.json")).unwrap();
    let remedy = "start a new run from its config.toml";
    template.sandbox.run(["resume", "lost"]).failed_saying(2, &["its record.json is gone", remedy]);
    fs::remove_dir_all(template.sandbox.path("runs/lost/checkpoints")).unwrap();
    let tells = "history.jsonl tells of ";
    template.sandbox.run(["resume", "lost"]).failed_saying(2, &["last.safetensors is gone", tells, remedy]);
    template.sandbox.run(["experiment", "runs/lost/config.toml", "--name", "again"]).succeeded();
    assert!(template.sandbox.result("again") == template.expected);
}
