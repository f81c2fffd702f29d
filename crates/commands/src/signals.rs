//! The wish to stop, as signals bring it.

use std::io::Write;
use std::process::exit;

use strata_experiment::{Stop, beside_bar};

/// Exit code of a program that a signal stopped.
const INTERRUPTED: i32 = 130;

/// Has the signals that ask a program to end stop a run after its batch; the second ends the program at once, and so does the first
/// where nothing is lost of what it does.
///
/// To be called once the command has what it waits for (a config may come through a pipe): until then a signal ends the program as
/// it ends any other.
#[cfg(unix)]
pub(crate) fn heed(stop: &Stop) -> anyhow::Result<()> {
    use signal_hook::iterator::Signals;

    // A file that reaches the limit on its size (`ulimit -f`) ends a process that does not handle this signal; with a handler, whatever it
    // does, the write fails, and is told as that of a full disk.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default())?;
    let stop = stop.clone();
    let signals = heeded();
    let mut arrived = Signals::new(&signals)?;
    let wait = {
        let stop = stop.clone();
        move || arrived.forever().for_each(|signal| ask(&stop, repeats(signal)))
    };
    if std::thread::Builder::new().name("signals".into()).spawn(wait).is_err() {
        return heed_without_thread(&stop, &signals);
    }
    Ok(())
}

/// Flags alone, which a handler may set itself: a run stops as it would, only without a word before its batch ends.
#[cfg(unix)]
fn heed_without_thread(stop: &Stop, signals: &[i32]) -> anyhow::Result<()> {
    use signal_hook::flag::{register, register_conditional_shutdown};

    let (requested, at_once) = stop.flags();
    for &signal in signals {
        register_conditional_shutdown(signal, INTERRUPTED, at_once.clone())?;
        if !repeats(signal) {
            register_conditional_shutdown(signal, INTERRUPTED, requested.clone())?;
        }
        register(signal, requested.clone())?;
    }
    Ok(())
}

/// What asks a program to end, from a person (SIGINT), a system that goes down (SIGTERM), a terminal that closes (SIGHUP), a
/// batch system whose time is up (SIGUSR1, SIGUSR2, SIGXCPU), or a timer that was set for it (SIGALRM, SIGVTALRM, SIGPROF).
///
/// What is ignored from the start stays so, but for the first two: `nohup` is there to let a run outlive its terminal, while a
/// shell without job control has what it starts in the background ignore SIGINT. What is handled already stays so too: a profiler that was
/// loaded with the program counts by SIGPROF. SIGQUIT (Ctrl-\\) is no wish to stop but one for a core dump, and ends the program as it does any
/// other; the run can be resumed.
#[cfg(unix)]
fn heeded() -> Vec<i32> {
    use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU};

    let unless_taken = [SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF];
    let unless_taken = unless_taken.into_iter().filter(|signal| !is_taken(*signal));
    [SIGINT, SIGTERM].into_iter().chain(unless_taken).collect()
}

/// The kernel sends SIGXCPU every second from the limit on, and a timer may repeat too: they mean no more haste the second time.
#[cfg(unix)]
fn repeats(signal: i32) -> bool {
    use signal_hook::consts::{SIGALRM, SIGPROF, SIGVTALRM, SIGXCPU};

    [SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF].contains(&signal)
}

/// The first Ctrl-C asks the run to stop after its batch; the second ends the program at once.
#[cfg(not(unix))]
pub(crate) fn heed(stop: &Stop) -> anyhow::Result<()> {
    let stop = stop.clone();
    ctrlc::set_handler(move || ask(&stop, false))?;
    Ok(())
}

fn ask(stop: &Stop, repeats: bool) {
    let again = stop.request();
    // Where nobody can be told, the program stops all the same: errors of writing are left alone.
    if stop.is_at_once() {
        let _ = writeln!(std::io::stderr(), "error: {}", strata_experiment::ExperimentError::InterruptedEarly);
        exit(INTERRUPTED);
    }
    match again {
        true if repeats => {}
        true => exit(INTERRUPTED),
        false => {
            let text = "stopping after this batch; once more to stop at once";
            let _ = beside_bar(|| writeln!(std::io::stderr(), "{text}"));
        }
    }
}

/// Whether `signal` is ignored or handled already. Linux says so; elsewhere no signal is taken for one.
#[cfg(unix)]
fn is_taken(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut masks = status.lines().filter_map(|line| line.strip_prefix("SigIgn:").or(line.strip_prefix("SigCgt:")));
    masks.any(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask >> (signal - 1) & 1 == 1))
}
