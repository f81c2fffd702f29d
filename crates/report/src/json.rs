//! A record as text for people and for `diff`: one key a line at the top, one entry of the history a line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::record::Record;

/// Objects and lists deeper than this are written on one line.
const OPEN: usize = 2;

/// Writes `record` as `record.json` has it, a newline at the end.
pub(crate) fn write_record_json(to: &mut dyn Write, record: &Record) -> io::Result<()> {
    let formatter = Outline { pretty: PrettyFormatter::new(), compact: CompactFormatter, depth: 0 };
    let mut serializer = Serializer::with_formatter(&mut *to, formatter);
    if record.extra.is_empty() {
        record.serialize(&mut serializer)?;
    } else {
        record.extra.merge(&serde_json::to_value(record)?).serialize(&mut serializer)?;
    }
    to.write_all(b"\n")
}

/// Pretty down to [`OPEN`] levels, compact below.
struct Outline {
    pretty: PrettyFormatter<'static>,
    compact: CompactFormatter,
    depth: usize,
}

/// Passes a call on to the formatter of the present depth.
macro_rules! at_depth {
    ($self:ident, $call:ident ( $($argument:expr),* )) => {
        if $self.depth <= OPEN { $self.pretty.$call($($argument),*) } else { $self.compact.$call($($argument),*) }
    };
}

impl Formatter for Outline {
    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        at_depth!(self, begin_array(to))
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        let ended = at_depth!(self, end_array(to));
        self.depth -= 1;
        ended
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        at_depth!(self, begin_array_value(to, first))
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        at_depth!(self, end_array_value(to))
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        at_depth!(self, begin_object(to))
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        let ended = at_depth!(self, end_object(to));
        self.depth -= 1;
        ended
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        at_depth!(self, begin_object_key(to, first))
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        at_depth!(self, begin_object_value(to))
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        at_depth!(self, end_object_value(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlined_json_is_equal_and_has_one_entry_per_line() {
        let mut record = Record::new("a", vec!["strata".into()]);
        record.hyperparameters.insert("hidden".into(), vec![2048, 64].into());
        for epoch in [None, Some(0)] {
            let line = strata_spec::HistoryRow { epoch, ..strata_spec::HistoryRow::initial(2.25, 0.5) };
            record.history.push(crate::history::HistoryEntry::new(line, 1.5));
        }
        let mut text = Vec::new();
        write_record_json(&mut text, &record).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        assert!(text.contains("\n    \"hidden\": [2048,64]\n"), "{text}");
        assert_eq!(text.lines().filter(|l| l.contains("val_loss\":2.25")).count(), 2, "{text}");
        assert!(text.ends_with("\n}\n"));
    }
}
