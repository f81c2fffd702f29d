//! A small data set in memory, and an observer that keeps what it is told.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod formula;
pub mod golden;

use strata_rng::TorchRng;
use strata_trainer::{
    Batch, Batches, Checkpoint, CheckpointHistory, Classifier, Elapsed, Event, HistoryRow, Loader, Observer, Progress,
    TrainError,
};

pub const FEATURES: usize = 12;
pub const CLASSES: usize = 3;

/// Three classes told apart by which third of the features is large.
pub struct Memory {
    pub samples: usize,
    pub batch: usize,
    pub shuffle: bool,
    /// Leave the features out, as for a classifier that holds them.
    pub indices_only: bool,
}

/// A sample's features as a device holds them: below 128, or from there on in its class' third.
pub fn bytes(sample: usize) -> Vec<u8> {
    let noise = |i: usize| ((sample * 7919 + i * 104_729 + sample * i * 31) % 128) as u8;
    (0..FEATURES).map(|i| noise(i) + if i % CLASSES == sample % CLASSES { 128 } else { 0 }).collect()
}

/// The values of the bytes; two tables, since features fall into parts.
pub fn tables() -> [[f32; 256]; 2] {
    let values = |scale: f32| std::array::from_fn(|byte| byte as f32 / 255.0 * scale);
    [values(1.0), values(1.25)]
}

pub fn features(sample: usize) -> Vec<f32> {
    let (bytes, tables) = (bytes(sample), tables());
    bytes.iter().enumerate().map(|(i, byte)| tables[i / (FEATURES / 2)][usize::from(*byte)]).collect()
}

impl Loader for Memory {
    fn samples(&self) -> usize {
        self.samples
    }

    fn batches(&self) -> usize {
        self.samples.div_ceil(self.batch)
    }

    fn smallest_batch(&self) -> Option<usize> {
        Some(match self.samples % self.batch {
            0 => self.batch,
            rest => rest,
        })
    }

    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        rng.random_seed();
        let order = if self.shuffle {
            TorchRng::new(rng.random_seed()).permutation(self.samples)
        } else {
            (0..self.samples as u32).collect()
        };
        Box::new((skip..self.batches()).map(move |b| {
            let indices = order[b * self.batch..self.samples.min((b + 1) * self.batch)].to_vec();
            let features = if self.indices_only {
                Vec::new()
            } else {
                indices.iter().flat_map(|i| features(*i as usize)).collect()
            };
            Ok(Batch {
                labels: indices.iter().map(|i| (*i as usize % CLASSES) as u8).collect(),
                features,
                indices,
                mix: None,
            })
        }))
    }
}

/// Keeps the history and checkpoints, and interrupts after `interrupt_after` trained or evaluated batches.
#[derive(Default)]
pub struct Keeper {
    pub history: Vec<HistoryRow>,
    pub checkpoints: Vec<Checkpoint>,
    pub batches: usize,
    pub interrupt_after: Option<usize>,
}

impl Observer for Keeper {
    fn event(&mut self, event: Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::Evaluated { line, .. } => self.history.push(line.clone()),
            Event::BatchFinished { .. } => self.batches += 1,
            _ => {}
        }
        Ok(())
    }

    fn checkpoint(&mut self, progress: &Progress, classifier: &mut dyn Classifier, _: bool) -> Result<(), TrainError> {
        let (weights, optimizer) = classifier.snapshot()?;
        self.checkpoints.push(Checkpoint {
            run: "a-run".into(),
            progress: progress.clone(),
            history: CheckpointHistory::None,
            elapsed: Elapsed::default(),
            weights,
            optimizer,
        });
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt_after.is_some_and(|after| self.batches >= after)
    }
}
