//! NumPy's `.npy` format, versions 1 to 3: a header in Python's words, then the values.

/// An array of a file's bytes.
#[derive(Debug)]
pub(super) struct Npy<'a> {
    /// `u` unsigned, `i` signed, `f` float, `b` boolean.
    kind: u8,
    /// Bytes of a value.
    size: usize,
    is_big_endian: bool,
    pub(super) shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Npy<'a> {
    /// The array of a whole file: in C's order, of numbers, as many bytes as its shape says.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not begin as .npy files do")?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or("it is cut short")?;
        let (length, rest) = match version[0] {
            1 => rest.split_first_chunk::<2>().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest)),
            2 | 3 => rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
            other => return Err(format!("it is of the format's version {other}; 1 to 3 are read")),
        }
        .ok_or("it is cut short")?;
        let (header, data) = rest.split_at_checked(length).ok_or("it is cut short")?;
        let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
        let type_name = value_of(header, "descr")?;
        let type_name = type_name.strip_prefix('\'').and_then(|text| text.split_once('\'')).map(|(name, _)| name);
        let type_name = type_name.ok_or("its values are records, and no numbers")?;
        let mut letters = type_name.chars();
        let (order, kind) = (letters.next().unwrap_or(' '), letters.next().unwrap_or(' '));
        let size = letters.as_str().parse::<usize>().ok().filter(|size| matches!(size, 1 | 2 | 4 | 8));
        let (Some(size), '<' | '>' | '|' | '=', 'u' | 'i' | 'f' | 'b') = (size, order, kind) else {
            return Err(format!("its values are of the type {type_name:?}, and no plain numbers"));
        };
        if !value_of(header, "fortran_order")?.starts_with("False") {
            return Err("it is in Fortran's order; save numpy.ascontiguousarray of it".into());
        }
        let shape = value_of(header, "shape")?.strip_prefix('(').and_then(|text| text.split_once(')'));
        let (shape, _) = shape.ok_or("its shape is no tuple")?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse::<usize>());
        let shape = sizes.collect::<Result<Vec<_>, _>>().map_err(|_| "its shape is no tuple of sizes")?;
        let expected = shape.iter().try_fold(size, |bytes, size| bytes.checked_mul(*size));
        if expected != Some(data.len()) {
            return Err(format!("its shape {shape:?} is not that of its {} bytes", data.len()));
        }
        Ok(Self { kind: kind as u8, size, is_big_endian: order == '>', shape, data })
    }

    /// Its values, which are unsigned bytes.
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        (self.kind == b'u' && self.size == 1).then_some(self.data)
    }

    /// Its values, which are floats of 16, 32 or 64 bits.
    pub(super) fn floats(&self) -> Option<impl Iterator<Item = f64> + 'a> {
        let (is_big_endian, size) = (self.is_big_endian, self.size);
        (self.kind == b'f' && size > 1).then(|| {
            self.data.chunks_exact(size).map(move |value| {
                let mut bytes = [0; 8];
                bytes[..size].copy_from_slice(value);
                if is_big_endian {
                    bytes[..size].reverse();
                }
                let bits = u64::from_le_bytes(bytes);
                match size {
                    2 => half(bits as u16),
                    4 => f32::from_bits(bits as u32).into(),
                    _ => f64::from_bits(bits),
                }
            })
        })
    }

    /// The type of its values, as NumPy calls it.
    pub(super) fn type_name(&self) -> String {
        let kind = match self.kind {
            b'u' => "uint",
            b'i' => "int",
            b'f' => "float",
            _ => "bool",
        };
        if self.kind == b'b' { kind.into() } else { format!("{kind}{}", 8 * self.size) }
    }

    /// Its values, which are integers of any size; one beyond 64 signed bits is the largest of those.
    pub(super) fn integers(&self) -> Option<impl Iterator<Item = i64> + 'a> {
        let (kind, is_big_endian, size) = (self.kind, self.is_big_endian, self.size);
        (kind != b'f').then(|| {
            self.data.chunks_exact(size).map(move |value| {
                let mut bytes = [0; 8];
                bytes[..size].copy_from_slice(value);
                if is_big_endian {
                    bytes[..size].reverse();
                }
                let unsigned = u64::from_le_bytes(bytes);
                match kind {
                    // The sign is carried to the upper bits.
                    b'i' => (unsigned as i64) << (64 - 8 * size) >> (64 - 8 * size),
                    _ => i64::try_from(unsigned).unwrap_or(i64::MAX),
                }
            })
        })
    }
}

/// A number of IEEE 754's binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// What follows a key in the header, a dictionary in Python's words.
fn value_of<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let place = header.find(&format!("'{key}'")).ok_or_else(|| format!("its header has no {key}"))?;
    let rest = header[place + key.len() + 2..].trim_start();
    rest.strip_prefix(':').map(str::trim_start).ok_or_else(|| format!("its header has no {key}"))
}
