//! The stack machine that a pickle is a program for.

use std::borrow::Cow;

use super::{Id, MOST_PARTS, MOST_VALUES, Result, Value, integer};

/// The stack machine.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// The stack's height at each mark.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
    /// Bytes of texts that were decoded.
    pub(super) decoded: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new(), decoded: 0 }
    }

    /// Runs up to the end; the value that is left.
    pub(super) fn run(&mut self) -> Result<Id> {
        loop {
            let code = self.take(1)?[0];
            match code {
                // PROTO and FRAME
                0x80 => {
                    let protocol = self.take(1)?[0];
                    if !(2..=5).contains(&protocol) {
                        return Err(format!("it is of protocol {protocol}; 2 to 5 are read"));
                    }
                }
                0x95 => drop(self.take(8)?),
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' => self.push(Value::None)?,
                0x88 => self.push(Value::Integer(1))?,
                0x89 => self.push(Value::Integer(0))?,
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(Value::Integer(value.into()))?;
                }
                b'K' => {
                    let value = self.take(1)?[0];
                    self.push(Value::Integer(value.into()))?;
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.push(Value::Integer(value.into()))?;
                }
                // LONG1
                0x8a => {
                    let length = self.take(1)?[0].into();
                    let bytes = self.take(length)?;
                    let value = match length {
                        0 => 0,
                        1..=8 => integer(bytes, "i", false).ok_or("an integer is too long")?,
                        _ => return Err("an integer is too long".to_owned()),
                    };
                    self.push(Value::Integer(value))?;
                }
                b'G' => {
                    self.take(8)?;
                    self.push(Value::Float)?;
                }
                // Strings of Python 2, bytes of Python 3
                b'U' | b'C' => {
                    let length = self.take(1)?[0].into();
                    self.push_bytes(length)?;
                }
                b'T' | b'B' => {
                    let length = u32::from_le_bytes(self.array()?) as usize;
                    self.push_bytes(length)?;
                }
                0x8e | 0x96 => {
                    let length = self.length8()?;
                    self.push_bytes(length)?;
                }
                0x8c => {
                    let length = self.take(1)?[0].into();
                    self.push_text(length)?;
                }
                b'X' => {
                    let length = u32::from_le_bytes(self.array()?) as usize;
                    self.push_text(length)?;
                }
                0x8d => {
                    let length = self.length8()?;
                    self.push_text(length)?;
                }
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b']' => self.push(Value::List(Vec::new()))?,
                b')' => self.push(Value::Tuple(Vec::new()))?,
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let start = self.stack.len().checked_sub(count).ok_or("its stack is empty")?;
                    let items = self.above(start)?;
                    self.push(Value::Tuple(items))?;
                }
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Tuple(items))?;
                }
                b'l' => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items))?;
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Dict(Vec::new()))?;
                    self.set_items(items)?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(items)?;
                }
                // The memo
                b'q' => {
                    let place = self.take(1)?[0].into();
                    self.remember(place)?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.array()?) as usize;
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' => {
                    let place = self.take(1)?[0].into();
                    self.recall(place)?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.array()?) as usize;
                    self.recall(place)?;
                }
                // Names and calls
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Global(module, name))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (&Value::Text(module), &Value::Text(name)) = (&self.values[module], &self.values[name]) else {
                        return Err("a name is no text".to_owned());
                    };
                    self.push(Value::Global(module, name))?;
                }
                b'R' => self.call()?,
                b'b' => self.build()?,
                _ => return Err(format!("the operation {code:#04x} is none of plain values and arrays")),
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or("it is cut short")?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn length8(&mut self) -> Result<usize> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| "it is cut short".to_owned())
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("it is cut short")?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| "a name is no text".to_owned())
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<()> {
        if self.values.len() == MOST_VALUES {
            return Err(format!("it holds more than {MOST_VALUES} values"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn push_bytes(&mut self, length: usize) -> Result<()> {
        let bytes = self.take(length)?;
        self.push(Value::Bytes(Cow::Borrowed(bytes)))
    }

    fn push_text(&mut self, length: usize) -> Result<()> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8")?;
        self.push(Value::Text(text))
    }

    pub(super) fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or_default();
        if self.stack.len() <= floor {
            return Err("its stack is empty".to_owned());
        }
        self.stack.pop().ok_or_else(|| "its stack is empty".to_owned())
    }

    pub(super) fn top(&self) -> Result<Id> {
        self.stack.last().copied().ok_or_else(|| "its stack is empty".to_owned())
    }

    /// What is on the stack from `start` on, which is taken off it.
    fn above(&mut self, start: usize) -> Result<Vec<Id>> {
        if start > self.stack.len() || start < self.marks.last().copied().unwrap_or_default() {
            return Err("its stack is empty".to_owned());
        }
        Ok(self.stack.split_off(start))
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let start = self.marks.pop().ok_or("it lacks a mark")?;
        self.above(start)
    }

    fn append(&mut self, items: Vec<Id>) -> Result<()> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err("it appends to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Id>) -> Result<()> {
        let dict = self.top()?;
        match &mut self.values[dict] {
            Value::Dict(entries) => entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            _ => return Err("it sets an item of what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<()> {
        let top = self.top()?;
        // Places are written one after the other: one far beyond would be a claim on memory.
        if place > self.values.len() + MOST_PARTS {
            return Err("its memo is too large".to_owned());
        }
        if self.memo.len() <= place {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(top);
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<()> {
        let id = self.memo.get(place).copied().flatten().ok_or("it recalls what it has not stored")?;
        self.stack.push(id);
        Ok(())
    }
}
