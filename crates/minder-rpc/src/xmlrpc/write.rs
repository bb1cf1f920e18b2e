//! Values to XML.

use std::fmt::Write;

use super::is_legal;
use crate::{Fault, Value};

/// The XML of a call.
#[must_use]
pub fn encode_call(method: &str, params: &[Value]) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    push_text(&mut xml, method);
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
        Value::Int(int) => push_scalar(xml, "int", |xml| push_display(xml, int)),
        Value::Bool(truth) => {
            push_scalar(xml, "boolean", |xml| push_display(xml, u8::from(*truth)))
        }
        // `{:?}` is the shortest text that reads back as the same number.
        Value::Double(double) => {
            push_scalar(xml, "double", |xml| {
                push_display(xml, format_args!("{double:?}"))
            });
        }
        Value::Text(text) => push_scalar(xml, "string", |xml| push_text(xml, text)),
        Value::DateTime(text) => push_scalar(xml, "dateTime.iso8601", |xml| push_text(xml, text)),
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
                push_text(xml, name);
                xml.push_str("</name>\n");
                push_value(xml, value);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct></value>\n");
        }
    }
}

fn push_scalar(xml: &mut String, kind: &str, content: impl FnOnce(&mut String)) {
    push_display(xml, format_args!("<value><{kind}>"));
    content(xml);
    push_display(xml, format_args!("</{kind}></value>\n"));
}

fn push_display(xml: &mut String, what: impl std::fmt::Display) {
    write!(xml, "{what}").expect("writing to a String cannot fail");
}

/// Escapes as Python's `xmlrpc.client` does. Characters that would make the XML ill-formed (the
/// escape sequences of a coloured log, say) become U+FFFD, where Supervisor sends them as they
/// are and clients give up.
fn push_text(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            c if is_legal(c) => xml.push(c),
            _ => xml.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
