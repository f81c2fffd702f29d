//! What one key is: its entry in the table.

use crate::takes::Takes;
use crate::value::Value;
use crate::values::Values;

/// What a key is where it is not written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fallback {
    /// It must be written.
    Required,
    /// This value, as TOML.
    Is(&'static str),
    /// What the words say, worked out from the keys before it; none where there is no value.
    Worked { words: &'static str, out: fn(&Values) -> Option<Value> },
    /// The same of a key of a list, from those before it in the table of this number.
    WorkedInTable { words: &'static str, out: fn(&Values, usize) -> Option<Value> },
}

/// When a key has an effect, judged by the keys before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) holds: fn(&Values) -> bool,
    /// Of a key of a list of tables, in place of `holds`: whether it has one in the table of this number.
    pub(crate) in_phase: Option<fn(&Values, usize) -> bool>,
    /// Why the key of this name has none, and what would give it one.
    pub(crate) otherwise: fn(&Values, &str) -> String,
}

impl When {
    /// Whether the key at `place` (`phases.0.lr`) has an effect.
    pub(crate) fn holds_at(&self, place: &str, values: &Values) -> bool {
        match (self.in_phase, table_of(place)) {
            (Some(holds), Some(table)) => holds(values, table),
            _ => (self.holds)(values),
        }
    }
}

/// The number of the table that `place` (`phases.0.lr`) is in.
pub(crate) fn table_of(place: &str) -> Option<usize> {
    place.split('.').nth(1).and_then(|table| table.parse().ok())
}

/// All that there is to know about a key. The reader, `--set`, errors, the resolved config, the record's hyperparameters and
/// docs/config.md come out of it.
#[derive(Debug)]
pub struct Entry {
    pub(crate) path: &'static str,
    pub(crate) takes: Takes,
    pub(crate) fallback: Fallback,
    /// Always, where none.
    pub(crate) when: Option<When>,
    /// Its name among the record's hyperparameters; none where it cannot change a result.
    pub(crate) recorded: Option<&'static str>,
    /// Whether it is recorded where its value is the default, too: the first records had it. A key that came after them is left out then.
    pub(crate) always_recorded: bool,
    pub(crate) meaning: &'static str,
}

impl Entry {
    /// Its place, with `[]` after a list of tables: `phases[].lr`.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// What its value must be, for "expected …".
    #[must_use]
    pub fn expects(&self) -> String {
        self.takes.expects()
    }

    /// Whether its value is one integer.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self.takes, Takes::Integer(_) | Takes::IntegerTo { .. })
    }

    /// Whether its value is one number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self.takes, Takes::Number(_))
    }

    /// What it is where it is not written, as TOML or in words; `None` where it must be.
    #[must_use]
    pub fn default(&self) -> Option<&'static str> {
        match self.fallback {
            Fallback::Required => None,
            Fallback::Is(value) => Some(value),
            Fallback::Worked { words, .. } | Fallback::WorkedInTable { words, .. } => Some(words),
        }
    }

    /// What it means, in one sentence without its full stop.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.meaning.trim_start()
    }

    /// Its name among the record's hyperparameters; none where it cannot change a result.
    #[must_use]
    pub fn recorded(&self) -> Option<&'static str> {
        self.recorded
    }

    /// Its places among `values`: one, or one in each table of its list.
    pub(crate) fn places(&self, values: &Values) -> Vec<String> {
        if !self.is_of_list() {
            return vec![self.path.to_owned()];
        }
        (0..values.tables(self.section())).map(|index| self.path.replace("[]", &format!(".{index}"))).collect()
    }

    /// Whether it stands in a list of tables, and has a value in each.
    pub(crate) fn is_of_list(&self) -> bool {
        self.path.contains("[]")
    }

    /// The part of its path before the last dot, without `[]`: the section that it stands in.
    pub(crate) fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section.trim_end_matches("[]"))
    }

    /// The part of its path after the last dot.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One `[table]`.
    Table,
    /// A list of `[[tables]]`.
    Tables,
}

/// A section of the file.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// What stands above its keys in the document.
    pub(crate) note: &'static str,
    pub(crate) keys: &'static [Entry],
}

impl Section {
    /// What a list's tables must have: "one table or more, each with `epochs` and `lr`".
    pub(crate) fn tables_in_words(&self) -> String {
        let count = if self.name == "phases" { "one table or more" } else { "tables" };
        format!("{count}, each with {}", self.required())
    }

    /// The keys that each table must have, in words.
    pub(crate) fn required(&self) -> String {
        let is_required = |key: &&Entry| matches!(key.fallback, Fallback::Required) && key.when.is_none();
        let names: Vec<String> = self.keys.iter().filter(is_required).map(|key| format!("`{}`", key.name())).collect();
        names.join(" and ")
    }
}

/// A section that is one table.
pub(crate) const fn table(name: &'static str, note: &'static str, keys: &'static [Entry]) -> Section {
    Section { name, shape: Shape::Table, note, keys }
}

/// A section that is a list of tables.
pub(crate) const fn tables(name: &'static str, note: &'static str, keys: &'static [Entry]) -> Section {
    Section { name, shape: Shape::Tables, note, keys }
}

/// Declares the keys of a section: `/// meaning` in one line or more, then `NAME: type, how it is converted = "path", takes, fallback, when, recorded;`,
/// `recorded, always` of a key that the first records had. Each becomes a [`Key`](crate::Key) constant and one of `ENTRIES`.
macro_rules! keys {
    (@is) => { false };
    (@is always) => { true };
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident: $type:ty, $convert:expr => $path:literal, $takes:expr, $fallback:expr, $when:expr, $recorded:expr
        $(, $always:ident)?;
    )+) => {
        $(
            #[doc = concat!("`", $path, "`:", $($meaning,)+ ".")]
            pub const $name: $crate::Key<$type> = $crate::Key { path: $path, convert: $convert };
        )+

        pub(super) const ENTRIES: &[$crate::Entry] = &[$($crate::Entry {
            path: $path,
            takes: $takes,
            fallback: $fallback,
            when: $when,
            recorded: $recorded,
            always_recorded: $crate::key::keys!(@is $($always)?),
            meaning: concat!($($meaning),+),
        },)+];
    };
}
pub(crate) use keys;
