//! In place of `instruction` where processors have no `vdpbf16ps`.

use super::{PAIRS, PairLane, SumLane};

/// Never.
pub(super) fn is_there() -> bool {
    false
}

/// # Panics
/// Always; [`is_there`] is asked first.
pub(super) fn chains<const R: usize>(_: &[[u32; PAIRS]; R], _: &[PairLane]) -> [SumLane; R] {
    unreachable!("a processor without the instruction")
}
