//! How much memory a run needs, roughly, and how much there is.

use strata_config::Config;

/// What a process holds before it has any data.
const PROGRAM: u64 = 100 << 20;
/// Copies of the parameters: they, the largest optimizer's two buffers, and what a checkpoint takes of the three.
const COPIES: u64 = 6;

/// Bytes that a run of `config` needs on the CPU: its images as bytes and as batches, its parameters with the optimizer's state and a checkpoint's
/// copy. An estimate, on the large side.
pub(crate) fn of_run(config: &Config) -> u64 {
    let [channels, height, width] = config.dataset.kind.shape();
    let pixels = (channels * height * width) as u64;
    let kind = &config.dataset.kind;
    let images = kind.train_images() as u64 + kind.train_images() as u64 / 5;
    let inputs = config.dataset.inputs() as u64;
    let prepared = if inputs == pixels { 0 } else { images.saturating_mul(inputs).saturating_mul(4) };
    let parameters = config.network().parameters().saturating_mul(4 * COPIES);
    PROGRAM.saturating_add(images.saturating_mul(pixels)).saturating_add(prepared).saturating_add(parameters)
}

/// This machine's memory in bytes, where the system says.
pub(crate) fn total() -> Option<u64> {
    meminfo("MemTotal:")
}

/// What the system says under `name`, in bytes.
pub(crate) fn meminfo(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
