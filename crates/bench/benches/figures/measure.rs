//! Repetitions, medians, peak memory, and under which conditions they were taken.

use std::time::Instant;

/// Times `work` until the seconds are over, at least three times, each time on what `prepare` makes, after `warmup` times
/// that do not count: seconds each, the least first.
pub(crate) fn repeat<T>(
    seconds: f64,
    warmup: usize,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    for _ in 0..warmup {
        work(prepare())?;
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < 3 || begin.elapsed().as_secs_f64() < seconds {
        let input = prepare();
        let begin = Instant::now();
        work(input)?;
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The median of [`repeat`]'s times, on a machine that nobody else uses meanwhile.
pub(crate) fn typical<T>(
    seconds: f64,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    quietly(|| Ok(median(&repeat(seconds, 2, &mut prepare, &mut work)?)))
}

/// Does `work` again, up to three times, where other processes took more than a twentieth of the processors' time meanwhile; the
/// result of the time they took least.
pub(crate) fn quietly<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut timed = || -> anyhow::Result<(T, f64)> {
        let before = others();
        let begin = Instant::now();
        let result = work()?;
        let spent = begin.elapsed().as_secs_f64() * std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let share = before.zip(others()).map_or(0.0, |(before, after)| (after - before) / spent);
        Ok((result, share))
    };
    let mut best = timed()?;
    for _ in 0..3 {
        if best.1 <= 0.05 {
            break;
        }
        let (result, share) = timed()?;
        if share < best.1 {
            best = (result, share);
        }
    }
    Ok(best.0)
}

/// Seconds that the processors spent on other processes than this one, those that a host took included; where the system
/// tells them.
fn others() -> Option<f64> {
    // Linux's ticks of a hundredth of a second, whatever the kernel's own.
    let ticks = |text: &str, fields: &[usize]| {
        let values: Vec<&str> = text.split_whitespace().collect();
        fields.iter().map(|&field| values.get(field)?.parse::<f64>().ok()).sum::<Option<f64>>()
    };
    let all = std::fs::read_to_string("/proc/stat").ok()?;
    // user, nice, system, irq, softirq, steal; waiting is none of them.
    let all = ticks(all.lines().next()?, &[1, 2, 3, 6, 7, 8])?;
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold spaces: utime and stime.
    let own = ticks(own.rsplit_once(')')?.1, &[11, 12])?;
    Some((all - own) / 100.0)
}

/// Of sorted values, at least one.
pub(crate) fn median(times: &[f64]) -> f64 {
    (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0
}

/// The most memory this process ever had, in MB of a million bytes, where the system tells it.
pub(crate) fn peak_megabytes() -> Option<f64> {
    megabytes("VmHWM:")
}

/// The memory this process has now.
pub(crate) fn resident_megabytes() -> Option<f64> {
    megabytes("VmRSS:")
}

fn megabytes(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// Processor, threads, commit.
pub(crate) fn conditions() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = model.map_or("a processor that tells no name", |(_, name)| name.trim());
    // Told by `cargo xtask`, which knows the sources, to this very process.
    let is_told = std::env::var("STRATA_COMMIT_FOR").is_ok_and(|process| process == std::process::id().to_string());
    let commit = std::env::var("STRATA_COMMIT").ok().filter(|_| is_told);
    let commit = commit.as_deref().and_then(|commit| commit.get(..8)).unwrap_or("unknown");
    let changed = is_told && std::env::var("STRATA_DIRTY").is_ok_and(|dirty| dirty == "1");
    let changes = if changed { " and changes" } else { "" };
    format!("{processor}, {} threads, commit {commit}{changes}", rayon::current_num_threads())
}

/// Prints a table's head.
pub(crate) fn head(columns: &[&str]) {
    row(columns);
    println!("|{}", " --- |".repeat(columns.len()));
}

/// Prints a table's row.
pub(crate) fn row<T: AsRef<str>>(cells: &[T]) {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    println!("| {} |", cells.join(" | "));
}

/// Three figures that count: `0.123`, `12.3`, `1230`.
pub(crate) fn short(value: f64) -> String {
    let digits = if value <= 0.0 { 0 } else { (2 - value.log10().floor() as i32).clamp(0, 6) };
    format!("{value:.*}", digits as usize)
}
