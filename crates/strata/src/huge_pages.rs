//! Asks glibc to put large allocations on huge pages, which takes a training step of the notebook's network from 51 to
//! 43 ms (docs/performance.md): weights of 25 MB on pages of 4 KiB miss the address caches all the time.

/// Starts the program anew, same process and arguments, with glibc's tunable set; it is read at the start only. Does nothing where
/// the tunable is set already, by a person who wants it otherwise or by this function, or where the start fails.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn ask() {
    use std::os::unix::process::CommandExt;

    const VARIABLE: &str = "GLIBC_TUNABLES";
    const TUNABLE: &str = "glibc.malloc.hugetlb";
    let mut tunables = std::env::var(VARIABLE).unwrap_or_default();
    if tunables.contains(TUNABLE) {
        return;
    }
    if !tunables.is_empty() {
        tunables.push(':');
    }
    // 1: transparent huge pages by madvise, which needs no right and no configuration.
    tunables.push_str(TUNABLE);
    tunables.push_str("=1");
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Replaces the process, or gives an error, without which training is only slower.
    let _ = command.args(arguments).env(VARIABLE, tunables).exec();
}

/// Other systems have no such tunable.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn ask() {}
