//! One owner a run: the second process says who holds it, and a dead one's lock blocks nobody.

use crate::harness::{Sandbox, wait_until};

#[test]
fn second_process_names_the_lock_owner() {
    let sandbox = Sandbox::new();
    let long = "phases=[{epochs=30,lr=0.001}]";
    sandbox.train(["--name", "whole", "--set", long]).succeeded();
    let mut first = sandbox.start_training(["--name", "run", "--set", long]);
    wait_until("the run is under way", || sandbox.history_lines("run") >= 2 || !first.is_running());
    let process = format!("process {} on ", first.pid());
    // Held still, it can neither end nor change while others look.
    first.signal("STOP");
    let before = sandbox.read("runs/run/record.json");
    for _ in 0..2 {
        sandbox.run(["resume", "run"]).failed_saying(1, &["runs/run", &process, "since ", "wait for it to end"]);
    }
    sandbox.train(["--name", "run", "--set", long]).failed_saying(2, &["runs/run", "exists"]);
    assert!(sandbox.read("runs/run/record.json") == before);
    let listed = sandbox.run(["runs"]).succeeded().out;
    let line = listed.lines().find(|line| line.starts_with("run ")).unwrap();
    assert!(line.contains("running"), "{listed}");

    assert_eq!(crate::harness::signal_of(&first.kill()), Some(9));
    assert!(sandbox.run(["runs"]).succeeded().out.contains("interrupted (died)"));
    assert!(!sandbox.text("runs/run/lock").is_empty(), "the dead process's name is still in the lock");
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == sandbox.result("whole"));
}

/// Two at the same moment, of the same name: both train, each in a folder of its own.
#[test]
fn runs_of_one_name_started_together_get_folders_of_their_own() {
    let sandbox = Sandbox::new();
    let started = [(); 3].map(|()| sandbox.start_training(["--set", "phases=[{epochs=1,lr=0.001}]"]));
    for run in started {
        run.wait().succeeded();
    }
    assert_eq!(sandbox.names("runs"), ["small", "small-2", "small-3"]);
    assert!(
        sandbox.result("small-2") == sandbox.result("small") && sandbox.result("small-3") == sandbox.result("small")
    );
}

/// Killed between making its folder and writing its config, a run leaves a folder with a lock: it blocks its name no more
/// than a dead process does.
#[test]
fn a_folder_that_holds_nothing_but_a_dead_processs_lock_is_free() {
    let sandbox = Sandbox::new();
    sandbox.write("runs/run/lock", "{\"pid\":1,\"host\":\"gone\",\"since\":\"2026-11-24T00:00:00Z\"}\n");
    sandbox.write("runs/run/.strata-tmp-1-0", "name = ");
    sandbox.train(["--name", "run"]).succeeded();
    assert_eq!(sandbox.status("run"), "finished");
    sandbox.holds_only_a_runs_files("run");
}

/// Killed between its config and its first record.
#[test]
fn a_run_without_a_record_starts_from_its_config() {
    let sandbox = Sandbox::new();
    sandbox.train(["--name", "whole"]).succeeded();
    sandbox.write("runs/run/config.toml", sandbox.text("runs/whole/config.toml"));
    sandbox.write("runs/run/lock", "");
    assert!(sandbox.run(["runs"]).succeeded().out.contains("interrupted (died)"));
    sandbox.run(["resume", "run"]).succeeded();
    assert!(sandbox.result("run") == sandbox.result("whole"));
    assert_eq!(sandbox.status("run"), "finished");
}
