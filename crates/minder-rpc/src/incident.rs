//! What the daemon's own log says about requests, in Supervisor's words.

use std::fmt;

use minder_core::Level;

use crate::xmlrpc::DecodeError;
use crate::{Fault, python};

/// How many characters of a request that is no call are shown, so that nobody can fill the log.
const SHOWN: usize = 1000;

/// Something that happens to a request.
#[derive(Debug)]
pub enum Incident<'a> {
    /// It is no call, and is refused.
    Refused {
        /// What was sent.
        data: &'a [u8],
        /// Why it is none.
        error: &'a DecodeError,
    },
    /// This method is called.
    Called(&'a str),
    /// The method has been answered with a value.
    Returned(&'a str),
    /// The method has been answered with a fault.
    Failed(&'a str, &'a Fault),
    /// It has been answered: who asked for what, as web servers write it.
    Answered(fmt::Arguments<'a>),
}

impl Incident<'_> {
    /// How important it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Refused { .. } => Level::Error,
            Self::Called(_) | Self::Returned(_) | Self::Failed(..) | Self::Answered(_) => {
                Level::Trace
            }
        }
    }
}

impl fmt::Display for Incident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { data, error } => {
                let data = &data[..data.len().min(4 * SHOWN)];
                let shown: String = String::from_utf8_lossy(data).chars().take(SHOWN).collect();
                let why = if matches!(error, DecodeError::NoMethodName) {
                    "no method name"
                } else {
                    "unmarshallable"
                };
                let shown = python::repr_text(&shown);
                write!(f, "XML-RPC request data {shown} is invalid: {why}")
            }
            Self::Answered(line) => line.fmt(f),
            Self::Called(method) => write!(f, "XML-RPC method called: {method}()"),
            Self::Returned(method) => write!(f, "XML-RPC method {method}() returned successfully"),
            Self::Failed(method, fault) => {
                let code = fault.code.number();
                write!(
                    f,
                    "XML-RPC method {method}() returned fault: [{code}] {fault}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultCode;
    use crate::xmlrpc::decode_call;

    fn refusal(data: &[u8]) -> String {
        let error = &decode_call(data).unwrap_err();
        Incident::Refused { data, error }.to_string()
    }

    #[test]
    fn what_is_no_call_is_shown() {
        for (data, shown) in [
            (&b"xyz"[..], "'xyz' is invalid: unmarshallable"),
            (b"it's\n", "\"it's\\n\" is invalid: unmarshallable"),
            (b"\xff", "'\u{fffd}' is invalid: unmarshallable"),
            (
                b"<methodCall></methodCall>",
                "'<methodCall></methodCall>' is invalid: no method name",
            ),
        ] {
            assert_eq!(refusal(data), format!("XML-RPC request data {shown}"));
        }
        let long = refusal("\u{2603}".repeat(1 << 20).as_bytes());
        assert_eq!(long.matches('\u{2603}').count(), SHOWN);
    }

    #[test]
    fn calls_and_answers_are_told() {
        let fault = Fault::about(FaultCode::BadName, "zz");
        for (incident, told) in [
            (Incident::Called("a.b"), "called: a.b()"),
            (Incident::Returned("a.b"), "a.b() returned successfully"),
            (
                Incident::Failed("a.b", &fault),
                "a.b() returned fault: [10] BAD_NAME: zz",
            ),
        ] {
            assert_eq!(incident.to_string(), format!("XML-RPC method {told}"));
        }
    }
}
