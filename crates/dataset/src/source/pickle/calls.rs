//! The calls that NumPy's arrays consist of: recognised by name, done here, and no others.

use std::borrow::Cow;

use super::machine::Machine;
use super::{Array, Id, MOST_PARTS, Result, Value, integer, integer_size};

impl Machine<'_> {
    /// The calls that arrays consist of, by name; what they would do is done here.
    pub(super) fn call(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Tuple(arguments) = &self.values[arguments] else {
            return Err("the arguments of a call are no tuple".to_owned());
        };
        let Value::Global(module, name) = self.values[function] else {
            return Err("it calls what has no name".to_owned());
        };
        let argument = |number: usize| arguments.get(number).map(|id| &self.values[*id]);
        let wrong = || format!("the arguments of {module}.{name} are not those of an array");
        let value = match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Value::Array(None),
            ("numpy", "dtype") => match argument(0) {
                Some(Value::Text(text)) if text.len() <= MOST_PARTS => Value::Type((*text).to_owned(), false),
                Some(Value::Bytes(bytes)) if bytes.len() <= MOST_PARTS => {
                    Value::Type(String::from_utf8_lossy(bytes).into_owned(), false)
                }
                _ => return Err(wrong()),
            },
            // How Python 3 writes bytes in protocol 2.
            ("_codecs", "encode") => match (argument(0), argument(1)) {
                (Some(Value::Text(text)), Some(Value::Text("latin1"))) => {
                    // Each text is decoded once; one that is recalled again and again would fill the memory.
                    self.decoded += text.len();
                    if self.decoded > self.bytes.len() {
                        return Err("it decodes a text again and again".to_owned());
                    }
                    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                    Value::Bytes(bytes.ok_or_else(wrong)?.into())
                }
                _ => return Err(wrong()),
            },
            ("__builtin__" | "builtins", "bytes") if arguments.is_empty() => Value::Bytes(Cow::Borrowed(&[])),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
                let [bytes, kind, shape, order] = arguments[..] else { return Err(wrong()) };
                let is_fortran = matches!(self.values[order], Value::Text("F"));
                Value::Array(Some(Array { shape: self.sizes(shape)?, kind, is_fortran, bytes }))
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => match (argument(0), argument(1)) {
                (Some(Value::Type(name, is_big_endian)), Some(Value::Bytes(bytes)))
                    if integer_size(name) == Some(bytes.len()) =>
                {
                    Value::Integer(integer(bytes, name, *is_big_endian).ok_or_else(wrong)?)
                }
                _ => return Err(wrong()),
            },
            _ => {
                return Err(format!(
                    "it calls {}, which is not done",
                    strata_files::escape_truncated(&format!("{module}.{name}"))
                ));
            }
        };
        self.push(value)
    }

    /// Gives an array or a type the state that NumPy stores of it.
    pub(super) fn build(&mut self) -> Result<()> {
        let (state, object) = (self.pop()?, self.top()?);
        let Value::Tuple(state) = &self.values[state] else {
            return Err("the state of an object is no tuple".to_owned());
        };
        if state.len() > MOST_PARTS {
            return Err("the state of an object is too long".to_owned());
        }
        let state = state.clone();
        match &self.values[object] {
            // Version, shape, type, whether in Fortran's order, bytes.
            Value::Array(None) => {
                let [_, shape, kind, is_fortran, bytes] = state[..] else {
                    return Err("the state of an array is not NumPy's".to_owned());
                };
                let is_fortran = matches!(self.values[is_fortran], Value::Integer(1));
                let array = Array { shape: self.sizes(shape)?, kind, is_fortran, bytes };
                self.values[object] = Value::Array(Some(array));
            }
            // Version, byte order, and what only structured types have.
            Value::Type(name, _) => {
                let order = match state.get(1).map(|id| &self.values[*id]) {
                    Some(Value::Text(text)) => text.as_bytes(),
                    Some(Value::Bytes(bytes)) => bytes.as_ref(),
                    _ => return Err("the state of a type is not NumPy's".to_owned()),
                };
                let built = Value::Type(name.clone(), order == b">");
                self.values[object] = built;
            }
            _ => return Err("it sets the state of what has none".to_owned()),
        }
        Ok(())
    }

    fn sizes(&self, shape: Id) -> Result<Vec<usize>> {
        let Value::Tuple(sizes) = &self.values[shape] else {
            return Err("the shape of an array is no tuple".to_owned());
        };
        if sizes.len() > MOST_PARTS {
            return Err("an array has too many dimensions".to_owned());
        }
        let size = |id: &Id| match self.values[*id] {
            Value::Integer(size) => usize::try_from(size).map_err(|_| "a size of an array is negative".to_owned()),
            _ => Err("a size of an array is no integer".to_owned()),
        };
        sizes.iter().map(size).collect()
    }
}
