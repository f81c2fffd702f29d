//! Where runs are exported to: a folder, or a server by its address; what looks like an address and is none is no folder's name.

use std::path::{Path, PathBuf};

use strata_files::{hide_credentials, percent_decoded};

use crate::ExportError;

/// Where an exporter writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A server, by its address.
    Server(String),
}

impl Place {
    /// What `to` means to the exporter called so. A folder that is called like an address is written `./localhost:5000`.
    pub(crate) fn of(exporter: &'static str, to: &Path) -> Result<Self, ExportError> {
        meaning(to).map_err(|expects| refused(exporter, to, &format!("a folder or a server's address; {expects}")))
    }

    /// As [`of`](Self::of) of an exporter that knows no servers.
    pub(crate) fn folder(exporter: &'static str, to: &Path) -> Result<PathBuf, ExportError> {
        match meaning(to) {
            Ok(Self::Folder(folder)) => Ok(folder),
            Err(expects @ FILE) => Err(refused(exporter, to, &format!("a folder of this machine; {expects}"))),
            _ => Err(refused(exporter, to, "a folder of this machine")),
        }
    }
}

const ADDRESS: &str = "a server's address begins with http:// or https://";
const FILE: &str = "file:// is followed by an absolute path, as in file:///tmp/runs";

fn refused(exporter: &'static str, to: &Path, expects: &str) -> ExportError {
    let value = hide_credentials(&to.to_string_lossy());
    ExportError::Option { exporter, name: "to".to_owned(), value, expects: expects.to_owned() }
}

/// What is meant; else what an address would be.
fn meaning(to: &Path) -> Result<Place, &'static str> {
    let Some(text) = to.to_str() else { return Ok(Place::Folder(to.to_owned())) };
    let address = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
    match address.map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
        Some((scheme, rest)) if matches!(scheme.as_str(), "http" | "https") && rest.starts_with("//") => {
            Ok(Place::Server(format!("{scheme}:{rest}")))
        }
        Some((scheme, rest)) if scheme == "file" => folder(rest).map(Place::Folder).ok_or(FILE),
        Some((_, rest)) if rest.starts_with("//") => Err(ADDRESS),
        _ if is_host_and_port(text) => Err(ADDRESS),
        _ => Ok(Place::Folder(to.to_owned())),
    }
}

/// Whether it is what an address begins with. A single letter is a drive (`C:\mlruns`).
fn is_scheme(text: &str) -> bool {
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.len() > 1 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_of_it)
}

/// Whether it is a host with a port, such as `localhost:5000` or `10.0.0.1:5000/api`.
fn is_host_and_port(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let is_drive = host.len() == 1 && host.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port && !host.is_empty() && !is_drive && !host.contains('\\')
}

/// The folder of what follows `file:` (MLflow writes `file:/a` too); none where it is no absolute path of this machine.
fn folder(rest: &str) -> Option<PathBuf> {
    let path = match rest.strip_prefix("//") {
        Some(place) => place.strip_prefix("localhost").unwrap_or(place),
        None => rest,
    };
    let path = percent_decoded(path).filter(|path| path.starts_with('/'))?;
    // file:///C:/folder is C:/folder there.
    Some(PathBuf::from(if cfg!(windows) { path.trim_start_matches('/') } else { &path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_folder_or_a_server_and_what_looks_like_another_address_is_refused() {
        let server = |url: &str| Some(Place::Server(url.to_owned()));
        let folder = |path: &str| Some(Place::Folder(PathBuf::from(path)));
        // Each row: what was asked for, and what it means.
        let rows = [
            ("http://host:5000", server("http://host:5000")),
            ("HTTPS://me:secret@host/a", server("https://me:secret@host/a")),
            ("mlruns", folder("mlruns")),
            ("./localhost:5000", folder("./localhost:5000")),
            ("/tmp/a:1", folder("/tmp/a:1")),
            ("a/b:80", folder("a/b:80")),
            ("run: 5", folder("run: 5")),
            ("C:\\mlruns", folder("C:\\mlruns")),
            ("C:/mlruns", folder("C:/mlruns")),
            ("C:5000", folder("C:5000")),
            ("..\\mlruns", folder("..\\mlruns")),
            #[cfg(unix)]
            ("file:///tmp/mlruns", folder("/tmp/mlruns")),
            #[cfg(unix)]
            ("FILE:/tmp/my%20runs", folder("/tmp/my runs")),
            #[cfg(unix)]
            ("file://localhost/tmp", folder("/tmp")),
            #[cfg(windows)]
            ("file:///C:/mlruns", folder("C:/mlruns")),
            ("file://host/tmp", None),
            ("file:mlruns", None),
            ("file:///bad%2", None),
            ("file:///bad%zz", None),
            ("ftp://host", None),
            ("sqlite:///mlflow.db", None),
            ("http:host", folder("http:host")),
            ("localhost:5000", None),
            ("10.0.0.1:5000/api", None),
            ("[::1]:5000", None),
        ];
        for (to, expected) in rows {
            let found = Place::of("mlflow", Path::new(to));
            assert!(found.as_ref().err().is_none_or(ExportError::is_usage));
            assert_eq!(found.ok(), expected, "{to}");
        }
        for to in ["ftp://me:secret@host", "localhost:5000"] {
            let refused = Place::of("mlflow", Path::new(to)).unwrap_err().to_string();
            assert!(refused.contains("a server's address begins with http:// or https://"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
            let refused = Place::folder("tensorboard", Path::new(to)).unwrap_err().to_string();
            assert!(refused.ends_with("it takes a folder of this machine"), "{refused}");
        }
    }
}
