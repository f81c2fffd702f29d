//! What people say of a run: notes and tags in a file of their own, so that nothing of what the run recorded is touched.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::error::ReportError;
use crate::lines;
use crate::names::NOTES;

/// The longest note and tag, in bytes.
const MAX_NOTE: usize = 1 << 16;
const MAX_TAG: usize = 64;

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    /// RFC 3339, UTC.
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed_tags: Vec<String>,
}

/// What was said of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// The notes, the oldest first, each with its time (RFC 3339, UTC).
    pub notes: Vec<(String, String)>,
    /// The tags that it has, in the order in which they were put on it.
    pub tags: Vec<String>,
}

/// Adds a note, puts `tags` on the run in the folder `run` and takes `removed` off it. The run may be being trained meanwhile.
///
/// # Errors
///
/// [`ReportError::Note`] where there is nothing to add, a note is longer than 64 KiB, a tag is not 1 to 64 letters, digits, `.`, `_` and `-`, or one is to
/// be taken off that the run does not have; [`ReportError::Io`] where the file cannot be written, [`ReportError::Malformed`] where it is damaged.
pub fn add_note(run: &Path, note: Option<&str>, tags: &[String], removed: &[String]) -> Result<Notes, ReportError> {
    let refused = |reason: String| Err(ReportError::Note { reason });
    if note.is_none_or(|note| note.trim().is_empty()) && tags.is_empty() && removed.is_empty() {
        return refused("there is neither a note nor a tag".to_owned());
    }
    if let Some(note) = note.filter(|note| note.len() > MAX_NOTE) {
        return refused(format!("the note has {} bytes; at most {MAX_NOTE} are kept", note.len()));
    }
    let is_tag = |tag: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        (1..=MAX_TAG).contains(&tag.len()) && tag.chars().all(is_plain)
    };
    if let Some(tag) = tags.iter().chain(removed).find(|tag| !is_tag(tag)) {
        return refused(format!("{tag:?} is no tag: it is 1 to {MAX_TAG} letters, digits, '.', '_' and '-'"));
    }
    // A damaged file is told of before a line is added to it.
    let before = read_notes(run)?;
    if let Some(tag) = removed.iter().find(|tag| !before.tags.contains(tag) && !tags.contains(tag)) {
        let known = if before.tags.is_empty() { "none".to_owned() } else { before.tags.join(", ") };
        return refused(format!("the run has no tag {tag:?} to take off; its tags: {known}"));
    }
    let note = note.map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    let line = Line { time: clock::now(), note, tags: tags.to_vec(), removed_tags: removed.to_vec() };
    let path = run.join(NOTES);
    let io = |source| ReportError::io("write the file", &path)(source);
    // Two who say something at once do it one after the other.
    let mut turn = OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
    turn.lock().map_err(io)?;
    if last_line_lacks_its_end(&path)? {
        turn.write_all(b"\n").map_err(io)?;
    }
    lines::append(&path, &line)?;
    drop(turn);
    read_notes(run)
}

/// What was said of the run in the folder `run`; nothing where there is no such file.
///
/// # Errors
///
/// [`ReportError::Malformed`] naming the line that is damaged, [`ReportError::Io`] where the file cannot be read.
pub fn read_notes(run: &Path) -> Result<Notes, ReportError> {
    let read = match lines::read::<Line>(&run.join(NOTES)) {
        Err(ReportError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Notes::default());
        }
        read => read?,
    };
    let mut notes = Notes::default();
    for Line { time, note, tags, removed_tags } in read.entries.into_iter().chain(read.unended) {
        notes.notes.extend(note.map(|note| (time, note)));
        for tag in tags {
            if !notes.tags.contains(&tag) {
                notes.tags.push(tag);
            }
        }
        notes.tags.retain(|tag| !removed_tags.contains(tag));
    }
    Ok(notes)
}

/// Whether the file ends with a whole line but for its newline, as editors leave it.
fn last_line_lacks_its_end(path: &Path) -> Result<bool, ReportError> {
    Ok(lines::read::<Line>(path)?.unended.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn notes_and_tags_add_up_and_tags_can_be_taken_off() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(read_notes(run.path()).unwrap(), Notes::default());
        add_note(run.path(), Some(" the best so far\nby far "), &tags(&["paper", "a-1"]), &[]).unwrap();
        let notes = add_note(run.path(), None, &tags(&["paper", "größe"]), &tags(&["a-1"])).unwrap();
        assert_eq!(notes.tags, ["paper", "größe"]);
        assert_eq!(notes.notes.iter().map(|(_, note)| note.as_str()).collect::<Vec<_>>(), ["the best so far\nby far"]);
        assert_eq!(read_notes(run.path()).unwrap(), notes);
    }

    #[test]
    fn a_last_line_that_an_editor_left_without_its_newline_counts_and_stays() {
        let run = tempfile::tempdir().unwrap();
        let path = run.path().join(NOTES);
        let before = "{\"time\":\"2026-01-01T00:00:00Z\",\"note\":\"by hand\",\"tags\":[\"paper\"]}";
        std::fs::write(&path, before).unwrap();
        assert_eq!(read_notes(run.path()).unwrap().tags, ["paper"]);
        let notes = add_note(run.path(), Some("more"), &tags(&["b"]), &[]).unwrap();
        assert_eq!((notes.notes.len(), notes.tags), (2, tags(&["paper", "b"])));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(&format!("{before}\n{{")));
    }

    #[test]
    fn a_tag_that_a_run_does_not_have_cannot_be_taken_off() {
        let run = tempfile::tempdir().unwrap();
        let refused = |removed: &[&str]| {
            let Err(ReportError::Note { reason }) = add_note(run.path(), Some("seen"), &tags(&["new"]), &tags(removed))
            else {
                panic!("{removed:?} was taken off")
            };
            reason
        };
        assert_eq!(refused(&["papr"]), "the run has no tag \"papr\" to take off; its tags: none");
        assert!(!run.path().join(NOTES).exists());
        add_note(run.path(), None, &tags(&["paper", "a-1"]), &[]).unwrap();
        let before = std::fs::read(run.path().join(NOTES)).unwrap();
        assert_eq!(refused(&["a-1", "papr"]), "the run has no tag \"papr\" to take off; its tags: paper, a-1");
        assert_eq!(std::fs::read(run.path().join(NOTES)).unwrap(), before);
        assert_eq!(add_note(run.path(), None, &tags(&["b"]), &tags(&["b", "paper"])).unwrap().tags, ["a-1"]);
    }

    #[test]
    fn what_is_no_note_is_refused_and_a_damaged_file_is_left_as_it_is() {
        let run = tempfile::tempdir().unwrap();
        for (note, names) in
            [(None, &[][..]), (Some("  "), &[]), (None, &["two words"]), (None, &[""]), (None, &["a/b"])]
        {
            assert!(
                matches!(add_note(run.path(), note, &tags(names), &[]), Err(ReportError::Note { .. })),
                "{names:?}"
            );
        }
        assert!(add_note(run.path(), Some(&"x".repeat(MAX_NOTE + 1)), &[], &[]).is_err());
        assert!(!run.path().join(NOTES).exists());
        std::fs::write(run.path().join(NOTES), "{\n").unwrap();
        let error = add_note(run.path(), Some("a"), &[], &[]).unwrap_err();
        assert!(matches!(error, ReportError::Malformed { .. }));
        assert!(error.to_string().ends_with("or take it out: each line is one note"), "no resume mends notes: {error}");
        assert_eq!(std::fs::read_to_string(run.path().join(NOTES)).unwrap(), "{\n");
    }
}
