//! Times and identifiers. Only the wall clock is read here; durations are the caller's, from a clock that never goes back.

use std::hash::{BuildHasher, Hasher, RandomState};

use jiff::Timestamp;

/// The time now, RFC 3339 in UTC with milliseconds: `2026-11-23T22:51:19.042Z`.
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// A new run's identifier: the time in UTC, then eight random hexadecimal digits, `20261123T225119Z-1f6a09c3`.
///
/// Identifiers sort by time as text. The digits are drawn from the operating system's randomness with the process
/// id and the nanoseconds mixed in, so runs that start in the same second differ.
pub fn new_id() -> String {
    let now = Timestamp::now();
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_i128(now.as_nanosecond());
    let random = hasher.finish() as u32;
    format!("{}-{random:08x}", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// Seconds from `started` to `ended`, or `None` where either cannot be read or the clock went back between them.
pub(crate) fn seconds_between(started: &str, ended: &str) -> Option<f64> {
    let (started, ended): (Timestamp, Timestamp) = (started.parse().ok()?, ended.parse().ok()?);
    let seconds = ended.duration_since(started).as_secs_f64();
    (seconds >= 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_rfc_3339_in_utc_with_milliseconds() {
        let text = now();
        assert_eq!(text.len(), "2026-11-23T22:51:19.042Z".len(), "{text}");
        assert!(text.ends_with('Z'));
        text.parse::<Timestamp>().unwrap();
    }

    #[test]
    fn identifiers_are_unique_and_have_their_shape() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
        let id = ids.iter().next().unwrap();
        assert_eq!(id.len(), "20261123T225119Z-1f6a09c3".len(), "{id}");
        assert_eq!((&id[8..9], &id[15..17]), ("T", "Z-"));
    }

    #[test]
    fn a_clock_that_went_back_gives_no_duration() {
        let (early, late) = ("2026-11-23T22:51:19Z", "2026-11-23T22:51:49.500Z");
        assert_eq!(seconds_between(early, late), Some(30.5));
        assert_eq!(seconds_between(late, early), None);
        assert_eq!(seconds_between("yesterday", late), None);
    }
}
