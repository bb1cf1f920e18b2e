//! XML to values.
//!
//! One pass over the events of the document with a stack of the elements that are open. An element
//! hands what it holds to the one around it when it closes, so that the nesting of the input
//! costs heap that [`Limits`] bounds, and no stack of ours.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::borrow::Cow;

use super::{DecodeError, Limits, MethodCall, is_legal};
use crate::{Value, base64_text, python};

/// Reads a call.
pub fn decode_call(xml: &[u8]) -> Result<MethodCall, DecodeError> {
    let document = Document::read(xml, Limits::CALL)?;
    match document.method {
        Some(method) if !method.is_empty() => Ok(MethodCall {
            method,
            params: document.params.unwrap_or_default(),
        }),
        _ => Err(DecodeError::NoMethodName),
    }
}

/// Reads an answer: a value, or a fault's code and text.
pub fn decode_response(xml: &[u8]) -> Result<Result<Value, (i64, String)>, DecodeError> {
    let document = Document::read(xml, Limits::ANSWER)?;
    if let Some(fault) = document.fault {
        return fault_parts(&fault).map(Err).ok_or(DecodeError::NoAnswer);
    }
    let mut params = document.params.unwrap_or_default();
    if params.is_empty() {
        return Err(DecodeError::NoAnswer);
    }
    Ok(Ok(params.swap_remove(0)))
}

fn fault_parts(fault: &Value) -> Option<(i64, String)> {
    let code = fault.member("faultCode")?.as_int()?;
    let text = fault.member("faultString")?.as_text()?;
    Some((code, text.to_owned()))
}

/// What a document of either sort may hold.
#[derive(Default)]
struct Document {
    method: Option<String>,
    params: Option<Vec<Value>>,
    fault: Option<Value>,
}

impl Document {
    fn read(xml: &[u8], limits: Limits) -> Result<Self, DecodeError> {
        if xml.len() > limits.bytes {
            return Err(DecodeError::TooLong(xml.len()));
        }
        let xml = std::str::from_utf8(xml)?;
        if let Some(illegal) = xml.chars().find(|c| !is_legal(*c)) {
            return Err(DecodeError::IllegalCharacter(illegal));
        }
        let mut reader = Reader::from_str(xml.strip_prefix('\u{feff}').unwrap_or(xml));
        let mut elements = Elements::new(limits);
        loop {
            match reader.read_event()? {
                Event::Start(start) => elements.open(Tag::named(start.name().as_ref()))?,
                Event::Empty(empty) => {
                    elements.open(Tag::named(empty.name().as_ref()))?;
                    elements.close()?;
                }
                Event::End(_) => elements.close()?,
                Event::Text(text) => elements.text(&text.xml10_content())?,
                Event::CData(text) => elements.text(&text.xml10_content())?,
                Event::GeneralRef(entity) => {
                    elements.text(resolve(&entity)?.encode_utf8(&mut [0; 4]))?;
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof => return elements.finish(),
            }
        }
    }
}

fn resolve(entity: &BytesRef) -> Result<char, DecodeError> {
    if let Some(c) = entity.resolve_char_ref()? {
        return if is_legal(c) {
            Ok(c)
        } else {
            Err(DecodeError::IllegalCharacter(c))
        };
    }
    match entity.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        unknown => Err(DecodeError::UnknownEntity(unknown.to_owned())),
    }
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    MethodName,
    Params,
    Param,
    Fault,
    Value,
    Scalar(Scalar),
    Array,
    Data,
    Struct,
    Member,
    Name,
    /// Skipped; but as the type of a value it stands for its text, as in Supervisor.
    Unknown,
}

/// The types of values that hold a text and no element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    Int,
    Boolean,
    Double,
    String,
    DateTime,
    Base64,
}

impl Tag {
    fn named(name: &str) -> Self {
        match name {
            "methodName" => Self::MethodName,
            "params" => Self::Params,
            "param" => Self::Param,
            "fault" => Self::Fault,
            "value" => Self::Value,
            "int" | "i4" => Self::Scalar(Scalar::Int),
            "boolean" => Self::Scalar(Scalar::Boolean),
            "double" => Self::Scalar(Scalar::Double),
            "string" => Self::Scalar(Scalar::String),
            "dateTime.iso8601" => Self::Scalar(Scalar::DateTime),
            "base64" => Self::Scalar(Scalar::Base64),
            "array" => Self::Array,
            "data" => Self::Data,
            "struct" => Self::Struct,
            "member" => Self::Member,
            "name" => Self::Name,
            _ => Self::Unknown,
        }
    }
}

/// An element that is open, with what the closed ones inside of it left.
struct Element {
    tag: Tag,
    /// The text before the first element inside.
    text: String,
    has_child: bool,
    name: Option<String>,
    items: Vec<Value>,
    members: Vec<(Cow<'static, str>, Value)>,
}

impl Element {
    fn new(tag: Tag) -> Self {
        Self {
            tag,
            text: String::new(),
            has_child: false,
            name: None,
            items: Vec::new(),
            members: Vec::new(),
        }
    }

    fn into_first(self) -> Option<Value> {
        self.items.into_iter().next()
    }
}

/// The elements that are open, outermost first.
struct Elements {
    limits: Limits,
    open: Vec<Element>,
    values: usize,
    root_seen: bool,
    document: Document,
}

impl Elements {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Vec::new(),
            values: 0,
            root_seen: false,
            document: Document::default(),
        }
    }

    fn open(&mut self, tag: Tag) -> Result<(), DecodeError> {
        if self.open.len() == self.limits.depth {
            return Err(DecodeError::TooDeep);
        }
        match self.open.last_mut() {
            Some(outer) => outer.has_child = true,
            None if self.root_seen => return Err(DecodeError::Trailing),
            None => self.root_seen = true,
        }
        self.open.push(Element::new(tag));
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), DecodeError> {
        let Some(element) = self.open.last_mut() else {
            return if text.trim_ascii().is_empty() {
                Ok(())
            } else {
                Err(DecodeError::Trailing)
            };
        };
        if element.has_child {
            return Ok(());
        }
        if element.text.len() + text.len() > self.limits.text {
            return Err(DecodeError::TextTooLong);
        }
        element.text.push_str(text);
        Ok(())
    }

    fn close(&mut self) -> Result<(), DecodeError> {
        let element = self.open.pop().ok_or(DecodeError::Trailing)?;
        match element.tag {
            Tag::MethodName => self.document.method = Some(element.text),
            Tag::Params => self.document.params = Some(element.items),
            Tag::Fault => self.document.fault = element.into_first(),
            Tag::Param => self.give(first_of(element, "param")?),
            Tag::Array => self.give(first_of(element, "array")?),
            Tag::Data => self.make(Value::Array(element.items))?,
            Tag::Struct => self.make(Value::Struct(element.members))?,
            Tag::Scalar(scalar) => self.make(scalar.parse(element.text)?)?,
            Tag::Value => self.close_value(element)?,
            Tag::Name => self.close_name(element),
            Tag::Member => self.close_member(element)?,
            Tag::Unknown => self.close_unknown(element)?,
        }
        Ok(())
    }

    fn close_value(&mut self, element: Element) -> Result<(), DecodeError> {
        if !element.has_child {
            return self.make(Value::Text(element.text));
        }
        let value = first_of(element, "value")?;
        self.give(value);
        Ok(())
    }

    fn close_name(&mut self, element: Element) {
        if let Some(outer) = self.open.last_mut() {
            outer.name = Some(element.text);
        }
    }

    fn close_member(&mut self, mut element: Element) -> Result<(), DecodeError> {
        let name = element
            .name
            .take()
            .ok_or(DecodeError::Incomplete("member"))?;
        let value = first_of(element, "member")?;
        if let Some(outer) = self.open.last_mut() {
            outer.members.push((name.into(), value));
        }
        Ok(())
    }

    fn close_unknown(&mut self, element: Element) -> Result<(), DecodeError> {
        let is_type = self
            .open
            .last()
            .is_some_and(|outer| outer.tag == Tag::Value);
        if is_type {
            self.make(Value::Text(element.text))?;
        }
        Ok(())
    }

    /// Hands over a value that was not there before. It is counted here and not where a `<value>`
    /// closes, because values are taken that have none around them.
    fn make(&mut self, value: Value) -> Result<(), DecodeError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(DecodeError::TooManyValues);
        }
        self.give(value);
        Ok(())
    }

    fn give(&mut self, value: Value) {
        if let Some(outer) = self.open.last_mut() {
            outer.items.push(value);
        }
    }

    fn finish(self) -> Result<Document, DecodeError> {
        if self.root_seen && self.open.is_empty() {
            Ok(self.document)
        } else {
            Err(DecodeError::Unfinished)
        }
    }
}

fn first_of(element: Element, kind: &'static str) -> Result<Value, DecodeError> {
    element.into_first().ok_or(DecodeError::Incomplete(kind))
}

impl Scalar {
    fn parse(self, text: String) -> Result<Value, DecodeError> {
        let value = match self {
            Self::Int => python::parse_int(&text).map(Value::Int),
            Self::Boolean => Some(Value::Bool(text == "1")),
            Self::Double => text.trim().parse().ok().map(Value::Double),
            Self::DateTime => is_date_time(&text).then(|| Value::DateTime(text.clone())),
            Self::Base64 => base64_text(&text).map(Value::Text),
            Self::String => return Ok(Value::Text(text)),
        };
        value.ok_or_else(|| DecodeError::BadScalar {
            kind: self.name(),
            text,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Boolean => "boolean",
            Self::Double => "double",
            Self::String => "string",
            Self::DateTime => "dateTime.iso8601",
            Self::Base64 => "base64",
        }
    }
}

/// Whether it looks like `YYYYMMDDTHH:MM:SS`.
fn is_date_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"00000000T00:00:00";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(c, shape)| match shape {
            b'0' => c.is_ascii_digit(),
            _ => c == *shape,
        })
}
