//! Where a run takes place: program, machine, device.

use strata_files::hide_credentials;
use strata_report::{Environment, host_name};
use strata_trainer::Device;

/// The workspace pins it to this one.
const DFDX: &str = "0.13.0";

/// The commit that a program was built from. Only who built it knows; nothing here looks for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its identifier, as the version control has it.
    pub id: String,
    /// Whether the sources differed from it; none where that is not known.
    pub dirty: Option<bool>,
    /// How they differed, as `git diff` writes it; kept in a run's folder.
    pub change: Option<String>,
}

/// Program, machine and device, as a record has them, and how many worker threads there are where this is called.
pub fn environment(device: Device, commit: Option<&Commit>) -> Environment {
    Environment {
        strata: env!("CARGO_PKG_VERSION").into(),
        commit: commit.map(|commit| commit.id.clone()),
        dirty: commit.and_then(|commit| commit.dirty),
        change: None,
        rustc: env!("STRATA_RUSTC").into(),
        dfdx: DFDX.into(),
        os: operating_system(),
        arch: std::env::consts::ARCH.into(),
        cpu: processor().unwrap_or_else(|| "unknown".into()),
        machine: host_name(),
        threads: rayon::current_num_threads(),
        device: device.to_string(),
        precision: "f32".into(),
        driver: if device == Device::Cpu { None } else { driver() },
    }
}

/// How this program was called, for [`Runner::command`](crate::Runner): records are shown around, so passwords in URLs are left out.
pub fn command_of_program() -> Vec<String> {
    std::env::args_os().map(|argument| hide_credentials(&argument.to_string_lossy())).collect()
}

/// The folder that the process was started in; empty where the system does not say.
pub(crate) fn working_directory() -> String {
    std::env::current_dir().map_or_else(|_| String::new(), |folder| folder.to_string_lossy().into_owned())
}

fn operating_system() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned()
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn driver() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    text.lines().next().map(|line| line.trim_start_matches("NVRM version:").trim().to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_recorded_version_of_dfdx_is_the_one_that_is_pinned() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("dfdx = {{ version = \"={}\"", super::DFDX)));
    }
}
