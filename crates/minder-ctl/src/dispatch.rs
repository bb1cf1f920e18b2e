//! From a line to what its verb does, and to how that ended.

use minder_config::python::strip;
use minder_http::client::ClientError;

use crate::code::Code;
use crate::failure::Failure;
use crate::line::Line;
use crate::session::Session;
use crate::verbs::{self, Action, Work};

/// What follows a line in the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another line.
    Line,
    /// The end.
    Leave,
}

/// Does what `line` says. What goes wrong is told and leaves its exit code; an error means
/// that nothing more can be told, or should be.
pub(crate) async fn run(session: &mut Session, line: &str) -> Result<Next, Failure> {
    let (word, argument) = match Line::parse(line) {
        Line::Empty => return Ok(Next::Line),
        Line::Foreign(_) => return unknown(session, line),
        Line::Command { word, argument } => (word, argument),
    };
    let Some(verb) = verbs::find(word) else {
        return unknown(session, line);
    };
    match verb.action {
        Action::Leave => {
            session.say("")?;
            Ok(Next::Leave)
        }
        Action::Work(task) => {
            session.disconnect();
            perform(session, task, argument).await?;
            Ok(Next::Line)
        }
    }
}

fn unknown(session: &mut Session, line: &str) -> Result<Next, Failure> {
    let complaint = format!("*** Unknown syntax: {}", strip(line));
    session.complain(&complaint, Code::Generic)?;
    Ok(Next::Line)
}

/// Does it; where the server wants credentials and someone can be asked for them, again.
async fn perform(
    session: &mut Session,
    task: for<'a> fn(&'a mut Session, &'a str) -> Work<'a>,
    argument: &str,
) -> Result<(), Failure> {
    loop {
        let failure = match task(session, argument).await {
            Err(Failure::Call(ClientError::Unauthorized)) if session.settings.interactive => {
                match session.authenticate().await {
                    Ok(()) => continue,
                    Err(failure) => failure,
                }
            }
            Err(failure) => failure,
            Ok(()) => return Ok(()),
        };
        match failure {
            Failure::Output(_) | Failure::Interrupted => return Err(failure),
            Failure::Call(ClientError::Unauthorized) => {
                session.say("Server requires authentication")?;
            }
            Failure::Call(_)
            | Failure::BadUrl(_)
            | Failure::UnknownResult { .. }
            | Failure::EndOfInput
            | Failure::Input(_) => {}
        }
        return session.complain(&format!("error: {failure}"), Code::Generic);
    }
}
