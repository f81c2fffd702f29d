//! What a reader, a kill and a link see of a file that is written whole.

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_failed_write_keeps_the_old_file_and_leaves_no_temporary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    write_atomically(&path, |w| w.write_all(b"old")).unwrap();
    let error = write_atomically(&path, |w| {
        w.write_all(&[b'n'; 100_000])?;
        Err(io::ErrorKind::StorageFull.into())
    })
    .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["a.json"]);
}

#[test]
fn a_panicking_writer_leaves_no_temporary() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    assert!(std::panic::catch_unwind(|| write_atomically(&path, |_| panic!("on purpose"))).is_err());
    assert_eq!(names(dir.path()), [""; 0]);
}

/// A reader during the writing, and bytes that only fill the buffer: old until the rename, whole after it.
#[test]
fn the_old_file_is_readable_until_the_new_one_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b");
    write_atomically(&path, |w| w.write_all(b"old")).unwrap();
    write_atomically(&path, |w| {
        w.write_all(b"tail")?;
        assert_eq!(fs::read(&path).unwrap(), b"old");
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"tail");
    assert_eq!(names(dir.path()), ["b"]);
}

#[test]
fn a_folder_as_target_and_a_missing_parent_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("taken");
    fs::create_dir(&path).unwrap();
    assert!(write_atomically(&path, |w| w.write_all(b"x")).is_err());
    assert_eq!(names(dir.path()), ["taken"]);
    let error = write_atomically(&dir.path().join("no/such"), |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn temporaries_of_killed_writers_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    // The names that this process would use next, as a killed one of its number would have left them.
    for count in 0..200 {
        fs::write(dir.path().join(format!("{TEMPORARY}{}-{count}-c", process::id())), "left").unwrap();
    }
    let path = dir.path().join("c");
    write_atomically(&path, |w| w.write_all(b"whole")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    fs::write(dir.path().join(".other"), "").unwrap();
    remove_stale_temporaries(dir.path());
    assert_eq!(names(dir.path()), [".other", "c"]);
}

#[cfg(unix)]
#[test]
fn written_files_have_the_permissions_of_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (plain, atomic) = (dir.path().join("plain"), dir.path().join("atomic"));
    fs::write(&plain, b"").unwrap();
    write_atomically(&atomic, |_| Ok(())).unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
    assert_eq!(mode(&atomic), mode(&plain));
}

/// What a user may name with `--out`, and a person may have put in a file's place: links to and from everywhere.
#[cfg(unix)]
mod places {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;
    use crate::{open_regular, open_to_update};

    #[test]
    fn writing_through_a_symbolic_link_replaces_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("real"), "old").unwrap();
        symlink("elsewhere/real", dir.path().join("near")).unwrap();
        symlink(dir.path().join("near"), dir.path().join("far")).unwrap();
        write_atomically(&dir.path().join("far"), |w| {
            assert_eq!(names(&elsewhere).len(), 2, "the temporary is on the target's disk");
            w.write_all(b"new")
        })
        .unwrap();
        assert_eq!(fs::read(elsewhere.join("real")).unwrap(), b"new");
        assert_eq!(names(&elsewhere), ["real"]);
        for link in ["near", "far"] {
            assert!(fs::symlink_metadata(dir.path().join(link)).unwrap().is_symlink(), "{link}");
        }
    }

    #[test]
    fn a_dangling_link_is_followed_unless_its_folder_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        symlink("later", dir.path().join("link")).unwrap();
        write_atomically(&dir.path().join("link"), |w| w.write_all(b"x")).unwrap();
        assert_eq!(fs::read(dir.path().join("later")).unwrap(), b"x");
        symlink("unmounted/file", dir.path().join("gone")).unwrap();
        let error = write_atomically(&dir.path().join("gone"), |w| w.write_all(b"x")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        symlink("loop", dir.path().join("loop")).unwrap();
        write_atomically(&dir.path().join("loop"), |w| w.write_all(b"x")).unwrap_err();
        assert_eq!(names(dir.path()), ["gone", "later", "link", "loop"]);
    }

    /// As root a rename would replace the device itself.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for (device, full) in [("/dev/null", false), ("/dev/full", true)] {
            let link = dir.path().join("link");
            symlink(device, &link).unwrap();
            for path in [Path::new(device), &link] {
                let written = write_atomically(path, |w| w.write_all(b"x"));
                assert_eq!(written.is_err(), full, "{device}: {written:?}");
            }
            assert!(fs::metadata(device).unwrap().file_type().is_char_device(), "{device}");
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn a_pipe_and_a_socket_are_refused_at_once_by_every_way_to_open_them() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, socket) = (dir.path().join("pipe"), dir.path().join("socket"));
        assert!(process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let whole = File::create(dir.path().join("whole")).unwrap();
        for path in [&pipe, &socket] {
            let refusals = [
                write_atomically(path, |_| Ok(())),
                open_regular(path, 10).map(drop),
                open_to_update(path).map(drop),
                put_in_place(&whole, &dir.path().join("whole"), path),
            ];
            for refusal in refusals {
                assert_eq!(refusal.unwrap_err().kind(), io::ErrorKind::InvalidInput);
            }
        }
        assert_eq!(names(dir.path()), ["pipe", "socket", "whole"]);
        assert!(fs::metadata(pipe).unwrap().file_type().is_fifo());
    }

    /// The folder of a link's target is not the owner's: what others are writing there is none of its leftovers.
    #[test]
    fn leftovers_beside_a_links_target_go_and_those_of_other_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (run, disk) = (dir.path().join("run"), dir.path().join("disk"));
        fs::create_dir(&run).unwrap();
        fs::create_dir(&disk).unwrap();
        symlink("../disk/last", run.join("linked")).unwrap();
        let mut left = String::new();
        write_atomically(&run.join("linked"), |_| {
            left = names(&disk).concat();
            Ok(())
        })
        .unwrap();
        let others = [format!("{TEMPORARY}1-2-not-last"), format!("{TEMPORARY}1-2"), "last".into()];
        for name in others.iter().chain([&left]) {
            fs::write(disk.join(name), "").unwrap();
        }
        remove_stale_temporaries(&run);
        let mut expected = others.to_vec();
        expected.sort();
        assert_eq!(names(&disk), expected, "{left} is gone");
    }

    #[test]
    fn a_file_of_two_names_is_replaced_under_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&path, "old").unwrap();
        assert!(!has_other_names(&path));
        fs::hard_link(&path, &other).unwrap();
        assert!(has_other_names(&path));
        write_atomically(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&other).unwrap()), (b"new".into(), b"old".into()));
    }

    #[test]
    fn a_name_as_long_as_names_may_be_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n".repeat(255));
        write_atomically(&path, |w| w.write_all(b"x")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("private");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_atomically(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
