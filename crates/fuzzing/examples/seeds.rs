//! Writes the seeds: small, right inputs of each target, from which the fuzzer starts.

use std::fs;
use std::path::Path;

use strata_model::{
    Activation, Architecture, InputTransform, LayerWeights, NamedTensor, Precision, TrainedModel, Usage, Weights,
};
use strata_report::{HistoryEntry, HistoryRow, Part, PhaseRecord, Record, RunFolder, Status, TimingLine, read_history};
use strata_rng::TorchRng;
use strata_trainer::{
    Checkpoint, CheckpointHistory, Elapsed, HistoryMark, OptimizerState, ParameterState, Progress, Score,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let write = |target: &str, name: &str, bytes: &[u8]| -> Result<()> {
        let folder = root.join("seeds").join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), bytes)?)
    };

    write("cifar_files", "exact", &[&[13, 14, 15, 13, 13, 14, 0][..], &[3; 10]].concat())?;
    let names = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    write("cifar_files", "names", &[&[13; 7][..], &[7; 6], names].concat())?;
    write("cifar_files", "cut", &[&[13, 13, 5, 13, 13, 13, 0][..], &[1; 6]].concat())?;
    let tar = tar(names)?;
    write("pickle", "image", &pickle(&[7; 3072]))?;
    write("pickle", "call", b"\x80\x02cos\nsystem\nU\x02ls\x85R.")?;
    write("archive", "tar", &[&[2], tar.as_slice()].concat())?;
    write("archive", "tar.gz", &[vec![0], strata_fuzzing::gzip(&tar)].concat())?;

    for name in ["a", "adamw-gelu", "linear", "quickstart"] {
        let text = fs::read(root.join("../../../configs").join(format!("{name}.toml")))?;
        let sets = b"\0model.hidden=[64, 32]\0phases.0.lr=5e-2\0device=cuda:1\0dataset.batch=32";
        write("config", name, &[text.as_slice(), sets].concat())?;
    }
    write("config", "every-key", include_bytes!("every-key.toml"))?;

    let weights = weights()?;
    let usage = Usage {
        activation: Activation::Gelu,
        dropout: 0.25,
        input: vec![3, 1, 1],
        classes: vec!["no".to_owned(), "yes".to_owned()],
        transform: InputTransform::Pixels { mean: vec![0.5; 3], deviation: vec![0.25; 3] },
        precision: Precision::F32,
    };
    let model = TrainedModel::new(weights.clone(), usage)?.to_bytes()?;
    // `file` and `text` are of the format before this one.
    write("weights", "file-format-2", &model)?;
    write("weights", "text-format-2", &as_text(&model)?)?;
    for states in 0..=2 {
        // Of the format before this one, and of this one.
        for (format, history) in [("", true), ("-format-2", false)] {
            let file = checkpoint(&weights, states, history)?;
            write("checkpoint", &format!("file-{states}{format}"), &file)?;
            write("checkpoint", &format!("text-{states}{format}"), &as_text(&file)?)?;
        }
    }

    write("record", "finished", &record()?)?;
    let [history, timing] = lines()?;
    write("history", "three", &[history.as_slice(), timing.as_slice()].join(&0))?;
    write("history", "torn", &history[..history.len() - 20])?;
    Ok(())
}

/// One image and its label, as torchvision's archive has them.
fn pickle(pixels: &[u8; 3072]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01M"
            .to_vec();
    bytes.extend(b"\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x00\x0c\x00\x00");
    bytes.extend(pixels);
    bytes.extend(b"tbU\x06labels](K\x03eu.");
    bytes
}

/// A release of one record a file.
fn tar(names: &[u8]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), bytes)
    };
    add("batches.meta.txt", names)?;
    for number in 1..=5 {
        add(&format!("data_batch_{number}.bin"), &[number; 3_073])?;
    }
    add("test_batch.bin", &[9; 3_073])?;
    Ok(builder.into_inner()?)
}

fn weights() -> Result<Weights> {
    let layers = [(3, 2), (2, 2)].map(|(inputs, outputs)| LayerWeights {
        weight: (0..inputs * outputs).map(|i| i as f32 - 2.5).collect(),
        bias: vec![0.25; outputs],
    });
    Ok(Weights::from_layers(Architecture::new(3, &[2], 2), layers.to_vec())?)
}

fn checkpoint(weights: &Weights, states: usize, holds_history: bool) -> Result<Vec<u8>> {
    let mut progress = Progress::new(&TorchRng::new(43));
    (progress.epoch, progress.batches) = (1, 3);
    progress.score = Score { loss: 9.5, samples: 24, ..Score::default() };
    let line = HistoryRow::initial(2.308, 0.125);
    let epoch =
        HistoryRow { phase: Some(0), epoch: Some(0), learning_rate: Some(0.1), train_loss: Some(1.75), ..line.clone() };
    (progress.last, progress.best) = (Some(epoch.clone()), Some(epoch.clone()));
    let history = if holds_history {
        CheckpointHistory::Lines(vec![line, epoch])
    } else {
        CheckpointHistory::File(HistoryMark { bytes: 200, sha256: "0f".repeat(32) })
    };
    let elapsed = Elapsed { run: 9.5, epoch: 1.5, training: 1.25 };
    let state = |tensor: &NamedTensor| ParameterState {
        name: tensor.name.clone(),
        buffers: vec![tensor.values.clone(); states],
    };
    let optimizer = OptimizerState { steps: 10, parameters: weights.tensors.iter().map(state).collect() };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.safetensors");
    Checkpoint { run: "a-run".into(), progress, history, elapsed, weights: weights.clone(), optimizer }.save(&path)?;
    Ok(fs::read(path)?)
}

/// A safetensors file as the targets take it from the fuzzer: no length, the header on a line of its own.
fn as_text(file: &[u8]) -> Result<Vec<u8>> {
    let (length, rest) = file.split_first_chunk::<8>().ok_or("no header")?;
    let (header, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length))?);
    Ok([header, b"\n", tensors].concat())
}

/// The initial evaluation and two epochs, and how long they took.
fn lines() -> Result<[Vec<u8>; 2]> {
    let runs = tempfile::tempdir()?;
    let folder = RunFolder::create(runs.path(), "run")?;
    for epoch in [None, Some(0), Some(1)] {
        let line = HistoryRow {
            phase: epoch.map(|_| 0),
            epoch,
            learning_rate: epoch.map(|_| 0.1),
            train_loss: epoch.map(|_| 1.75),
            ..HistoryRow::initial(2.25, 0.5)
        };
        let finished = "2026-11-23T12:00:00Z".to_owned();
        let time = TimingLine {
            epoch,
            seconds: 1.5,
            training_seconds: epoch.map(|_| 1.25),
            samples_per_second: 3e4,
            finished,
        };
        folder.append_history(&line)?;
        folder.append_timing(&time)?;
    }
    let read = |file| fs::read(folder.path().join(file));
    Ok([read("history.jsonl")?, read("timing.jsonl")?])
}

fn record() -> Result<Vec<u8>> {
    let mut record = Record::new("run", vec!["strata".into(), "experiment".into()]);
    // The same bytes each time.
    record.id = "20261123-120000-0123abcd".into();
    record.started = "2026-11-23T12:00:00Z".into();
    record.ended = Some("2026-11-23T12:01:00Z".into());
    record.status = Status::Finished;
    record.config_sha256 = "0f".repeat(32);
    record.hyperparameters.insert("hidden".into(), vec![2_048, 64].into());
    record.hyperparameters.insert("optimizer".into(), "sgd".into());
    record.metrics.val_acc = Some(0.5);
    record.metrics.seconds = Some(60.0);
    record.phases = vec![PhaseRecord { epochs: 2, lr: 0.1 }];
    let started = record.started.clone();
    record.parts.push(Part { started, first_epoch: Some(0), command: record.command.clone(), ..Part::default() });
    record.rng.streams.insert("dropout".into(), 43);
    let runs = tempfile::tempdir()?;
    let folder = RunFolder::create(runs.path(), "run")?;
    let [history, _] = lines()?;
    fs::write(folder.path().join("history.jsonl"), history)?;
    let rows = read_history(folder.path())?.entries;
    record.history.extend(rows.into_iter().map(|row| HistoryEntry::new(row, 1.5)));
    folder.write_record(&record)?;
    Ok(fs::read(folder.path().join("record.json"))?)
}
