//! `vdpbf16ps`, which no safe code compiles to: the only module with its intrinsics.

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::{__m512, __m512bh, _mm512_dpbf16_ps, _mm512_setzero_ps};
use std::mem::transmute;

use super::{PAIRS, PairLane, SumLane};
use crate::lanes::{LANES, Lane};

/// Whether the processor and the system have it, with 512 bits.
pub(super) fn is_there() -> bool {
    has!("avx512f") && has!("avx512bf16")
}

/// `Σ_k rows[r][k] · panel[k]`, two terms of a chain in each step.
///
/// # Panics
/// Where [`is_there`] says no, or the panel is longer than [`PAIRS`].
#[inline(always)]
pub(super) fn chains<const R: usize>(rows: &[[u32; PAIRS]; R], panel: &[PairLane]) -> [SumLane; R] {
    assert!(is_there(), "a processor without the instruction");
    // SAFETY: the only requirement of `with_instruction` is that the machine has what `is_there` just asked for.
    #[allow(unsafe_code, reason = "calling a function compiled for detected instructions has no safe form")]
    unsafe {
        with_instruction(rows, panel)
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn with_instruction<const R: usize>(rows: &[[u32; PAIRS]; R], panel: &[PairLane]) -> [SumLane; R] {
    // Said once here, so that the compiler drops the bounds checks in the loop.
    assert!(panel.len() <= PAIRS, "a panel longer than a chain");
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for k in 0..panel.len() {
        let (halves, _) = panel[k].as_chunks::<LANES>();
        let (left, right) = (pairs(halves[0]), pairs(halves[1]));
        for r in 0..R {
            let row = pairs([rows[r][k]; LANES]);
            sums[r][0] = _mm512_dpbf16_ps(sums[r][0], row, left);
            sums[r][1] = _mm512_dpbf16_ps(sums[r][1], row, right);
        }
    }
    sums.map(|halves| {
        let mut lane = [0.0; 2 * LANES];
        for (lane, half) in lane.chunks_exact_mut(LANES).zip(halves) {
            lane.copy_from_slice(&values(half));
        }
        lane
    })
}

/// A register of pairs.
#[inline(always)]
fn pairs(lane: [u32; LANES]) -> __m512bh {
    // SAFETY: both are 512 bits without padding, and any bits are a value of either.
    #[allow(unsafe_code, reason = "arrays become registers by a transmute or by a pointer")]
    unsafe {
        transmute::<[u32; LANES], __m512bh>(lane)
    }
}

/// The sums of a register.
#[inline(always)]
fn values(sums: __m512) -> Lane {
    // SAFETY: as in `pairs`.
    #[allow(unsafe_code, reason = "as there")]
    unsafe {
        transmute::<__m512, Lane>(sums)
    }
}
