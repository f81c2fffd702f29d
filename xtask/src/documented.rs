//! The commands in the documents are commands: each is read as this program would read it, and its config with all that is laid over it.

use std::fs;

use clap::Parser;
use strata_config::Config;

use crate::cli::{Cli, Command};
use crate::workspace;

/// The words of a shell's line without substitutions: separated by spaces, kept together by single quotes, up to a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            '#' if !quoted && word.is_empty() => break,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            _ => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The lines of code in the documents that start this program.
fn commands() -> Vec<(String, Vec<String>)> {
    let root = workspace::root();
    let mut documents = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    documents.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension().is_some_and(|end| end == "md"));
    let mut commands = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for line in text.lines().filter(|line| line.trim_start().starts_with("cargo xtask ")) {
            let words = words(line.trim_start());
            // Names in capitals stand for what a person puts there.
            if !words[2..].iter().any(|word| word.starts_with('[') || word.chars().all(|c| c.is_ascii_uppercase())) {
                commands.push((line.to_owned(), words[1..].to_vec()));
            }
        }
    }
    commands
}

#[test]
fn documented_commands_and_their_configs_are_accepted() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for (line, words) in commands {
        let parsed = Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}\n{error}"));
        if let Command::Experiment(experiment) = parsed.command {
            let config = workspace::root().join(&experiment.config.config);
            Config::read(&config, &experiment.config.sets).unwrap_or_else(|error| panic!("{line}\n{error}"));
        }
    }
}

#[test]
fn quoted_words_stay_together_and_comments_are_left_out() {
    assert_eq!(words("a  'b c'=d e # f"), ["a", "b c=d", "e"]);
}
