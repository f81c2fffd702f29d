//! A file that a reader finds whole, whatever happens while it is written.

use std::io;

use strata_files::{escape, write_atomically};

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("result.txt");
    write_atomically(&path, |file| file.write_all(b"first\n"))?;

    // A writer that fails half way leaves the earlier file, and nothing beside it.
    let failed = write_atomically(&path, |file| {
        file.write_all(b"sec")?;
        Err(io::Error::other("the power went"))
    });
    if let Err(error) = failed {
        println!("{error}");
    }
    assert_eq!(std::fs::read_to_string(&path)?, "first\n");
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);

    write_atomically(&path, |file| file.write_all(b"second\n"))?;
    println!("{}", std::fs::read_to_string(&path)?);

    // Text from files of others, shown without obeying its escape codes.
    println!("{}", escape("a name with \u{1b}[31mcolours"));
    Ok(())
}
