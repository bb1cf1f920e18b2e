//! `clear`: empty the logs of processes.

use minder_rpc::FaultCode;

use super::targets::{Act, Refusal};
use super::{Action, Verb, misused};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "clear",
    help: "clear <name>\t\tClear a process' log files.\n\
           clear <name> <name>\tClear multiple process' log files\n\
           clear all\t\tClear all process' log files\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

static CLEAR: Act = Act {
    all: "clearAllProcessLogs",
    group: None,
    one: "clearProcessLogs",
    done: "cleared",
    refusal,
    forgiven: None,
    unknown_group: Code::Generic,
};

async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    if names.is_empty() {
        let complaint = "Error: clear requires a process name";
        return misused(session, &VERB, complaint, Code::Generic);
    }
    CLEAR.on(session, &names, &[]).await
}

fn refusal(fault: FaultCode) -> Option<Refusal> {
    let reason = match fault {
        FaultCode::BadName => "no such process",
        FaultCode::Failed => "failed",
        _ => return None,
    };
    Some(Refusal::Because(reason))
}
