//! `restart`: stop, then start. Reads no configuration.

use super::{Action, Verb, misused, start, stop};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "restart",
    help: "restart <name>\t\tRestart a process\n\
           restart <gname>:*\tRestart all processes in a group\n\
           restart <name> <name>\tRestart multiple processes or groups\n\
           restart all\t\tRestart all processes\n\
           Note: restart does not reread config files. For that, see reread and update.\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    if names.is_empty() {
        let complaint = "Error: restart requires a process name";
        return misused(session, &VERB, complaint, Code::Generic);
    }
    stop::run(session, names).await?;
    start::run(session, names).await
}
