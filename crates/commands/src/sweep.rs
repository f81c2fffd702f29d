//! `sweep`: runs the members of a sweep as processes of this program, and shows what came of them.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use strata_cli::{LauncherChoice, RunSweep, SweepArguments, SweepCommand, SweepName, escape_lines, note};
use strata_experiment::{CompiledNetwork, ExperimentError, Stop};
use strata_files::{escape, escape_path, write_atomically};
use strata_report::Format;
use strata_sweep::{
    Checked, Driver, MemberState, Options, Processes, State, Sweep, SweepError, SweepFolder, Told, ask_to_stop,
    best_config, find_sweep, importance, importance_sheet, marginal_sheet, members_sheet, points_sheet, state_of,
    summary_lines,
};

use crate::output::{show, width};
use crate::start::{absolute, note_unread, prepare};
use crate::sweep_members::processes;
use crate::sweep_page;
use crate::sweep_plan;
use crate::sweep_slurm;

/// Points that a table on a terminal has.
const SHOWN: usize = 10;
/// How often the live table is drawn.
const REDRAW: Duration = Duration::from_millis(500);

pub(crate) fn run(arguments: SweepArguments, networks: &[CompiledNetwork]) -> anyhow::Result<()> {
    match arguments.command {
        None => work(&arguments.run, networks),
        Some(SweepCommand::Status(name)) => {
            let folder = open(&name)?;
            show(&status(&folder, &state_of(&folder)?))
        }
        Some(SweepCommand::Collect(name)) => sweep_slurm::collect(&open(&name)?),
        Some(SweepCommand::Stop(name)) => stop(&open(&name)?),
        Some(SweepCommand::Best { name, out }) => best(&open(&name)?, out.as_deref()),
        Some(SweepCommand::Export { name, format, points }) => {
            let folder = open(&name)?;
            let Some(format) = Format::from_name(&format) else {
                bail!(SweepError::Unsuited {
                    path: name.sweep,
                    reason: format!("format {format}: choose one of {}", Format::ALL.map(Format::as_str).join(", "))
                });
            };
            let state = state_of(&folder)?;
            let sheet = if points { points_sheet(&folder, &state, usize::MAX) } else { members_sheet(&folder, &state) };
            show(&sheet.write(format, width()))
        }
    }
}

fn open(name: &SweepName) -> Result<SweepFolder, SweepError> {
    SweepFolder::open(&find_sweep(&name.sweep, &name.runs)?)
}

/// Asks whoever works on the sweep to stop, and says who could not be asked.
fn stop(folder: &SweepFolder) -> anyhow::Result<()> {
    let asked = ask_to_stop(folder)?;
    let mut text = format!("{} processes at work on it were asked to stop\n", asked.drivers);
    if !asked.members.is_empty() {
        text += &format!("members whose driver is gone were asked too: {}\n", asked.members.join(", "));
    }
    show(&text)?;
    if asked.unreached.is_empty() {
        return Ok(());
    }
    Err(SweepError::Unreached { path: folder.path().to_owned(), members: asked.unreached }.into())
}

fn best(folder: &SweepFolder, out: Option<&Path>) -> anyhow::Result<()> {
    let (config, point, mean) = best_config(folder, &state_of(folder)?)?;
    let text = config.to_toml();
    match out {
        None => show(&text),
        Some(out) => {
            write_atomically(out, |file| file.write_all(text.as_bytes()))
                .with_context(|| format!("cannot write {}", escape_path(out)))?;
            let sweep = folder.sweep();
            let (name, key) = (&sweep.name, &sweep.objective.key);
            show(&format!("{}: point p{point:04} of {name}, {key} {mean:.4}\n", escape_path(out)))
        }
    }
}

fn work(arguments: &RunSweep, networks: &[CompiledNetwork]) -> anyhow::Result<()> {
    let (sweep, sets, begun) = match arguments.file() {
        Some(file) => (Sweep::read(file, &arguments.sets)?, arguments.sets.clone(), None),
        None => {
            let folder = SweepFolder::open(&find_sweep(arguments.sweep(), &arguments.runs)?)?;
            if !arguments.sets.is_empty() {
                bail!(SweepError::Unsuited {
                    path: arguments.sweep().to_owned(),
                    reason: "it was begun: its members' configs cannot change".to_owned()
                });
            }
            (folder.sweep().clone(), Vec::new(), Some(folder))
        }
    };
    if arguments.launcher == LauncherChoice::Slurm {
        refuse_what_slurm_says(arguments)?;
    }
    let checked = sweep.check()?;
    are_built(&checked, networks)?;
    // A sweep may try data sets, each of which its member says more of.
    if let Ok(base) = sweep.base()
        && !sweep.keys.iter().any(|key| key.path == "dataset.kind")
    {
        note_unread(&base, arguments.data.as_deref());
    }
    let data = arguments.data.as_deref().map(absolute).transpose()?;
    let options = options(arguments);
    let mut processes = processes(data)?;
    let stop = prepare()?;
    if arguments.dry_run && arguments.launcher == LauncherChoice::Local {
        return sweep_plan::show(&sweep, &checked, &options, &mut processes, &stop);
    }
    let folder = match begun {
        Some(folder) => folder,
        // Shown and not begun: its file may still be changed.
        None if arguments.dry_run => SweepFolder::planned(&arguments.runs.join(&sweep.name), &sweep, checked.points)?,
        None => SweepFolder::begin(&arguments.runs.join(&sweep.name), &sweep, &sets, checked.points)?,
    };
    match (arguments.task, arguments.launcher) {
        (Some(task), _) => sweep_slurm::task(&folder, &processes, task, options.threads),
        (None, LauncherChoice::Slurm) => sweep_slurm::submit(folder, arguments),
        (None, LauncherChoice::Local) => drive(&folder, options, &mut processes, &stop),
    }
}

/// How many tasks run, where, and whether one is run again is said to Slurm, and to the base config.
fn refuse_what_slurm_says(arguments: &RunSweep) -> anyhow::Result<()> {
    let options = [
        ("--jobs", arguments.jobs.is_some()),
        ("--device", !arguments.devices.is_empty()),
        ("--retry-failed", arguments.retry_failed),
    ];
    match options.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => bail!(SweepError::Unsuited {
            path: arguments.sweep().to_owned(),
            reason: format!(
                "{option} is for members on this machine: with --launcher slurm the base config's device and [slurm] say it"
            ),
        }),
    }
}

/// Each network that a member may need was compiled in.
fn are_built(checked: &Checked, networks: &[CompiledNetwork]) -> anyhow::Result<()> {
    for network in &checked.networks {
        if !networks.iter().any(|compiled| compiled.network == network.to_string()) {
            return Err(ExperimentError::NetworkNotBuilt { network: network.clone() }.into());
        }
    }
    Ok(())
}

/// The cores shared among the members: one thread each by default.
fn options(arguments: &RunSweep) -> Options {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let jobs = match (arguments.jobs, arguments.threads) {
        (Some(jobs), _) => jobs.get(),
        (None, Some(threads)) => (cores / threads.get()).max(1),
        (None, None) => cores,
    };
    let threads = arguments.threads.map_or((cores / jobs).max(1), |threads| threads.get());
    let devices = arguments.devices.iter().map(ToString::to_string).collect();
    Options { jobs, threads, devices, retry_failed: arguments.retry_failed, ..Options::default() }
}

fn drive(folder: &SweepFolder, options: Options, processes: &mut Processes, stop: &Stop) -> anyhow::Result<()> {
    let jobs = options.jobs;
    let driver = Driver::open(folder, options)?;
    let mut screen = Screen { folder, jobs, lines: Vec::new(), drawn: None, is_live: std::io::stderr().is_terminal() };
    let ended = driver.run(processes, &mut |told| screen.tell(&told), &|| stop.is_requested());
    screen.clear();
    let state = ended?;
    show(&status(folder, &state))?;
    if let Some(page) = sweep_page::write(folder, &state)? {
        show(&format!("{}\n", escape_path(&page)))?;
    }
    let (finished, failed, members) = state.counts();
    if let Some(elsewhere) = state
        .members()
        .find_map(|(_, state)| if let MemberState::Claimed(driver) = state { Some(driver) } else { None })
    {
        note(&format!("members are left with another process that works on this sweep ({elsewhere})"));
    } else if failed > 0 {
        return Err(SweepError::MembersFailed { path: folder.path().to_owned(), failed, members }.into());
    } else if finished == 0 {
        note("no member finished");
    }
    Ok(())
}

/// How a sweep stands, as text.
fn status(folder: &SweepFolder, state: &State) -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let mut text = summary_lines(folder, state, cores).join("\n") + "\n";
    if state.counts().0 > 0 {
        text += &format!("\n{}", points_sheet(folder, state, SHOWN).write(Format::Table, width()));
        let found = importance(folder, state);
        if found.iter().any(|importance| importance.share.is_some()) {
            text += &format!("\n{}", importance_sheet(&found).write(Format::Table, width()));
            text += &format!("\n{}", marginal_sheet(&found).write(Format::Table, width()));
        }
    }
    let failed = state.members().filter_map(|(member, state)| match state {
        MemberState::Failed(reason) => Some((member, reason)),
        _ => None,
    });
    for (member, reason) in failed.take(SHOWN) {
        text += &format!("\n{} failed: {}", folder.sweep().member_name(member), escape(reason));
    }
    if !text.ends_with('\n') { text + "\n" } else { text }
}

/// What is shown while members run: lines on standard output for what ended, a table on the terminal for what goes on.
struct Screen<'a> {
    folder: &'a SweepFolder,
    jobs: usize,
    /// The table that stands on the terminal, line by line.
    lines: Vec<String>,
    drawn: Option<Instant>,
    is_live: bool,
}

impl Screen<'_> {
    fn tell(&mut self, told: &Told<'_>) {
        match told {
            Told::Started(_) => {}
            Told::Ended(job, how) => self.line(&format!("{} {how}", job.name)),
            Told::Note(text) => self.line(text),
            Told::Moment(state, running) => self.draw(state, *running),
        }
    }

    fn line(&mut self, text: &str) {
        self.clear();
        // A closed pipe is no reason to lose a sweep.
        let _ = writeln!(std::io::stdout(), "{}", escape(text));
    }

    fn draw(&mut self, state: &State, _running: usize) {
        if !self.is_live || self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        let mut lines = summary_lines(self.folder, state, self.jobs);
        let best = points_sheet(self.folder, state, SHOWN / 2);
        if !best.rows().is_empty() {
            lines.extend(best.write(Format::Table, width()).lines().map(str::to_owned));
        }
        // A line that wraps would not be taken away as one.
        let columns = width().unwrap_or(120).saturating_sub(1);
        let lines: Vec<String> =
            lines.iter().map(|line| escape_lines(&line.chars().take(columns).collect::<String>())).collect();
        // What has not changed is left alone, so that it does not flicker.
        if lines != self.lines {
            self.clear();
            let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
            self.lines = lines;
        }
    }

    fn clear(&mut self) {
        if !self.lines.is_empty() {
            let _ = console::Term::stderr().clear_last_lines(self.lines.len());
        }
        (self.lines, self.drawn) = (Vec::new(), None);
    }
}
