//! What a URL points to.

use std::path::PathBuf;

use strata_files::hide_credentials;

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
                let path = decode(path).ok_or_else(|| wrong("has a bad %-escape"))?;
                // file:///C:/folder is C:/folder there.
                #[cfg(windows)]
                let path = path.trim_start_matches('/').to_owned();
                Ok(Self::File(PathBuf::from(path)))
            }
            _ => Err(wrong("has another scheme")),
        }
    }
}

/// Resolves `%41` and its kin; none for an escape that is cut short, or no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
            bytes.push(value as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
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
