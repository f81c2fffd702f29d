//! Which runs are wanted: `val_acc > 0.6 and optimizer == adamw`.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

/// Comparisons that all have to hold.
///
/// ```
/// use serde_json::json;
/// use strata_report::Filter;
///
/// let filter: Filter = "val_acc > 0.6 and optimizer == adamw".parse()?;
/// let run = |acc: f64| move |key: &str| match key {
///     "val_acc" => Some(json!(acc)),
///     "optimizer" => Some(json!("adamw")),
///     _ => None,
/// };
/// assert!(filter.matches(&run(0.7)) && !filter.matches(&run(0.6)));
/// assert_eq!(filter.keys().collect::<Vec<_>>(), ["val_acc", "optimizer"]);
/// # Ok::<(), strata_report::FilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    comparisons: Vec<Comparison>,
}

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    key: String,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longest first: `<=` begins with `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// A text that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no comparison: it is a key, one of ==, !=, <, <=, >, >=, and a value, as in val_acc > 0.6")]
pub struct FilterError {
    /// The part that is none.
    pub text: String,
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let comparisons = split(text).into_iter().map(comparison).collect::<Result<_, _>>()?;
        Ok(Self { comparisons })
    }
}

impl Filter {
    /// Also what `other` asks for.
    pub fn and(&mut self, other: Self) {
        self.comparisons.extend(other.comparisons);
    }

    /// The keys that are compared.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.comparisons.iter().map(|comparison| comparison.key.as_str())
    }

    /// Whether each comparison holds of what `find` finds under its key. A key that has no value is unequal to every value, and neither less nor more. A list is
    /// whatever one of its values is: `lrs < 0.1` of two rates holds where the smaller one is, and `lrs != 0.1` where neither is that.
    pub fn matches(&self, find: &dyn Fn(&str) -> Option<Value>) -> bool {
        self.comparisons.iter().all(|comparison| {
            let found = find(&comparison.key).filter(|value| !value.is_null());
            let has = |order: fn(Ordering) -> bool| {
                found.as_ref().is_some_and(|found| has_order(found, &comparison.value, order))
            };
            match comparison.operator {
                Operator::Equal => has(Ordering::is_eq),
                Operator::Unequal => !has(Ordering::is_eq),
                Operator::Less => has(Ordering::is_lt),
                Operator::LessOrEqual => has(Ordering::is_le),
                Operator::Greater => has(Ordering::is_gt),
                Operator::GreaterOrEqual => has(Ordering::is_ge),
            }
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Comparison { key, operator, value }) in self.comparisons.iter().enumerate() {
            let sign = OPERATORS.iter().find(|(_, other)| other == operator).map_or("==", |(sign, _)| sign);
            write!(f, "{}{key} {sign} {value}", if number > 0 { " and " } else { "" })?;
        }
        Ok(())
    }
}

/// The parts between `and`s that stand outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if at >= start && text[at..].starts_with(" and ") => {
                parts.push(&text[start..at]);
                start = at + " and ".len();
            }
            None => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn comparison(text: &str) -> Result<Comparison, FilterError> {
    let error = || FilterError { text: text.trim().to_owned() };
    let at = text.find(['=', '!', '<', '>']).ok_or_else(error)?;
    let (key, rest) = text.split_at(at);
    let (sign, operator) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(error)?;
    let (key, value) = (key.trim(), rest[sign.len()..].trim());
    if key.is_empty() || key.contains(char::is_whitespace) || value.is_empty() {
        return Err(error());
    }
    let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    if unquoted.is_none() && value.contains(char::is_whitespace) {
        return Err(error());
    }
    let value = match unquoted {
        Some(text) => Value::from(text),
        None => serde_json::from_str(value)
            .ok()
            .filter(|value: &Value| value.is_number() || value.is_boolean())
            .unwrap_or_else(|| Value::from(value)),
    };
    Ok(Comparison { key: key.to_owned(), operator: *operator, value })
}

/// Whether `found` or, of a list, one of its values is in this order to `wanted`.
fn has_order(found: &Value, wanted: &Value, order: fn(Ordering) -> bool) -> bool {
    match found {
        Value::Array(values) => values.iter().any(|value| has_order(value, wanted, order)),
        found => order_of_values(found, wanted).is_some_and(order),
    }
}

/// The order of two values: numbers by their value, texts by their letters; none of two kinds.
pub fn order_of_values(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(key: &str) -> Option<Value> {
        let run = json!({
            "val_acc": 0.6, "optimizer": "adamw", "name": "a and b", "nesterov": true, "lrs": [0.1, 0.01], "seed": 43, "driver": null,
            "epochs": [10], "hidden": [],
        });
        run.get(key).cloned()
    }

    #[test]
    fn a_run_matches_where_every_comparison_holds() {
        let cases = [
            ("val_acc > 0.5", true),
            ("val_acc>0.6", false),
            ("val_acc >= 0.6", true),
            ("val_acc < 1 and seed == 43", true),
            ("val_acc < 1 and seed != 43", false),
            ("optimizer = adamw", true),
            ("optimizer == 'sgd'", false),
            ("name == \"a and b\"", true),
            ("nesterov == true", true),
            ("lrs == 0.01", true),
            ("lrs == 0.5", false),
            ("driver == 580", false),
            ("driver != 580", true),
            ("missing < 1", false),
            ("optimizer > 1", false),
            ("lrs < 0.05", true),
            ("lrs > 0.05 and lrs >= 0.1", true),
            ("lrs > 0.1", false),
            ("lrs <= 0.001", false),
            ("lrs != 0.1", false),
            ("epochs > 5 and epochs <= 10", true),
            ("epochs > 10", false),
            ("hidden < 5", false),
            ("seed == \"43\"", false),
        ];
        for (text, expected) in cases {
            let filter: Filter = text.parse().unwrap();
            assert_eq!(filter.matches(&find), expected, "{text}");
            assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter, "{filter}");
        }
    }

    #[test]
    fn what_is_no_comparison_is_an_error_that_shows_one() {
        for text in ["", "val_acc", "> 0.5", "val_acc >", "val_acc ! 3", "a b == 3", "seed == 1 and"] {
            let error = text.parse::<Filter>().unwrap_err().to_string();
            assert!(error.contains("is no comparison") && error.contains("val_acc > 0.6"), "{text}: {error}");
        }
    }
}
