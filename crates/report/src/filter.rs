//! Which runs are wanted: `val_acc > 0.6 and optimizer == adamw`.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use crate::error::ReportError;

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

    /// Refuses what no run could be, whatever its numbers: less or more than a value of another kind. `found` gives all values that there are under a key.
    ///
    /// # Errors
    /// [`ReportError::NoOrder`] of `val_acc > 0,1`, where every accuracy is a number.
    pub fn check<'a>(&self, found: &dyn Fn(&str) -> Vec<&'a Value>) -> Result<(), ReportError> {
        let ordered = |one: &&Comparison| !matches!(one.operator, Operator::Equal | Operator::Unequal);
        for Comparison { key, value, .. } in self.comparisons.iter().filter(ordered) {
            let values = found(key);
            let first = values.iter().find(|value| !value.is_null());
            if let (Some(first), false) = (first, values.iter().any(|found| has_order(found, value, |_| true))) {
                let (key, found, kind) = (key.clone(), kind(first), kind(value));
                return Err(ReportError::NoOrder { key, found, value: value.to_string(), kind });
            }
        }
        Ok(())
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
    // `=> 0.5` is no operator of ours, and no run has such a text.
    if value.starts_with(['=', '<', '>', '!']) {
        return Err(error());
    }
    let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    if unquoted.is_none() && value.contains(char::is_whitespace) {
        return Err(error());
    }
    let value = match unquoted {
        Some(text) => Value::from(text),
        None => number(value).or_else(|| value.parse().ok().map(Value::Bool)).unwrap_or_else(|| Value::from(value)),
    };
    Ok(Comparison { key: key.to_owned(), operator: *operator, value })
}

/// A number as JSON has it, or as people write it beyond that: `.1`, `1.`, `+1`. What begins with zeros is a name (`007`).
fn number(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_written = digits.starts_with('.') || digits.starts_with(|c: char| c.is_ascii_digit());
    let is_padded = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    let as_json = || serde_json::from_str(text).ok().filter(Value::is_number);
    let as_float = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
    if is_written && !is_padded { as_json().or_else(as_float) } else { None }
}

/// Whether `found` or, of a list, one of its values is in this order to `wanted`.
fn has_order(found: &Value, wanted: &Value, order: fn(Ordering) -> bool) -> bool {
    match found {
        Value::Array(values) => values.iter().any(|value| has_order(value, wanted, order)),
        found => order_of_values(found, wanted).is_some_and(order),
    }
}

/// What a value is, in words; a list is what its values are.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(values) => values.first().map_or("an empty list", kind),
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Bool(_) => "true or false",
        Value::Null => "nothing",
        Value::Object(_) => "several values",
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

/// The order of any two values in a sorted list: of one kind by [`order_of_values`], of two by the kind; lists by their first values that differ, the shorter one
/// first, and what is no list is one of one value.
///
/// ```
/// use serde_json::json;
/// use strata_report::order_to_sort_by;
///
/// let mut epochs = [json!([10]), json!([2, 3]), json!(3), json!([2])];
/// epochs.sort_by(order_to_sort_by);
/// assert_eq!(epochs, [json!([2]), json!([2, 3]), json!(3), json!([10])]);
/// ```
pub fn order_to_sort_by(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) | Value::Object(_) => 4,
    };
    let lists = |a: &[Value], b: &[Value]| {
        let differing = a.iter().zip(b).map(|(a, b)| order_to_sort_by(a, b)).find(|order| order.is_ne());
        differing.unwrap_or_else(|| a.len().cmp(&b.len()))
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => lists(a, b),
        (Value::Array(a), b) => lists(a, std::slice::from_ref(b)),
        (a, Value::Array(b)) => lists(std::slice::from_ref(a), b),
        (a, b) => order_of_values(a, b)
            .unwrap_or_else(|| rank(a).cmp(&rank(b)).then_with(|| a.to_string().cmp(&b.to_string()))),
    }
}

#[cfg(test)]
mod tests;
