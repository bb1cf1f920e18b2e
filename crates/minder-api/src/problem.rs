//! What goes wrong, as RFC 9457 has it.

use minder_rpc::{Fault, FaultCode};
use serde::Serialize;

/// An answer that says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// What sort of problem: `about:blank` if the status says all, else a name of Supervisor's.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sort of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// The number of the same fault in XML-RPC, if there is one.
    pub fault: Option<i32>,
    /// The methods that are allowed here. Not part of the body.
    #[serde(skip)]
    pub allow: Vec<&'static str>,
}

impl Problem {
    /// A problem that the HTTP status says everything about, but for `detail`.
    #[must_use]
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: title(status).to_owned(),
            status,
            detail: detail.into(),
            fault: None,
            allow: Vec::new(),
        }
    }

    /// Something is wrong with the request.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// The body of the answer.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers can be written")
    }
}

/// How HTTP calls a status that is answered here.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (status, title) = match fault.code {
            FaultCode::UnknownMethod | FaultCode::BadName => (404, "There is no such process"),
            FaultCode::IncorrectParameters
            | FaultCode::BadArguments
            | FaultCode::SignatureUnsupported => (400, "The request makes no sense"),
            FaultCode::BadSignal => (400, "There is no such signal"),
            FaultCode::ShutdownState => (503, "The daemon is shutting down or restarting"),
            FaultCode::NoFile => (409, "There is no such file"),
            FaultCode::NotExecutable => (409, "The command cannot be executed"),
            FaultCode::Failed => (409, "It did not work"),
            FaultCode::AbnormalTermination => (409, "The process ended while it was started"),
            FaultCode::SpawnError => (409, "The process could not be started"),
            FaultCode::AlreadyStarted => (409, "The process runs already"),
            FaultCode::NotRunning => (409, "The process does not run"),
            FaultCode::AlreadyAdded => (409, "The group is active already"),
            FaultCode::StillRunning => (409, "A process of the group runs"),
            FaultCode::CantReread => (409, "The configuration cannot be read"),
            FaultCode::NotInWhitelist => (403, "The method is not allowed"),
            FaultCode::Success => (500, "An answer that makes no sense"),
        };
        Self {
            kind: format!("urn:supervisor:fault:{}", fault.code.name()),
            title: title.to_owned(),
            status,
            detail: fault.about.unwrap_or_default(),
            fault: Some(fault.code.number()),
            allow: Vec::new(),
        }
    }
}
