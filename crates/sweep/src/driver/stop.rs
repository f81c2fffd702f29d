//! A stop: whoever works on the sweep is asked to save its members' states and end.

use crate::driver::claim::Desk;
use crate::driver::event::Event;
use crate::error::SweepError;
use crate::folder::SweepFolder;

/// Asks every process that works on the sweep to stop; gives how many there are.
///
/// # Errors
/// The journal cannot be read or written.
pub fn ask_to_stop(folder: &SweepFolder) -> Result<usize, SweepError> {
    let mut desk = Desk::open(folder, false)?;
    let others = desk.others().len();
    desk.record(vec![Event::Stop])?;
    desk.close()?;
    Ok(others)
}
