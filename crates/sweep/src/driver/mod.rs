//! Everything beyond reading and checking a sweep's file: the journal, who runs which member, methods that learn, the processes, the tables.

mod best;
mod claim;
mod event;
mod folder;
mod halving;
mod importance;
mod journal;
mod launch;
mod left;
mod member_state;
mod methods;
mod outcome;
mod run;
#[cfg(test)]
mod simulated;
pub mod slurm;
mod state;
mod stop;
mod tables;
#[cfg(test)]
mod tests;

pub use best::{best_config, best_members};
pub use importance::{Importance, importance, importance_sheet, marginal_sheet};
pub use launch::{Arguments, Ended, Job, Launcher, Processes, Running, Start};
pub use member_state::MemberState;
pub use outcome::Look;
pub use run::{Driver, Options, Told, state_of};
pub use state::State;
pub use stop::{Asked, ask_to_stop};
pub use tables::{members_sheet, points_sheet, summary_lines};
