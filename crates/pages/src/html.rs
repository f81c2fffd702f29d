//! Text and values as HTML: whatever comes from outside goes through here.

use std::fmt::Write as _;

use serde_json::Value;

/// `text` as HTML shows it, in an element or in a quoted attribute; what cannot be seen or turns the writing direction is spelt out.
pub(crate) fn text(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in strata_files::escape(text).chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// The same of text of several lines, cut at `most` bytes, which is said.
pub(crate) fn lines(all: &str, most: usize) -> String {
    let end = all.len().min(most);
    let end = (0..=end).rev().find(|end| all.is_char_boundary(*end)).unwrap_or(0);
    let mut html: Vec<String> = all[..end].lines().map(|line| text(&line.replace('\t', "    "))).collect();
    if end < all.len() {
        html.push(format!("… {} more bytes", all.len() - end));
    }
    html.join("\n")
}

/// `value` as JSON that can stand in a script element: nothing in it ends the element, and nothing cannot be seen.
pub(crate) fn script_json(value: &Value) -> String {
    let json = value.to_string();
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        let is_plain =
            c != '<' && (c.is_ascii() || !strata_files::escape(c.encode_utf8(&mut [0; 4])).starts_with('\\'));
        if is_plain {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// A value of a record as one reads it, not yet escaped.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            let most = 40;
            let mut shown: Vec<String> = items.iter().take(most).map(self::value).collect();
            if items.len() > most {
                shown.push(format!("… {} more", items.len() - most));
            }
            if items.is_empty() { "[]".to_owned() } else { shown.join(", ") }
        }
        other => other.to_string(),
    }
}

/// A table of two columns, a name and what belongs to it (already HTML); rows without a value are left out.
pub(crate) fn facts<'a>(caption: &str, rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut html = format!("<table class=\"facts\"><caption class=\"unseen\">{}</caption><tbody>", text(caption));
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string cannot fail.
        let _ = write!(html, "<tr><th scope=\"row\">{}</th><td>{value}</td></tr>", text(name));
    }
    html + "</tbody></table>"
}

/// A table with a header, of cells that are HTML already; the first cell of a row names it.
pub(crate) fn table(caption: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\"><table class=\"numbers\"><caption class=\"unseen\">{0}</caption><thead><tr>",
        text(caption)
    );
    for name in header {
        let _ = write!(html, "<th scope=\"col\">{}</th>", text(name));
    }
    html += "</tr></thead><tbody>";
    for row in rows {
        html += "<tr>";
        for (place, cell) in row.iter().enumerate() {
            let _ = match place {
                0 => write!(html, "<th scope=\"row\">{cell}</th>"),
                _ => write!(html, "<td>{cell}</td>"),
            };
        }
        html += "</tr>";
    }
    html + "</tbody></table></div>"
}

/// Words that a shell takes apart as they are.
pub(crate) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |word: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
        match !word.is_empty() && word.chars().all(is_plain) {
            true => word.to_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    };
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_text_in_elements_attributes_and_scripts() {
        assert_eq!(
            text("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;"
        );
        assert_eq!(text("a\u{202e}b\0"), "a\\u{202e}b\\u{0}");
        let json = script_json(&serde_json::json!({"a": "</script><!--\u{2028}"}));
        assert!(!json.contains('<') && !json.contains('\u{2028}'), "{json}");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["a"], "</script><!--\u{2028}");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_said_so() {
        assert_eq!(lines("a\n<b", 100), "a\n&lt;b");
        assert_eq!(lines("äöü", 3), "ä\n… 4 more bytes");
    }

    #[test]
    fn words_of_a_command_are_quoted_for_a_shell() {
        assert_eq!(command(["strata", "--set", "a=[1, 2]", "it's", ""]), r"strata --set 'a=[1, 2]' 'it'\''s' ''");
    }
}
