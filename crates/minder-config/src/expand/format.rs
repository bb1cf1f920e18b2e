//! One conversion: `-8s`, `03d`, `.2f`.

use super::{Malformed, Value};
use crate::python::{Ascii, Repr};

/// Flags, width and precision of a conversion.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one of printf's flags"
)]
pub(super) struct Conversion {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    /// Below zero is as if none had been given.
    pub(super) precision: Option<i64>,
}

/// A number as it is written, in the parts between which zeros may come.
struct Written {
    negative: bool,
    prefix: &'static str,
    digits: String,
}

impl Conversion {
    pub(super) fn flag(&mut self, flag: char) {
        match flag {
            '-' => self.left = true,
            '+' => self.plus = true,
            ' ' => self.blank = true,
            '#' => self.alternate = true,
            _ => self.zero = true,
        }
    }

    /// Sets the width; a negative one also asks to write to the left.
    pub(super) fn width(&mut self, width: i64) {
        self.left |= width < 0;
        self.width = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    }

    /// Writes `value` as `letter` asks; `index` is where the letter stands in the whole.
    pub(super) fn apply(
        &self,
        letter: char,
        value: &Value,
        index: usize,
    ) -> Result<String, Malformed> {
        match letter {
            's' => Ok(self.text(&plain(value))),
            'r' => Ok(self.text(&quoted(value, |text| Repr(text).to_string()))),
            'a' => Ok(self.text(&quoted(value, |text| Ascii(text).to_string()))),
            'c' => Ok(self.padded(character(value)?.into())),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => match value {
                Value::Number(number) => Ok(self.number(&self.integer(letter, *number))),
                Value::Text(_) => Err(not_a_number(letter, "str")),
            },
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => match value {
                Value::Number(number) => Ok(self.number(&self.real(letter, *number))),
                Value::Text(_) => Err(Malformed::NotAReal { got: "str" }),
            },
            character => Err(Malformed::UnsupportedCharacter { character, index }),
        }
    }

    fn precision(&self) -> Option<usize> {
        self.precision.and_then(|count| usize::try_from(count).ok())
    }

    fn text(&self, text: &str) -> String {
        let most = self.precision().unwrap_or(usize::MAX);
        self.padded(text.chars().take(most).collect())
    }

    fn padded(&self, text: String) -> String {
        let missing = " ".repeat(self.width.saturating_sub(text.chars().count()));
        if self.left {
            text + &missing
        } else {
            missing + &text
        }
    }

    fn number(&self, number: &Written) -> String {
        let Written {
            negative,
            prefix,
            digits,
        } = number;
        let sign = match (negative, self.plus, self.blank) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let written = sign.len() + prefix.len() + digits.len();
        let zeros = if self.zero && !self.left {
            "0".repeat(self.width.saturating_sub(written))
        } else {
            String::new()
        };
        self.padded(format!("{sign}{prefix}{zeros}{digits}"))
    }

    fn integer(&self, letter: char, number: i64) -> Written {
        let size = number.unsigned_abs();
        let (prefix, digits) = match letter {
            'o' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            _ => ("", size.to_string()),
        };
        let least = self.precision().unwrap_or(0);
        Written {
            negative: number < 0,
            prefix: if self.alternate { prefix } else { "" },
            digits: format!("{digits:0>least$}"),
        }
    }

    fn real(&self, letter: char, number: i64) -> Written {
        #[expect(
            clippy::cast_precision_loss,
            reason = "Python rounds to a double here as well"
        )]
        let size = number.unsigned_abs() as f64;
        let precision = self.precision().unwrap_or(6);
        let digits = match letter {
            'e' | 'E' => self.scientific(size, precision),
            'f' | 'F' => self.fixed(size, precision),
            _ => self.general(size, precision.max(1)),
        };
        Written {
            negative: number < 0,
            prefix: "",
            digits: if letter.is_ascii_uppercase() {
                digits.to_uppercase()
            } else {
                digits
            },
        }
    }

    fn fixed(&self, size: f64, precision: usize) -> String {
        let point = if self.alternate && precision == 0 {
            "."
        } else {
            ""
        };
        format!("{size:.precision$}{point}")
    }

    fn scientific(&self, size: f64, precision: usize) -> String {
        let (mantissa, exponent) = mantissa_and_exponent(size, precision);
        let point = if self.alternate && precision == 0 {
            "."
        } else {
            ""
        };
        format!("{mantissa}{point}e+{exponent:02}")
    }

    /// The shorter of the two, with `precision` significant digits.
    fn general(&self, size: f64, precision: usize) -> String {
        let (mantissa, exponent) = mantissa_and_exponent(size, precision - 1);
        let shortened = |digits: &str| {
            if !self.alternate && digits.contains('.') {
                digits
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned()
            } else if self.alternate && !digits.contains('.') {
                format!("{digits}.")
            } else {
                digits.to_owned()
            }
        };
        if exponent < precision {
            let behind_point = precision - 1 - exponent;
            shortened(&format!("{size:.behind_point$}"))
        } else {
            format!("{}e+{exponent:02}", shortened(&mantissa))
        }
    }
}

/// A number that is zero or at least one, as `d.ddd` and its power of ten.
fn mantissa_and_exponent(size: f64, precision: usize) -> (String, usize) {
    let written = format!("{size:.precision$e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

/// Why a conversion without a name is refused: what it is handed is the table of names.
pub(super) fn refuse_table(letter: char, index: usize) -> Malformed {
    match letter {
        's' | 'r' | 'a' => Malformed::NoName,
        'c' => Malformed::NotACharacter,
        'd' | 'i' | 'u' | 'o' | 'x' | 'X' => not_a_number(letter, "dict"),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => Malformed::NotAReal { got: "dict" },
        character => Malformed::UnsupportedCharacter { character, index },
    }
}

fn not_a_number(conversion: char, got: &'static str) -> Malformed {
    let wants = if matches!(conversion, 'o' | 'x' | 'X') {
        "an integer"
    } else {
        "a real number"
    };
    Malformed::NotANumber {
        conversion,
        wants,
        got,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
    }
}

fn quoted(value: &Value, quote: impl Fn(&str) -> String) -> String {
    match value {
        Value::Text(text) => quote(text),
        Value::Number(number) => number.to_string(),
    }
}

fn character(value: &Value) -> Result<char, Malformed> {
    match value {
        Value::Number(code) => u32::try_from(*code)
            .ok()
            .and_then(char::from_u32)
            .ok_or(Malformed::NoSuchCharacter),
        Value::Text(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Malformed::NotACharacter),
            }
        }
    }
}
