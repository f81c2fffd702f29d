//! A table in memory as training sees it: rows of four numbers in three classes, in a new order in each pass.

use strata_rng::TorchRng;
use strata_trainer::{Batch, Batches, Loader};

/// How many rows there are.
pub(crate) struct Table(pub(crate) usize);

const BATCH: usize = 16;

impl Table {
    /// Two numbers say the class, two say nothing.
    fn row(row: usize) -> [f32; 4] {
        let noise = |i: usize| ((row * 7919 + i * 104_729) % 101) as f32 / 101.0;
        let class = (row % 3) as f32;
        [class + 0.4 * noise(0), 1.0 - class + 0.4 * noise(1), noise(2), noise(3)]
    }
}

impl Loader for Table {
    fn samples(&self) -> usize {
        self.0
    }

    fn batches(&self) -> usize {
        self.0.div_ceil(BATCH)
    }

    // Batch number `skip` is the first: so a run that was stopped within an epoch goes on there.
    fn pass<'a>(&'a self, rng: &mut TorchRng, skip: usize) -> Batches<'a> {
        let order = rng.permutation(self.0);
        Box::new((skip..self.batches()).map(move |number| {
            let rows = &order[number * BATCH..self.0.min((number + 1) * BATCH)];
            Ok(Batch {
                indices: rows.to_vec(),
                features: rows.iter().flat_map(|row| Self::row(*row as usize)).collect(),
                labels: rows.iter().map(|row| (*row % 3) as u8).collect(),
                mix: None,
            })
        }))
    }
}
