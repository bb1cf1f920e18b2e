//! `shutdown`: end supervisord and all its processes.

use minder_http::client::ClientError;
use minder_rpc::FaultCode;

use super::{Action, Verb, takes_none};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "shutdown",
    help: "shutdown \tShut the remote supervisord down.\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

const QUESTION: &str = "Really shut the remote supervisord process down y/N? ";

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? || !session.confirms(QUESTION).await? {
        return Ok(());
    }
    let Err(failure) = session.call("shutdown", &[]).await else {
        return session.say("Shut down");
    };
    let url = &session.settings.server_url;
    let line = match &failure {
        Failure::Call(ClientError::Refused) => {
            format!("ERROR: {url} refused connection (already shut down?)")
        }
        Failure::Call(ClientError::NoSuchFile) => {
            format!("ERROR: {url} no such file (already shut down?)")
        }
        // What was wanted is on its way, so this is no failure.
        failure if failure.fault() == Some(FaultCode::ShutdownState) => {
            return session.say("ERROR: already shutting down");
        }
        _ => return Err(failure),
    };
    session.complain(&line, Code::Generic)
}
