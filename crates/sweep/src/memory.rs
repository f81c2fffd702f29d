//! How much memory a run needs, roughly, and how much there is.

use strata_config::Config;

/// What a process holds before it has any data.
const PROGRAM: u64 = 100 << 20;
/// Copies of the parameters: they, the largest optimizer's two buffers, and what a checkpoint takes of the three.
const COPIES: usize = 6;

/// Bytes that a run of `config` needs on the CPU: its images as bytes and prepared, its parameters with the optimizer's state and a checkpoint's
/// copy, its batches and what a step makes of them. An estimate, on the large side.
pub(crate) fn of_run(config: &Config) -> u64 {
    let kind = &config.dataset.kind;
    let pixels = kind.shape().iter().product::<usize>();
    // What is evaluated is not known before the files are read: a fifth of what is trained on is more than the published sets have.
    let evaluated = kind.train_images() / 5;
    let images = kind.train_images() + evaluated;
    let inputs = config.dataset.inputs();
    let prepared = if inputs == pixels { 0 } else { images.saturating_mul(inputs).saturating_mul(size_of::<f32>()) };
    let batches =
        config.training_bytes(kind.train_images(), true).max(config.evaluation_bytes(kind.train_images(), true));
    let parameters = config.parameter_bytes().saturating_mul(COPIES);
    let bytes =
        images.saturating_mul(pixels).saturating_add(prepared).saturating_add(parameters).saturating_add(batches);
    PROGRAM.saturating_add(bytes as u64)
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
