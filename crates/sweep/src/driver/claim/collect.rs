//! What became of the members of drivers that died, told to the journal without taking them.

use crate::driver::claim::Desk;
use crate::driver::event::Event;
use crate::driver::launch::Launcher;
use crate::driver::left::{event_of_left, left_behind};
use crate::driver::outcome::Look;
use crate::error::SweepError;

impl Desk<'_> {
    /// Tells the journal how the members stand whose drivers died; gives how many of them have ended.
    pub(crate) fn settle_left(&mut self, launcher: &dyn Launcher) -> Result<usize, SweepError> {
        let lock = self.folder.lock()?;
        self.news()?;
        let mut events = Vec::new();
        for index in left_behind(self.folder, &self.state) {
            let name = self.folder.sweep().member_name(self.state.member(index));
            let is_running = launcher.is_running(self.folder, &name);
            let found = if is_running { Look::Held } else { launcher.look(self.folder, &name) };
            events.extend(event_of_left(self.folder, &self.state, index, found));
        }
        let has_ended = |event: &&Event| matches!(event, Event::Finished { .. } | Event::Failed { .. });
        let ended = events.iter().filter(has_ended).count();
        self.tell(&lock, events)?;
        Ok(ended)
    }
}
