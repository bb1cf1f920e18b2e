//! `avail`: what the configuration holds, active or not.

use minder_rpc::{FaultCode, Value};

use super::{Action, Verb, takes_none};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::process::{namespec, text};
use crate::report::from_value;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "avail",
    help: "avail\t\t\tDisplay all configured processes\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? {
        return Ok(());
    }
    let method = "getAllConfigInfo";
    let configured = match session.call(method, &[]).await {
        Ok(configured) => configured,
        Err(failure) if failure.fault() == Some(FaultCode::ShutdownState) => {
            return session.complain("ERROR: supervisor shutting down", Code::Generic);
        }
        Err(failure) => return Err(failure),
    };
    let table = table(&configured).ok_or_else(|| Failure::bad_answer(method))?;
    session.show("configured", || from_value(&configured), table)
}

fn table(configured: &Value) -> Option<Vec<String>> {
    configured.as_array()?.iter().map(line).collect()
}

fn line(process: &Value) -> Option<String> {
    let name = namespec(&text(process, "group")?, &text(process, "name")?);
    let in_use = if process.member("inuse")?.as_bool()? {
        "in use"
    } else {
        "avail"
    };
    let start = if process.member("autostart")?.as_bool()? {
        "auto"
    } else {
        "manual"
    };
    let group_priority = process.member("group_prio")?.as_int()?;
    let priority = process.member("process_prio")?.as_int()?;
    Some(format!(
        "{name:32} {in_use:9} {start:9} {group_priority}:{priority}"
    ))
}
