//! `sweep --launcher slurm`: the script of a job array, its tasks, and what they left.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use strata_cli::{RunSweep, note, quoted};
use strata_files::escape_path;
use strata_sweep::{Processes, SweepFolder, slurm};

use crate::output::show;
use crate::start::absolute;
use crate::sweep_members::processes;
use crate::sweep_page;

/// Writes the script, and submits it unless it is only to be shown.
pub(crate) fn submit(folder: SweepFolder, arguments: &RunSweep) -> anyhow::Result<()> {
    let path = absolute(folder.path())?;
    // The folder by its whole path: a task starts wherever Slurm puts it.
    let folder = folder.by(path.clone());
    // A copy: a later build with other networks must not take the program away from tasks that wait.
    let program = path.join("strata");
    let mut words = format!(" {}", quoted(&path));
    if let Some(data) = &arguments.data {
        words += &format!(" --data {}", quoted(&absolute(data)?));
    }
    if let Some(threads) = arguments.threads {
        words += &format!(" --threads {threads}");
    }
    let is_array_of_drivers = slurm::shares_journal(folder.sweep());
    if is_array_of_drivers {
        words += " --jobs 1";
    }
    let text = slurm::script(&folder, &quoted(&program), &words)?;
    if arguments.dry_run {
        return show(&text);
    }
    let own = std::env::current_exe().context("cannot tell which program this is")?;
    copy(&own, &program)?;
    let script = slurm::write_script(&folder, &text)?;
    let output = Command::new("sbatch").arg("--parsable").arg(&script).output();
    let output = output.context("cannot start sbatch, which submits jobs to Slurm")?;
    if !output.status.success() {
        bail!("sbatch refused {}: {}", escape_path(&script), String::from_utf8_lossy(&output.stderr).trim());
    }
    if is_array_of_drivers {
        note(
            "its tasks share the journal: the sweep's folder must be on a file system whose locks hold between the nodes",
        );
    }
    show(&format!("job {}, {}\n", String::from_utf8_lossy(&output.stdout).trim(), escape_path(&script)))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot copy the program to {}", escape_path(to));
    let temporary = to.with_extension(std::process::id().to_string());
    std::fs::copy(from, &temporary).and_then(|_| std::fs::rename(&temporary, to)).with_context(failed)
}

/// Becomes the run of one member.
pub(crate) fn task(folder: &SweepFolder, processes: &Processes, index: usize, threads: usize) -> anyhow::Result<()> {
    let Some(job) = slurm::task(folder, processes, index, threads)? else {
        return show("the member of this task has ended\n");
    };
    let mut command = Command::new(&processes.program);
    command.args((processes.arguments)(folder, &job));
    become_run(command)
}

#[cfg(unix)]
fn become_run(mut command: Command) -> anyhow::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut command)).context("cannot start the member")
}

#[cfg(not(unix))]
fn become_run(mut command: Command) -> anyhow::Result<()> {
    let status = command.status().context("cannot start the member")?;
    if status.success() { Ok(()) } else { bail!("the member ended with {status}") }
}

/// Gathers what tasks left, and says how the sweep stands.
pub(crate) fn collect(folder: &SweepFolder) -> anyhow::Result<()> {
    let found = slurm::collect(folder, &processes(None)?)?;
    let state = strata_sweep::state_of(folder)?;
    let (finished, failed, members) = state.counts();
    let page = sweep_page::write(folder, &state)?.map_or_else(String::new, |page| format!("{}\n", escape_path(&page)));
    show(&format!("{found} members were found ended; {finished} of {members} finished, {failed} failed\n{page}"))
}
