//! `reload`: have supervisord restart itself and all its processes.

use minder_rpc::FaultCode;

use super::{Action, Verb, takes_none};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "reload",
    help: "reload \t\tRestart the remote supervisord.\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

const QUESTION: &str = "Really restart the remote supervisord process y/N? ";

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? || !session.confirms(QUESTION).await? {
        return Ok(());
    }
    match session.call("restart", &[]).await {
        Ok(_) => session.say("Restarted supervisord"),
        Err(failure) if failure.fault() == Some(FaultCode::ShutdownState) => {
            session.complain("ERROR: already shutting down", Code::Generic)
        }
        Err(failure) => Err(failure),
    }
}
