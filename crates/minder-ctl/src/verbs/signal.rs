//! `signal`: send a signal to processes.

use minder_rpc::FaultCode;

use super::targets::{Act, Refusal};
use super::{Action, Verb, misused};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "signal",
    help: "signal <signal name> <name>\t\tSignal a process\n\
           signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
           signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
           signal <signal name> all\t\tSignal all processes\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, words| Box::pin(run(session, words))),
};

static SIGNAL: Act = Act {
    all: "signalAllProcesses",
    group: Some("signalProcessGroup"),
    one: "signalProcess",
    done: "signalled",
    refusal,
    forgiven: None,
    unknown_group: Code::Generic,
};

async fn run(session: &mut Session, words: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    match words.as_slice() {
        [] | [_] => {
            let complaint = "Error: signal requires a signal name and a process name";
            misused(session, &VERB, complaint, Code::Generic)
        }
        [signal, names @ ..] => SIGNAL.on(session, names, &[(*signal).into()]).await,
    }
}

/// How it is told that a process was not signalled, or not stopped.
pub(super) fn refusal(fault: FaultCode) -> Option<Refusal> {
    let reason = match fault {
        FaultCode::BadName => "no such process",
        FaultCode::BadSignal => "bad signal name",
        FaultCode::NotRunning => "not running",
        FaultCode::Failed => return Some(Refusal::InItsWords),
        _ => return None,
    };
    Some(Refusal::Because(reason))
}
