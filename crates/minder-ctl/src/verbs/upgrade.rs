//! `upgrade`: have supervisord go over to the program that is installed now.
//!
//! The daemon that is asked leaves, and another one answers for how it went: the same server, after
//! a moment in which connections wait.

use std::time::Duration;

use minder_http::client::ClientError;
use minder_rpc::{FaultCode, Value};
use tokio::time::{Instant, sleep};

use super::{Action, Verb, takes_none};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "upgrade",
    help: "upgrade\t\tReplace supervisord by the program that is installed now.\n\
           \t\tProcesses run on. If it does not come up, the old one goes on.\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

const INFO: &str = "minder.getInfo";

/// How long to wait for the daemon that comes next: longer than the keeper lets a new program try.
const PATIENCE: Duration = Duration::from_secs(120);

/// How soon to ask again, where nothing tells that it would be worth it.
const PAUSE: Duration = Duration::from_millis(20);

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? || !session.server_is_up().await? {
        return Ok(());
    }
    let before = match session.call_method(INFO, &[]).await {
        Ok(info) => pid(&info)?,
        Err(failure) if failure.fault() == Some(FaultCode::UnknownMethod) => {
            return session.complain(NOT_POSSIBLE, Code::Generic);
        }
        Err(failure) => return Err(failure),
    };
    match session.call_method("minder.upgrade", &[]).await {
        // The connection may end before the answer has been sent.
        Ok(_) | Err(Failure::Call(ClientError::Closed | ClientError::Io(_))) => {}
        Err(failure) => return refused(session, failure),
    }
    match next_daemon(session, before).await? {
        Some(info) => tell(session, &info),
        None => session.complain(NO_ANSWER, Code::Generic),
    }
}

fn refused(session: &mut Session, failure: Failure) -> Result<(), Failure> {
    match failure {
        Failure::Call(ClientError::Fault { code, text }) => {
            let line = match FaultCode::from_number(code) {
                Some(FaultCode::ShutdownState) => "ERROR: already shutting down".to_owned(),
                Some(FaultCode::UnknownMethod) => NOT_POSSIBLE.to_owned(),
                _ => {
                    let why = text.strip_prefix("FAILED: ").unwrap_or(&text);
                    format!("ERROR: upgrade refused: {why}")
                }
            };
            session.complain(&line, Code::Generic)
        }
        failure => Err(failure),
    }
}

/// What the daemon tells that comes after the one of this pid; `None` if none answers in time.
async fn next_daemon(session: &mut Session, before: i64) -> Result<Option<Value>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        session.disconnect();
        match session.call_method(INFO, &[]).await {
            Ok(info) if pid(&info)? != before => return Ok(Some(info)),
            // The one that leaves has answered once more, or has broken off.
            Ok(_) | Err(Failure::Call(_)) => sleep(PAUSE).await,
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}

fn tell(session: &mut Session, info: &Value) -> Result<(), Failure> {
    let upgrade = info.member("upgrade");
    let text = |name| {
        let text = upgrade.and_then(|upgrade| upgrade.member(name));
        text.and_then(Value::as_text).unwrap_or_default()
    };
    let (from, to, why) = (text("from"), text("to"), text("why"));
    match text("state") {
        "done" => session.say(&format!("Upgraded supervisord from minder {from} to {to}")),
        "rolled back" => {
            let line = format!("ERROR: upgrade to minder {to} rolled back: {why}");
            session.complain(&line, Code::Generic)
        }
        "refused" => session.complain(&format!("ERROR: upgrade refused: {why}"), Code::Generic),
        _ => session.complain(BROKEN_OFF, Code::Generic),
    }
}

fn pid(info: &Value) -> Result<i64, Failure> {
    let pid = info.member("daemon_pid").and_then(Value::as_int);
    pid.ok_or_else(|| Failure::bad_answer(INFO))
}

const NOT_POSSIBLE: &str = "ERROR: this supervisord cannot be upgraded while it runs";

const NO_ANSWER: &str = "ERROR: no answer yet: its log tells how the upgrade goes";

const BROKEN_OFF: &str = "ERROR: the upgrade was broken off, and everything runs on as it was";
