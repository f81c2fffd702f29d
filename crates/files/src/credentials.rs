//! Secrets in URLs (user names, passwords, queries such as `?token=…` or a signature), which are to reach no message, no log and no record.

use std::ops::Range;

/// What stands in a message for a secret.
const HIDDEN: &str = "***";

/// A part of a text that may be secret.
struct Secret {
    range: Range<usize>,
    /// Whether it is a query, which follows `?`; else a user name and password, which `@` follows.
    is_query: bool,
}

/// `text` with user name, password and query of each URL in it as `***`, for messages and logs. What only looks like a URL without its scheme
/// (`name:password@host`, `host/file?key=value`) is hidden too.
///
/// ```
/// let shown = strata_files::hide_credentials("cannot fetch https://ann:secret@host/a.tar.gz?token=0123: no route");
/// assert_eq!(shown, "cannot fetch https://***@host/a.tar.gz?***: no route");
/// ```
#[must_use]
pub fn hide_credentials(text: &str) -> String {
    replace(text, |_| HIDDEN.to_owned())
}

/// `text` with every character of a URL's user name, password and query as `*`, so that each place in it stays where it was
/// (counted in characters).
#[must_use]
pub fn mask_credentials(text: &str) -> String {
    replace(text, |secret| secret.chars().map(|_| '*').collect())
}

/// `url` without user name, password and query (and fragment), for files that are kept. A `file://` URL has no query: a `?` is part of its path.
///
/// ```
/// assert_eq!(strata_files::without_credentials("https://ann:secret@host/a?token=0123"), "https://host/a");
/// ```
#[must_use]
pub fn without_credentials(url: &str) -> String {
    let mut kept = url.to_owned();
    loop {
        let users = secrets(&kept).into_iter().filter(|secret| !secret.is_query);
        let mut shorter = kept.clone();
        for Secret { range, .. } in users.collect::<Vec<_>>().into_iter().rev() {
            shorter.replace_range(range, "");
        }
        let mut shorter = shorter.replace("://@", "://");
        if let Some((scheme, rest)) = shorter.split_once("://")
            && !is_file(scheme)
            && let Some(end) = rest.find(['?', '#'])
        {
            shorter.truncate(scheme.len() + "://".len() + end);
        }
        // What is left may look like another name and password.
        if shorter.len() == kept.len() {
            return kept;
        }
        kept = shorter;
    }
}

fn is_file(scheme: &str) -> bool {
    scheme.to_ascii_lowercase().ends_with("file")
}

fn replace(text: &str, by: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for Secret { range, .. } in secrets(text) {
        out.push_str(&text[done..range.start]);
        out.push_str(&by(&text[range.clone()]));
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

/// What ends a URL, and a word.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// Where secrets stand in `text`, in order, none within another.
fn secrets(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(ends_word) {
        let bare = word.trim_end_matches(ends_word);
        if bare.contains("://") {
            of_urls(bare, start, &mut found);
        } else {
            of_bare_word(bare, start, &mut found);
        }
        start += word.len();
    }
    found.sort_by_key(|secret| secret.range.start);
    // An address within another's password.
    let mut end = 0;
    found.retain(|Secret { range, .. }| {
        let is_apart = end <= range.start && !range.is_empty();
        end = end.max(range.end);
        is_apart
    });
    found
}

/// Of each `://` in a word that begins at `at`: what stands between it and the `@` of the same URL, and what follows its `?`.
fn of_urls(word: &str, at: usize, found: &mut Vec<Secret>) {
    for (place, _) in word.match_indices("://") {
        let start = place + "://".len();
        let url = &word[start..];
        let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let user = match authority.rfind('@') {
            Some(end) => Some(end),
            // A password with a slash in it, which should have been escaped, is one all the same.
            None if authority.rsplit_once(':').is_some_and(|(_, port)| !is_port(port) && !port.ends_with(']')) => {
                url.rfind('@')
            }
            None => None,
        };
        if let Some(end) = user {
            found.push(Secret { range: at + start..at + start + end, is_query: false });
        }
        let after = user.unwrap_or_default();
        if !is_file(&word[..place])
            && let Some(query) = url[after..].find(['?', '#'])
        {
            let begin = start + after + query + 1;
            let end = begin + unpunctuated(&word[begin..]).len();
            found.push(Secret { range: at + begin..at + end, is_query: true });
        }
    }
}

/// Of a word without a scheme, which an address may have lost: `name:password@host` and `?key=value`.
fn of_bare_word(word: &str, at: usize, found: &mut Vec<Secret>) {
    if let Some(end) = word.rfind('@')
        && let Some(colon) = word[..end].find(':')
        && !word[..end].contains(['/', '\\'])
    {
        // `--set key=` may stand before it.
        let begin = word[..colon].rfind(['=', '(', ',']).map_or(0, |before| before + 1);
        found.push(Secret { range: at + begin..at + end, is_query: false });
    }
    let is_key = |key: &str| {
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%'))
    };
    if let Some((before, query)) = word.split_once('?')
        && query.split_once('=').is_some_and(|(key, _)| is_key(key))
    {
        let begin = at + before.len() + 1;
        found.push(Secret { range: begin..begin + unpunctuated(query).len(), is_query: true });
    }
}

/// `text` without the punctuation of the sentence that it stands in.
fn unpunctuated(text: &str) -> &str {
    text.trim_end_matches([':', ';', ',', '.', ')', ']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_go_and_everything_else_stays() {
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
    fn queries_and_fragments_go_too_and_those_of_paths_stay() {
        let rows = [
            ("https://host/a?token=s", "https://host/a?***", "https://host/a"),
            ("https://u:p@host/a?X-Amz-Signature=s&b=@c", "https://***@host/a?***", "https://host/a"),
            ("HTTPS://host?s#t", "HTTPS://host?***", "HTTPS://host"),
            ("https://host/a#s", "https://host/a#***", "https://host/a"),
            ("https://host/a?", "https://host/a?", "https://host/a"),
            ("https://host/a?b=https://u:p@c/?d=s", "https://host/a?***", "https://host/a"),
            ("file:///data/a?b=c", "file:///data/a?b=c", "file:///data/a?b=c"),
        ];
        for (text, shown, kept) in rows {
            assert_eq!(hide_credentials(text), shown);
            assert_eq!(without_credentials(text), kept);
        }
        let told = hide_credentials("cannot download https://host/a?t=s: refused (http://h/?u=v), or `http://i/?w`.");
        assert_eq!(told, "cannot download https://host/a?***: refused (http://h/?***), or `http://i/?***`.");
    }

    #[test]
    fn an_address_that_lost_its_scheme_keeps_its_secrets() {
        let rows = [
            ("--set dataset.url=ann:se=cret@host/a", "--set dataset.url=***@host/a"),
            ("dataset.url = \"host/a?token=s\"", "dataset.url = \"host/a?***\""),
            ("what is 1:2? a@b:c, really?", "what is 1:2? a@b:c, really?"),
            ("12:30:00 /a:b/c@d", "12:30:00 /a:b/c@d"),
        ];
        for (text, shown) in rows {
            assert_eq!(hide_credentials(text), shown);
        }
    }

    #[test]
    fn a_mask_moves_nothing() {
        assert_eq!(mask_credentials("url = \"https://ü:p@h/\" # x"), "url = \"https://***@h/\" # x");
        assert_eq!(mask_credentials("url = \"https://h/?tü=p\" # x"), "url = \"https://h/?****\" # x");
    }
}
