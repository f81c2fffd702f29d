//! Who writes a run.

use std::fmt;

use serde::{Deserialize, Serialize};
use strata_files::escape_truncated;

use crate::clock;

/// Who writes a run, as its lock file says. Every part may be unknown: the file may be half-written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// The process.
    pub pid: Option<u32>,
    /// The machine's name.
    pub host: Option<String>,
    /// Since when, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl Owner {
    pub(crate) fn this_process() -> Self {
        Owner { pid: Some(std::process::id()), host: Some(host_name()), since: Some(clock::now()) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pid, &self.host, &self.since) {
            (Some(pid), Some(host), Some(since)) => {
                write!(f, "process {pid} on {}, since {}", escape_truncated(host), escape_truncated(since))
            }
            _ => write!(f, "the lock file does not say who"),
        }
    }
}

/// The name of a machine that does not say its own.
pub(crate) const UNKNOWN: &str = "unknown";

/// This machine's name, or `unknown`.
pub fn host_name() -> String {
    let kernel =
        ["/proc/sys/kernel/hostname", "/etc/hostname"].into_iter().find_map(|path| std::fs::read_to_string(path).ok());
    kernel
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| UNKNOWN.to_owned())
}
