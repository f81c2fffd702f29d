//! Folders of images: one folder a class, with or without folders for training, validation and test around them. Names alone are read.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{escape_path, escape_truncated};

/// What of a folder is taken for an image: by its name's end, in either case.
pub const IMAGE_ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// The names that a folder of validation images may have.
const VALIDATION: [&str; 3] = ["validation", "val", "valid"];

/// The files in a folder and below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFiles {
    /// Those whose name ends as an image's, sorted.
    pub images: Vec<PathBuf>,
    /// All others.
    pub others: Vec<PathBuf>,
}

impl ImageFiles {
    /// Looks through `folder` and the folders below. Links are followed, but no folder is visited twice; names that begin with a dot are passed over.
    ///
    /// # Errors
    /// What the system says, with the folder's name.
    pub fn below(folder: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        found.gather(folder, &mut BTreeSet::new())?;
        Ok(found)
    }

    fn gather(&mut self, folder: &Path, seen: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        if !seen.insert(folder.canonicalize().map_err(|error| unreadable(folder, &error))?) {
            return Ok(());
        }
        for (path, is_folder) in entries(folder)? {
            if is_folder {
                self.gather(&path, seen)?;
                continue;
            }
            if is_image(&path) { self.images.push(path) } else { self.others.push(path) }
        }
        Ok(())
    }
}

/// A file of a part, and its class's place among the names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFile {
    /// The file.
    pub path: PathBuf,
    /// Its class.
    pub label: usize,
}

/// The images of a folder by part and class.
///
/// ```
/// use strata_files::ImageFolder;
///
/// let pets = tempfile::tempdir()?;
/// for file in ["dog/a.png", "cat/b.jpg", "cat/notes.txt"] {
///     std::fs::create_dir_all(pets.path().join(file).parent().unwrap())?;
///     std::fs::write(pets.path().join(file), "")?;
/// }
/// let found = ImageFolder::read(pets.path())?;
/// assert_eq!(found.classes, ["cat", "dog"]);
/// assert_eq!((found.train.len(), found.test, found.others.len()), (2, None, 1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolder {
    /// The classes: the names of the folders with training images, sorted by their bytes (as Python sorts them).
    pub classes: Vec<String>,
    /// The images to train on, by class, then by path.
    pub train: Vec<ClassFile>,
    /// Those to validate on, where they have a folder of their own.
    pub validation: Option<Vec<ClassFile>>,
    /// Those to test on, where they have a folder of their own.
    pub test: Option<Vec<ClassFile>>,
    /// Files that are taken for no images, by their names' ends, or lie in no class's folder.
    pub others: Vec<PathBuf>,
}

impl ImageFolder {
    /// Reads the names below `folder`: those of classes (`cat/1.png`), or of parts with classes in them (`train/cat/1.png`, `validation` or `val`,
    /// `test`). A class's folder may have folders. Hidden names (`.cache`) are passed over. No file is opened.
    ///
    /// # Errors
    /// What the system says, and [`ErrorKind::InvalidData`] with what is wrong: no folder, a class without an image to train on, one of the test or
    /// validation images alone, a name that cannot be printed, a folder beside `train` that is no part.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let (folders, others) = folders(folder)?;
        let mut found = Self { classes: Vec::new(), train: Vec::new(), validation: None, test: None, others };
        let name_of =
            |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let train = folders.iter().find(|path| name_of(path) == "train");
        // A class may be called `train`; a folder of parts has folders in it, and no image beside them.
        let parts = match train {
            Some(train) => {
                let (inside, files) = self::folders(train)?;
                !inside.is_empty() && !files.iter().any(|file| is_image(file))
            }
            None => false,
        };
        if !parts {
            refuse_parts(folder, &folders)?;
            found.classes = class_names(&folders)?;
            found.train = found.part(&folders)?;
            return found.check(folder);
        }
        if let Some(train) = train {
            let (classes, _) = self::folders(train)?;
            found.classes = class_names(&classes)?;
            found.train = found.part(&classes)?;
        }
        for path in &folders {
            let (classes, files) = self::folders(path)?;
            found.others.extend(files);
            match name_of(path).as_str() {
                "train" => {}
                "test" => found.test = Some(found.part(&classes)?),
                name if VALIDATION.contains(&name) && found.validation.is_none() => {
                    found.validation = Some(found.part(&classes)?);
                }
                name if VALIDATION.contains(&name) => {
                    return Err(wrong(format!(
                        "{} holds validation images twice: {}",
                        escape_path(folder),
                        VALIDATION.join(", ")
                    )));
                }
                _ => {
                    let reason = "is neither `validation` nor `test`, and lies beside `train`";
                    return Err(wrong(format!("the folder {} {reason}", escape_path(path))));
                }
            }
        }
        found.check(folder)
    }

    /// What is left out, in words: how many files, and the first of them; none where nothing is.
    pub fn left_out(&self) -> Option<String> {
        let first: Vec<String> = self.others.iter().take(3).map(|path| escape_path(path).to_string()).collect();
        let (first, more) = (first.join(", "), if self.others.len() > 3 { ", …" } else { "" });
        let reason = "left out, no images by their names' ends or in no class's folder";
        (!self.others.is_empty()).then(|| format!("files {reason}: {} ({first}{more})", self.others.len()))
    }

    /// The images of the class folders of a part.
    fn part(&mut self, folders: &[PathBuf]) -> io::Result<Vec<ClassFile>> {
        let mut files = Vec::new();
        for (folder, name) in folders.iter().zip(class_names(folders)?) {
            let Ok(label) = self.classes.binary_search(&name) else {
                let reason = "is of a class without a folder of training images";
                return Err(wrong(format!("{} {reason}", escape_path(folder))));
            };
            let found = ImageFiles::below(folder)?;
            self.others.extend(found.others);
            files.extend(found.images.into_iter().map(|path| ClassFile { path, label }));
        }
        files.sort_by(|a, b| (a.label, &a.path).cmp(&(b.label, &b.path)));
        Ok(files)
    }

    fn check(self, folder: &Path) -> io::Result<Self> {
        if self.classes.is_empty() {
            return Err(wrong(format!("{} has no folder in it: each class has one of its own", escape_path(folder))));
        }
        let mut counts = vec![0usize; self.classes.len()];
        self.train.iter().for_each(|file| counts[file.label] += 1);
        if let Some(class) = counts.iter().position(|count| *count == 0) {
            let (name, endings) = (&self.classes[class], IMAGE_ENDINGS.join(", "));
            return Err(wrong(format!(
                "{}: the class {name} has no image to train on ({endings})",
                escape_path(folder)
            )));
        }
        for (name, part) in [("validation", &self.validation), ("test", &self.test)] {
            if part.as_ref().is_some_and(Vec::is_empty) {
                return Err(wrong(format!("{}: its folder of {name} images has none", escape_path(folder))));
            }
        }
        Ok(self)
    }
}

/// Refuses folders that are parts by their names, `Train` and `Test` or `test` and `val`, of which none is `train`: they would be taken for classes.
fn refuse_parts(folder: &Path, folders: &[PathBuf]) -> io::Result<()> {
    const PARTS: [&str; 8] = ["train", "training", "test", "testing", "val", "valid", "validation", "eval"];
    for path in folders {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let (inside, files) = self::folders(path)?;
        if !PARTS.contains(&name.as_str()) || inside.is_empty() || files.iter().any(|file| is_image(file)) {
            return Ok(());
        }
    }
    match folders.len() {
        0 | 1 => Ok(()),
        _ => Err(wrong(format!(
            "{}: its folders are parts by their names, not classes, and none is `train`; call them train, validation and test",
            escape_path(folder)
        ))),
    }
}

fn is_image(path: &Path) -> bool {
    let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    IMAGE_ENDINGS.contains(&end.as_str())
}

/// The names of class folders, sorted; they are printed and recorded, so no name steers a terminal.
fn class_names(folders: &[PathBuf]) -> io::Result<Vec<String>> {
    let name = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| escape_truncated(name) == *name);
        let wanted = "a class's name is up to 200 printable characters";
        name.map(str::to_owned).ok_or_else(|| wrong(format!("the folder {}: {wanted}", escape_path(path))))
    };
    // Sorted already: they are the sorted entries of one folder.
    folders.iter().map(name).collect()
}

/// The folders in `folder`, and the files, each sorted.
fn folders(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder)?.into_iter().partition(|(_, is_folder)| *is_folder);
    let paths = |entries: Vec<(PathBuf, bool)>| entries.into_iter().map(|(path, _)| path).collect();
    Ok((paths(folders), paths(files)))
}

/// What is in a folder, sorted, without hidden names; whether each is a folder, or a link to one.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(|error| unreadable(folder, &error))?;
        let path = entry.path();
        let is_folder = if kind.is_symlink() { path.is_dir() } else { kind.is_dir() };
        found.push((path, is_folder));
    }
    found.sort();
    Ok(found)
}

fn unreadable(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot look into the folder {}: {error}", escape_path(folder)))
}

fn wrong(problem: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests;
