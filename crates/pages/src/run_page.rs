//! The page of one run.

use serde_json::json;
use strata_report::{HistoryEntry, Notes, Record, Status};

use crate::classified::Tested;
use crate::curves::curves;
use crate::document::{Document, RUN_SCRIPT};
use crate::files::{FileOfRun, UncommittedChange};
use crate::first_layer::FirstLayer;
use crate::html::{self, facts, text};
use crate::number::{bytes, count, duration, metric, percent};
use crate::weights::{self, WeightTensor};
use crate::what_was_run;

/// Of more notes than these the oldest are left out, of longer ones their end.
const NOTES: usize = 50;
const NOTE: usize = 2000;
/// The most files that are linked to.
const FILES: usize = 200;

/// Everything that the page of a run shows.
///
/// ```
/// use strata_pages::RunPage;
/// use strata_report::{HistoryEntry, HistoryRow, Notes, Record};
///
/// let record = Record::new("first <try>", vec!["my-program".into()]);
/// let history = [HistoryEntry::new(HistoryRow::initial(2.3, 0.1), 0.4)];
/// let page = RunPage {
///     record: &record,
///     history: &history,
///     notes: Ok(&Notes::default()),
///     config: "rate = 0.1\n",
///     config_path: "runs/first/config.toml",
///     changes: &[],
///     files: &[],
///     tested: Err("there is nothing to test".into()),
///     weights: Err("there are none".into()),
///     first_layer: None,
/// };
/// let html = page.html();
/// assert!(html.starts_with("<!doctype html>") && html.contains("first &lt;try&gt;"));
/// ```
#[derive(Clone, Debug)]
pub struct RunPage<'a> {
    /// What the run recorded.
    pub record: &'a Record,
    /// The initial evaluation, then an entry an epoch.
    pub history: &'a [HistoryEntry],
    /// What people said of it; or why that cannot be read.
    pub notes: Result<&'a Notes, String>,
    /// The text of its resolved config.
    pub config: &'a str,
    /// Where that text is, as a command names it.
    pub config_path: &'a str,
    /// What the sources were beyond the commits of its parts.
    pub changes: &'a [UncommittedChange],
    /// The files of its folder, to link to.
    pub files: &'a [FileOfRun],
    /// What its weights made of the test images; or why that is not known.
    pub tested: Result<Tested<'a>, String>,
    /// Its weights; or why they are not there.
    pub weights: Result<&'a [WeightTensor<'a>], String>,
    /// Its first layer, where that sees images.
    pub first_layer: Option<FirstLayer<'a>>,
}

impl RunPage<'_> {
    /// The page, below 3 MB whatever was recorded: long histories, texts and lists are cut, which is said, and images are as many as there is room for.
    pub fn html(&self) -> String {
        let curves = curves(self.history);
        let mut body = self.head();
        let mut style = String::new();
        let mut cells = json!({});
        let mut section = |id: &str, title: &str, html: &str| {
            body += &format!("<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>{html}</section>");
        };
        section("curves", "Curves", &curves.html);
        match &self.tested {
            Ok(tested) => {
                let found = tested.section();
                section("test", "On the test images", &found.html);
                (style, cells) = (found.style, found.cells);
            }
            Err(reason) => section("test", "On the test images", &missing(reason)),
        }
        section("weights", "Weights", &self.weights_section());
        section(
            "run",
            "What was run",
            &what_was_run::section(self.record, self.config, self.config_path, self.changes),
        );
        section("files", "Files", &self.files_section());
        let classes = self.tested.as_ref().map_or(&[][..], |tested| tested.classes);
        let classes: Vec<String> = classes.iter().map(|name| strata_files::escape(name)).collect();
        let data = json!({"curves": curves.data, "cells": cells, "classes": classes});
        Document { title: &self.record.name, style: &style, body: &body, data: &data, script: RUN_SCRIPT }.html()
    }

    fn head(&self) -> String {
        let record = self.record;
        let metrics = &record.metrics;
        let status = match record.status {
            Status::Finished => "finished",
            other => other.as_str(),
        };
        let figure = |name: &str, value: Option<String>| {
            value.map_or(String::new(), |value| format!("<div><dt>{name}</dt><dd>{value}</dd></div>"))
        };
        let mut figures = figure("test accuracy", metrics.test_acc.map(percent));
        figures += &figure("validation accuracy", metrics.val_acc.map(percent));
        figures += &figure("test loss", metrics.test_loss.map(metric));
        figures += &figure("parameters", (record.parameters > 0).then(|| count(record.parameters)));
        figures += &figure("time", record.duration().map(duration));
        let architecture = record.hyperparameters.get("arch").and_then(|arch| arch.as_str()).unwrap_or_default();
        let chosen = record.chosen.as_ref().map_or(String::new(), |chosen| {
            let epoch = chosen.epoch.map_or("before training".to_owned(), |epoch| format!("epoch {epoch}"));
            format!("{epoch} ({})", text(&chosen.rule))
        });
        let rows = [
            ("network", text(architecture)),
            ("trained on", text(&record.dataset.name)),
            ("started", text(&record.started)),
            ("ended", record.ended.as_deref().map_or(String::new(), text)),
            ("why", record.reason.as_deref().map_or(String::new(), text)),
            ("weights of", chosen),
            ("identifier", text(&record.id)),
        ];
        let tags = self.notes.as_ref().map_or(&[][..], |notes| &notes.tags);
        let tags: String = tags.iter().map(|tag| format!("<li>{}</li>", text(tag))).collect();
        let tags = if tags.is_empty() { tags } else { format!("<ul class=\"tags\" aria-label=\"Tags\">{tags}</ul>") };
        format!(
            "<header><p class=\"kind\">Run of Strata {}</p><h1>{} <span class=\"status {status}\">{status}</span></h1>{tags}\
             <nav aria-label=\"Sections\"><a href=\"#curves\">Curves</a> <a href=\"#test\">Test images</a> <a href=\"#weights\">Weights</a> \
             <a href=\"#run\">What was run</a> <a href=\"#files\">Files</a></nav>\
             <dl class=\"figures\">{figures}</dl>{}{}{}</header>",
            text(&record.environment.strata),
            text(&record.name),
            facts("Summary", rows),
            self.further_metrics(),
            self.notes_list()
        )
    }

    fn further_metrics(&self) -> String {
        let values = &self.record.metrics.values;
        let rows = values.iter().map(|(key, value)| (key.as_str(), metric(*value)));
        match values.is_empty() {
            true => String::new(),
            false => format!("<details><summary>Further metrics</summary>{}</details>", facts("Further metrics", rows)),
        }
    }

    fn notes_list(&self) -> String {
        let notes = match &self.notes {
            Ok(notes) => &notes.notes,
            Err(reason) => return format!("<h2>Notes</h2>{}", missing(reason)),
        };
        let shown = &notes[notes.len().saturating_sub(NOTES)..];
        let note = |(time, note): &(String, String)| {
            format!("<li><time>{}</time><p>{}</p></li>", text(time), html::lines(note, NOTE))
        };
        match shown.is_empty() {
            true => String::new(),
            false => format!("<h2>Notes</h2><ul class=\"notes\">{}</ul>", shown.iter().map(note).collect::<String>()),
        }
    }

    fn weights_section(&self) -> String {
        let tensors = match &self.weights {
            Ok(tensors) => tensors,
            Err(reason) => return missing(reason),
        };
        let first = match self.first_layer.as_ref().map(FirstLayer::section) {
            Some(Ok(html)) => html,
            Some(Err(reason)) => {
                format!("<p class=\"missing\">The first layer is not shown as images: {}.</p>", text(reason))
            }
            None => String::new(),
        };
        format!("{first}<h3>Distribution a layer</h3>{}", weights::section(tensors))
    }

    fn files_section(&self) -> String {
        let link = |file: &FileOfRun| {
            format!(
                "<li><a href=\"{}\">{}</a> <span>{}</span></li>",
                address(&file.name),
                text(&file.name),
                file.bytes.map_or(String::new(), bytes)
            )
        };
        let more = match self.files.len().saturating_sub(FILES) {
            0 => String::new(),
            more => format!("<p>and {more} more in the run's folder</p>"),
        };
        format!("<ul class=\"files\">{}</ul>{more}", self.files.iter().take(FILES).map(link).collect::<String>())
    }
}

fn missing(reason: &str) -> String {
    format!("<p class=\"missing\">Not shown: {}.</p>", text(reason))
}

/// A file's relative address: what is no letter or digit is written as its bytes.
fn address(name: &str) -> String {
    let mut address = String::from("./");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => address.push(char::from(byte)),
            byte => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests;
