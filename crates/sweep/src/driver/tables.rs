//! What people read of a sweep: a few lines on how it stands, its points with means over their seeds, its members one by one.

use std::collections::BTreeMap;

use strata_report::{Cell, Sheet, mean_and_deviation};

use crate::driver::best::ranked;
use crate::driver::member_state::MemberState;
use crate::driver::state::State;
use crate::folder::SweepFolder;
use crate::spec::{Point, Sweep};

/// A few lines on how the sweep stands: members by state, the budget, the best point so far, the time left with `jobs` members at a time.
#[must_use]
pub fn summary_lines(folder: &SweepFolder, state: &State, jobs: usize) -> Vec<String> {
    let sweep = folder.sweep();
    let (finished, failed, proposed) = state.counts();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, state) in state.members() {
        *counts.entry(state.as_str()).or_default() += 1;
    }
    let count = |wanted: &str| counts.get(wanted).copied().unwrap_or_default();
    let all = if sweep.method.learns() { (sweep.most_points() * sweep.seeds.len()).max(proposed) } else { proposed };
    let of = if sweep.method.learns() && sweep.budget.members.is_none() {
        format!("{proposed} proposed so far")
    } else {
        format!("{all} members")
    };
    let mut lines = vec![format!(
        "{}: {finished} finished, {} running, {} paused, {} interrupted, {} pending, {failed} failed of {of}",
        sweep.name,
        count("running"),
        count("paused"),
        count("interrupted"),
        count("pending"),
    )];
    let begun = proposed - count("pending");
    let is_spent = sweep.budget.is_spent(state.epochs, state.seconds);
    lines.extend(budget_line(sweep, state, begun, is_spent));
    if let Some((point, mean)) = ranked(folder, state).first() {
        let values = sweep.shown(&state.points[*point]);
        let shown = spread(folder, state, *point).map_or_else(String::new, |deviation| format!(" ± {deviation:.4}"));
        lines.push(format!("best: p{point:04}, {} {mean:.4}{shown} ({values})", sweep.objective.key));
    }
    let open = all.saturating_sub(finished + failed);
    if finished > 0 && open > 0 && !is_spent && sweep.halving.is_none() {
        let seconds = state.seconds / (finished + failed) as f64 * open as f64;
        let hours = sweep.budget.hours.map_or(f64::INFINITY, |hours| hours * 3600.0 - state.seconds);
        let epochs = sweep.budget.epochs.map_or(f64::INFINITY, |epochs| {
            epochs.saturating_sub(state.epochs) as f64 * state.seconds / state.epochs.max(1) as f64
        });
        let left = seconds.min(hours).min(epochs) / jobs.max(1) as f64;
        lines.push(format!("left: about {}, with {jobs} at a time", duration(left)));
    }
    lines
}

/// How much of each limit of the budget is used, and whether it leaves anything for a further member; none of a sweep without one.
fn budget_line(sweep: &Sweep, state: &State, begun: usize, is_spent: bool) -> Option<String> {
    let budget = &sweep.budget;
    // Members that are no whole point are not run.
    let most = budget.members.map(|members| members / sweep.seeds.len() * sweep.seeds.len());
    let parts = [
        most.map(|most| format!("{begun} of {most} members")),
        budget.epochs.map(|epochs| format!("{} of {epochs} epochs", state.epochs)),
        budget.hours.map(|hours| format!("{:.2} of {hours} hours", state.seconds / 3600.0)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let end = match (is_spent || most.is_some_and(|most| begun >= most), begun < state.members.len()) {
        (false, _) => "",
        (true, false) => ": spent",
        (true, true) => ": spent; what is pending is not begun",
    };
    (!parts.is_empty()).then(|| format!("budget: {}{end}", parts.join(", ")))
}

/// `90 s`, `12 min`, `3.4 h`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

/// The deviation of the objective over a point's seeds (with n − 1); none of fewer than two.
fn spread(folder: &SweepFolder, state: &State, point: usize) -> Option<f64> {
    let seeds = folder.sweep().seeds.len();
    let values: Vec<f64> =
        state.members[point * seeds..(point + 1) * seeds].iter().filter_map(|known| known.value).collect();
    mean_and_deviation(&values).1
}

fn cells_of(point: &Point) -> impl Iterator<Item = Cell> {
    point.iter().map(|value| match value {
        Some(value) => match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(number), _) => Cell::new(number),
            (_, Ok(number)) => Cell::shown(number, value.as_str()),
            _ => Cell::new(value.trim_matches('"')),
        },
        None => Cell::new(serde_json::Value::Null),
    })
}

/// A row for each point that has a mean, the best first, `most` at most: its number, its values, mean and deviation over the seeds, how many of them
/// finished, mean seconds.
#[must_use]
pub fn points_sheet(folder: &SweepFolder, state: &State, most: usize) -> Sheet {
    let sweep = folder.sweep();
    let keys = sweep.keys.iter().map(|key| key.path.clone());
    let key = &sweep.objective.key;
    let columns =
        ["point".to_owned()].into_iter().chain(keys).chain([key.clone(), "±".into(), "seeds".into(), "seconds".into()]);
    let mut sheet = Sheet::new(columns);
    for (point, mean) in ranked(folder, state).into_iter().take(most) {
        let members = &state.members[point * state.seeds..(point + 1) * state.seeds];
        let seconds = members.iter().map(|known| known.seconds).sum::<f64>() / members.len() as f64;
        let mut row = vec![Cell::new(format!("p{point:04}"))];
        row.extend(cells_of(&state.points[point]));
        row.extend([
            Cell::metric(Some(mean)),
            Cell::metric(spread(folder, state, point)),
            Cell::new(members.len()),
            Cell::shown(seconds, format!("{seconds:.1}")),
        ]);
        sheet.push(row);
    }
    sheet
}

/// A row for each member: its name, values, seed, state, objective, further metrics, epochs, seconds, the reason where it failed.
#[must_use]
pub fn members_sheet(folder: &SweepFolder, state: &State) -> Sheet {
    let sweep = folder.sweep();
    let mut metrics: Vec<String> = state.members.iter().flat_map(|known| known.metrics.keys().cloned()).collect();
    metrics.sort();
    metrics.dedup();
    let keys = sweep.keys.iter().map(|key| key.path.clone());
    let first = ["member".to_owned()].into_iter().chain(keys).chain(["seed", "state", "objective"].map(str::to_owned));
    let last = ["epochs", "seconds", "reason"].map(str::to_owned);
    let mut sheet = Sheet::new(first.chain(metrics.iter().cloned()).chain(last));
    for (index, known) in state.members.iter().enumerate() {
        let member = state.member(index);
        let mut row = vec![Cell::new(sweep.member_name(member))];
        row.extend(cells_of(&state.points[member.point]));
        row.extend([
            Cell::new(sweep.seeds.get(member.seed).copied().unwrap_or_default()),
            Cell::new(known.state.as_str()),
            Cell::metric(known.value.or_else(|| known.rungs.values().next_back().copied().flatten())),
        ]);
        row.extend(metrics.iter().map(|key| Cell::metric(known.metrics.get(key).copied())));
        let reason = match &known.state {
            MemberState::Failed(reason) => Cell::new(reason.as_str()),
            _ => Cell::new(serde_json::Value::Null),
        };
        row.extend([Cell::new(known.epochs), Cell::shown(known.seconds, format!("{:.1}", known.seconds)), reason]);
        sheet.push(row);
    }
    sheet
}
