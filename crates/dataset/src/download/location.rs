//! What a URL points to.

use std::path::PathBuf;

use strata_files::{hide_credentials, percent_decoded};

use crate::DatasetError;

/// A URL by its scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// To be fetched.
    Http,
    /// To be read in place.
    File(PathBuf),
}

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Self, DatasetError> {
        let wrong = |problem: &str| DatasetError::Url { url: hide_credentials(url), problem: problem.to_owned() };
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(wrong("has no scheme"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" if rest.is_empty() || rest.starts_with('/') => Err(wrong("names no host")),
            "http" | "https" => Ok(Self::Http),
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                if !path.starts_with('/') {
                    return Err(wrong("has no absolute path (three slashes: file:///folder/file)"));
                }
                let path = percent_decoded(path).ok_or_else(|| wrong("has a bad %-escape"))?;
                // file:///C:/folder is C:/folder there.
                #[cfg(windows)]
                let path = path.trim_start_matches('/').to_owned();
                Ok(Self::File(PathBuf::from(path)))
            }
            _ => Err(wrong("has another scheme")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_http_or_file_or_refused() {
        let file = |path: &str| Some(Location::File(PathBuf::from(path)));
        // Each row: the URL, and what it points to.
        let rows = [
            ("https://host/a.tar.gz", Some(Location::Http)),
            ("HTTP://127.0.0.1:80/a", Some(Location::Http)),
            ("https:///a", None),
            ("ftp://host/a", None),
            ("/plain/path", None),
            ("", None),
            ("file://host/a", None),
            ("file:///bad%2", None),
            ("file:///bad%zz", None),
            ("file:///not%ff-utf8", None),
            #[cfg(unix)]
            ("file:///with%20space/a+b", file("/with space/a+b")),
            #[cfg(unix)]
            ("file://localhost/a", file("/a")),
            #[cfg(windows)]
            ("file:///C:/a", file("C:/a")),
        ];
        for (url, expected) in rows {
            assert_eq!(Location::parse(url).ok(), expected, "{url}");
        }
    }
}
