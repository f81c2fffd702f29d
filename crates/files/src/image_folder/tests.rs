//! Folders as people have them, and those that cannot be read for sure.

use super::*;

fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn labels(part: &[ClassFile]) -> Vec<(usize, String)> {
    let name = |file: &ClassFile| file.path.file_name().unwrap().to_string_lossy().into_owned();
    part.iter().map(|file| (file.label, name(file))).collect()
}

#[test]
fn classes_are_sorted_and_their_folders_searched() {
    let folder =
        tree(&["кошка/1.PNG", "dog/b.jpg", "dog/more/a.webp", "dog/x.txt", "Zebra/z.gif", ".git/a.png", "read.me"]);
    let found = ImageFolder::read(folder.path()).unwrap();
    assert_eq!(found.classes, ["Zebra", "dog", "кошка"], "as Python's sorted()");
    let expected = [(0, "z.gif"), (1, "b.jpg"), (1, "a.webp"), (2, "1.PNG")];
    assert_eq!(labels(&found.train), expected.map(|(label, name)| (label, name.to_owned())));
    assert_eq!(found.others.len(), 2, "{:?}", found.others);
}

#[test]
fn parts_have_the_classes_of_the_training_part() {
    let folder = tree(&["train/a/1.png", "train/b/2.png", "val/b/3.png", "test/a/4.png", "test/b/5.png"]);
    let found = ImageFolder::read(folder.path()).unwrap();
    assert_eq!(found.classes, ["a", "b"]);
    assert_eq!(labels(&found.validation.unwrap()), [(1, "3.png".to_owned())]);
    assert_eq!(found.test.unwrap().len(), 2);
    // A class of that name is one.
    let folder = tree(&["train/1.png", "bus/2.png"]);
    assert_eq!(ImageFolder::read(folder.path()).unwrap().classes, ["bus", "train"]);
}

#[test]
fn what_cannot_be_told_for_sure_is_refused() {
    let rows: [(&[&str], &str); 7] = [
        (&["a.png"], "has no folder in it"),
        (&["train/a/1.png", "tset/a/1.png"], "lies beside `train`"),
        (&["train/a/1.png", "test/b/1.png"], "is of a class without"),
        (&["train/a/1.png", "val/a/1.png", "valid/a/1.png"], "twice"),
        (&["a/1.png", "b/1.txt"], "the class b has no image"),
        (&["train/a/1.png", "test/a/1.txt"], "folder of test images has none"),
        (&["a/1.png", "b\u{1b}[2J/1.png"], "printable"),
    ];
    for (files, expected) in rows {
        let error = ImageFolder::read(tree(files).path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{files:?}: {error}");
        assert!(!error.contains('\u{1b}'));
    }
    assert_eq!(ImageFolder::read(Path::new("/no/such")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_circles_are_not() {
    use std::os::unix::fs::symlink;
    let folder = tree(&["a/1.png", "elsewhere.png"]);
    let root = folder.path();
    symlink(root.join("a"), root.join("b")).unwrap();
    symlink(root.join("elsewhere.png"), root.join("a/2.png")).unwrap();
    symlink(root.join("a"), root.join("a/again")).unwrap();
    symlink(root.join("nowhere"), root.join("a/broken.png")).unwrap();
    let found = ImageFolder::read(root).unwrap();
    assert_eq!(found.classes, ["a", "b"]);
    // A link to nothing is listed: who reads it will say what is wrong.
    assert_eq!(found.train.len(), 6, "{:?}", found.train);
}

#[test]
fn parts_of_other_names_are_no_classes() {
    for [a, b] in [["Train", "Test"], ["test", "valid"], ["training", "testing"]] {
        let of = tree(&[&format!("{a}/cat/1.png"), &format!("{b}/cat/2.png")]);
        let error = ImageFolder::read(of.path()).unwrap_err().to_string();
        assert!(error.contains("call them train, validation and test"), "{error}");
        // Without folders of classes in them they are classes of that name.
        let of = tree(&[&format!("{a}/1.png"), &format!("{b}/2.png")]);
        assert_eq!(ImageFolder::read(of.path()).unwrap().classes.len(), 2);
    }
    let of = tree(&["test/old/1.png", "mule/2.png"]);
    assert_eq!(ImageFolder::read(of.path()).unwrap().classes, ["mule", "test"]);
}

#[test]
fn what_is_left_out_is_told_with_the_first_names() {
    let of = tree(&["a/1.png", "a/1.tiff", "b/2.png", "c.png"]);
    let told = ImageFolder::read(of.path()).unwrap().left_out().unwrap();
    assert!(told.contains(": 2 (") && told.contains("1.tiff") && told.contains("c.png"), "{told}");
    let of = tree(&["a/1.png", "b/2.png"]);
    assert_eq!(ImageFolder::read(of.path()).unwrap().left_out(), None);
}
