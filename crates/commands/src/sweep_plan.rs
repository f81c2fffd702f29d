//! `sweep --dry-run`: the members, the networks, and what they will take, measured by an epoch of each network.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use strata_cli::note;
use strata_experiment::{ExperimentError, Stop};
use strata_report::{Cell, Format, Sheet, read_timing};
use strata_spec::NetworkSpec;
use strata_sweep::{Checked, Job, Launcher, Member, Options, Point, Processes, Start, Sweep, SweepError, SweepFolder};

use crate::output::{show as print, width};

/// Members that the list shows.
const LISTED: usize = 20;
/// The longest that one network's epoch is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one epoch of a network took.
struct Measured {
    network: NetworkSpec,
    /// Seconds before and after the epoch: images, initial evaluation, files.
    around: f64,
    epoch: f64,
    bytes: u64,
}

pub(crate) fn show(
    sweep: &Sweep,
    checked: &Checked,
    options: &Options,
    processes: &mut Processes,
    stop: &Stop,
) -> anyhow::Result<()> {
    let mut text = members(sweep, checked);
    let points = checked.points.clone().unwrap_or_default();
    let mut measured = Vec::new();
    for network in &checked.networks {
        let found = points
            .iter()
            .position(|point| sweep.config(point, sweep.seeds[0]).is_ok_and(|config| config.network() == network));
        // Of a method that learns any point will do that has the network; without one the network is not timed.
        let point = found.map(|number| points[number].clone()).or_else(|| sweep.point_with(network));
        if let Some(point) = point {
            note(&format!("measuring an epoch of {network}"));
            measured.push(measure(sweep, &point, network, options, processes, stop)?);
        }
    }
    let mut sheet = Sheet::new(["network", "parameters", "s/epoch", "s around", "MB on disk"]);
    for found in &measured {
        sheet.push(vec![
            Cell::new(found.network.to_string()),
            Cell::new(found.network.parameters()),
            Cell::shown(found.epoch, format!("{:.2}", found.epoch)),
            Cell::shown(found.around, format!("{:.2}", found.around)),
            Cell::shown(found.bytes, format!("{:.1}", found.bytes as f64 / 1e6)),
        ]);
    }
    let networks = match checked.networks.len() {
        1 => "1 network".to_owned(),
        count => format!("{count} networks, built at once"),
    };
    text += &format!("\n{networks}\n{}", sheet.write(Format::Table, width()));
    text += &estimate(sweep, checked, options, &measured);
    print(&text)
}

fn members(sweep: &Sweep, checked: &Checked) -> String {
    let Some(points) = &checked.points else {
        let what = if checked.is_complete { "every" } else { "a sample of each" };
        return format!(
            "{} proposes points one after the other; {what} combination of {} configs was found right\n",
            sweep.method.as_str(),
            checked.configs
        );
    };
    let mut sheet =
        Sheet::new(["point"].into_iter().map(str::to_owned).chain(sweep.keys.iter().map(|key| key.path.clone())));
    for (number, point) in points.iter().take(LISTED).enumerate() {
        let values = point.iter().map(|value| Cell::new(value.as_deref().unwrap_or("-")));
        sheet.push([Cell::new(format!("p{number:04}"))].into_iter().chain(values).collect());
    }
    let more = points.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("and {more} more\n") } else { String::new() };
    let found = if checked.is_complete {
        String::new()
    } else {
        format!("; {} of their configs were checked", checked.configs)
    };
    let (count, seeds) = (points.len(), sweep.seeds.len());
    format!(
        "{} members: {count} points, {seeds} seeds each{found}\n{}{more}",
        count * seeds,
        sheet.write(Format::Table, width())
    )
}

/// Runs one epoch of a point in a folder of its own.
fn measure(
    sweep: &Sweep,
    point: &Point,
    network: &NetworkSpec,
    options: &Options,
    processes: &mut Processes,
    stop: &Stop,
) -> anyhow::Result<Measured> {
    let temporary = tempfile::tempdir().context("cannot make a folder to measure in")?;
    let folder = SweepFolder::begin(&temporary.path().join("measure"), sweep, &[], Some(Vec::new()));
    let folder = folder.or_else(|_| SweepFolder::open(&temporary.path().join("measure")))?;
    std::fs::create_dir_all(folder.path().join("logs"))?;
    let (member, name) = (Member { point: 0, seed: 0 }, "one".to_owned());
    let start = Start::New(sweep.sets(point, sweep.seeds[0]));
    let device = options.devices.first().cloned();
    let job = Job { member, name, start, pause_after: Some(1), memory: 0, threads: options.threads, device };
    let begin = Instant::now();
    let mut running = processes.start(&folder, &job)?;
    while running.poll()?.is_none() {
        if begin.elapsed() > PATIENCE || stop.is_requested() {
            running.stop();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if stop.is_requested() {
        return Err(ExperimentError::InterruptedEarly.into());
    }
    let whole = begin.elapsed().as_secs_f64();
    let run = folder.run("one");
    let epoch = read_timing(&run)
        .ok()
        .and_then(|lines| lines.entries.iter().find(|line| line.epoch == Some(0)).map(|line| line.seconds));
    let Some(epoch) = epoch else {
        let log = std::fs::read_to_string(folder.log("one")).unwrap_or_default();
        let last =
            log.lines().rev().find(|line| line.starts_with("error: ")).unwrap_or("it took more than two minutes");
        let reason = format!("an epoch of {network} could not be measured: {last}");
        return Err(SweepError::Unsuited { path: sweep.file.clone(), reason }.into());
    };
    // The weights of the end come to what an epoch leaves.
    let bytes = size(&run) + network.parameters() * 4;
    Ok(Measured { network: network.clone(), around: (whole - epoch).max(0.0), epoch, bytes })
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What all members will take; of a method that learns, as if each network came as often as any other.
fn estimate(sweep: &Sweep, checked: &Checked, options: &Options, measured: &[Measured]) -> String {
    if measured.is_empty() {
        return String::new();
    }
    let (mut seconds, mut bytes, mut epochs) = (0.0, 0u64, 0usize);
    let of = |network: &NetworkSpec| measured.iter().find(|found| found.network == *network);
    let count = checked.points.as_ref().map_or(0, Vec::len);
    for point in checked.points.iter().flatten() {
        let Ok(config) = sweep.config(point, sweep.seeds[0]) else { continue };
        let Some(found) = of(config.network()) else { continue };
        seconds += found.around + found.epoch * config.epochs() as f64;
        bytes += found.bytes;
        epochs += config.epochs();
    }
    let seeds = sweep.seeds.len();
    let (mut seconds, mut bytes, mut epochs, mut members) =
        (seconds * seeds as f64, bytes * seeds as u64, epochs * seeds, count * seeds);
    if let (None, Some(budget), Ok(base)) = (&checked.points, sweep.budget.members, sweep.base()) {
        let mean = |value: &dyn Fn(&Measured) -> f64| measured.iter().map(value).sum::<f64>() / measured.len() as f64;
        members = budget / seeds * seeds;
        epochs = members * base.epochs();
        seconds = mean(&|found| found.around + found.epoch * base.epochs() as f64) * members as f64;
        bytes = (mean(&|found| found.bytes as f64) * members as f64) as u64;
    }
    if members == 0 {
        return "how many members there will be depends on how long they take\n".to_owned();
    }
    let spent = if sweep.halving.is_some() { " at most: most members pause for good" } else { "" };
    let jobs = options.jobs;
    format!(
        "{members} members, {epochs} epochs: about {:.0} s with {jobs} at a time, {:.0} MB on disk{spent}\n",
        seconds / jobs as f64,
        bytes as f64 / 1e6
    )
}
