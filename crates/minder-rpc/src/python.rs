//! Values as Python prints them.
//!
//! Supervisor puts parameters of a wrong type into fault texts and events as Python shows them.

use std::fmt::Write as _;
use std::num::IntErrorKind;

use crate::Value;

/// What `str(value)` is in Python.
pub(crate) fn str(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::DateTime(text) => date(text),
        Value::Int(_) | Value::Bool(_) | Value::Double(_) | Value::Array(_) | Value::Struct(_) => {
            repr(value)
        }
    }
}

/// What `repr(value)` is in Python.
fn repr(value: &Value) -> String {
    match value {
        Value::Int(int) => int.to_string(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Double(double) => repr_double(*double),
        Value::Text(text) => repr_text(text),
        Value::DateTime(text) => repr_date(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Struct(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", repr_text(name), repr(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// A date, which XML-RPC writes as `20261127T10:03:10`, as `str()` writes it.
fn date(text: &str) -> String {
    match parts(text) {
        Some(([year, month, day], time)) => format!("{year}-{month}-{day} {time}"),
        None => text.to_owned(),
    }
}

/// The same as `repr()` writes it: numbers, and no seconds if there are none.
fn repr_date(text: &str) -> String {
    let Some((date, time)) = parts(text) else {
        return repr_text(text);
    };
    let time = time.strip_suffix(":00").unwrap_or(time);
    let numbers = date.into_iter().chain(time.split(':'));
    let numbers: Vec<_> = numbers
        .map(|number| match number.trim_start_matches('0') {
            "" => "0",
            number => number,
        })
        .collect();
    format!("datetime.datetime({})", numbers.join(", "))
}

fn parts(text: &str) -> Option<([&str; 3], &str)> {
    let (date, time) = text.split_once('T')?;
    Some(([date.get(..4)?, date.get(4..6)?, date.get(6..)?], time))
}

/// What `type(value).__name__` is in Python.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "int",
        Value::Bool(_) => "bool",
        Value::Double(_) => "float",
        Value::Text(_) => "str",
        Value::DateTime(_) => "datetime.datetime",
        Value::Array(_) => "list",
        Value::Struct(_) => "dict",
    }
}

/// Whether Python takes it for true.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Int(int) => *int != 0,
        Value::Bool(truth) => *truth,
        Value::Double(double) => *double != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::DateTime(_) => true,
        Value::Array(items) => !items.is_empty(),
        Value::Struct(members) => !members.is_empty(),
    }
}

/// What `int(value)` is in Python, if it is anything; beyond 64 bits it is the nearest there is.
pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        Value::Bool(truth) => Some((*truth).into()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "cutting is what is asked for"
        )]
        Value::Double(double) => double.is_finite().then_some(*double as i64),
        Value::Text(text) => parse_int(text),
        Value::DateTime(_) | Value::Array(_) | Value::Struct(_) => None,
    }
}

/// What `int(text)` is in Python, within the same bounds.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    match text.trim().parse::<i64>() {
        Ok(int) => Some(int),
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow => Some(i64::MAX),
            IntErrorKind::NegOverflow => Some(i64::MIN),
            _ => None,
        },
    }
}

fn repr_double(double: f64) -> String {
    if double.is_nan() {
        return "nan".to_owned();
    }
    let magnitude = double.abs();
    if magnitude.is_infinite() || magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{double:?}");
    }
    let scientific = format!("{double:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => scientific,
    }
}

/// What `repr(text)` is in Python; but what has no glyph stands as it is.
pub(crate) fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut repr = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            c if c == quote => repr.extend(['\\', c]),
            c if c.is_control() => {
                write!(repr, "\\x{:02x}", u32::from(c)).expect("writing to a String cannot fail");
            }
            c => repr.push(c),
        }
    }
    repr.push(quote);
    repr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_in_python() {
        let list = Value::Array(vec![
            "x".into(),
            1.into(),
            "it's".into(),
            "'\"\n\u{1b}\\".into(),
        ]);
        let dict = Value::Struct(vec![("k".into(), true.into()), ("l".into(), list)]);
        for (value, text) in [
            (Value::Int(-5), "-5"),
            (true.into(), "True"),
            ("it's".into(), "it's"),
            (Value::Double(1.0), "1.0"),
            (Value::Double(0.0), "0.0"),
            (Value::Double(0.0001), "0.0001"),
            (Value::Double(0.000_015), "1.5e-05"),
            (Value::Double(1e16), "1e+16"),
            (Value::Double(123_456_789.5), "123456789.5"),
            (Value::Double(f64::NAN), "nan"),
            (Value::Double(f64::NEG_INFINITY), "-inf"),
            (dict, r#"{'k': True, 'l': ['x', 1, "it's", '\'"\n\x1b\\']}"#),
            (Value::Array(Vec::new()), "[]"),
            (
                Value::DateTime("20261127T10:03:00".to_owned()),
                "2026-11-27 10:03:00",
            ),
            (
                Value::Array(vec![
                    Value::DateTime("20261127T10:03:09".to_owned()),
                    Value::DateTime("20260101T00:00:00".to_owned()),
                ]),
                "[datetime.datetime(2026, 11, 27, 10, 3, 9), \
                 datetime.datetime(2026, 1, 1, 0, 0)]",
            ),
        ] {
            assert_eq!(str(&value), text);
        }
    }

    #[test]
    fn numbers_are_made_as_in_python() {
        for (value, number) in [
            (Value::from(" +7\n"), Some(7)),
            (Value::Double(-1.9), Some(-1)),
            (Value::Double(1e300), Some(i64::MAX)),
            ("-99999999999999999999".into(), Some(i64::MIN)),
            (Value::Double(f64::INFINITY), None),
            (true.into(), Some(1)),
            ("x".into(), None),
            ("".into(), None),
            (Value::Array(Vec::new()), None),
        ] {
            assert_eq!(int(&value), number, "{value:?}");
        }
    }

    #[test]
    fn what_is_empty_or_zero_is_false() {
        for value in [
            0.into(),
            "".into(),
            false.into(),
            Value::Double(0.0),
            Value::Array(Vec::new()),
        ] {
            assert!(!truth(&value), "{value:?}");
        }
        for value in [
            Value::Int(-1),
            "false".into(),
            Value::Double(f64::NAN),
            vec![0.into()].into(),
        ] {
            assert!(truth(&value), "{value:?}");
        }
    }
}
