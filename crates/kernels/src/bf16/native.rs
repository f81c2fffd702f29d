//! Whether the processor has the instruction.

use std::sync::LazyLock;

use super::loops::{chains, spread_out};
use super::rows::pair;
use super::value::Operand;
use super::{Bf16, COLUMNS, PAIRS, PairLane, instruction};

/// Whether the products are computed by `vdpbf16ps`: the processor has it, it computes what is promised here on the values that it was tried with, and the
/// environment variable `STRATA_BF16` is not `portable`, which makes every processor do without. Found out once in a process. The bits of results do not depend on it, their
/// time does.
pub fn is_native() -> bool {
    static NATIVE: LazyLock<bool> = LazyLock::new(|| {
        std::env::var_os("STRATA_BF16").is_none_or(|value| value != "portable") && instruction::is_there() && agrees()
    });
    *NATIVE
}

/// A processor whose instruction rounds or orders otherwise would give other results in silence.
fn agrees() -> bool {
    // Sums that depend on the order within a pair, exact middles, cancellation, and products far below the smallest normal number.
    let values = |seed: u32| {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let exponent = [0, 8, -8, 1, -60, -64, -66, -126][state as usize >> 29];
            let mantissa = 1.0 + (state >> 8 & 0x7f) as f32 / 128.0;
            let sign = if state >> 15 & 1 == 0 { 1.0 } else { -1.0 };
            Bf16::round(sign * mantissa * 2f32.powi(exponent)).bits()
        }
    };
    let (mut left, mut right) = (values(43), values(7));
    let rows: [[u32; PAIRS]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| pair(left(), left())));
    let panel: Vec<PairLane> = (0..PAIRS).map(|_| std::array::from_fn(|_| pair(right(), right()))).collect();
    let mut spread = [[[0.0; 2]; PAIRS]; 3];
    spread_out(&rows, &mut spread);
    // From one pair on, so that no small sum is hidden by a large one.
    (1..=panel.len()).all(|depth| {
        let bits = |sums: [[f32; COLUMNS]; 3]| sums.map(|sums| sums.map(f32::to_bits));
        let panel = &panel[..depth];
        bits(instruction::chains(&rows, panel)) == bits(chains::<3, true>(&spread, panel))
    })
}
