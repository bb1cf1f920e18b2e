//! A value of XML-RPC.

use std::borrow::Cow;

use crate::Fault;

/// A value, as a parameter or a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `<int>` or `<i4>`. Wider than 32 bits only in requests, where Supervisor takes any.
    Int(i64),
    /// `<boolean>`
    Bool(bool),
    /// `<double>`
    Double(f64),
    /// `<string>`, and the text of an untyped value.
    Text(String),
    /// `<dateTime.iso8601>`, as written.
    DateTime(String),
    /// `<array>`
    Array(Vec<Value>),
    /// `<struct>`, in the order of its members: clients compare answers letter by letter.
    Struct(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(int) = self {
            Some(*int)
        } else {
            None
        }
    }

    /// The truth, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self {
            Some(*truth)
        } else {
            None
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The member of this name, if it is a struct that has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        let Self::Struct(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(int.into())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<&Fault> for Value {
    /// The struct that a fault is on the wire.
    fn from(fault: &Fault) -> Self {
        Self::Struct(vec![
            ("faultCode".into(), fault.code.number().into()),
            ("faultString".into(), fault.to_string().into()),
        ])
    }
}
