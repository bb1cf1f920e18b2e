//! `add`: activate groups of the configuration that was read last.

use minder_rpc::FaultCode;

use super::{Action, Verb, update};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "add",
    help: "add <name> [...]\tActivates any updates in config for process/group\n",
    arguments: Arguments::Groups,
    action: Action::Work(|session, groups| Box::pin(run(session, groups))),
};

async fn run(session: &mut Session, groups: &str) -> Result<(), Failure> {
    for group in groups.split_whitespace() {
        add(session, group).await?;
    }
    Ok(())
}

async fn add(session: &mut Session, group: &str) -> Result<(), Failure> {
    let Err(failure) = session.call("addProcessGroup", &[group.into()]).await else {
        return update::tell(session, group, "added");
    };
    match failure.fault() {
        Some(FaultCode::ShutdownState) => session.complain("ERROR: shutting down", Code::Generic),
        // Whoever adds it wants it active, so this is no failure.
        Some(FaultCode::AlreadyAdded) => session.say("ERROR: process group already active"),
        Some(FaultCode::BadName) => {
            let line = format!("ERROR: no such process/group: {group}");
            session.complain(&line, Code::Generic)
        }
        _ => Err(failure),
    }
}
