//! The program `strata`, and `cargo xtask`, driven from outside as a user would.
//!
//! Nothing of ours is linked in: what is checked is what a person or a script meets, that is output, exit codes and files.
//! `strata` is built once, in the dev profile. All data is synthetic or made here, and no test leaves the machine.
//!
//! `STRATA_TEST_ROUNDS=8 cargo test -p strata-tests` makes eight times as many kills and damaged files as usual.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

mod archives;
mod data;
mod disk;
mod guide;
mod harness;
mod kills;
mod launcher;
mod listings;
mod mistakes;
mod mutations;
mod networks;
mod own_data;
mod owners;
mod pages;
mod random;
mod records;
mod runs;
mod seeds;
mod server;
mod settings;
mod signals;
mod sources;
mod starts;
mod steering;
mod sweeps;
mod transfers;
mod weights;
