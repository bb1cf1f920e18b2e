//! Values to XML.

use std::fmt::{Display, Write as _};

use super::is_legal;
use crate::{Fault, Value};

/// The XML of a call.
#[must_use]
pub fn encode_call(method: &str, params: &[Value]) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    push_escaped(&mut xml, method);
    xml.push_str("</methodName>\n<params>\n");
    for param in params {
        push_param(&mut xml, param);
    }
    xml.push_str("</params>\n</methodCall>\n");
    xml
}

/// The XML of an answer that is a value.
#[must_use]
pub fn encode_response(value: &Value) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodResponse>\n<params>\n");
    push_param(&mut xml, value);
    xml.push_str("</params>\n</methodResponse>\n");
    xml
}

/// The XML of an answer that is a fault.
#[must_use]
pub fn encode_fault(fault: &Fault) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    push_value(&mut xml, &Value::from(fault));
    xml.push_str("</fault>\n</methodResponse>\n");
    xml
}

fn push_param(xml: &mut String, value: &Value) {
    xml.push_str("<param>\n");
    push_value(xml, value);
    xml.push_str("</param>\n");
}

fn push_value(xml: &mut String, value: &Value) {
    match value {
        Value::Int(int) => push_scalar(xml, "int", |xml| push_shown(xml, int)),
        Value::Bool(truth) => push_scalar(xml, "boolean", |xml| {
            xml.push(if *truth { '1' } else { '0' });
        }),
        Value::Double(double) => push_scalar(xml, "double", |xml| {
            // `{:?}` is the shortest text that reads back as the same number.
            push_shown(xml, format_args!("{double:?}"));
        }),
        Value::Text(text) => push_scalar(xml, "string", |xml| push_escaped(xml, text)),
        Value::DateTime(text) => {
            push_scalar(xml, "dateTime.iso8601", |xml| push_escaped(xml, text));
        }
        Value::Array(items) => {
            xml.push_str("<value><array><data>\n");
            for item in items {
                push_value(xml, item);
            }
            xml.push_str("</data></array></value>\n");
        }
        Value::Struct(members) => {
            xml.push_str("<value><struct>\n");
            for (name, value) in members {
                xml.push_str("<member>\n<name>");
                push_escaped(xml, name);
                xml.push_str("</name>\n");
                push_value(xml, value);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct></value>\n");
        }
    }
}

/// Piece by piece: an answer about a thousand processes has tens of thousands of these, and the
/// formatting machinery would be most of what they cost.
fn push_scalar(xml: &mut String, kind: &str, push_content: impl FnOnce(&mut String)) {
    for piece in ["<value><", kind, ">"] {
        xml.push_str(piece);
    }
    push_content(xml);
    for piece in ["</", kind, "></value>\n"] {
        xml.push_str(piece);
    }
}

fn push_shown(xml: &mut String, content: impl Display) {
    write!(xml, "{content}").expect("writing to a String cannot fail");
}

/// A text as it stands in XML, escaped as Python's `xmlrpc.client` does it.
///
/// Characters that would make the XML ill-formed (the escape sequences of a coloured log, say)
/// become U+FFFD, where Supervisor sends them as they are and its clients give up.
fn push_escaped(xml: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(may_begin_special) {
        let (plain, from) = rest.split_at(at);
        xml.push_str(plain);
        let Some(first) = from.chars().next() else {
            break;
        };
        match first {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            _ if is_legal(first) => xml.push(first),
            _ => xml.push('\u{fffd}'),
        }
        rest = &from[first.len_utf8()..];
    }
    xml.push_str(rest);
}

/// Whether a character that is not written as it is may begin with this byte: each of them is an
/// ASCII character or lies between U+F000 and U+FFFF.
fn may_begin_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | 0..0x20 | 0xef) && !matches!(byte, b'\t' | b'\n' | b'\r')
}
