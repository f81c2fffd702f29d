//! Which vectors the products use: those of 256 bits, or of 512.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::block::{Block, Then};
use crate::dispatch::has_avx512;
use crate::geometry::{KC, Vectors, WIDE_TILE_ROWS};
use crate::lanes::{LANES, Lanes};
use crate::prefetch::Prefetch;

/// The vectors that products use here. Processors that have AVX-512 differ in what it is worth (Intel's servers have units of 512 bits, AMD's Zen 4 pairs of 256), so a
/// dense block is timed by both when a product is first asked for, in less than a millisecond. The environment variable `STRATA_VECTOR_BITS`, 256 or 512, says it instead, where the
/// processor has them.
pub(crate) fn vectors() -> Vectors {
    static VECTORS: LazyLock<Vectors> = LazyLock::new(|| {
        let asked = std::env::var("STRATA_VECTOR_BITS");
        match asked.as_deref() {
            _ if !has_avx512() => Vectors::Of256Bits,
            Ok("256") => Vectors::Of256Bits,
            Ok("512") => Vectors::Of512Bits,
            _ => faster(),
        }
    });
    *VECTORS
}

/// Those of 512 bits where they are faster by more than what wide vectors may cost elsewhere, a lower clock.
fn faster() -> Vectors {
    let mut block = Sample::new();
    let mut least = [Duration::MAX; 2];
    for _ in 0..8 {
        for (least, vectors) in least.iter_mut().zip([Vectors::Of256Bits, Vectors::Of512Bits]) {
            let begin = Instant::now();
            block.compute_by(vectors);
            *least = (*least).min(begin.elapsed());
        }
    }
    let [narrow, wide] = least;
    if wide < narrow.mul_f64(0.9) { Vectors::Of512Bits } else { Vectors::Of256Bits }
}

/// A block as products have them: its panels fill a part of the second-level cache.
struct Sample {
    rows: Vec<f32>,
    panels: Lanes,
    sums: Lanes,
}

impl Sample {
    const ROWS: usize = 2 * WIDE_TILE_ROWS;
    const PANELS: usize = 8;

    fn new() -> Self {
        let mut panels = Lanes::scratch(Self::PANELS * KC);
        let mut sums = Lanes::scratch(Self::ROWS * Self::PANELS);
        panels.fill([0.5; LANES]);
        sums.fill([0.0; LANES]);
        Self { rows: vec![0.25; Self::ROWS * KC], panels, sums }
    }

    fn compute_by(&mut self, vectors: Vectors) {
        let Self { rows, panels, sums } = self;
        let block = Block {
            rows: black_box(rows),
            row_length: KC,
            first_row: 0,
            first_k: 0,
            depth: KC,
            panels,
            sums,
            sums_length: Self::PANELS,
            then: Then { is_first: true, bias: &[] },
            prefetch: Prefetch::NONE,
        };
        block.compute(vectors);
        black_box(sums);
    }
}
