//! Every operation of the interface, in one table.
//!
//! The table says where an operation is, what it takes and what it gives. Requests are understood by
//! it, and the description of the interface is made from it, so that neither can say anything else.

mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

pub use self::table::OPERATIONS;
use crate::{Ask, Problem};

/// A request, as it comes in.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, still encoded.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: &'a str,
    /// Its body.
    pub body: &'a [u8],
    /// What the client would like to get.
    pub accept: Option<&'a str>,
    /// The event that the client has seen last.
    pub last_event_id: Option<&'a str>,
}

/// An operation.
pub struct Operation {
    /// Its name.
    pub id: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path, with the names of parameters in braces.
    pub path: &'static str,
    /// What it belongs to.
    pub tag: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it can be told in the query.
    pub query: &'static [Param],
    /// The body that it takes.
    pub takes: Takes,
    /// The body that it gives.
    pub gives: Gives,
    /// Which statuses it may answer with, beside 200 and those that any operation may.
    pub problems: &'static [u16],
    make: fn(&Given<'_>) -> Result<Ask, Problem>,
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// What is meant if it is left out.
        default: Option<i64>,
    },
    /// `true` or `false`; false if left out.
    Bool,
    /// One of these; the first if left out.
    Choice(&'static [&'static str]),
    /// Some of these, separated by commas.
    Choices(&'static [&'static str]),
    /// The number of an event.
    Event,
    /// A place in a log.
    Place,
    /// Names, separated by commas.
    Names,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// JSON of this type; nothing means that all is left out.
    Perhaps(&'static str),
    /// JSON of this type.
    Json(&'static str),
}

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// JSON of this type.
    Json(&'static str),
    /// Server-sent events, of these names and types.
    Events(&'static [(&'static str, &'static str)]),
    /// Metrics.
    Metrics,
    /// The description of the interface.
    OpenApi,
}

/// The longest text in a parameter of a query or a path, in characters: longer than any name.
pub(crate) const TEXT: usize = 255;
/// The most names in a list: more than fit on a screen.
pub(crate) const NAMES: usize = 200;

/// What a request gives, as strings that have been looked at.
pub(crate) struct Given<'a> {
    path: Vec<(&'static str, String)>,
    query: Vec<(&'static Param, Cow<'a, str>)>,
    body: &'a [u8],
    accept: Option<&'a str>,
    last_event_id: Option<&'a str>,
}

/// Understands a request.
pub fn understand(request: &Request<'_>) -> Result<Ask, Problem> {
    let there: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, matched(operation.path, request.path)?)))
        .collect();
    if there.is_empty() {
        return Err(Problem::not_found("there is no such path"));
    }
    let allow = there
        .iter()
        .map(|(operation, _)| operation.method)
        .collect();
    let found = there
        .into_iter()
        .find(|(it, _)| it.method == request.method);
    let Some((operation, path)) = found else {
        return Err(Problem {
            allow,
            ..Problem::new(405, "the path does not take this method")
        });
    };
    let path = path.into_iter().map(decoded).collect::<Result<_, _>>()?;
    let given = Given {
        path,
        query: query(operation, request.query)?,
        body: request.body,
        accept: request.accept,
        last_event_id: request.last_event_id,
    };
    if operation.takes == Takes::Nothing && !request.body.is_empty() {
        return Err(Problem::bad_request("there must be no body"));
    }
    (operation.make)(&given)
}

/// The parameters in a path, if it is one of this form.
fn matched<'a>(form: &'static str, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let mut parameters = Vec::new();
    let (mut form, mut path) = (form.split('/'), path.split('/'));
    loop {
        match (form.next(), path.next()) {
            (None, None) => return Some(parameters),
            (Some(known), Some(given)) => {
                match known.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                    Some(name) if !given.is_empty() => parameters.push((name, given)),
                    None if known == given => {}
                    Some(_) | None => return None,
                }
            }
            (None, Some(_)) | (Some(_), None) => return None,
        }
    }
}

fn decoded((name, encoded): (&'static str, &str)) -> Result<(&'static str, String), Problem> {
    let text = percent_decode_str(encoded).decode_utf8();
    let text = text.map_err(|_| refused(name, "is no UTF-8"))?;
    check_text(name, &text)?;
    Ok((name, text.into_owned()))
}

fn query<'a>(
    operation: &'static Operation,
    text: &'a str,
) -> Result<Vec<(&'static Param, Cow<'a, str>)>, Problem> {
    let mut given: Vec<(&'static Param, Cow<'a, str>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let mut known = operation.query.iter();
        let param = known
            .find(|param| param.name == name)
            .ok_or_else(|| refused(&cut(&name), "is not known here"))?;
        if given.iter().any(|(other, _)| other.name == param.name) {
            return Err(refused(param.name, "is there twice"));
        }
        param.check(&value)?;
        given.push((param, value));
    }
    let missing =
        |param: &&Param| param.required && !given.iter().any(|(it, _)| it.name == param.name);
    match operation.query.iter().find(missing) {
        Some(param) => Err(refused(param.name, "is missing")),
        None => Ok(given),
    }
}

impl Param {
    fn check(&self, value: &str) -> Result<(), Problem> {
        match self.kind {
            Kind::Text => check_text(self.name, value),
            Kind::Int { min, max, .. } => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) && value == number.to_string() => {
                    Ok(())
                }
                Ok(_) | Err(_) => {
                    let range = format!("is no whole number from {min} to {max}");
                    Err(refused(self.name, &range))
                }
            },
            Kind::Bool if matches!(value, "true" | "false") => Ok(()),
            Kind::Bool => Err(refused(self.name, "is neither true nor false")),
            Kind::Choice(choices) if choices.contains(&value) => Ok(()),
            Kind::Choices(choices) if value.split(',').all(|it| choices.contains(&it)) => Ok(()),
            Kind::Choice(choices) | Kind::Choices(choices) => Err(refused(
                self.name,
                &format!("is none of {}", choices.join(", ")),
            )),
            Kind::Event => event_number(value)
                .map(drop)
                .ok_or_else(|| refused(self.name, "is no number of an event")),
            Kind::Place => crate::Place::parse(value)
                .map(drop)
                .ok_or_else(|| refused(self.name, "is no place in a log")),
            Kind::Names => {
                if value.split(',').count() > NAMES {
                    return Err(refused(self.name, &format!("has more than {NAMES} names")));
                }
                value
                    .split(',')
                    .try_for_each(|name| check_text(self.name, name))
            }
        }
    }
}

/// The largest number that JavaScript counts without a gap.
pub(crate) const MAX_EVENT: u64 = (1 << 53) - 1;

fn event_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number <= MAX_EVENT && text == number.to_string()).then_some(number)
}

fn check_text(name: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        Err(refused(name, "is empty"))
    } else if text.chars().count() > TEXT {
        Err(refused(name, &format!("has more than {TEXT} characters")))
    } else if text.contains('\0') {
        Err(refused(name, "has a NUL"))
    } else {
        Ok(())
    }
}

/// What is wrong with a parameter.
fn refused(name: &str, what: &str) -> Problem {
    Problem::bad_request(format!("\"{name}\" {what}"))
}

/// The beginning of what a client gave, to be shown to it.
fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Given<'_> {
    /// A parameter of the path.
    pub(crate) fn path(&self, name: &str) -> String {
        let mut path = self.path.iter();
        let found = path.find(|(known, _)| *known == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    }

    /// A parameter of the query, if it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(param, _)| param.name == name);
        found.map(|(_, value)| value.as_ref())
    }

    /// A number, which has a default in this table.
    pub(crate) fn int(&self, param: &Param) -> i64 {
        let default = match param.kind {
            Kind::Int { default, .. } => default,
            Kind::Text
            | Kind::Bool
            | Kind::Choice(_)
            | Kind::Choices(_)
            | Kind::Event
            | Kind::Place
            | Kind::Names => None,
        };
        let given = self.text(param.name).and_then(|text| text.parse().ok());
        given.or(default).unwrap_or(0)
    }

    /// A number that is not below zero.
    pub(crate) fn count(&self, param: &Param) -> u64 {
        u64::try_from(self.int(param)).unwrap_or(0)
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    pub(crate) fn event(&self, name: &str) -> Option<u64> {
        event_number(self.text(name)?)
    }

    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let names = self.text(name).into_iter().flat_map(|it| it.split(','));
        names.map(str::to_owned).collect()
    }

    pub(crate) fn accept(&self) -> Option<&str> {
        self.accept
    }

    /// What a reader has seen last who comes again.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id
    }

    /// The body, which may be left out.
    pub(crate) fn body_or_default<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            self.body
        };
        json(body)
    }

    /// The body.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        json(self.body)
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // An array in place of an object is understood by serde, and by nobody else.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    if !is_object {
        return Err(Problem::bad_request("the body is no JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("the body: {error}")))
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}
