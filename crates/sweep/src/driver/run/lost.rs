//! Members that another process has taken while this one ran them.
//!
//! That cannot happen on one machine. On a network's file system the server gives away the locks of a machine that it has not heard of for longer than a lease
//! (90 seconds by default), and the machine may come back.

use crate::driver::run::{Driver, Told};

impl Driver<'_> {
    /// Ends the runs of such members, which another process has gone on with.
    pub(super) fn kill_lost(&mut self, tell: &mut dyn FnMut(Told<'_>)) {
        for active in &mut self.running {
            if !active.is_lost && !self.desk.holds(self.desk.state.index(active.job.member)) {
                active.process.kill();
                active.is_lost = true;
                tell(Told::Note(format!(
                    "{}: another process has taken it, as it does where a machine was cut off from the file server; this run of it is ended",
                    active.job.name
                )));
            }
        }
    }
}
