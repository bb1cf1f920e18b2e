//! `remove`: forget groups that are stopped.

use minder_rpc::FaultCode;

use super::{Action, Verb, update};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "remove",
    help: "remove <name> [...]\tRemoves process/group from active config\n",
    arguments: Arguments::Groups,
    action: Action::Work(|session, groups| Box::pin(run(session, groups))),
};

async fn run(session: &mut Session, groups: &str) -> Result<(), Failure> {
    for group in groups.split_whitespace() {
        remove(session, group).await?;
    }
    Ok(())
}

async fn remove(session: &mut Session, group: &str) -> Result<(), Failure> {
    let Err(failure) = session.call("removeProcessGroup", &[group.into()]).await else {
        return update::tell(session, group, "removed");
    };
    let reason = match failure.fault() {
        Some(FaultCode::StillRunning) => "process/group still running",
        Some(FaultCode::BadName) => "no such process/group",
        _ => return Err(failure),
    };
    session.complain(&format!("ERROR: {reason}: {group}"), Code::Generic)
}
