//! A row of history as a flat JSON object: the keys that every row has, then whatever else was measured. Text and objects that a person added
//! are passed over; numbers of any key are kept.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use strata_spec::HistoryRow;

use super::HistoryEntry;

/// The most further values of a row: a crafted one would otherwise take many times its text.
const MAX_VALUES: usize = 64;

/// A row as a line of `history.jsonl` has it.
pub(crate) struct WrittenRow<'a>(pub(crate) &'a HistoryRow);

impl Serialize for WrittenRow<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(self.0, None, to)
    }
}

impl Serialize for HistoryEntry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(&self.line, Some(self.seconds), to)
    }
}

fn write<S: Serializer>(line: &HistoryRow, seconds: Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    map.serialize_entry("phase", &line.phase)?;
    map.serialize_entry("epoch", &line.epoch)?;
    map.serialize_entry("lr", &line.learning_rate)?;
    map.serialize_entry("train_loss", &line.train_loss)?;
    map.serialize_entry("val_loss", &line.val_loss)?;
    map.serialize_entry("val_acc", &line.val_acc)?;
    for (key, value) in &line.values {
        map.serialize_entry(key, value)?;
    }
    if let Some(seconds) = seconds {
        map.serialize_entry("seconds", &seconds)?;
    }
    map.end()
}

/// A row that was read from a line of `history.jsonl`.
pub(crate) struct ReadRow(pub(crate) HistoryRow);

impl<'de> Deserialize<'de> for ReadRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(from.deserialize_map(Row { has_seconds: false })?.line))
    }
}

impl<'de> Deserialize<'de> for HistoryEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Row { has_seconds: true })
    }
}

/// Reads either.
struct Row {
    has_seconds: bool,
}

impl<'de> Visitor<'de> for Row {
    type Value = HistoryEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of history, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HistoryEntry, A::Error> {
        let (mut phase, mut epoch, mut lr, mut train_loss) = (None, None, None, None);
        let (mut val_loss, mut val_acc, mut seconds) = (None, None, None);
        let mut values = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "phase" => once(&mut phase, map.next_value::<Option<usize>>()?, "phase")?,
                "epoch" => once(&mut epoch, map.next_value::<Option<usize>>()?, "epoch")?,
                "lr" => once(&mut lr, map.next_value::<Option<f64>>()?, "lr")?,
                "train_loss" => once(&mut train_loss, map.next_value::<Option<f64>>()?, "train_loss")?,
                "val_loss" => once(&mut val_loss, map.next_value::<Option<f64>>()?, "val_loss")?,
                "val_acc" => once(&mut val_acc, map.next_value::<Option<f64>>()?, "val_acc")?,
                "seconds" if self.has_seconds => once(&mut seconds, map.next_value::<Option<f64>>()?, "seconds")?,
                _ => {
                    let MaybeNumber(Some(value)) = map.next_value()? else { continue };
                    if values.len() == MAX_VALUES {
                        return Err(A::Error::custom(format!("more than {MAX_VALUES} further values")));
                    }
                    values.insert(key, value);
                }
            }
        }
        // JSON has no NaN: a number that is not finite was written as `null`.
        let required = |value: Option<Option<f64>>, key| match value {
            Some(value) => Ok(value.unwrap_or(f64::NAN)),
            None => Err(A::Error::missing_field(key)),
        };
        let line = HistoryRow {
            phase: phase.flatten(),
            epoch: epoch.flatten(),
            learning_rate: lr.flatten(),
            train_loss: train_loss.flatten(),
            val_loss: required(val_loss, "val_loss")?,
            val_acc: required(val_acc, "val_acc")?,
            values,
        };
        let seconds = if self.has_seconds { required(seconds, "seconds")? } else { f64::NAN };
        Ok(HistoryEntry { line, seconds })
    }
}

fn once<T, E: Error>(place: &mut Option<T>, value: T, key: &'static str) -> Result<(), E> {
    if place.replace(value).is_some() { Err(E::duplicate_field(key)) } else { Ok(()) }
}

/// A number, `null` being one that is not finite; none where the value is anything else.
struct MaybeNumber(Option<f64>);

impl<'de> Deserialize<'de> for MaybeNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = MaybeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_f64<E>(self, value: f64) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(Some(value)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(Some(value as f64)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(Some(value as f64)))
            }

            fn visit_unit<E>(self) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(Some(f64::NAN)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<MaybeNumber, E> {
                Ok(MaybeNumber(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<MaybeNumber, A::Error> {
                while entries.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeNumber(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<MaybeNumber, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeNumber(None))
            }
        }
        from.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"phase":0,"epoch":3,"lr":0.1,"train_loss":1.5,"val_loss":1.25,"val_acc":0.5"#;

    #[test]
    fn further_metrics_are_keys_in_their_order() {
        let text = format!(r#"{LINE},"lr_last":0.05,"val_top5_acc":0.75}}"#);
        let ReadRow(line) = serde_json::from_str(&text).unwrap();
        assert_eq!(line.values.get("val_top5_acc"), Some(&0.75));
        assert_eq!(serde_json::to_string(&WrittenRow(&line)).unwrap(), text);
        let entry = serde_json::to_string(&HistoryEntry::new(line.clone(), 2.5)).unwrap();
        assert_eq!(entry, format!(r#"{},"seconds":2.5}}"#, text.trim_end_matches('}')));
        assert_eq!(serde_json::from_str::<HistoryEntry>(&entry).unwrap(), HistoryEntry::new(line, 2.5));
    }

    #[test]
    fn values_that_are_no_numbers_are_skipped() {
        let text = format!(r#"{LINE},"a":"text","b":{{"c":[1]}},"d":[{{}}],"e":true}}"#);
        let ReadRow(line) = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&WrittenRow(&line)).unwrap(), format!("{LINE}}}"));
    }

    #[test]
    fn required_keys_occur_once_and_further_values_are_bounded() {
        let error = |text: &str| serde_json::from_str::<ReadRow>(text).map(|_| ()).unwrap_err().to_string();
        assert!(error(r#"{"val_loss":1.0}"#).contains("missing field `val_acc`"));
        assert!(error(&format!(r#"{LINE},"epoch":4}}"#)).contains("duplicate field `epoch`"));
        assert!(
            serde_json::from_str::<HistoryEntry>(&format!("{LINE}}}")).unwrap_err().to_string().contains("seconds")
        );
        let many: String = (0..65).map(|number| format!(r#","v{number}":1"#)).collect();
        assert!(error(&format!("{LINE}{many}}}")).contains("more than 64"));
    }
}
