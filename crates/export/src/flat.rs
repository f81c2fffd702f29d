//! Hyperparameters as a flat list.

use serde_json::{Map, Value};

/// Each value under its path, `early_stopping.patience`; lists are values, and what is null is not there.
pub(crate) fn flatten(map: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in map {
        match value {
            Value::Null => {}
            Value::Object(inner) => {
                found.extend(flatten(inner).into_iter().map(|(below, value)| (format!("{key}.{below}"), value)));
            }
            value => found.push((key.clone(), value)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_gets_its_path() {
        let value: Value = serde_json::json!({"a": 1, "b": {"c": [1, 2], "d": {"e": true}}, "f": null});
        let found: Vec<_> =
            flatten(value.as_object().unwrap()).into_iter().map(|(key, v)| format!("{key}={v}")).collect();
        assert_eq!(found, ["a=1", "b.c=[1,2]", "b.d.e=true"]);
    }
}
