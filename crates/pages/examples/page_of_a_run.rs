//! Writes the page of a run that some program trained: `cargo run --example page_of_a_run -- FILE`, else into the system's folder for temporary files.

use std::path::PathBuf;

use strata_pages::{RunPage, WeightTensor};
use strata_report::{HistoryEntry, HistoryRow, Notes, Record, Status};

fn main() -> std::io::Result<()> {
    let path = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("report.html"), PathBuf::from);
    let mut record = Record::new("first", vec!["my-program".into(), "--rate=0.1".into()]);
    record.status = Status::Finished;
    let row = |epoch: usize| {
        let loss = 0.5 + 2.0 / (epoch + 1) as f64;
        let mut row = HistoryRow::initial(loss, 1.0 - loss / 2.6);
        (row.epoch, row.phase, row.learning_rate, row.train_loss) = (Some(epoch), Some(0), Some(0.1), Some(loss - 0.1));
        HistoryEntry::new(row, 1.5)
    };
    let history: Vec<HistoryEntry> = (0..20).map(row).collect();
    let weights: Vec<f32> = (0..300).map(|at| (at as f32 * 0.7).sin()).collect();
    let page = RunPage {
        record: &record,
        history: &history,
        notes: Ok(&Notes::default()),
        config: "rate = 0.1\n",
        config_path: "runs/first/config.toml",
        changes: &[],
        files: &[],
        tested: Err("it was not tested".into()),
        weights: Ok(&[WeightTensor { name: "layer1.weight", shape: &[10, 30], values: &weights }]),
        first_layer: None,
    };
    std::fs::write(&path, page.html())?;
    println!("{}", path.display());
    Ok(())
}
