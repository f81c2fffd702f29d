//! A sweep on Slurm: one job array over the frozen manifest, or, for methods that learn, an array of drivers over the journal.
//!
//! A task of a frozen sweep is a member by its number, and Slurm runs a task once at a time: nothing in the shared folder has to be locked, and nothing is
//! appended to the journal. What the tasks left is gathered from their folders ([`collect`]).

use std::fmt::Write as _;
use std::path::Path;

use crate::driver::claim::Desk;
use crate::driver::event::Event;
use crate::driver::launch::{Job, Launcher, Start, error_line, sets_of, tail};
use crate::driver::outcome::{Look, event_of};
use crate::error::SweepError;
use crate::folder::SweepFolder;
use crate::spec::Sweep;

/// Tasks of an array of drivers where the sweep's file does not say.
const DRIVERS: u64 = 4;
/// What the last line of a task's log begins with.
const EXIT_CODE: &str = "exit code ";

/// The script of the job array that runs the sweep in `folder`, which `program` has the networks for; `words` follow what each task starts the program with,
/// and are quoted by the caller.
///
/// # Errors
/// Halving of a frozen sweep: who goes on is decided by what others reached, which a task of an array does not know.
pub fn script(folder: &SweepFolder, program: &str, words: &str) -> Result<String, SweepError> {
    let sweep = folder.sweep();
    let slurm = &sweep.slurm;
    // Members that decide by what others did share the journal.
    let shares = shares_journal(sweep);
    let tasks = match folder.points() {
        Some(points) if !shares => (points.len() * sweep.seeds.len()) as u64,
        _ => slurm.throttle.unwrap_or(DRIVERS),
    };
    if tasks == 0 {
        return Err(SweepError::Unsuited {
            path: folder.path().to_owned(),
            reason: "the sweep has no members".to_owned(),
        });
    }
    if shown(folder.path()).chars().any(|c| c.is_whitespace() || c.is_control() || c == '%') {
        let reason = "sbatch takes no path with white space or a per cent sign in a script's options".to_owned();
        return Err(SweepError::Unsuited { path: folder.path().to_owned(), reason });
    }
    let throttle = slurm.throttle.filter(|_| !shares).map_or_else(String::new, |throttle| format!("%{throttle}"));
    let mut text = String::from("#!/bin/bash\n");
    let mut option = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#SBATCH --{name}={value}");
    };
    option("job-name", &sweep.name);
    option("array", &format!("0-{}{throttle}", tasks - 1));
    option("output", &shown(&folder.path().join("logs/slurm-%a.log")));
    option("open-mode", "append");
    // To the script itself: it tells the program, waits for it, and asks for another turn.
    option("signal", &format!("B:USR1@{}", slurm.grace));
    for (name, value) in &slurm.options {
        let name = match name.as_str() {
            "cpus" => "cpus-per-task",
            "memory" => "mem",
            other => other,
        };
        option(name, value);
    }
    text.push_str("#SBATCH --requeue\n\n");
    for line in &slurm.lines {
        text.push_str(line);
        text.push('\n');
    }
    let command = if shares { "" } else { " --task \"$SLURM_ARRAY_TASK_ID\"" };
    let _ = write!(
        text,
        r#"
{program} sweep{words}{command} &
child=$!
told=
trap 'told=1; kill -TERM "$child" 2>/dev/null' USR1
# A task that is preempted is requeued by Slurm, and one that is cancelled stays so.
trap 'kill -TERM "$child" 2>/dev/null' TERM
wait "$child"; code=$?
# A signal ends a wait before the program has saved its state: it is waited for again.
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
echo "{EXIT_CODE}$code"
if [ "$code" -eq 130 ] && [ -n "$told" ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit "$code"
"#
    );
    Ok(text)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What the task number `index` of a frozen sweep is to do; none where its member has ended.
///
/// # Errors
/// There is no such member.
pub fn task(
    folder: &SweepFolder,
    launcher: &dyn Launcher,
    index: usize,
    threads: usize,
) -> Result<Option<Job>, SweepError> {
    let sweep = folder.sweep();
    let points = folder.points().unwrap_or_default();
    let member = sweep.member(index);
    if member.point >= points.len() || sweep.halving.is_some() {
        let reason = format!("task {index}: the manifest has {} members for tasks", points.len() * sweep.seeds.len());
        return Err(SweepError::Unsuited { path: folder.path().to_owned(), reason });
    }
    let name = sweep.member_name(member);
    let start = match launcher.look(folder, &name) {
        Look::Finished { .. } => return Ok(None),
        Look::Absent => Start::New(sets_of(sweep, points, member)),
        // A task that was requeued begins when the one before it has ended; should that still write, the run's own lock says so.
        _ => Start::Resume,
    };
    Ok(Some(Job { member, name, start, pause_after: None, memory: 0, threads, device: None }))
}

/// Writes into the journal what tasks left in their folders, and what became of the members of drivers that died; gives how many members were found ended.
///
/// # Errors
/// The journal cannot be read or written.
pub fn collect(folder: &SweepFolder, launcher: &dyn Launcher) -> Result<usize, SweepError> {
    let mut desk = Desk::open(folder, false)?;
    let settled = desk.settle_left(launcher)?;
    let mut events = Vec::new();
    for index in 0..desk.state.members.len() {
        let is_known = desk.state.claimed.contains_key(&index) || !desk.state.open.contains(&index);
        if is_known && !matches!(desk.state.members[index].state, crate::driver::member_state::MemberState::Failed(_)) {
            continue;
        }
        let id = desk.id(index);
        let name = folder.sweep().member_name(desk.state.member(index));
        let event = match launcher.look(folder, &name) {
            // A task that failed before its run had a record tells why in its log alone.
            Look::Absent => failure(folder, index).map(|reason| Event::not_started(id, reason)),
            Look::Stopped { values, seconds } => {
                let epochs = values.len();
                failure(folder, index).map(|reason| Event::Failed { id, reason, epochs, seconds })
            }
            found => event_of(found, id, None),
        };
        let is_news = match (&event, &desk.state.members[index].state) {
            (Some(Event::Failed { reason, .. }), crate::driver::member_state::MemberState::Failed(known)) => {
                reason != known
            }
            (event, _) => event.is_some(),
        };
        events.extend(event.filter(|_| is_news));
    }
    let count = settled + events.len();
    desk.record(events)?;
    desk.close()?;
    Ok(count)
}

/// Why the task number `index` failed, by the end of its log; none where it has not ended, or was stopped and is to go on.
fn failure(folder: &SweepFolder, index: usize) -> Option<String> {
    if shares_journal(folder.sweep()) {
        return None;
    }
    let log = tail(&folder.path().join(format!("logs/slurm-{index}.log")))?;
    let code: u8 = log.lines().next_back()?.strip_prefix(EXIT_CODE)?.parse().ok()?;
    // From 128 on a signal ended it; 130 is what a run that saved its state ends with.
    let reason = error_line(&log).filter(|line| line.starts_with("error: "));
    let reason = reason.map_or_else(String::new, |line| format!(": {line}"));
    (1..128).contains(&code).then(|| format!("{EXIT_CODE}{code}{reason}"))
}

/// Writes the script into the sweep's folder, where it can be looked at and submitted again.
///
/// # Errors
/// It cannot be written.
pub fn write_script(folder: &SweepFolder, text: &str) -> Result<std::path::PathBuf, SweepError> {
    folder.make("logs")?;
    let path = folder.path().join("slurm.sh");
    let write = |file: &mut dyn std::io::Write| file.write_all(text.as_bytes());
    strata_files::write_atomically(&path, write).map_err(SweepError::io("write the script", &path))?;
    Ok(path)
}

/// Whether the sweep's tasks share its journal, and so its lock.
#[must_use]
pub fn shares_journal(sweep: &Sweep) -> bool {
    sweep.method.learns() || sweep.halving.is_some()
}
