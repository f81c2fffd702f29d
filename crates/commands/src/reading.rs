//! The commands that read runs: lists, comparisons, histories, notes.

use std::path::{Path, PathBuf};

use anyhow::bail;
use strata_cli::note as tell;
use strata_experiment::{
    Config, Display, ExperimentError, Listing, OtherSamples, Stop, Views, compare as compared, evaluate_ensemble,
    evaluate_on, evaluate_run, find_run, write_comparison, write_page,
};
use strata_files::escape_path;
use strata_report::{
    Format, Notes, Record, RunSummary, Sheet, add_note, history_sheet, join_history, list_runs, printable_json,
    read_history, read_notes, read_record_as_it_stands, read_timing, runs_sheet, runs_table, write_png_plots,
};

use crate::cli;
use crate::output::{show, show_part, width};
use crate::start::note_unread;

pub(crate) fn runs(arguments: cli::Runs) -> anyhow::Result<()> {
    let cli::Runs { conditions, sort, descending, group, output } = arguments;
    let listed = list_runs(&output.runs)?;
    if listed.is_empty() && output.format == Format::Table {
        return show("no runs yet: start one with `cargo xtask experiment CONFIG`\n");
    }
    let mut listing = Listing::new(listed, &mut |error| tell(&format!("note: notes and tags are left out: {error}")));
    conditions.iter().try_for_each(|filter| listing.keep(filter))?;
    if let Some(key) = &sort {
        listing.sort(key, descending)?;
    }
    let apart = output.format.is_exact();
    match output.format {
        _ if !group.is_empty() => write(&listing.groups(&group, apart)?, output.format),
        Format::Table if listing.summaries().is_empty() => show("no run matches\n"),
        Format::Table => show(&runs_table(&listing.summaries(), width())),
        format if format.is_exact() => write(&listing.sheet(), format),
        _ => write(&runs_sheet(&listing.summaries()), output.format),
    }
}

fn write(sheet: &Sheet, format: Format) -> anyhow::Result<()> {
    show(&sheet.write(format, width()))
}

pub(crate) fn compare(names: &[PathBuf], html: Option<&Path>, output: &cli::Output) -> anyhow::Result<()> {
    let mut records: Vec<(PathBuf, Record)> = Vec::new();
    if names.is_empty() {
        for summary in list_runs(&output.runs)? {
            match read_record_as_it_stands(&summary.path) {
                Ok(record) => records.push((summary.path, record)),
                // Told and left out: one damaged run hides no other.
                Err(error) => tell(&format!("left out: {error}")),
            }
        }
    }
    for name in names {
        let run = match find_run(name, &output.runs) {
            // `compare runs/*` names whatever lies there; a name of nothing is a mistake.
            Err(ExperimentError::NoRun { .. }) if names.len() > 1 && name.exists() => {
                tell(&format!("left out: {} is not a run's folder", escape_path(name)));
                continue;
            }
            found => found?,
        };
        match read_record_as_it_stands(&run) {
            Ok(record) => records.push((run, record)),
            // Told and left out here too: `compare runs/*` is as good as all of them.
            Err(error) if names.len() > 1 => tell(&format!("left out: {error}")),
            Err(error) => return Err(error.into()),
        }
    }
    if records.is_empty() && !names.is_empty() {
        bail!("none of the {} names is a run that can be read; `cargo xtask runs` lists the runs", names.len());
    }
    if let Some(path) = html {
        write_comparison(&records, None, path)?;
        return show(&format!("{}\n", escape_path(path)));
    }
    let records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
    let comparison = compared(&records);
    if output.format == Format::Table {
        return show(&comparison.table(width()));
    }
    if let Some(note) = &comparison.note {
        tell(&format!("note: {note}"));
    }
    write(&comparison.sheet(), output.format)
}

pub(crate) fn history(names: &[PathBuf], output: &cli::Output) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    for name in names {
        let run = find_run(name, &output.runs)?;
        let lines = read_history(&run)?;
        if let Some(torn) = lines.torn {
            tell(&format!("note: {}: {torn}", escape_path(&run)));
        }
        let timing = match read_timing(&run) {
            Ok(timing) => timing.entries,
            Err(error) => {
                tell(&format!("note: seconds are left out: {error}"));
                Vec::new()
            }
        };
        runs.push((named(name, &run), join_history(&lines.entries, &timing)));
    }
    write(&history_sheet(&runs), output.format)
}

/// What a run is called in a table: as the user named it, if that is not a path.
fn named(name: &Path, run: &Path) -> String {
    match name.components().count() {
        1 => RunSummary::of(run).name,
        _ => name.to_string_lossy().into_owned(),
    }
}

pub(crate) fn note(arguments: &cli::Note) -> anyhow::Result<()> {
    let cli::Note { run, note, tags, removed, runs } = arguments;
    let run = find_run(run, runs)?;
    let said = match (note, tags.as_slice(), removed.as_slice()) {
        (None, [], []) => read_notes(&run)?,
        _ => add_note(&run, note.as_deref(), tags, removed)?,
    };
    show(&text_of(&said))
}

pub(crate) fn evaluate(arguments: &cli::Evaluate, stop: &Stop) -> anyhow::Result<()> {
    let cli::Evaluate { names, ensemble, mirrored, on, json, folders: cli::Folders { data, runs } } = arguments;
    let found = names.iter().map(|name| find_run(name, runs)).collect::<Result<Vec<_>, _>>()?;
    let (data, display) = (data.as_deref(), &mut Display::default());
    let refused = |reason: &str| {
        let run = found.first().cloned().unwrap_or_default();
        Err(ExperimentError::Evaluation { run, reason: reason.to_owned() }.into())
    };
    if (*ensemble || *mirrored) && !matches!(on, cli::Evaluated::Part(_)) {
        return refused("--ensemble and --mirrored are for a part of the runs' own data");
    }
    if *ensemble && found.len() < 2 {
        return Err(ExperimentError::NoEnsemble { runs: found.len() }.into());
    }
    if data.is_some() && matches!(on, cli::Evaluated::Path(_)) {
        return refused("--data names the folder of the run's own data, and --on another");
    }
    if matches!(on, cli::Evaluated::Part(_)) {
        found.first().into_iter().for_each(|run| note_unread_of(run, data));
    }
    let evaluate = |run: &Path, display: &mut Display| match on {
        cli::Evaluated::Part(part) => evaluate_run(run, (*part).into(), data, display, stop),
        cli::Evaluated::Path(path) => evaluate_on(run, OtherSamples::At(path), display, stop),
        cli::Evaluated::Published(kind) => evaluate_on(run, OtherSamples::Published(*kind, data), display, stop),
    };
    let views = if *mirrored { Views::Both } else { Views::Plain };
    let sets: Vec<&[PathBuf]> = if *ensemble { vec![&found] } else { found.chunks(1).collect() };
    for (place, runs) in sets.into_iter().enumerate() {
        let text = match on {
            cli::Evaluated::Part(part) if *ensemble || *mirrored => {
                let evaluation = evaluate_ensemble(runs, views, (*part).into(), data, display, stop)?;
                if *json { json_line(&evaluation.json()) } else { evaluation.table(width()) }
            }
            _ => {
                let evaluation = evaluate(&runs[0], display)?;
                if *json { json_line(&evaluation.json()) } else { evaluation.table(width()) }
            }
        };
        let apart = if place > 0 && !*json { "\n" } else { "" };
        if show_part(&format!("{apart}{text}"))?.is_break() {
            break;
        }
    }
    Ok(())
}

/// As [`note_unread`], of a run.
fn note_unread_of(run: &Path, data: Option<&Path>) {
    // A config that cannot be read is told of by whoever needs it.
    if let Ok(config) = Config::read(&run.join("config.toml"), &[]) {
        note_unread(&config, data);
    }
}

fn json_line(value: &serde_json::Value) -> String {
    format!("{}\n", printable_json(value))
}

pub(crate) fn report(arguments: &cli::Report, stop: &Stop) -> anyhow::Result<()> {
    let cli::Report { run, png, folders: cli::Folders { data, runs } } = arguments;
    let run = find_run(run, runs)?;
    note_unread_of(&run, data.as_deref());
    let mut files = vec![write_page(&run, data.as_deref(), &mut Display::default(), stop)?];
    if *png {
        files.extend(write_png_plots(&run)?);
    }
    show(&files.iter().map(|file| format!("{}\n", escape_path(file))).collect::<String>())
}

fn text_of(said: &Notes) -> String {
    let mut text = String::new();
    if !said.tags.is_empty() {
        text += &format!("tags: {}\n", said.tags.join(", "));
    }
    for (time, note) in &said.notes {
        text += &format!("{time}  {note}\n");
    }
    if text.is_empty() { "no notes and no tags\n".to_owned() } else { text }
}
