//! The user's list of architectures under `target/`, which the program's build script reads beside the committed one.
//!
//! Rewritten only when a row is new, so that going back to an earlier architecture compiles nothing.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use strata_config::{parse_rows, row_text};
use strata_files::write_atomically;
use strata_spec::NetworkSpec;

use crate::fault::Fault;

/// Rows kept beyond the committed ones; each costs about a second of every build of the program.
const KEPT: usize = 16;

/// The committed list's place in the tree.
pub(crate) const COMMITTED: &str = "crates/strata/architectures.txt";

/// Held from the list's change until the program starts: another call must neither rewrite the list during the build
/// nor replace the program between the build and the start. Dropped by the kernel when the program takes our place.
pub(crate) struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// In `target/`, beside the user's list; where nothing can be written there (a read-only checkout), in the folder that
    /// CARGO_TARGET_DIR names, where the builds go.
    pub(crate) fn take(root: &Path) -> anyhow::Result<Self> {
        let named = env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
        Self::take_in(&root.join("target"), named.as_deref())
    }

    fn take_in(folder: &Path, otherwise: Option<&Path>) -> anyhow::Result<Self> {
        let (path, file) = match (open(folder), otherwise) {
            (Ok(opened), _) => opened,
            (Err(error), None) => return Err(error),
            (Err(_), Some(otherwise)) => open(otherwise)?,
        };
        let locked = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                strata_cli::note("waiting for another cargo xtask to finish its build");
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        match locked {
            Ok(()) => Ok(Self { _file: Some(file) }),
            // Some network file systems have no locks; the builds themselves are still kept apart by cargo's own.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Self { _file: None }),
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

/// The lock's file in `folder`, made where it is not there yet.
fn open(folder: &Path) -> anyhow::Result<(PathBuf, File)> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("xtask.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    Ok((path, file))
}

/// The two lists that a program's build script reads.
pub(crate) struct Lists {
    pub(crate) committed: PathBuf,
    /// What was asked for beyond it.
    pub(crate) own: PathBuf,
}

impl Lists {
    /// Those of the program: its own list is the path in STRATA_ARCHITECTURES, else `target/architectures.txt`, as the build
    /// script has it.
    pub(crate) fn of_program(root: &Path) -> Self {
        let own = match env::var_os("STRATA_ARCHITECTURES").filter(|path| !path.is_empty()) {
            Some(path) => root.join(path),
            None => root.join("target/architectures.txt"),
        };
        Self { committed: root.join(COMMITTED), own }
    }

    /// Sees to it that the program will be built with a row for each of `networks`.
    pub(crate) fn ensure(&self, networks: &[NetworkSpec], _held: &Lock) -> anyhow::Result<()> {
        let committed = read(&self.committed)?;
        let own = if self.own.exists() { read(&self.own)? } else { Vec::new() };
        match with_rows(&committed, &own, networks) {
            Some(rows) => write(&self.own, &rows).with_context(|| {
                let own = self.own.display();
                format!("cannot write {own}, the list of networks; name another in STRATA_ARCHITECTURES")
            }),
            None => Ok(()),
        }
    }
}

/// The rows of the list at `path`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<NetworkSpec>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_rows(&text).map_err(|error| {
        let place = path.display();
        Fault::Mistake(format!("{place}:{error}; mend the line, or delete the file if it is the one under target/"))
            .into()
    })
}

/// The user's rows with `networks` added, the oldest dropped beyond [`KEPT`], but for those that are asked for now; `None` where nothing has to change.
fn with_rows(committed: &[NetworkSpec], own: &[NetworkSpec], networks: &[NetworkSpec]) -> Option<Vec<NetworkSpec>> {
    let is_new = |network: &&NetworkSpec| !committed.contains(network) && !own.contains(network);
    let new: Vec<NetworkSpec> = networks.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return None;
    }
    // Those that are asked for and were there count among the youngest.
    let asked = |row: &&NetworkSpec| networks.contains(row);
    let kept = own.iter().filter(|row| !committed.contains(row));
    let mut rows: Vec<_> = kept.clone().filter(|row| !asked(row)).cloned().collect();
    let asked: Vec<_> = kept.filter(asked).cloned().chain(new).collect();
    let most = KEPT.max(asked.len());
    rows.drain(..(rows.len() + asked.len()).saturating_sub(most).min(rows.len()));
    rows.extend(asked);
    Some(rows)
}

/// Writes a sibling and renames it, so that a build never reads half a list.
fn write(path: &Path, rows: &[NetworkSpec]) -> io::Result<()> {
    let mut text =
        String::from("# Architectures that experiments asked for, the latest last; written by cargo xtask.\n");
    for row in rows {
        text.push_str(&row_text(row));
        text.push('\n');
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_atomically(path, |file| file.write_all(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(hidden: &[usize]) -> NetworkSpec {
        NetworkSpec::chain(3072, hidden, 10).unwrap()
    }

    #[test]
    fn a_new_network_row_replaces_the_oldest_and_a_known_one_changes_nothing() {
        let committed = vec![chain(&[])];
        let own: Vec<_> = (1..=KEPT).map(|width| chain(&[width])).collect();
        assert_eq!(with_rows(&committed, &own, &[chain(&[])]), None);
        assert_eq!(with_rows(&committed, &own, &[chain(&[1])]), None);
        let rows = with_rows(&committed, &own, &[chain(&[99])]).unwrap();
        assert_eq!(rows.len(), KEPT);
        assert_eq!((&rows[0], &rows[KEPT - 1]), (&chain(&[2]), &chain(&[99])));
        // A row that has been committed since takes no place.
        let rows = with_rows(&[chain(&[5])], &[chain(&[5])], &[chain(&[6])]).unwrap();
        assert_eq!(rows, [chain(&[6])]);
    }

    #[test]
    fn a_sweep_keeps_as_many_rows_as_it_needs() {
        let own: Vec<_> = (1..=KEPT).map(|width| chain(&[width])).collect();
        let needed: Vec<_> = (3..KEPT + 8).map(|width| chain(&[width])).collect();
        assert_eq!(with_rows(&[], &own, &needed).unwrap(), needed, "more than are kept for single runs");
        let rows = with_rows(&[], &own, &[chain(&[1]), chain(&[99])]).unwrap();
        assert_eq!(rows.len(), KEPT);
        assert_eq!(rows[KEPT - 2..], [chain(&[1]), chain(&[99])], "an old row that is needed is not dropped");
    }

    #[test]
    fn a_list_is_written_whole_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target/architectures.txt");
        let residual = "3072, 8 batch_norm gelu, skip(layer_norm, 16 gelu, 8), 10".parse().unwrap();
        let rows = vec![chain(&[8]), residual, chain(&[4])];
        write(&path, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no sibling is left");
        fs::write(&path, "3072 8 10\n3072 eight 10\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("architectures.txt:2: `3072 eight 10`"), "{error}");
        assert_eq!(error.downcast_ref::<Fault>().map(Fault::exit_code), Some(2));
    }

    /// A file where the folder should be, since a folder that may not be written is no hindrance to root.
    #[test]
    fn a_read_only_checkout_is_locked_in_its_target_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (target, builds) = (folder.path().join("target"), folder.path().join("builds"));
        fs::write(&target, "").unwrap();
        assert!(Lock::take_in(&target, None).is_err());
        let lock = Lock::take_in(&target, Some(&builds)).unwrap();
        assert!(File::open(builds.join("xtask.lock")).unwrap().try_lock().is_err(), "it is held");
        drop(lock);
    }

    #[test]
    fn concurrent_row_additions_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("crates/strata")).unwrap();
        fs::write(root.join(COMMITTED), "3072 10\n").unwrap();
        std::thread::scope(|scope| {
            for width in 1..=8 {
                scope.spawn(move || {
                    let lock = Lock::take(root).unwrap();
                    Lists::of_program(root).ensure(&[chain(&[width])], &lock).unwrap();
                });
            }
        });
        let mut rows = read(&root.join("target/architectures.txt")).unwrap();
        rows.sort_by_key(NetworkSpec::widths);
        assert_eq!(rows, (1..=8).map(|width| chain(&[width])).collect::<Vec<_>>());
    }
}
