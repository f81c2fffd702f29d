//! The wish to stop, as signals bring it.

use std::io::Write;

use strata_experiment::Stop;

/// The first Ctrl-C, SIGTERM or SIGHUP asks the run to stop after its batch; the second ends the program at once.
///
/// A SIGHUP that is ignored from the start stays so: `nohup` is there to let a run outlive its terminal.
#[cfg(unix)]
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut heeded = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        heeded.push(SIGHUP);
    }
    let mut signals = Signals::new(heeded)?;
    let stop = Stop::default();
    let handler = stop.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(|_| ask(&handler)))?;
    Ok(stop)
}

/// The first Ctrl-C asks the run to stop after its batch; the second ends the program at once.
#[cfg(not(unix))]
pub(crate) fn stop_on_signals() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let handler = stop.clone();
    ctrlc::set_handler(move || ask(&handler))?;
    Ok(stop)
}

fn ask(stop: &Stop) {
    if stop.request() > 0 {
        std::process::exit(130);
    }
    // Where nobody can be told, the run stops all the same.
    let _ = writeln!(std::io::stderr(), "stopping after this batch; once more to stop at once");
}

/// Whether whoever started the program has it ignore `signal`. Linux says so; elsewhere every signal is taken for heeded.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
