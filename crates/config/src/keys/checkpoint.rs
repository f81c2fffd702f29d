//! `[checkpoint]`: when to save the state, beyond the end of each epoch, and which epoch is the best.

use std::num::NonZeroUsize;

use strata_spec::{Criterion, ranges};

use crate::key::Fallback::{Is, Worked};
use crate::key::{Section, keys, table};
use crate::takes::Takes::{Choice, Integer};
use crate::takes::criteria;
use crate::value::{count, criterion};
use crate::values::Values;

pub(super) const CHECKPOINT_SECTION: Section =
    table("checkpoint", "A checkpoint is saved at the end of each epoch in any case.", ENTRIES);

keys! {
    /// also save every this many training steps
    EVERY_STEPS: NonZeroUsize, count => "checkpoint.every_steps", Integer(ranges::STEPS),
        Worked { words: "none: at the ends of epochs only", out: |_| None }, None, None;
    /// by what the best epoch is chosen, whose weights early stopping gives; of equal ones the first
    BEST: Criterion, criterion => "checkpoint.best", Choice(criteria), Is("\"val_acc\""), None, Some("best");
}

/// When to save the state, beyond the end of each epoch, and which epoch is the best.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpointing {
    /// Also every this many steps, 1 to 1,000,000,000; `None` saves at the ends of epochs only.
    pub every_steps: Option<NonZeroUsize>,
    /// By what the best epoch is chosen.
    pub best: Criterion,
}

impl Checkpointing {
    pub(crate) fn of(values: &Values) -> Self {
        Self { every_steps: values.get(&EVERY_STEPS), best: values.get(&BEST).unwrap_or_default() }
    }
}
