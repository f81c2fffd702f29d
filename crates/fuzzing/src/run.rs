//! The files of a run's folder.

use std::fs;

use strata_report::{HistoryRow, RunFolder, TimingLine, join_history, read_history, read_record, read_timing};

use crate::scratch;

/// The longest record that is sure to be within the reader's limits when it is written again, indented and its numbers spelt out.
const WRITABLE: usize = 1 << 15;

/// `record.json`: what is read comes back from being written, and can be shown.
pub fn record(data: &[u8]) -> bool {
    let runs = scratch();
    let folder = RunFolder::create(runs.path(), "run").expect("a run's folder");
    fs::write(folder.path().join("record.json"), data).expect("the record");
    let Ok(record) = read_record(folder.path()) else { return false };
    folder.write_record(&record).expect("a record that was read can be written");
    if data.len() <= WRITABLE {
        let again = read_record(folder.path()).expect("a record that was written can be read");
        // By their text: NaN is not equal to itself, and `null` is what both are written as.
        let text = |record| serde_json::to_string(record).expect("a record as JSON");
        assert_eq!(text(&again), text(&record));
    }
    record.duration();
    strata_report::runs_table(&strata_report::list_runs(runs.path()).expect("the list of runs"), None);
    strata_report::compare_table(&[record.clone(), record.clone()], Some(80));
    folder.write_plots(&record.history).expect("the plots of any history");
    true
}

/// `history.jsonl`, and after a NUL (which JSON cannot hold) `timing.jsonl`.
pub fn history(data: &[u8]) -> bool {
    let at = data.iter().position(|&byte| byte == 0);
    let (history, timing) = at.map_or((data, &[][..]), |at| (&data[..at], &data[at + 1..]));
    let runs = scratch();
    let folder = RunFolder::create(runs.path(), "run").expect("a run's folder");
    fs::write(folder.path().join("history.jsonl"), history).expect("the history");
    fs::write(folder.path().join("timing.jsonl"), timing).expect("the timing");
    let (lines, times) = (read_history(folder.path()), read_timing(folder.path()));
    let whole = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
    if let Ok(lines) = &lines {
        assert_eq!(lines.entries.len(), whole(history));
        assert_eq!(lines.torn.is_some(), history.last().is_some_and(|&byte| byte != b'\n'));
    }
    let (Ok(lines), Ok(times)) = (lines, times) else { return false };
    let joined = join_history(&lines.entries, &times.entries);
    assert_eq!(joined.len(), lines.entries.len());
    append(&folder, &lines.entries, &times.entries);
    true
}

/// A line appended to any history is the last of what is then read; writing the history without it leaves what was there.
fn append(folder: &RunFolder, lines: &[HistoryRow], times: &[TimingLine]) {
    let line = HistoryRow::initial(2.25, 0.5);
    folder.append_history(&line).expect("an appended line");
    let longer = read_history(folder.path()).expect("the longer history");
    assert_eq!((longer.entries.len(), longer.entries.last(), longer.torn), (lines.len() + 1, Some(&line), None));
    folder.rewrite_history(lines).expect("a shorter history");
    assert_eq!(read_history(folder.path()).expect("the shorter history").entries.len(), lines.len());
    assert!(read_timing(folder.path()).expect("the timing").entries.len() <= times.len());
}
