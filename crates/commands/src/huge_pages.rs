//! Asks glibc to put large allocations on huge pages, which takes a training step of the notebook's network from 51 to
//! 43 ms (docs/performance.md): weights of 25 MB on pages of 4 KiB miss the address caches all the time.

/// Starts the program anew, same process and arguments, with glibc's tunable set; it is read at the start only. Does nothing where
/// the tunable is set already, by a person who wants it otherwise or by this function, or where the start fails; nor where the
/// process was started as an argument of the dynamic loader, which would be started in the program's place.
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
