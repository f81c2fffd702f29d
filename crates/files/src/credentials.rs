//! User names and passwords in URLs, which are to reach no message, no log and no record.

use std::ops::Range;

/// What stands in a message for a URL's user name and password.
const HIDDEN: &str = "***";

/// `text` with the user name and password of each URL in it as `***`, for messages and logs.
///
/// ```
/// let shown = strata_files::hide_credentials("cannot fetch https://ann:secret@host/a.tar.gz");
/// assert_eq!(shown, "cannot fetch https://***@host/a.tar.gz");
/// ```
#[must_use]
pub fn hide_credentials(text: &str) -> String {
    replace(text, HIDDEN)
}

/// `text` with every character of a URL's user name and password as `*`, so that each place in it stays where it was
/// (counted in characters).
#[must_use]
pub fn mask_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in credentials(text) {
        out.push_str(&text[done..range.start]);
        out.extend(text[range.clone()].chars().map(|_| '*'));
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// `url` without user name and password, for files that are kept.
///
/// ```
/// assert_eq!(strata_files::without_credentials("https://ann:secret@host/a"), "https://host/a");
/// ```
#[must_use]
pub fn without_credentials(url: &str) -> String {
    let mut kept = url.to_owned();
    loop {
        let shorter = replace(&kept, "").replace("://@", "://");
        // What is left may look like another name and password.
        if shorter.len() == kept.len() {
            return kept;
        }
        kept = shorter;
    }
}

fn replace(text: &str, by: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in credentials(text) {
        out.push_str(&text[done..range.start]);
        out.push_str(by);
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// Where user names and passwords stand in `text`: between `://` and the `@` of the same URL.
fn credentials(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("://").map(|(at, found)| at + found.len());
    let mut ranges: Vec<Range<usize>> = starts
        .filter_map(|start| {
            let url = &text[start..];
            let url = &url
                [..url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>')).unwrap_or(url.len())];
            let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
            let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let end = match authority.rfind('@') {
                Some(end) => end,
                // A password with a slash in it, which should have been escaped, is one all the same.
                None if authority.rsplit_once(':').is_some_and(|(_, port)| !is_port(port) && !port.ends_with(']')) => {
                    url.rfind('@')?
                }
                None => return None,
            };
            Some(start..start + end)
        })
        .collect();
    // An address within another's password.
    let mut end = 0;
    ranges.retain(|range| {
        let is_apart = end <= range.start;
        end = end.max(range.end);
        is_apart
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_and_passwords_are_removed_from_urls() {
        // Each row: the text, the text to show, the URL to keep.
        let rows = [
            ("https://u:p@host/a", "https://***@host/a", "https://host/a"),
            ("http://token@host:80/a@b", "http://***@host:80/a@b", "http://host:80/a@b"),
            ("https://u:p%40q@host", "https://***@host", "https://host"),
            ("https://u:p@q@host/", "https://***@host/", "https://host/"),
            ("https://u:p/q@host/", "https://***@host/", "https://host/"),
            ("https://host/@scope/a", "https://host/@scope/a", "https://host/@scope/a"),
            ("https://host:8080/@scope", "https://host:8080/@scope", "https://host:8080/@scope"),
            ("http://u:a://v:w@x@h/", "http://***@h/", "http://h/"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            ("file:///folder/a@b", "file:///folder/a@b", "file:///folder/a@b"),
            ("no address, a@b", "no address, a@b", "no address, a@b"),
        ];
        for (text, shown, kept) in rows {
            assert_eq!(hide_credentials(text), shown);
            assert_eq!(without_credentials(text), kept);
        }
        assert_eq!(
            hide_credentials("--set dataset.url=\"https://u:p@a/\" and http://v@b"),
            "--set dataset.url=\"https://***@a/\" and http://***@b"
        );
    }

    #[test]
    fn masked_credentials_keep_the_length_of_the_url() {
        assert_eq!(mask_credentials("url = \"https://ü:p@h/\" # x"), "url = \"https://***@h/\" # x");
    }
}
