//! An event file's frames: length, its checksum, an event, its checksum.

use prost::Message;

use super::messages::Event;

/// The bytes around an event: eight of length, four of checksum, and four behind.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// Rotated and moved, so that a checksum of bytes that hold checksums stays one.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Appends `event` in its frame.
pub(crate) fn push(bytes: &mut Vec<u8>, event: &Event) {
    let data = event.encode_to_vec();
    let length = (data.len() as u64).to_le_bytes();
    bytes.extend(length);
    bytes.extend(masked_crc(&length).to_le_bytes());
    bytes.extend(&data);
    bytes.extend(masked_crc(&data).to_le_bytes());
}

/// The events of `bytes` in order, each with the place behind it; ends before the first frame that is cut off or damaged.
pub(crate) fn read(bytes: &[u8]) -> impl Iterator<Item = (Event, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (event, length) = frame(&bytes[at..])?;
        at += length;
        Some((event, at))
    })
}

fn frame(bytes: &[u8]) -> Option<(Event, usize)> {
    let length = bytes.first_chunk::<8>()?;
    let crc = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
    if crc(8)? != masked_crc(length) {
        return None;
    }
    let end = usize::try_from(u64::from_le_bytes(*length)).ok()?.checked_add(HEAD)?;
    let data = bytes.get(HEAD..end)?;
    if crc(end)? != masked_crc(data) {
        return None;
    }
    Some((Event::decode(data).ok()?, end + TAIL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(step: i64) -> Event {
        Event { step, wall_time: 1.5, ..Event::default() }
    }

    /// As TensorBoard's own `RecordWriter` (2.21) frames it.
    #[test]
    fn an_event_is_framed_as_tensorboard_frames_it() {
        let version = Event { wall_time: 1.5, file_version: Some("brain.Event:2".into()), ..Event::default() };
        let mut bytes = Vec::new();
        push(&mut bytes, &version);
        let expected = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c";
        assert_eq!(strata_files::hexadecimal(&bytes), expected);
    }

    #[test]
    fn what_is_cut_off_or_damaged_ends_the_file_and_nothing_before_it() {
        let mut bytes = Vec::new();
        (0..3).for_each(|step| push(&mut bytes, &event(step)));
        let steps = |bytes: &[u8]| read(bytes).map(|(event, _)| event.step).collect::<Vec<_>>();
        let ends: Vec<_> = read(&bytes).map(|(_, end)| end).collect();
        assert_eq!(steps(&bytes), [0, 1, 2]);
        assert_eq!(ends[2], bytes.len());
        for cut in ends[1]..bytes.len() {
            assert_eq!(steps(&bytes[..cut]), [0, 1], "{cut}");
        }
        for damaged in ends[1]..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[damaged] ^= 4;
            assert_eq!(steps(&bytes), [0, 1], "{damaged}");
        }
    }
}
