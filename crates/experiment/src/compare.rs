//! Runs side by side, as the table of keys understands their hyperparameters.

use serde_json::{Map, Value};
use strata_config::{Meaning, Recorded};
use strata_report::{Comparison, Hyperparameter, Record};

use crate::record::json;

/// Compares runs by the table of keys: a value without an effect is no difference, and a key that is newer than a record has in it the default,
/// which is what every program before it did.
pub fn compare(records: &[Record]) -> Comparison {
    Comparison::of(records, &hyperparameters)
}

/// What the record's hyperparameters are: those of the table of keys, in its order, behind any other.
pub fn hyperparameters(record: &Record) -> Vec<Hyperparameter> {
    hyperparameters_of(&record.hyperparameters, record.schema)
}

/// What `all`, a record's of version `schema`, are.
pub(crate) fn hyperparameters_of(all: &Map<String, Value>, schema: u32) -> Vec<Hyperparameter> {
    let find = |name: &str| {
        let value = name.split('.').try_fold(None, |at: Option<&Value>, part| {
            let found = match at {
                None => all.get(part),
                Some(at) => at.get(part),
            };
            found.map(Some)
        });
        value.flatten().filter(|value| !value.is_null())
    };
    let is_list =
        |name: &str| strata_config::keys::all().any(|key| key.recorded() == Some(name) && key.path().contains("[]"));
    let typed = |name: &str| recorded(find(name)?, is_list(name));
    let Some(meanings) = strata_config::hyperparameters(&typed) else { return as_recorded(all) };
    let section = |name: &'static str| name.split('.').next().unwrap_or(name);
    let is_known = |name: &String| meanings.iter().any(|(known, _)| section(known) == name.as_str());
    let others = as_recorded(all).into_iter().filter(|other| !is_known(&other.name));
    // Records of schema 100 lack keys that were there; in later ones what is missing is newer than the record.
    let tells_all = schema > 100;
    let of_table = meanings.iter().map(|(name, meaning)| {
        let (value, is_recorded) = match meaning {
            Meaning::Recorded => (find(name).cloned(), true),
            Meaning::Default(default) => (default.clone().map(value), tells_all),
            Meaning::WithoutEffect => (None, true),
        };
        Hyperparameter { name: (*name).to_owned(), value, is_recorded }
    });
    others.chain(of_table).collect()
}

fn as_recorded(all: &Map<String, Value>) -> Vec<Hyperparameter> {
    let all = all.iter();
    all.map(|(name, value)| Hyperparameter { name: name.clone(), value: Some(value.clone()), is_recorded: true })
        .collect()
}

/// A value of a record as a config has it; none where it is none that a config could have.
fn recorded(value: &Value, is_list: bool) -> Option<Recorded> {
    match value {
        Value::Array(values) if is_list => {
            let value = |value: &Value| match value {
                Value::Null => Some(None),
                value => typed(value).map(Some),
            };
            values.iter().map(value).collect::<Option<Vec<_>>>().map(Recorded::OfPhases)
        }
        _ if is_list => None,
        value => typed(value).map(Recorded::One),
    }
}

fn typed(value: &Value) -> Option<strata_config::Value> {
    use strata_config::Value as Config;
    Some(match value {
        Value::Bool(value) => Config::Boolean(*value),
        Value::String(value) => Config::Text(value.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Config::Integer(value),
            None => Config::Number(number.as_f64()?),
        },
        Value::Array(values) => {
            if let Some(integers) = values.iter().map(Value::as_i64).collect() {
                Config::Integers(integers)
            } else if let Some(numbers) = values.iter().map(Value::as_f64).collect() {
                Config::Numbers(numbers)
            } else {
                Config::Texts(values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>()?)
            }
        }
        _ => return None,
    })
}

/// A value of a config as a record has it.
fn value(recorded: Recorded) -> Value {
    match recorded {
        Recorded::One(value) => json(value),
        Recorded::OfPhases(values) => {
            Value::Array(values.into_iter().map(|value| value.map_or(Value::Null, json)).collect())
        }
    }
}
