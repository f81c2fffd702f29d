//! A process has its worker threads once. Alone in its program, since any computation would start them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;

use strata_experiment::start_threads;

#[test]
fn a_second_thread_count_in_one_process_is_an_error() {
    start_threads(NonZeroUsize::new(2)).unwrap();
    start_threads(NonZeroUsize::new(2)).unwrap();
    start_threads(None).unwrap();
    let error = start_threads(NonZeroUsize::new(3)).unwrap_err().to_string();
    assert!(error.starts_with("cannot start 3 worker threads: this process has 2 already"), "{error}");
}
