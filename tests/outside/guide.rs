//! `docs/guide.md`: its commands run as they stand, in order, and say the losses and accuracies that it shows.

use std::fs;
use std::process::Command;

use crate::harness::{Sandbox, program, root, start};

/// The document's blocks of code in the language `sh` or `text`, in order.
fn blocks(document: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut is_inside = false;
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(language) => {
                if !is_inside {
                    blocks.push((language, Vec::new()));
                }
                is_inside = !is_inside;
            }
            None if is_inside => blocks.last_mut().expect("a block was begun").1.push(line),
            None => {}
        }
    }
    blocks
}

/// A line without the number of spaces between its words, which follows the widest cell, and without what a table has beyond the guide's.
fn spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_guides_commands_run_and_say_what_it_shows() {
    let sandbox = Sandbox::new();
    let configs = sandbox.path("configs");
    fs::create_dir_all(&configs).unwrap();
    fs::copy(root().join("configs/quickstart.toml"), configs.join("quickstart.toml")).unwrap();
    let guide = fs::read_to_string(root().join("docs/guide.md")).unwrap();
    let (mut said, mut commands, mut shown) = (String::new(), 0, 0);
    for (language, lines) in blocks(&guide) {
        match language {
            "sh" => {
                said.clear();
                for command in lines {
                    let arguments = command.strip_prefix("cargo xtask ").expect("a command of ours");
                    let mut shell = Command::new("sh");
                    shell.arg("-c").arg(format!("exec '{}' {arguments}", program().display()));
                    sandbox.confine(&mut shell);
                    said += &start(&mut shell).wait().succeeded().out;
                    commands += 1;
                }
            }
            "text" => {
                let said: Vec<_> = said.lines().map(spaced).collect();
                for line in lines.into_iter().map(spaced) {
                    assert!(
                        said.iter().any(|said| said.starts_with(&line)),
                        "the guide shows `{line}`, said was {said:#?}"
                    );
                    shown += 1;
                }
            }
            other => panic!("a block in {other}"),
        }
    }
    assert!(commands >= 14 && shown >= 20, "{commands} commands, {shown} lines");
}
