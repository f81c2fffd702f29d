//! The versions of a record's schema, `100 × major + minor`.

/// The schema this program writes.
pub const SCHEMA: u32 = 103;

/// The newest schema this program reads: any minor step of its own major one.
pub(crate) const NEWEST_READABLE: u32 = SCHEMA / 100 * 100 + 99;
