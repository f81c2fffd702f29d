//! Asks glibc for what a training step gains by (docs/performance.md, "The allocator").
//!
//! Large allocations on huge pages take a step of the notebook's network from 51 to 43 ms: weights of 25 MB on pages of 4 KiB miss the address caches
//! all the time. One arena for all threads keeps what a step frees: the arena of a thread that is not the first gives it back to the system at once,
//! and the next step's buffers are new pages, cleared one by one. For the same reason buffers of less than 32 MiB, the most that glibc takes, are no mappings of their own, and the heap's end stays where it was: it
//! was given back and cleared again every few steps, 6,500 page faults in a run of `configs/speedrun.toml` in place of 1,700.

/// Starts the program anew, same process and arguments, with glibc's tunables set; they are read at the start only. Does nothing where
/// all are set already, by a person who wants them otherwise or by this function, or where the start fails; nor where the
/// process was started as an argument of the dynamic loader, which would be started in the program's place.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn ask() {
    use std::os::unix::process::CommandExt;

    const VARIABLE: &str = "GLIBC_TUNABLES";
    // Of huge pages 1: transparent ones by madvise, which need no right and no configuration.
    // The two thresholds belong together: to set either switches off that both grow with what is freed.
    const TUNABLES: [(&str, u64); 4] = [
        ("glibc.malloc.hugetlb", 1),
        ("glibc.malloc.arena_max", 1),
        ("glibc.malloc.mmap_threshold", 32 << 20),
        ("glibc.malloc.trim_threshold", 1 << 30),
    ];
    let mut tunables = std::env::var(VARIABLE).unwrap_or_default();
    let missing = TUNABLES.into_iter().filter(|(name, _)| !tunables.contains(name));
    let missing: Vec<String> = missing.map(|(name, value)| format!("{name}={value}")).collect();
    if missing.is_empty() {
        return;
    }
    if !tunables.is_empty() {
        tunables.push(':');
    }
    tunables.push_str(&missing.join(":"));
    let Ok(program) = std::env::current_exe() else { return };
    if !holds(&program, ask as fn() as usize) {
        return;
    }
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Replaces the process, or gives an error, without which training is only slower.
    let _ = command.args(arguments).env(VARIABLE, tunables).exec();
}

/// Whether the code at `address` of this process was loaded from the file `program`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn holds(program: &std::path::Path, address: usize) -> bool {
    use std::os::unix::ffi::OsStrExt;

    // A line is `start-end rights offset device inode   path`, and a path may be any bytes.
    let maps = std::fs::read("/proc/self/maps").unwrap_or_default();
    maps.split(|byte| *byte == b'\n').any(|line| {
        let range = line.split(|byte| *byte == b' ').next().and_then(|range| std::str::from_utf8(range).ok());
        let bounds = range.and_then(|range| range.split_once('-'));
        let bound = |text| usize::from_str_radix(text, 16).ok();
        let range = bounds.and_then(|(start, end)| Some(bound(start)?..bound(end)?));
        range.is_some_and(|range| range.contains(&address)) && line.ends_with(program.as_os_str().as_bytes())
    })
}

/// Other systems have no such tunable.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn ask() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    #[test]
    fn an_address_is_found_in_this_programs_mapping_only() {
        let address = super::ask as fn() as usize;
        assert!(super::holds(&std::env::current_exe().unwrap(), address));
        assert!(!super::holds(std::path::Path::new("/lib64/ld-linux-x86-64.so.2"), address));
        assert!(!super::holds(&std::env::current_exe().unwrap(), 1));
    }
}
