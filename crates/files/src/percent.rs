//! Escapes in addresses.

/// `text` with `%20` and its kin resolved; none for an escape that is cut short, or no UTF-8.
///
/// ```
/// use strata_files::percent_decoded;
///
/// assert_eq!(percent_decoded("my%20runs").as_deref(), Some("my runs"));
/// assert_eq!(percent_decoded("bad%2"), None);
/// ```
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
