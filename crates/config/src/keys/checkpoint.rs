//! `[checkpoint]`: when to save the state, beyond the end of each epoch.

use std::num::NonZeroUsize;

use strata_spec::ranges;

use crate::key::Fallback::Worked;
use crate::key::{Section, keys, table};
use crate::takes::Takes::Integer;
use crate::value::count;
use crate::values::Values;

pub(super) const CHECKPOINT_SECTION: Section =
    table("checkpoint", "A checkpoint is saved at the end of each epoch in any case.", ENTRIES);

keys! {
    /// also save every this many training steps
    EVERY_STEPS: NonZeroUsize, count => "checkpoint.every_steps", Integer(ranges::STEPS),
        Worked { words: "none: at the ends of epochs only", out: |_| None }, None, None;
}

/// When to save the state, beyond the end of each epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpointing {
    /// Also every this many steps, 1 to 1,000,000,000; `None` saves at the ends of epochs only.
    pub every_steps: Option<NonZeroUsize>,
}

impl Checkpointing {
    pub(crate) fn of(values: &Values) -> Self {
        Self { every_steps: values.get(&EVERY_STEPS) }
    }
}
