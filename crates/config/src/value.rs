//! A key's value, after it has been found right.

use std::fmt;
use std::num::NonZeroUsize;

use strata_spec::{ClassWeights, Criterion, DeviceChoice, LayerList, LayerSpec, Named};

/// A value of a config. [`std::fmt::Display`] writes it as TOML.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// A list of integers.
    Integers(Vec<i64>),
    /// A list of numbers.
    Numbers(Vec<f64>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            // The shortest digits that read back to the same float, always with a point or an exponent.
            Self::Number(value) => write!(f, "{value:?}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{}", toml::Value::from(value.as_str())),
            Self::Texts(values) => {
                let values: Vec<String> =
                    values.iter().map(|text| toml::Value::from(text.as_str()).to_string()).collect();
                write!(f, "[{}]", values.join(", "))
            }
            Self::Integers(values) => write!(f, "{values:?}"),
            Self::Numbers(values) => write!(f, "{values:?}"),
        }
    }
}

/// The value as a size.
pub(crate) fn size(value: &Value) -> Option<usize> {
    match value {
        Value::Integer(value) => usize::try_from(*value).ok(),
        _ => None,
    }
}

/// The value as a size above 0.
pub(crate) fn count(value: &Value) -> Option<NonZeroUsize> {
    size(value).and_then(NonZeroUsize::new)
}

/// The value as a seed.
pub(crate) fn seed(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(value) => u64::try_from(*value).ok(),
        _ => None,
    }
}

/// The value as a number.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(value) => Some(*value),
        _ => None,
    }
}

/// The value as a truth value.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(*value),
        _ => None,
    }
}

/// The value as a string.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(value) => Some(value.clone()),
        _ => None,
    }
}

/// The value as a list of strings.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Texts(values) => Some(values.clone()),
        _ => None,
    }
}

/// The value as one of the choices of `T`.
pub(crate) fn named<T: Named>(value: &Value) -> Option<T> {
    match value {
        Value::Text(value) => T::from_name(value),
        _ => None,
    }
}

/// The value as what epochs are judged by.
pub(crate) fn criterion(value: &Value) -> Option<Criterion> {
    match value {
        Value::Text(value) => strata_metrics::criterion(value),
        _ => None,
    }
}

/// The value as a device.
pub(crate) fn device(value: &Value) -> Option<DeviceChoice> {
    match value {
        Value::Text(value) => value.parse().ok(),
        _ => None,
    }
}

/// The value as a list of sizes.
pub(crate) fn sizes(value: &Value) -> Option<Vec<usize>> {
    match value {
        Value::Integers(values) => values.iter().map(|value| usize::try_from(*value).ok()).collect(),
        _ => None,
    }
}

/// The value as three sizes.
pub(crate) fn triple(value: &Value) -> Option<[usize; 3]> {
    sizes(value)?.try_into().ok()
}

/// The value as weights of classes: a name is that of the balanced ones.
pub(crate) fn class_weights(value: &Value) -> Option<ClassWeights> {
    match value {
        Value::Numbers(values) => Some(ClassWeights::Each(values.clone())),
        Value::Text(_) => Some(ClassWeights::Balanced),
        _ => None,
    }
}

/// The value as layers.
pub(crate) fn layers(value: &Value) -> Option<Vec<LayerSpec>> {
    match value {
        Value::Text(text) => text.parse().ok().map(|LayerList(layers)| layers),
        _ => None,
    }
}

/// The value as two numbers.
pub(crate) fn pair(value: &Value) -> Option<[f64; 2]> {
    match value {
        Value::Numbers(values) => values.as_slice().try_into().ok(),
        _ => None,
    }
}
