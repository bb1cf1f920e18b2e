//! Values to XML.

use std::borrow::Borrow;
use std::fmt::Write as _;

use super::is_legal;
use crate::{Fault, Value};

/// The XML of a call.
#[must_use]
pub fn encode_call(method: &str, params: &[Value]) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    push_escaped(&mut xml, method);
    xml.push_str("</methodName>\n<params>\n");
    for param in params {
        xml.push_str("<param>\n");
        push_value(&mut xml, param);
        xml.push_str("</param>\n");
    }
    xml.push_str("</params>\n</methodCall>\n");
    xml
}

/// The XML of an answer that is a value.
#[must_use]
pub fn encode_response(value: &Value) -> String {
    response(|xml| push_value(xml, value))
}

/// The XML of an answer that is an array, of whose items there is one at a time.
#[must_use]
pub fn encode_array(items: impl Iterator<Item = Value>) -> String {
    response(|xml| push_array(xml, items))
}

fn response(push: impl FnOnce(&mut String)) -> String {
    let mut xml = String::from("<?xml version='1.0'?>\n<methodResponse>\n<params>\n");
    xml.push_str("<param>\n");
    push(&mut xml);
    xml.push_str("</param>\n</params>\n</methodResponse>\n");
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

fn push_array(xml: &mut String, items: impl IntoIterator<Item: Borrow<Value>>) {
    xml.push_str("<value><array><data>\n");
    for item in items {
        push_value(xml, item.borrow());
    }
    xml.push_str("</data></array></value>\n");
}

/// Texts as they are, as long as can be: an answer about a thousand processes has tens of thousands of
/// values, and the formatting machinery would be most of what they cost.
fn push_value(xml: &mut String, value: &Value) {
    match value {
        Value::Int(int) => {
            xml.push_str("<value><int>");
            xml.push_str(itoa::Buffer::new().format(*int));
            xml.push_str("</int></value>\n");
        }
        Value::Bool(truth) => xml.push_str(if *truth {
            "<value><boolean>1</boolean></value>\n"
        } else {
            "<value><boolean>0</boolean></value>\n"
        }),
        Value::Double(double) => {
            // `{:?}` is the shortest text that reads back as the same number.
            writeln!(xml, "<value><double>{double:?}</double></value>")
                .expect("writing to a String cannot fail");
        }
        Value::Text(text) => {
            xml.push_str("<value><string>");
            push_escaped(xml, text);
            xml.push_str("</string></value>\n");
        }
        Value::DateTime(text) => {
            xml.push_str("<value><dateTime.iso8601>");
            push_escaped(xml, text);
            xml.push_str("</dateTime.iso8601></value>\n");
        }
        Value::Array(items) => push_array(xml, items),
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

/// A text as it stands in XML, escaped as Python's `xmlrpc.client` does it.
///
/// Characters that would make the XML ill-formed (the escape sequences of a coloured log, say)
/// become U+FFFD, where Supervisor sends them as they are and its clients give up.
fn push_escaped(xml: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| MAY_BEGIN_SPECIAL[usize::from(byte)])
    {
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
const MAY_BEGIN_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let (controls, _) = table.split_at_mut(0x20);
    let mut control = 0;
    while control < controls.len() {
        controls[control] = true;
        control += 1;
    }
    table[b'\t' as usize] = false;
    table[b'\n' as usize] = false;
    table[b'\r' as usize] = false;
    table[b'&' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[0xef] = true;
    table
};
