//! What was evaluated, as tables and as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use strata_report::{Cell, Format, Sheet};

use crate::evaluation::RunEvaluation;

impl RunEvaluation {
    /// The share of samples whose class was predicted.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }

    /// Precision, recall and F1 of each class, a row each.
    pub fn classes_sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(["class", "precision", "recall", "f1", "samples"]);
        for (class, name) in self.classes.iter().enumerate() {
            let scores = self.confusion.class(class);
            let mut row = vec![Cell::new(name.as_str())];
            row.extend([scores.precision, scores.recall, scores.f1].map(Cell::metric));
            row.push(Cell::new(scores.support));
            sheet.push(row);
        }
        sheet
    }

    /// How often a sample of each class, a row each, was predicted as each class, a column each.
    pub fn confusion_sheet(&self) -> Sheet {
        let mut sheet =
            Sheet::new(std::iter::once("label \\ predicted").chain(self.classes.iter().map(String::as_str)));
        for (class, name) in self.classes.iter().enumerate() {
            let counts = self.confusion.row(class).iter().map(|count| Cell::new(*count));
            sheet.push(std::iter::once(Cell::new(name.as_str())).chain(counts).collect());
        }
        sheet
    }

    /// All of it as text for people, to fit `width` columns of a terminal.
    pub fn table(&self, width: Option<usize>) -> String {
        let Self { run, part, samples, loss, .. } = self;
        let mut text = format!("{run}, {part}: {samples} samples, loss {loss:.4}, accuracy {:.4}\n", self.accuracy());
        for (name, value) in &self.metrics {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} {value:.4}");
        }
        let classes = self.classes_sheet().write(Format::Table, width);
        text + "\n" + &classes + "\n" + &self.confusion_sheet().write(Format::Table, width)
    }

    /// All of it as an object, every number with all digits.
    pub fn json(&self) -> Value {
        let class = |(class, name): (usize, &String)| {
            let scores = self.confusion.class(class);
            json!({
                "name": name, "precision": scores.precision, "recall": scores.recall, "f1": scores.f1, "samples": scores.support,
            })
        };
        let classes: Vec<Value> = self.classes.iter().enumerate().map(class).collect();
        let confusion: Vec<&[u64]> = (0..self.classes.len()).map(|class| self.confusion.row(class)).collect();
        let metrics: Map<String, Value> =
            self.metrics.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "run": self.run, "part": self.part, "samples": self.samples, "loss": self.loss, "accuracy": self.accuracy(),
            "metrics": metrics, "classes": classes, "confusion": confusion,
        })
    }
}
