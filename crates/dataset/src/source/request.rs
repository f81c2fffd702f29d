//! A published data set, looked for where it may be, else fetched.

use std::path::{Path, PathBuf};

use strata_files::hide_credentials;

use super::files::{self, Found, is_file};
use super::{DataFolder, Origin, RemoteFile, Source, archive};
use crate::download::{Download, FetchProgress, Limits, Watch, cache_folder};
use crate::{Dataset, DatasetError, digest};

/// The URL of the file `name` in the folder that `url` names, whose query stays.
pub(super) fn below(url: &str, name: &str) -> String {
    let (folder, query) = url.split_at(url.find('?').filter(|_| !url.starts_with("file:")).unwrap_or(url.len()));
    format!("{}/{name}{query}", folder.trim_end_matches('/'))
}

/// A published data set that is asked for.
pub(super) struct Request<'a> {
    pub(super) source: &'static Source,
    pub(super) url: &'a str,
    pub(super) sha256: Option<&'a str>,
    pub(super) folder: &'a DataFolder,
    pub(super) limits: &'a Limits,
}

impl Request<'_> {
    /// Reads it where it is, or fetches it.
    pub(super) fn load(&self, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        if let Some(sha256) = self.sha256.filter(|sha256| !digest::is_sha256(sha256)) {
            return Err(DatasetError::BadChecksum { value: sha256.to_owned() });
        }
        Download::check_url(self.url)?;
        if let Some(path) = self.folder.path() {
            if is_file(path) && files::is_archive(path)? {
                return self.archive_as_it_is(path, watch);
            }
            if let Some(path) = path.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
                return Err(DatasetError::NotAFolder { path: path.to_owned() });
            }
            if let Some(found) = self.source.in_folder(path, watch)? {
                return (found.layout.read)(&found);
            }
            for name in self.source.archives {
                let path = path.join(name);
                if is_file(&path) {
                    return self.archive_as_it_is(&path, watch);
                }
            }
        }
        match self.source.origin {
            Origin::Archive { name, bytes } => self.archive(name, bytes, watch),
            Origin::Files(files) => self.files(files, watch),
        }
    }

    /// An archive of the user's own, whose checksum nobody has asked for.
    fn archive_as_it_is(&self, path: &Path, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let file = files::open(path, crate::download::LONGEST)?;
        watch.tell(FetchProgress::Reading { path: path.to_owned() });
        let found = archive::read(self.source, file, path, watch)?;
        (found.layout.read)(&found)
    }

    fn archive(&self, name: &str, bytes: u64, watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let Some(sha256) = self.sha256 else {
            return Err(DatasetError::BadChecksum { value: String::new() });
        };
        let sha256 = sha256.to_ascii_lowercase();
        let is_official = self.source.release_sha256() == Some(&sha256);
        let longest = if is_official { bytes } else { u64::MAX };
        let target = self.target(name, &sha256)?;
        let (path, file) = self.download(self.url, &sha256, &target, longest).fetch_within(self.limits, watch)?;
        watch.tell(FetchProgress::Reading { path: path.clone() });
        let found = archive::read(self.source, file, &path, watch)?;
        (found.layout.read)(&found)
    }

    /// The files of the first layout, each by its own checksum.
    fn files(&self, files: &'static [RemoteFile], watch: &mut Watch<'_>) -> Result<Dataset, DatasetError> {
        let layout = &self.source.layouts[0];
        let mut found = Found::new(layout, hide_credentials(self.url));
        for file in files {
            let url = below(self.url, file.name);
            let target = self.target(file.name, file.sha256)?;
            let download = self.download(&url, file.sha256, &target, u64::MAX);
            let (path, open) = download.fetch_within(self.limits, watch)?;
            watch.tell(FetchProgress::Reading { path: path.clone() });
            found.take_gzip(file.name, open, &path)?;
        }
        (layout.read)(&found)
    }

    fn download<'b>(&'b self, url: &'b str, sha256: &'b str, target: &'b Path, longest: u64) -> Download<'b> {
        let may_download = !matches!(self.folder, DataFolder::Existing(_));
        Download { url, sha256, target, longest, may_download }
    }

    /// Where a file is looked for, and downloaded to.
    pub(super) fn target(&self, name: &str, sha256: &str) -> Result<PathBuf, DatasetError> {
        if let Some(folder) = self.folder.path() {
            return Ok(folder.join(name));
        }
        // Another release is another file: switching between two downloads neither again.
        let short = &sha256[..12];
        let stem = [".tar.gz", ".zip"].into_iter().find_map(|end| Some((name.strip_suffix(end)?, end)));
        let name = match stem {
            Some((stem, end)) => format!("{stem}-{short}{end}"),
            None => format!("{}-{short}-{name}", self.source.kind),
        };
        Ok(cache_folder()?.join(name))
    }
}
