//! The weights that a run gives.

use std::io::Write;

use sha2::{Digest, Sha256};
use strata_metrics::{Criterion, Direction};
use strata_model::{TrainedModel, Usage, Weights};
use strata_report::{Chosen, ModelFile, RunFolder};
use strata_trainer::{Classifier, Progress, TrainError};

use crate::checkpoints::{best_weights, load_best};
use crate::recorder::Recorder;

impl Recorder {
    /// Writes the weights that the run gives into its `model.safetensors`, and gives them to `classifier`: those of the best epoch (`takes_best`),
    /// otherwise the last one's, averaged where an average is what is evaluated. The record says which. `usage` is what the file says about their use.
    ///
    /// # Errors
    /// Where the best epoch's checkpoint is damaged, `usage` does not fit the network, or the file cannot be written.
    pub fn keep_weights(
        &mut self,
        classifier: &mut dyn Classifier,
        progress: &Progress,
        takes_best: bool,
        usage: Usage,
    ) -> Result<(), TrainError> {
        let (chosen, rule, weights) = if takes_best {
            let found = load_best(self.folder(), &self.record.id, classifier.architecture())?;
            let weights = best_weights(self.folder(), found, progress)?;
            classifier.evaluate_with(&weights)?;
            (&progress.best, self.best_rule(), weights)
        } else {
            match classifier.averaged_weights()? {
                Some(weights) => (&progress.last, "last epoch, its average of the weights".to_owned(), weights),
                None => (&progress.last, "last epoch".to_owned(), classifier.snapshot()?.0),
            }
        };
        if let Some(line) = chosen {
            self.record.chosen = Some(Chosen { epoch: line.epoch, rule });
            self.record.metrics.val_loss = Some(line.val_loss);
            self.record.metrics.val_acc = Some(line.val_acc);
            let measured = line.values.iter().filter(|(key, _)| key.starts_with("val_"));
            self.record.metrics.values.extend(measured.map(|(key, value)| (key.clone(), *value)));
        }
        self.record.model = Some(save(self.folder(), weights, usage)?);
        Ok(())
    }
}

impl Recorder {
    /// By what the best epoch is chosen, in words.
    fn best_rule(&self) -> String {
        match self.record.judged_by() {
            criterion if criterion == Criterion::val_acc() => "best validation accuracy".to_owned(),
            Criterion { key, direction } => format!(
                "best {key}: the {}",
                match direction {
                    Direction::Lower => "lowest",
                    Direction::Higher => "highest",
                }
            ),
        }
    }
}

/// Writes the weights file. The SHA-256 is of the bytes that were written, not of what the disk gives back.
fn save(folder: &RunFolder, weights: Weights, usage: Usage) -> Result<ModelFile, TrainError> {
    struct Hash(Sha256);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let path = folder.model_path();
    let model = TrainedModel::new(weights, usage)?;
    model.save(&path)?;
    let mut hash = Hash(Sha256::new());
    let hashed = model.write_to(&mut hash);
    hashed.map_err(|source| TrainError::Io { action: "hashing", path: path.clone(), source })?;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(ModelFile { file, sha256: strata_files::hexadecimal(&hash.0.finalize()) })
}
