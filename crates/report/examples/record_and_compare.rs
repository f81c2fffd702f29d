//! Two runs of one's own training loop: recorded, read again, listed, compared and drawn.

use std::path::Path;

use serde_json::json;
use strata_report::{
    HistoryEntry, HistoryRow, Record, ReportError, RunFolder, Status, compare_table, list_runs, read_history,
    read_record, runs_table,
};

/// Whatever trains: here a loss that falls as 1 / (1 + rate · epochs).
fn train(runs: &Path, name: &str, rate: f64) -> Result<(), ReportError> {
    let folder = RunFolder::create(runs, name)?;
    folder.write_config(&format!("rate = {rate}\n"))?;
    let mut record = Record::new(&folder.name(), std::env::args().collect());
    record.hyperparameters.insert("rate".into(), json!(rate));
    folder.write_record(&record)?;
    for epoch in 0..20 {
        let loss = 1.0 / (1.0 + rate * f64::from(epoch));
        let line = HistoryRow {
            phase: Some(0),
            epoch: Some(epoch as usize),
            learning_rate: Some(rate),
            train_loss: Some(loss * 0.9),
            ..HistoryRow::initial(loss, 1.0 - loss)
        };
        folder.append_history(&line)?;
        record.metrics.val_loss = Some(line.val_loss);
        record.metrics.val_acc = Some(line.val_acc);
        record.history.push(HistoryEntry::new(line, 0.5));
    }
    folder.write_plots(&record.history)?;
    record.status = Status::Finished;
    record.ended = Some(strata_report::now());
    folder.write_record(&record)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs = tempfile::tempdir()?;
    train(runs.path(), "slow", 0.1)?;
    train(runs.path(), "fast", 1.0)?;

    println!("{}", runs_table(&list_runs(runs.path())?, Some(100)));
    let records = ["slow", "fast"].map(|name| read_record(&runs.path().join(name)));
    let table = compare_table(&records.into_iter().collect::<Result<Vec<_>, _>>()?, Some(100));
    println!("{table}");
    assert!(table.trim_start().starts_with("fast"), "the better one comes first");

    let fast = runs.path().join("fast");
    println!("{} epochs; plots: {}", read_history(&fast)?.entries.len(), fast.join("loss.svg").exists());
    Ok(())
}
