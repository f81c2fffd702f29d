//! Files of a run: those to link to, and those whose text is shown.

/// A file that a page links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOfRun {
    /// Its path from the run's folder, with `/` between folders.
    pub name: String,
    /// Its size in bytes, where that is known.
    pub bytes: Option<u64>,
}

/// What the sources of a run were beyond their commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncommittedChange {
    /// The file in the run's folder that holds it.
    pub file: String,
    /// As `git diff` writes it.
    pub text: String,
}
