//! `stop`: stop processes, and wait until they are down.

use minder_rpc::FaultCode;

use super::targets::Act;
use super::{Action, Verb, misused, signal};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "stop",
    help: "stop <name>\t\tStop a process\n\
           stop <gname>:*\t\tStop all processes in a group\n\
           stop <name> <name>\tStop multiple processes or groups\n\
           stop all\t\tStop all processes\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

static STOP: Act = Act {
    all: "stopAllProcesses",
    group: Some("stopProcessGroup"),
    one: "stopProcess",
    done: "stopped",
    refusal: signal::refusal,
    forgiven: Some(FaultCode::NotRunning),
    unknown_group: Code::Generic,
};

pub(super) async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    if names.is_empty() {
        let complaint = "Error: stop requires a process name";
        return misused(session, &VERB, complaint, Code::Generic);
    }
    STOP.on(session, &names, &[]).await
}
