//! `version`: the server's version.

use super::{Action, Verb, takes_none};
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "version",
    help: "version\t\t\tShow the version of the remote supervisord process\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? || !session.server_is_up().await? {
        return Ok(());
    }
    let method = "getSupervisorVersion";
    let version = session.call(method, &[]).await?;
    let version = version
        .as_text()
        .ok_or_else(|| Failure::bad_answer(method))?;
    session.show("version", || version.into(), [version.to_owned()])
}
