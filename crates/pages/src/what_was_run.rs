//! What a run was: the command, the config, the phases, the data, and each part with its machine and its uncommitted change.

use std::fmt::Write as _;

use strata_report::{ParentRecord, Part, Record};

use crate::files::UncommittedChange;
use crate::html::{self, facts, text};
use crate::number::{count, short};

/// The longest texts that a page holds, in bytes.
const CONFIG: usize = 64 << 10;
const CHANGE: usize = 128 << 10;
const COMMAND: usize = 4 << 10;
/// All uncommitted changes together.
const CHANGES: usize = 512 << 10;
/// Of more phases and parts than these the last ones are left out, which is said.
const PHASES: usize = 100;
const PARTS: usize = 30;
/// As many notes on weights of others.
const NOTES: usize = 20;

pub(crate) fn section(record: &Record, config: &str, config_path: &str, changes: &[UncommittedChange]) -> String {
    let mut html = reproduce(record, config_path);
    html += &phases(record);
    let parameters = record.hyperparameters.iter().map(|(name, value)| (name.as_str(), text(&html::value(value))));
    let _ = write!(html, "<h3>Hyperparameters</h3>{}", facts("Hyperparameters", parameters));
    let _ = write!(
        html,
        "<details><summary>The whole config</summary><pre tabindex=\"0\">{}</pre></details>",
        html::lines(config, CONFIG)
    );
    html += &data(record);
    html += &parts(record);
    let mut room = CHANGES;
    for (number, change) in changes.iter().enumerate() {
        if room == 0 {
            let _ = write!(html, "<p>and {} more uncommitted changes, in the run's folder</p>", changes.len() - number);
            break;
        }
        let most = room.min(CHANGE);
        html += &uncommitted(change, most);
        room -= change.text.len().min(most);
    }
    html
}

fn reproduce(record: &Record, config_path: &str) -> String {
    let command = html::command(record.command.iter().map(String::as_str));
    let again = ["cargo", "xtask", "experiment", config_path];
    let commit = record.environment.commit.as_deref().unwrap_or_default();
    let at = match (commit, record.environment.dirty) {
        ("", _) => "; the record names no commit".to_owned(),
        (commit, Some(true)) => format!(", at commit <code>{}</code> with the uncommitted change", text(commit)),
        (commit, _) => format!(", at commit <code>{}</code>", text(commit)),
    };
    format!(
        "<h3>Run it again</h3><p>With the resolved config{at}:</p><pre tabindex=\"0\">{}</pre><p>It was started by:</p><pre tabindex=\"0\">{}</pre>",
        text(&html::command(again)),
        html::lines(&command, COMMAND)
    )
}

fn phases(record: &Record) -> String {
    let row = |(number, phase): (usize, &strata_report::PhaseRecord)| {
        vec![number.to_string(), phase.epochs.to_string(), short(phase.lr)]
    };
    let rows: Vec<_> = record.phases.iter().take(PHASES).enumerate().map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let more = record.phases.len() - rows.len();
    let note = if more > 0 { format!("<p>and {more} more</p>") } else { String::new() };
    format!("<h3>Phases</h3>{}{note}", html::table("Phases", &["phase", "epochs", "learning rate"], &rows))
}

fn data(record: &Record) -> String {
    let data = &record.dataset;
    let images = format!(
        "{} to train on, {} to validate on, {} to test on",
        count(data.train as u64),
        count(data.validation as u64),
        count(data.test as u64)
    );
    let split = match data.split.method.as_str() {
        "" => String::new(),
        method => {
            format!("{}, seed {}, SHA-256 of the indices {}", text(method), data.split.seed, text(&data.split.sha256))
        }
    };
    let rng = &record.rng;
    let seeds = rng.streams.iter().map(|(name, seed)| format!("; {}, seed {seed}", text(name))).collect::<String>();
    let rows = [
        ("data set", text(&data.name)),
        ("images", images),
        ("folder", data.folder.as_deref().map_or(String::new(), text)),
        ("SHA-256", text(&data.sha256)),
        ("split", split),
        ("seed", format!("{} by the scheme {}{seeds}", rng.seed, text(&rng.scheme))),
        ("initialisation", text(&rng.initialisation)),
        ("started from", record.parent.as_ref().map_or(String::new(), started_from)),
    ];
    format!("<h3>Data and draws</h3>{}", facts("Data and draws", rows))
}

fn started_from(parent: &ParentRecord) -> String {
    let run = parent.run.as_ref().map_or(String::new(), |run| format!("the run {}, ", text(run)));
    let last = if parent.new_last_layer { "; its last layer was drawn" } else { "" };
    let notes: String = parent.notes.iter().take(NOTES).map(|note| format!("; {}", text(note))).collect();
    let more = if parent.notes.len() > NOTES { "; more in record.json" } else { "" };
    format!("{run}{}, SHA-256 {}{last}{notes}{more}", text(&parent.path), text(&parent.sha256))
}

fn parts(record: &Record) -> String {
    let parts = record.known_parts();
    let mut html = String::from("<h3>Where it was trained</h3>");
    for (number, part) in parts.iter().take(PARTS).enumerate() {
        if parts.len() > 1 {
            let _ = write!(html, "<h4>Part {}</h4>", number + 1);
        }
        html += &facts(&format!("Part {}", number + 1), of_part(part));
    }
    if parts.len() > PARTS {
        let _ = write!(html, "<p>and {} more parts, in record.json</p>", parts.len() - PARTS);
    }
    html
}

fn of_part(part: &Part) -> [(&'static str, String); 14] {
    let place = &part.environment;
    let dirty = if place.dirty == Some(true) { " with an uncommitted change" } else { "" };
    let commit = place.commit.as_deref().map_or(String::new(), |commit| format!("{}{dirty}", text(commit)));
    let ended = part.ended.as_deref().map_or_else(|| "not recorded".to_owned(), text);
    [
        ("started", text(&part.started)),
        ("ended", ended),
        ("from epoch", part.first_epoch.map_or(String::new(), |epoch| epoch.to_string())),
        ("in folder", text(&part.working_directory)),
        ("machine", text(&place.machine)),
        ("processor", text(&format!("{} {}", place.cpu, place.arch)).trim().to_owned()),
        ("system", text(&place.os)),
        ("device", text(&place.device)),
        ("driver", place.driver.as_deref().map_or(String::new(), text)),
        ("numbers", text(&place.precision)),
        ("threads", if place.threads > 0 { place.threads.to_string() } else { String::new() }),
        ("strata", text(&place.strata)),
        ("commit", commit),
        ("compiler", text(&place.rustc)),
    ]
}

fn uncommitted(change: &UncommittedChange, most: usize) -> String {
    let mut lines = String::new();
    for line in html::lines(&change.text, most).lines() {
        let kind = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => "",
            [b'+', ..] => "added",
            [b'-', ..] => "removed",
            _ => "",
        };
        let _ = match kind {
            "" => writeln!(lines, "{line}"),
            kind => writeln!(lines, "<span class=\"{kind}\">{line}</span>"),
        };
    }
    format!(
        "<h3>The uncommitted change</h3><details><summary>{}</summary><pre tabindex=\"0\">{lines}</pre></details>",
        text(&change.file)
    )
}
