//! Values to XML.

use std::fmt::{self, Display, Write as _};

use super::is_legal;
use crate::{Fault, Value};

/// The XML of a call.
#[must_use]
pub fn encode_call(method: &str, params: &[Value]) -> String {
    let mut xml = format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>{}</methodName>\n<params>\n",
        Escaped(method)
    );
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
        Value::Int(int) => push_scalar(xml, "int", int),
        Value::Bool(truth) => push_scalar(xml, "boolean", u8::from(*truth)),
        // `{:?}` is the shortest text that reads back as the same number.
        Value::Double(double) => push_scalar(xml, "double", format_args!("{double:?}")),
        Value::Text(text) => push_scalar(xml, "string", Escaped(text)),
        Value::DateTime(text) => push_scalar(xml, "dateTime.iso8601", Escaped(text)),
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
                push(
                    xml,
                    format_args!("<member>\n<name>{}</name>\n", Escaped(name)),
                );
                push_value(xml, value);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct></value>\n");
        }
    }
}

fn push_scalar(xml: &mut String, kind: &str, content: impl Display) {
    push(
        xml,
        format_args!("<value><{kind}>{content}</{kind}></value>\n"),
    );
}

fn push(xml: &mut String, text: fmt::Arguments<'_>) {
    xml.write_fmt(text)
        .expect("writing to a String cannot fail");
}

/// A text as it stands in XML, escaped as Python's `xmlrpc.client` does it.
///
/// Characters that would make the XML ill-formed (the escape sequences of a coloured log, say)
/// become U+FFFD, where Supervisor sends them as they are and its clients give up.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| is_special(*c)) {
            f.write_str(&rest[..at])?;
            f.write_str(match special {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                _ => "\u{fffd}",
            })?;
            rest = &rest[at + special.len_utf8()..];
        }
        f.write_str(rest)
    }
}

fn is_special(c: char) -> bool {
    matches!(c, '&' | '<' | '>') || !is_legal(c)
}
