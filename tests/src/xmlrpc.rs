//! XML-RPC as Supervisor's clients see it: requests written, answers read strictly.
//!
//! The reader accepts only Supervisor's layout (the one of Python's `xmlrpc.client.dumps`: one
//! tag or scalar a line), so that each call also checks the layout.

use minder_rpc::Value;

/// A fault as it arrives: number and text.
pub type Fault = (i64, String);

/// The body of a request.
#[must_use]
pub fn request(method: &str, params: &[Value]) -> String {
    let mut out = String::from("<?xml version='1.0'?><methodCall>");
    element(&mut out, "methodName", &escape(method));
    out.push_str("<params>");
    for value in params {
        out.push_str("<param>");
        write(value, &mut out);
        out.push_str("</param>");
    }
    out.push_str("</params></methodCall>");
    out
}

fn write(value: &Value, out: &mut String) {
    out.push_str("<value>");
    match value {
        Value::Int(int) => element(out, "int", &int.to_string()),
        Value::Bool(truth) => element(out, "boolean", if *truth { "1" } else { "0" }),
        Value::Double(double) => element(out, "double", &double.to_string()),
        Value::Text(text) => element(out, "string", &escape(text)),
        Value::DateTime(text) => element(out, "dateTime.iso8601", &escape(text)),
        Value::Array(items) => {
            out.push_str("<array><data>");
            for item in items {
                write(item, out);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str("<member>");
                element(out, "name", &escape(name));
                write(value, out);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

/// An element that holds only `text`, which must be escaped.
fn element(out: &mut String, tag: &str, text: &str) {
    out.extend(["<", tag, ">", text, "</", tag, ">"]);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Reads an answer: its value or its fault.
///
/// # Panics
///
/// If it is not laid out as Supervisor's answers are.
pub fn answer(body: &str) -> Result<Value, Fault> {
    let mut reader = Reader { rest: body };
    reader.expect("<?xml version='1.0'?>\n<methodResponse>\n");
    let answer = if reader.accept("<params>\n<param>\n") {
        let value = reader.value();
        reader.expect("</param>\n</params>\n");
        Ok(value)
    } else {
        reader.expect("<fault>\n");
        let fault = reader.value();
        reader.expect("</fault>\n");
        Err(fault_of(&fault))
    };
    reader.expect("</methodResponse>\n");
    assert_eq!(reader.rest, "", "text behind the answer");
    answer
}

/// The fault that a struct with `faultCode` and `faultString` stands for.
///
/// # Panics
///
/// If it has no such members.
#[must_use]
pub fn fault_of(value: &Value) -> Fault {
    let code = value.member("faultCode").and_then(Value::as_int);
    let text = value.member("faultString").and_then(Value::as_text);
    (
        code.expect("a faultCode"),
        text.expect("a faultString").to_owned(),
    )
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self) -> Value {
        self.expect("<value>");
        let value = if self.accept("<struct>\n") {
            let mut members = Vec::new();
            while self.accept("<member>\n<name>") {
                let name = self.until("</name>\n");
                members.push((name.into(), self.value()));
                self.expect("</member>\n");
            }
            self.expect("</struct>");
            Value::Struct(members)
        } else if self.accept("<array><data>\n") {
            let mut items = Vec::new();
            while !self.accept("</data></array>") {
                items.push(self.value());
            }
            Value::Array(items)
        } else if self.accept("<string>") {
            Value::Text(self.until("</string>"))
        } else if self.accept("<boolean>") {
            Value::Bool(self.until("</boolean>") == "1")
        } else {
            self.expect("<int>");
            let digits = self.until("</int>");
            Value::Int(digits.parse().expect("a number inside <int>"))
        };
        self.expect("</value>\n");
        value
    }

    fn accept(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, text: &str) {
        assert!(
            self.accept(text),
            "expected {text:?} before {:?}",
            self.rest
        );
    }

    fn until(&mut self, end: &str) -> String {
        let (text, rest) = self.rest.split_once(end).unwrap_or_else(|| {
            panic!("expected {end:?} somewhere in {:?}", self.rest);
        });
        self.rest = rest;
        unescape(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_nested_values_is_read_whole() {
        let body = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n\
                    <value><struct>\n<member>\n<name>a</name>\n<value><int>1</int></value>\n</member>\n\
                    </struct></value>\n<value><string>&lt;x&gt;</string></value>\n\
                    </data></array></value>\n</param>\n</params>\n</methodResponse>\n";
        let first = Value::Struct(vec![("a".into(), Value::Int(1))]);
        assert_eq!(answer(body), Ok(Value::Array(vec![first, "<x>".into()])));
    }

    #[test]
    fn a_fault_is_an_error() {
        let body = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
                    <member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n\
                    <member>\n<name>faultString</name>\n<value><string>BAD_NAME: x</string></value>\n\
                    </member>\n</struct></value>\n</fault>\n</methodResponse>\n";
        assert_eq!(answer(body), Err((10, "BAD_NAME: x".to_owned())));
    }
}
