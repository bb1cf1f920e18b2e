//! The few rules of Python that Supervisor's texts and conversions rest on.
//!
//! Holds what `repr()`, `int()` and `str.isspace()` do, to the letter, because their results are
//! seen by users in error messages and decide which values are accepted. Knows nothing of
//! configuration.

use std::fmt::{self, Write as _};

/// Shows a text as Python's `repr()` does: quoted, with what cannot be printed escaped.
#[derive(Clone, Copy, Debug)]
pub struct Repr<'a>(pub &'a str);

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_repr(f, self.0, is_printable)
    }
}

/// Shows a text as Python's `ascii()` does: like [`Repr`], with all but ASCII escaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ascii<'a>(pub(crate) &'a str);

impl fmt::Display for Ascii<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_repr(f, self.0, |c| c.is_ascii() && is_printable(c))
    }
}

fn write_repr(f: &mut fmt::Formatter<'_>, text: &str, plain: impl Fn(char) -> bool) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if plain(c) => f.write_char(c)?,
            c => match u32::from(c) {
                code @ ..=0xff => write!(f, "\\x{code:02x}")?,
                code @ 0x100..=0xffff => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
        }
    }
    f.write_char(quote)
}

/// Shows a list of texts as Python shows a list.
#[derive(Clone, Copy, Debug)]
pub struct ReprList<'a>(pub &'a [String]);

impl fmt::Display for ReprList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (i, text) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{}", Repr(text))?;
        }
        f.write_char(']')
    }
}

/// Whether Python shows a character as it is: `str.isprintable()`.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // The standard library keeps its table of printable characters, the same categories as
    // Python's, behind `escape_debug`; behind another character it is not blurred by the rule
    // for combining marks.
    let mut behind_another = String::from("a");
    behind_another.push(c);
    !behind_another.escape_debug().any(|shown| shown == '\\')
}

/// Whether Python takes a character for a blank: `str.isspace()`.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// A text without blanks around it: `str.strip()`.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The number that Python's `int()` reads in decimal, or `None` where it raises.
///
/// Python's integers have no limit; here what does not fit is the nearest that does.
#[must_use]
pub fn int(text: &str) -> Option<i64> {
    digits(text, 10)
}

/// The number that Python's `int(text, 8)` reads, saturating like [`int`].
#[must_use]
pub fn octal(text: &str) -> Option<i64> {
    digits(text, 8)
}

fn digits(text: &str, base: u8) -> Option<i64> {
    let text = strip(text);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = if base == 8 {
        without_octal_prefix(text)
    } else {
        text
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for c in text.chars() {
        if c == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = decimal(c).filter(|digit| *digit < base)?;
        value = value
            .saturating_mul(base.into())
            .saturating_add(digit.into());
        after_digit = true;
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// `0o` may be written before an octal number, and one underscore behind it.
fn without_octal_prefix(text: &str) -> &str {
    let mut chars = text.chars();
    let prefixed =
        chars.next().and_then(decimal) == Some(0) && matches!(chars.next(), Some('o' | 'O'));
    if !prefixed {
        return text;
    }
    let rest = chars.as_str();
    rest.strip_prefix('_').unwrap_or(rest)
}

/// The value of a decimal digit of any script.
fn decimal(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
    }
    let code = u32::from(c);
    let run = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    u8::try_from(code - ZEROS[run])
        .ok()
        .filter(|digit| *digit < 10)
}

/// Unicode's zeros (category Nd); the nine other digits follow each directly.
const ZEROS: &[u32] = &[
    0x00030, 0x00660, 0x006f0, 0x007c0, 0x00966, 0x009e6, 0x00a66, 0x00ae6, 0x00b66, 0x00be6,
    0x00c66, 0x00ce6, 0x00d66, 0x00de6, 0x00e50, 0x00ed0, 0x00f20, 0x01040, 0x01090, 0x017e0,
    0x01810, 0x01946, 0x019d0, 0x01a80, 0x01a90, 0x01b50, 0x01bb0, 0x01c40, 0x01c50, 0x0a620,
    0x0a8d0, 0x0a900, 0x0a9d0, 0x0a9f0, 0x0aa50, 0x0abf0, 0x0ff10, 0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0,
    0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests;
