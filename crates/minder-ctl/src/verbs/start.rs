//! `start`: start processes, and wait until they run.

use minder_rpc::FaultCode;

use super::targets::{Act, Refusal};
use super::{Action, Verb, misused};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "start",
    help: "start <name>\t\tStart a process\n\
           start <gname>:*\t\tStart all processes in a group\n\
           start <name> <name>\tStart multiple processes or groups\n\
           start all\t\tStart all processes\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

static START: Act = Act {
    all: "startAllProcesses",
    group: Some("startProcessGroup"),
    one: "startProcess",
    done: "started",
    refusal,
    forgiven: Some(FaultCode::AlreadyStarted),
    unknown_group: Code::InvalidArguments,
};

pub(super) async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    if names.is_empty() {
        let complaint = "Error: start requires a process name";
        return misused(session, &VERB, complaint, Code::InvalidArguments);
    }
    START.on(session, &names, &[]).await
}

fn refusal(fault: FaultCode) -> Option<Refusal> {
    let reason = match fault {
        FaultCode::BadName => "no such process",
        FaultCode::NoFile => "no such file",
        FaultCode::NotExecutable => "file is not executable",
        FaultCode::AlreadyStarted => "already started",
        FaultCode::SpawnError => "spawn error",
        FaultCode::AbnormalTermination => "abnormal termination",
        _ => return None,
    };
    Some(Refusal::Because(reason))
}
