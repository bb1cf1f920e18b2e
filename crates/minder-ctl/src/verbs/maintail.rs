//! `maintail`: the end of supervisord's own log.

use minder_rpc::FaultCode;

use super::tail::{self, Much};
use super::{Action, Verb, misused};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "maintail",
    help: "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n\
           maintail -100\tlast 100 *bytes* of supervisord main log file\n\
           maintail\tlast 1600 *bytes* of supervisor main log file\n\
           \n",
    arguments: Arguments::Free,
    action: Action::Work(|session, words| Box::pin(run(session, words))),
};

async fn run(session: &mut Session, words: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    let much = match words.as_slice() {
        [] => Some(Much::DEFAULT),
        [word] => Much::parse(word),
        _ => {
            let complaint = "Error: too many arguments";
            return misused(session, &VERB, complaint, Code::Generic);
        }
    };
    match much {
        None => {
            let line = format!("Error: bad argument {}", words[0]);
            session.complain(&line, Code::Generic)
        }
        Some(Much::Follow) => tail::follow(session, "/mainlogtail").await,
        Some(Much::Last(bytes)) => read(session, bytes).await,
    }
}

async fn read(session: &mut Session, bytes: i64) -> Result<(), Failure> {
    let params = [(-bytes).into(), 0.into()];
    let failure = match session.call("readLog", &params).await {
        Ok(log) => return tail::show(session, &log, "readLog"),
        Err(failure) => failure,
    };
    let reason = match failure.fault() {
        Some(FaultCode::NoFile) => "no log file",
        Some(FaultCode::Failed) => "unknown error reading log",
        _ => return Err(failure),
    };
    let line = format!("supervisord: ERROR ({reason})");
    session.complain(&line, Code::Generic)
}
