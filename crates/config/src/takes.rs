//! What a key's value may be: how it is read from TOML, and how that is said.

use std::borrow::Cow;
use std::ops::Range;

use strata_spec::{Integers, LayerList, LayerSpec, Named, Numbers};
use toml::Spanned;
use toml::de::DeValue;

use crate::suggest::nearest;
use crate::value::Value;

/// A choice's name and its sentence.
pub(crate) type Choice = (Cow<'static, str>, Cow<'static, str>);

/// What a key's value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// An integer.
    Integer(Integers),
    /// An integer whose largest value depends on other keys, as the words say.
    IntegerTo { least: i64, most: &'static str },
    /// A number, in 32 bits too.
    Number(Numbers),
    /// `true` or `false`.
    Boolean,
    /// One of some names.
    Choice(fn() -> Vec<Choice>),
    /// A list of some names, each at most once.
    Names(fn() -> Vec<Choice>),
    /// A string that `read` takes, as it is kept.
    Text { expects: &'static str, read: fn(&str) -> Option<String> },
    /// Layers in words, at least one that is not plainly dense; kept as the words that [`LayerList`] has for them.
    Layers,
    /// A list of integers.
    Integers { most: usize, each: Integers },
    /// Three integers.
    Triple(Integers),
    /// Two numbers.
    Pair(Numbers),
    /// One name, or a list of numbers, one for each class.
    NameOrNumbers { name: &'static str, each: Numbers },
}

/// Why a value is not taken, where in the text.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) span: Range<usize>,
    /// Instead of "expected …".
    pub(crate) message: Option<String>,
}

/// What epochs can be judged by.
pub(crate) fn criteria() -> Vec<Choice> {
    let criteria = strata_metrics::criteria().into_iter();
    criteria.map(|(criterion, sentence)| (criterion.key.into(), sentence.into())).collect()
}

/// All choices of `T` with their sentences.
pub(crate) fn choices<T: Named>() -> Vec<Choice> {
    T::ALL.iter().map(|choice| (choice.as_str().into(), choice.sentence().into())).collect()
}

impl Takes {
    /// For "expected …", and for a document.
    pub(crate) fn expects(self) -> String {
        match self {
            Self::Integer(range) => format!("an integer {range}"),
            Self::IntegerTo { least, most } => format!("an integer from {least} to {most}"),
            Self::Number(range) => format!("a number {range}"),
            Self::Boolean => "true or false".to_owned(),
            Self::Choice(choices) => {
                let names: Vec<String> = choices().iter().map(|(name, _)| format!("\"{name}\"")).collect();
                match names.as_slice() {
                    [only] => format!("the string {only}"),
                    [first @ .., last] => format!("{} or {last}", first.join(", ")),
                    [] => "nothing".to_owned(),
                }
            }
            Self::Names(choices) => {
                let names: Vec<String> = choices().iter().map(|(name, _)| format!("\"{name}\"")).collect();
                format!("a list of names, each of {}", names.join(", "))
            }
            Self::Text { expects, .. } => expects.to_owned(),
            Self::Layers => format!("a string of layers, as in {LAYERS}"),
            Self::Integers { most, each } => format!("a list of at most {most} integers, each {each}"),
            Self::Triple(each) => format!("a list of three integers, each {each}"),
            Self::Pair(each) => format!("a list of two numbers, each {each}"),
            Self::NameOrNumbers { name, each } => {
                format!("\"{name}\", or a list of numbers, one for each class, each {each}")
            }
        }
    }

    /// Reads a value.
    pub(crate) fn read(self, value: &Spanned<DeValue<'_>>) -> Result<Value, Refused> {
        let refused = || Refused { span: value.span(), message: None };
        match self {
            Self::Integer(range) => {
                integer(value).filter(|found| range.contains(*found)).map(Value::Integer).ok_or_else(refused)
            }
            // Its range is checked once the other keys are known.
            Self::IntegerTo { .. } => integer(value).map(Value::Integer).ok_or_else(refused),
            Self::Number(range) => in_range(value, range).map(Value::Number).ok_or_else(refused),
            Self::Boolean => value.get_ref().as_bool().map(Value::Boolean).ok_or_else(refused),
            Self::Choice(choices) => choice(value, &choices()),
            Self::Names(choices) => names(value, &choices()),
            Self::Text { read, .. } => value.get_ref().as_str().and_then(read).map(Value::Text).ok_or_else(refused),
            Self::Layers => {
                let text = value.get_ref().as_str().ok_or_else(refused)?;
                let refused = |message| Refused { span: value.span(), message: Some(message) };
                layers(text).map(|layers| Value::Text(layers.to_string())).map_err(refused)
            }
            Self::Integers { most, each } => {
                let list = value.get_ref().as_array().filter(|list| list.len() <= most).ok_or_else(refused)?;
                let read = |item| Self::Integer(each).read(item);
                let items: Vec<Value> = list.iter().map(read).collect::<Result<_, _>>()?;
                let integer = |item| if let Value::Integer(item) = item { Some(item) } else { None };
                Ok(Value::Integers(items.into_iter().filter_map(integer).collect()))
            }
            Self::Triple(each) => match value.get_ref().as_array() {
                Some(list) if list.len() == 3 => Self::Integers { most: 3, each }.read(value),
                _ => Err(refused()),
            },
            Self::NameOrNumbers { name, .. } if value.get_ref().as_str() == Some(name) => Ok(Value::Text(name.into())),
            Self::NameOrNumbers { each, .. } => {
                let list = value.get_ref().as_array().filter(|list| list.len() <= 256).ok_or_else(refused)?;
                let read = |item: &Spanned<DeValue<'_>>| {
                    in_range(item, each).ok_or_else(|| Refused { span: item.span(), message: None })
                };
                list.iter().map(read).collect::<Result<_, _>>().map(Value::Numbers)
            }
            Self::Pair(each) => {
                let list = value.get_ref().as_array().filter(|list| list.len() == 2).ok_or_else(refused)?;
                let read = |item: &Spanned<DeValue<'_>>| {
                    in_range(item, each).ok_or_else(|| Refused { span: item.span(), message: None })
                };
                list.iter().map(read).collect::<Result<_, _>>().map(Value::Numbers)
            }
        }
    }

    /// Whether `text`, in quotes, would be taken where a string is.
    pub(crate) fn takes_text(self, text: &str) -> bool {
        match self {
            Self::Text { read, .. } => read(text).is_some(),
            Self::Layers => layers(text).is_ok(),
            _ => false,
        }
    }
}

const LAYERS: &str = "\"512 batch_norm gelu, skip(layer_norm, 2048 gelu, 512)\"";

fn layers(text: &str) -> Result<LayerList, String> {
    let list: LayerList = text.parse().map_err(|error| format!("{error}; expected layers, as in {LAYERS}"))?;
    if list.0.iter().all(|layer| matches!(layer, LayerSpec::Dense { .. })) {
        let widths: Vec<String> = list.to_string().split(", ").map(str::to_owned).collect();
        return Err(format!(
            "widths alone do not say what follows each: as in `{0} relu`, or `{0} identity` for nothing; or write hidden = [{1}]",
            widths[0],
            widths.join(", ")
        ));
    }
    Ok(list)
}

fn choice(value: &Spanned<DeValue<'_>>, choices: &[Choice]) -> Result<Value, Refused> {
    let Some(name) = value.get_ref().as_str() else {
        return Err(Refused { span: value.span(), message: None });
    };
    let names = || choices.iter().map(|(name, _)| name.as_ref());
    match names().find(|choice| *choice == name) {
        Some(found) => Ok(Value::Text(found.to_owned())),
        None => {
            let hint = nearest(name, names()).map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
            let all = names().collect::<Vec<_>>().join(", ");
            let message = Some(format!("unknown choice; {hint}choose one of {all}"));
            Err(Refused { span: value.span(), message })
        }
    }
}

fn names(value: &Spanned<DeValue<'_>>, choices: &[Choice]) -> Result<Value, Refused> {
    let list = value.get_ref().as_array().ok_or_else(|| Refused { span: value.span(), message: None })?;
    let mut names = Vec::new();
    for item in list {
        if let Value::Text(name) = choice(item, choices)? {
            if names.contains(&name) {
                return Err(Refused { span: item.span(), message: Some("is named twice".to_owned()) });
            }
            names.push(name);
        }
    }
    Ok(Value::Texts(names))
}

fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let found = value.get_ref().as_integer()?;
    i64::from_str_radix(found.as_str(), found.radix()).ok()
}

/// A number may be written as an integer.
fn in_range(value: &Spanned<DeValue<'_>>, range: Numbers) -> Option<f64> {
    let found = match value.get_ref() {
        DeValue::Float(float) => float.as_str().parse().ok()?,
        DeValue::Integer(_) => integer(value)? as f64,
        _ => return None,
    };
    // The sum takes the sign of -0.0.
    range.contains(found).then_some(found + 0.0)
}
