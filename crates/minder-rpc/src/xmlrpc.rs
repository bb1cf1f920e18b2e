//! How calls and answers look in XML.
//!
//! Writes exactly what Supervisor writes, letter by letter, because clients exist that search
//! answers as text. Reads what Supervisor reads: elements in any order, unknown ones skipped, a
//! call without `<params>`. Knows no method; what a call means is [`crate::call`]'s business.
//!
//! Entities other than XML's own five are refused, so that nothing can grow while it is read, and
//! everything else that a peer can make large has a bound in [`Limits`].

mod read;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use read::{decode_call, decode_response};
pub use write::{encode_array, encode_call, encode_fault, encode_response};

use crate::Value;

/// A call, not yet understood.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodCall {
    /// The method's name, with its namespace.
    pub method: String,
    /// What it is called with.
    pub params: Vec<Value>,
}

/// What the other side may make us hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of the whole text.
    pub bytes: usize,
    /// The elements that are open at once.
    pub depth: usize,
    /// The values, those inside of others included.
    pub values: usize,
    /// The bytes of one text.
    pub text: usize,
}

impl Limits {
    /// For a call, which anybody who can connect may send.
    pub const CALL: Self = Self {
        // The largest honest call feeds a program's standard input.
        bytes: 8 << 20,
        // A multicall's parameters stand 14 deep; no method takes anything deeper.
        depth: 64,
        // A multicall that names each of ten thousand processes.
        values: 1 << 17,
        text: 4 << 20,
    };

    /// For an answer, which the daemon that was asked sends.
    pub const ANSWER: Self = Self {
        // A whole log of several times the default size at which it is rotated.
        bytes: 256 << 20,
        depth: 64,
        // The configuration of a hundred thousand processes.
        values: 4 << 20,
        text: 256 << 20,
    };
}

/// Why a text is no call or no answer.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`Limits::bytes`].
    #[error("too long: {0} bytes")]
    TooLong(usize),
    /// Elements nested deeper than [`Limits::depth`].
    #[error("nested too deeply")]
    TooDeep,
    /// More values than [`Limits::values`].
    #[error("too many values")]
    TooManyValues,
    /// A text longer than [`Limits::text`].
    #[error("a text is too long")]
    TextTooLong,
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// Not XML.
    #[error("not well-formed")]
    NotXml(#[from] quick_xml::Error),
    /// XML must not contain this character, as itself or by reference.
    #[error("a character that XML does not allow: {0:?}")]
    IllegalCharacter(char),
    /// An entity that XML does not define by itself.
    #[error("unknown entity \"{0}\"")]
    UnknownEntity(String),
    /// The document ends before it is complete.
    #[error("unfinished")]
    Unfinished,
    /// Something follows, or stands before, the one element that a document is.
    #[error("something outside of the document")]
    Trailing,
    /// The text of an element is no value of the element's type.
    #[error("\"{text}\" is no {kind}")]
    BadScalar {
        /// The element.
        kind: &'static str,
        /// What it holds.
        text: String,
    },
    /// An element lacks the one that it must hold.
    #[error("<{0}> without content")]
    Incomplete(&'static str),
    /// A call that does not say what is called.
    #[error("no method name")]
    NoMethodName,
    /// An answer that holds neither a value nor a fault.
    #[error("neither a value nor a fault")]
    NoAnswer,
}

/// Whether XML 1.0 allows this character.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
