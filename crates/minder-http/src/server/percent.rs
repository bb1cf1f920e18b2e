//! Percent-encoding in paths.

/// The path that is meant. An escape that is none stands for itself; what is not UTF-8 becomes
/// U+FFFD, which no name holds.
pub(super) fn decode(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some(first) = rest.first() {
        let (byte, length) = escaped(rest).map_or((*first, 1), |byte| (byte, 3));
        decoded.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The byte that `text` begins with an escape for.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |c: &u8| char::from(*c).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_once() {
        for (path, decoded) in [
            ("/logtail/a%3ab", "/logtail/a:b"),
            ("/%52PC2", "/RPC2"),
            ("/%2552", "/%52"),
            ("/%", "/%"),
            ("/%5", "/%5"),
            ("/%zz", "/%zz"),
            ("/w%C3%A4rt", "/w\u{e4}rt"),
            ("/%ff", "/\u{fffd}"),
        ] {
            assert_eq!(decode(path), decoded);
        }
    }
}
