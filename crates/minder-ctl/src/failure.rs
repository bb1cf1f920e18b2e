//! What ends a command early, and how it is told.

use std::fmt;
use std::io;

use minder_config::python::Repr;
use minder_http::client::{BadUrl, ClientError};
use minder_rpc::FaultCode;
use rustix::io::Errno;

/// What ends a command early.
///
/// Its text is what stands behind `error: `. It is that of the exception which Supervisor's
/// supervisorctl shows there, without the exception's class and the place in its source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A call had no result.
    #[error("{}", CallText(.0))]
    Call(#[from] ClientError),
    /// The server's URL is none.
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
    /// A process's result is none that its verb may have.
    #[error("Unknown result code {status} for {name}")]
    UnknownResult {
        /// The result.
        status: i64,
        /// The process.
        name: String,
    },
    /// A question was left without an answer.
    #[error("EOF when reading a line")]
    EndOfInput,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The input cannot be read.
    #[error("cannot read the input: {0}")]
    Input(io::Error),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// An answer that lacks what the method promises.
    pub(crate) fn bad_answer(method: &str) -> Self {
        Self::Call(ClientError::BadResponse(format!(
            "unexpected result of {method}"
        )))
    }

    /// Which of Supervisor's faults it is, if it is one.
    pub(crate) fn fault(&self) -> Option<FaultCode> {
        match self {
            Self::Call(ClientError::Fault { code, .. }) => FaultCode::from_number(*code),
            _ => None,
        }
    }
}

struct CallText<'a>(&'a ClientError);

impl fmt::Display for CallText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ClientError::Refused => errno(f, Errno::CONNREFUSED),
            ClientError::NoSuchFile => errno(f, Errno::NOENT),
            // The resolver's EAI_NONAME.
            ClientError::UnknownHost => f.write_str("[Errno -2] Name or service not known"),
            ClientError::Unauthorized => protocol(f, 401, "Unauthorized"),
            ClientError::Http { status, reason } => protocol(f, *status, reason),
            ClientError::Fault { code, text } => write!(f, "<Fault {code}: {}>", Repr(text)),
            ClientError::Io(error) => match Errno::from_io_error(error) {
                Some(number) => errno(f, number),
                None => error.fmt(f),
            },
            error @ (ClientError::Closed | ClientError::TooLarge | ClientError::BadResponse(_)) => {
                error.fmt(f)
            }
        }
    }
}

fn errno(f: &mut fmt::Formatter<'_>, errno: Errno) -> fmt::Result {
    let number = errno.raw_os_error();
    let shown = io::Error::from(errno).to_string();
    let text = shown.split(" (os error").next().unwrap_or_default();
    write!(f, "[Errno {number}] {text}")
}

/// As Supervisor shows it: always this host, whatever the server's URL.
fn protocol(f: &mut fmt::Formatter<'_>, status: u16, reason: &str) -> fmt::Result {
    write!(f, "<ProtocolError for 127.0.0.1/RPC2: {status} {reason}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: ClientError) -> String {
        Failure::from(error).to_string()
    }

    #[test]
    fn a_fault_is_shown_with_its_text_quoted() {
        let plain = ClientError::Fault {
            code: 6,
            text: "SHUTDOWN_STATE".to_owned(),
        };
        assert_eq!(text(plain), "<Fault 6: 'SHUTDOWN_STATE'>");
        let quoted = ClientError::Fault {
            code: 92,
            text: "CANT_REREAD: no 'x'".to_owned(),
        };
        assert_eq!(text(quoted), "<Fault 92: \"CANT_REREAD: no 'x'\">");
    }

    #[test]
    fn an_error_of_the_system_is_shown_with_its_number() {
        assert_eq!(text(ClientError::Refused), "[Errno 111] Connection refused");
        let reset = io::Error::from(Errno::CONNRESET);
        assert_eq!(
            text(ClientError::Io(reset)),
            "[Errno 104] Connection reset by peer"
        );
    }

    #[test]
    fn only_a_known_fault_is_a_fault() {
        let fault = |code| {
            Failure::from(ClientError::Fault {
                code,
                text: String::new(),
            })
            .fault()
        };
        assert_eq!(fault(10), Some(FaultCode::BadName));
        assert_eq!(fault(12345), None);
        assert_eq!(Failure::EndOfInput.fault(), None);
    }
}
