//! The time of a whole training step of named widths and batch: what `bench/compare.py` sets beside PyTorch's.
//!
//! ```text
//! cargo bench -p strata-trainer --bench step -- --widths 3072-2048-1024-64-10 --batch 128
//! ```
//!
//! Prints one line of JSON: milliseconds a step (median and least), GFLOP/s at the median, peak memory.

#[path = "../networks/mod.rs"]
mod networks;
mod products;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use networks::{SGD, batch, classifier, step_operations};

/// What the command line says.
#[derive(Debug)]
struct Settings {
    widths: Vec<usize>,
    batch: usize,
    threads: usize,
    seconds: f64,
    warmup: usize,
    /// Time each product of the step instead of the whole.
    products: bool,
}

const HELP: &str =
    "options: --widths 3072-…-10, --batch N, --threads N (2), --seconds S (3), --warmup STEPS (5), --products";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let settings = settings(std::env::args().skip(1))?;
    rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build_global()?;
    if settings.products {
        return products::run(&settings);
    }
    let mut classifier = classifier(&settings.widths, SGD)?;
    let batch = batch(settings.batch);
    let times = repeat(&settings, || batch.clone(), |batch| Ok(classifier.training_step(batch, 1e-3)?))?;
    let loss = classifier.training_score()?.mean_loss();
    if !loss.is_finite() {
        return Err(format!("the loss is {loss}").into());
    }
    let median = median(&times);
    println!(
        "{{\"median_ms\": {:.4}, \"least_ms\": {:.4}, \"gflops\": {:.1}, \"steps\": {}, \"peak_mb\": {}}}",
        median * 1e3,
        times[0] * 1e3,
        step_operations(&settings.widths, settings.batch) / median / 1e9,
        times.len(),
        peak_megabytes().map_or("null".into(), |peak| format!("{peak:.0}"))
    );
    Ok(())
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings {
        widths: vec![networks::INPUTS, 2048, 1024, 64, 10],
        batch: 128,
        threads: 2,
        seconds: 3.0,
        warmup: 5,
        products: false,
    };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{option} needs a value; {HELP}"));
        match option.as_str() {
            // Cargo says that this is a bench.
            "--bench" => {}
            "--widths" => settings.widths = value()?.split('-').map(str::parse).collect::<Result<_, _>>()?,
            "--batch" => settings.batch = value()?.parse::<std::num::NonZeroUsize>()?.get(),
            "--threads" => settings.threads = value()?.parse()?,
            "--seconds" => settings.seconds = value()?.parse()?,
            "--warmup" => settings.warmup = value()?.parse()?,
            "--products" => settings.products = true,
            _ => return Err(format!("unknown option {option}; {HELP}").into()),
        }
    }
    Ok(settings)
}

/// Times `work` until the seconds are over, at least three times, each time on what `prepare` makes: the times in seconds,
/// the least first.
fn repeat<T>(
    settings: &Settings,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> Result<(), Box<dyn Error>>,
) -> Result<Vec<f64>, Box<dyn Error>> {
    for _ in 0..settings.warmup {
        work(prepare())?;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 3 || start.elapsed() < Duration::try_from_secs_f64(settings.seconds)? {
        let input = prepare();
        let start = Instant::now();
        work(input)?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Of sorted values.
fn median(times: &[f64]) -> f64 {
    (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0
}

/// The most memory this process ever had, where the system tells it.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
}
