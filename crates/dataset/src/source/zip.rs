//! ZIP archives, as far as data sets come in them: entries that are stored or deflated, read one by one into memory.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use strata_files::escape_truncated;

/// The longest end of an archive that is searched for its directory: a comment of 65,535 bytes may follow.
const END: u64 = 65_535 + 22;
/// The most entries.
const MOST_ENTRIES: u64 = 1 << 16;

/// An archive's entries, and what they are read from.
#[derive(Debug)]
pub(super) struct Zip<R> {
    reader: R,
    pub(super) entries: Vec<Entry>,
}

/// A file of an archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    method: u16,
    crc: u32,
    packed: u64,
    /// Its length in bytes.
    pub(super) bytes: u64,
    header: u64,
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the directory, which stands at the archive's end.
    pub(super) fn open(mut reader: R) -> Result<Self, String> {
        let length = reader.seek(SeekFrom::End(0)).map_err(text)?;
        let from = length.saturating_sub(END);
        let end = read_at(&mut reader, from, length - from)?;
        let place = end.windows(4).rposition(|bytes| bytes == b"PK\x05\x06").filter(|place| place + 22 <= end.len());
        let place = place.ok_or("it has no end of a ZIP archive: it is cut short, or none")?;
        let record = &end[place..];
        let (mut count, mut size, mut start) =
            (u64::from(u16_at(record, 10)), u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
        // Larger archives have a second end before it.
        if let Some(locator) =
            place.checked_sub(20).map(|at| &end[at..]).filter(|bytes| bytes.starts_with(b"PK\x06\x07"))
        {
            let large = read_at(&mut reader, u64_at(locator, 8), 56)?;
            if !large.starts_with(b"PK\x06\x06") {
                return Err("its second end is damaged".into());
            }
            (count, size, start) = (u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48));
        }
        if count > MOST_ENTRIES || start.checked_add(size).is_none_or(|end| end > length) {
            return Err("its directory is damaged".into());
        }
        let directory = read_at(&mut reader, start, size)?;
        let mut entries = Vec::new();
        let mut rest = directory.as_slice();
        for _ in 0..count {
            let (entry, after) = entry(rest).ok_or("its directory is damaged")?;
            entries.push(entry);
            rest = after;
        }
        Ok(Self { reader, entries })
    }

    /// The bytes of an entry, at most `longest`; its checksum is that of the directory.
    pub(super) fn read(&mut self, entry: &Entry, longest: u64) -> Result<Vec<u8>, String> {
        let name = escape_truncated(&entry.name);
        if entry.bytes > longest {
            return Err(format!("{name} has {} bytes; at most {longest} are expected", entry.bytes));
        }
        let header = read_at(&mut self.reader, entry.header, 30)?;
        if !header.starts_with(b"PK\x03\x04") || u16_at(&header, 6) & 1 != 0 {
            return Err(format!("{name} is encrypted, or its header is damaged"));
        }
        let start = entry.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        self.reader.seek(SeekFrom::Start(start)).map_err(text)?;
        let packed = (&mut self.reader).take(entry.packed);
        // The buffer grows with what is there, not with what the directory claims.
        let mut bytes = Vec::new();
        let read = match entry.method {
            0 => packed.take(entry.bytes).read_to_end(&mut bytes),
            8 => DeflateDecoder::new(packed).take(entry.bytes + 1).read_to_end(&mut bytes),
            other => return Err(format!("{name} is packed by method {other}; 0 (stored) and 8 (deflated) are read")),
        };
        read.map_err(|error| format!("{name}: {error}"))?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != entry.bytes || crc.sum() != entry.crc {
            return Err(format!("{name} is damaged: its length or its checksum is another"));
        }
        Ok(bytes)
    }
}

/// The first entry of a directory, and what follows it.
fn entry(directory: &[u8]) -> Option<(Entry, &[u8])> {
    let head = directory.get(..46).filter(|head| head.starts_with(b"PK\x01\x02"))?;
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let rest = &directory[46..];
    let (name_bytes, after) = (rest.get(..name)?, rest.get(name..)?);
    let (extra_bytes, after) = (after.get(..extra)?, after.get(extra..)?);
    let mut entry = Entry {
        name: String::from_utf8_lossy(name_bytes).into_owned(),
        method: u16_at(head, 10),
        crc: u32_at(head, 16),
        packed: u32_at(head, 20).into(),
        bytes: u32_at(head, 24).into(),
        header: u32_at(head, 42).into(),
    };
    // What does not fit into 32 bits stands in an extra field, in this order.
    let mut extra = extra_bytes;
    while let Some(head) = extra.get(..4) {
        let (kind, size) = (u16_at(head, 0), usize::from(u16_at(head, 2)));
        let mut field = extra.get(4..4 + size)?;
        if kind == 1 {
            for value in [&mut entry.bytes, &mut entry.packed, &mut entry.header] {
                if *value == u64::from(u32::MAX) {
                    *value = u64_at(field.get(..8)?, 0);
                    field = &field[8..];
                }
            }
        }
        extra = &extra[4 + size..];
    }
    Some((entry, after.get(comment..)?))
}

fn read_at(reader: &mut (impl Read + Seek), start: u64, count: u64) -> Result<Vec<u8>, String> {
    reader.seek(SeekFrom::Start(start)).map_err(text)?;
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes).map_err(text)?;
    if bytes.len() as u64 == count { Ok(bytes) } else { Err("it is cut short".into()) }
}

fn text(error: io::Error) -> String {
    error.to_string()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
