//! The chains without the instruction: multiply-adds of 32-bit floats, which the compiler turns into vector code.

use super::{PAIRS, PairLane, SumLane};
use crate::lanes::LANES;

/// Both values of each pair, the second one first, as the sums take them.
#[inline(always)]
pub(super) fn spread_out(pairs: &[[u32; PAIRS]], spread: &mut [[[f32; 2]; PAIRS]]) {
    for (pairs, spread) in pairs.iter().zip(spread) {
        for (pair, spread) in pairs.iter().zip(spread) {
            *spread = [second(*pair), first(*pair)];
        }
    }
}

#[inline(always)]
fn second(pair: u32) -> f32 {
    f32::from_bits(pair & 0xffff_0000)
}

#[inline(always)]
fn first(pair: u32) -> f32 {
    f32::from_bits(pair << 16)
}

/// `Σ_k rows[r][k] · panel[k]`, `FLUSHING` each sum that is subnormal, half a panel at a time: as many sums as AVX2 has registers for.
#[inline(always)]
pub(super) fn chains<const R: usize, const FLUSHING: bool>(
    rows: &[[[f32; 2]; PAIRS]; R],
    panel: &[PairLane],
) -> [SumLane; R] {
    let mut result = [[0.0; 2 * LANES]; R];
    for half in 0..2 {
        let chains = half_chains::<R, FLUSHING>(rows, panel, half);
        for (result, chain) in result.iter_mut().zip(chains) {
            result[half * LANES..][..LANES].copy_from_slice(&chain);
        }
    }
    result
}

#[inline(always)]
fn half_chains<const R: usize, const FLUSHING: bool>(
    rows: &[[[f32; 2]; PAIRS]; R],
    panel: &[PairLane],
    half: usize,
) -> [[f32; LANES]; R] {
    // Said once here, so that the compiler drops the bounds checks in the loop.
    assert!(panel.len() <= PAIRS, "a panel longer than a chain");
    let mut chains = [[0.0; LANES]; R];
    for k in 0..panel.len() {
        let (lanes, _) = panel[k].as_chunks::<LANES>();
        let (lane_second, lane_first) = (lanes[half].map(second), lanes[half].map(first));
        for r in 0..R {
            let [row_second, row_first] = rows[r][k];
            for c in 0..LANES {
                let sum = flushed::<FLUSHING>(row_second.mul_add(lane_second[c], chains[r][c]));
                chains[r][c] = flushed::<FLUSHING>(row_first.mul_add(lane_first[c], sum));
            }
        }
    }
    chains
}

/// Zero, of its sign, in place of a subnormal number.
#[inline(always)]
fn flushed<const FLUSHING: bool>(sum: f32) -> f32 {
    if FLUSHING && sum.abs() < f32::MIN_POSITIVE { f32::from_bits(sum.to_bits() & 0x8000_0000) } else { sum }
}
