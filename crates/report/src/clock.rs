//! Times and identifiers. Only the wall clock is read here; durations are the caller's, from a clock that never goes back.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humantime::{format_rfc3339_millis, parse_rfc3339};

/// The last second of the year 9999, since 1970: RFC 3339 has four digits for a year.
const LAST_SECOND: u64 = 253_402_300_799;

/// The time now, RFC 3339 in UTC with milliseconds: `2026-11-23T22:51:19.042Z`.
pub fn now() -> String {
    text(SystemTime::now())
}

/// A new run's identifier: the time in UTC, then eight random hexadecimal digits, `20261123T225119Z-1f6a09c3`.
///
/// Identifiers sort by time as text. The digits are drawn from the operating system's randomness with the process
/// id and the nanoseconds mixed in, so runs that start in the same second differ.
pub(crate) fn new_id() -> String {
    let now = SystemTime::now();
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    // Before 1970 the process id and the hasher's own randomness have to do.
    hasher.write_u128(now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()));
    let random = hasher.finish() as u32;
    // `2026-11-23T22:51:19.042Z` without its marks and milliseconds.
    let digits: String = text(now).chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{digits}Z-{random:08x}")
}

/// A clock that is far off still gives a time that can be written and read.
fn text(time: SystemTime) -> String {
    format_rfc3339_millis(time.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(LAST_SECOND))).to_string()
}

/// Seconds from `started` to `ended`, or `None` where either cannot be read or the clock went back between them.
pub(crate) fn seconds_between(started: &str, ended: &str) -> Option<f64> {
    let (started, ended) = (parse_rfc3339(started).ok()?, parse_rfc3339(ended).ok()?);
    ended.duration_since(started).ok().map(|duration| duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc_with_milliseconds() {
        let text = now();
        assert_eq!(text.len(), "2026-11-23T22:51:19.042Z".len(), "{text}");
        assert!(text.ends_with('Z'));
        parse_rfc3339(&text).unwrap();
    }

    #[test]
    fn a_clock_that_is_far_off_still_gives_a_time() {
        assert_eq!(text(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(UNIX_EPOCH + Duration::from_secs(1 << 40)), "9999-12-31T23:59:59.000Z");
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
