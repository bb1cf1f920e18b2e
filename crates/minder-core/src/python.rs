//! The few rules of Python that listeners and their readers see: how it shows bytes, and what it
//! takes for a number.

use core::fmt::{self, Write as _};

/// Shows bytes as Python's `repr()` does: `b'…'`, with all but printable ASCII escaped.
#[derive(Clone, Copy, Debug)]
pub struct BytesRepr<'a>(pub &'a [u8]);

impl fmt::Display for BytesRepr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.0.contains(&b'\'') && !self.0.contains(&b'"') {
            b'"'
        } else {
            b'\''
        };
        f.write_char('b')?;
        f.write_char(quote.into())?;
        for byte in self.0 {
            match *byte {
                b'\\' => f.write_str("\\\\")?,
                b'\n' => f.write_str("\\n")?,
                b'\r' => f.write_str("\\r")?,
                b'\t' => f.write_str("\\t")?,
                byte if byte == quote => write!(f, "\\{}", char::from(quote))?,
                byte @ b' '..=b'~' => f.write_char(byte.into())?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_char(quote.into())
    }
}

/// What `int()` makes of `text`, if that is neither below zero nor beyond counting: blanks around
/// it, a sign and single underscores between digits do no harm.
pub(crate) fn natural(text: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
    let start = text.iter().position(|byte| !blank(byte))?;
    let end = text.iter().rposition(|byte| !blank(byte))? + 1;
    let text = &text[start..end];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let mut value: u64 = 0;
    for group in digits.split(|byte| *byte == b'_') {
        if group.is_empty() {
            return None;
        }
        for byte in group {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
    }
    (value == 0 || !negative).then_some(value)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn bytes_are_shown_as_python_shows_them() {
        let shown = |bytes: &[u8]| BytesRepr(bytes).to_string();
        assert_eq!(shown(b"x\xe9\n"), r"b'x\xe9\n'");
        assert_eq!(shown(b"\t\r\\\x00\x7f~"), r"b'\t\r\\\x00\x7f~'");
        assert_eq!(shown(b"it's"), r#"b"it's""#);
        assert_eq!(shown(b"it's \"so\""), r#"b'it\'s "so"'"#);
        assert_eq!(shown(b""), "b''");
    }

    #[test]
    fn a_number_is_what_python_takes_for_one() {
        for (text, value) in [
            (&b"2"[..], 2),
            (b" 2\r", 2),
            (b"+2", 2),
            (b"007", 7),
            (b"1_0", 10),
            (b"-0", 0),
            (b"18446744073709551615", u64::MAX),
        ] {
            assert_eq!(natural(text), Some(value), "{}", BytesRepr(text));
        }
        for text in [
            &b""[..],
            b"  ",
            b"-3",
            b"+",
            b"2 3",
            b"_2",
            b"2_",
            b"1__0",
            b"0x2",
            b"2.0",
            b"\xd9\xa2",
            b"18446744073709551616",
        ] {
            assert_eq!(natural(text), None, "{}", BytesRepr(text));
        }
    }
}
