//! What is made of a config's values and of the table of keys: the resolved config, and docs/config.md.

use std::fmt::Write as _;

use strata_files::without_credentials;
use strata_spec::LayerList;

use crate::config::Config;
use crate::key::{Entry, Fallback, Section, Shape};
use crate::keys::{self, SECTIONS, URL};
use crate::takes::Takes;
use crate::value::Value;
use crate::written::RESOLVED;

impl Config {
    /// The whole config as TOML, defaults spelt out; [`Config::parse`] makes an equal config of it, but for a user name and
    /// password in `dataset.url`, which are left out: a run's folder is shown around.
    ///
    /// What has no value (threads left to the machine, no early stopping) or no effect is left out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::from(RESOLVED);
        for key in in_section("") {
            self.line(&mut text, key, key.path);
        }
        for section in SECTIONS {
            let tables = if section.shape == Shape::Tables { self.values.tables(section.name) } else { 1 };
            for index in 0..tables {
                let mut lines = String::new();
                for key in in_section(section.name) {
                    let place = key.path.replace("[]", &format!(".{index}"));
                    self.line(&mut lines, key, &place);
                }
                if !lines.is_empty() {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\n{}\n{lines}", header(section));
                }
            }
        }
        text
    }

    fn line(&self, text: &mut String, key: &Entry, place: &str) {
        let Some(value) = self.values.at(place) else { return };
        let bare = match value {
            Value::Text(url) if key.path == URL.path() => Some(Value::Text(without_credentials(url).to_string())),
            _ => None,
        };
        let _ = writeln!(text, "{} = {}", key.name(), bare.as_ref().unwrap_or(value));
    }
}

fn in_section(section: &str) -> impl Iterator<Item = &'static Entry> {
    keys::all().filter(move |key| key.section() == section)
}

fn header(section: &Section) -> String {
    match section.shape {
        Shape::Table => format!("[{}]", section.name),
        Shape::Tables => format!("[[{}]]", section.name),
    }
}

/// docs/config.md: every key with what its value must be, its default and its meaning.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(include_str!("reference.md"));
    table(&mut text, "The top", "", "");
    for section in SECTIONS {
        table(&mut text, &format!("`{}`", header(section)), section.note, section.name);
    }
    text
}

fn table(text: &mut String, title: &str, note: &str, section: &str) {
    let _ = write!(text, "\n## {title}\n\n");
    if !note.is_empty() {
        let _ = write!(text, "{note}\n\n");
    }
    text.push_str("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in in_section(section) {
        let default = match key.fallback {
            Fallback::Required => match keys::alternative(key.path) {
                Some(other) => format!("required without `{other}`"),
                None => "required".to_owned(),
            },
            Fallback::Is(value) => format!("`{value}`"),
            Fallback::Worked { words, .. } | Fallback::WorkedInTable { words, .. } => words.to_owned(),
        };
        let _ = writeln!(text, "| `{}` | {} | {default} | {} |", key.path, key.expects(), key.meaning());
    }
    for key in in_section(section) {
        let words = match key.takes {
            Takes::Choice(choices) | Takes::Names(choices) => choices(),
            Takes::Layers => {
                LayerList::words().into_iter().map(|(name, sentence)| (name.into(), sentence.into())).collect()
            }
            _ => continue,
        };
        let _ = write!(text, "\n`{}`:", key.path);
        let lines: Vec<String> = words.iter().map(|(name, sentence)| format!("\n- `{name}`: {sentence}")).collect();
        let _ = writeln!(text, "\n{}", lines.concat());
    }
}
