//! `fg`: a process as if it ran in the foreground.
//!
//! Shows both its logs as they grow and passes typed lines to its standard input. The
//! process runs on when this ends.

use std::pin::pin;

use bytes::Bytes;
use minder_http::client::{ClientError, LogStream};
use minder_rpc::FaultCode;
use minder_top::Channel;
use tokio::signal::ctrl_c;

use super::{Action, Verb, misused, tail};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::process::State;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "fg",
    help: "fg <process>\tConnect to a process in foreground mode\n\
           \t\tCtrl-C to exit\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if session.must_report("fg")? || !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    let name = match names.as_slice() {
        [name] => name,
        [] => {
            let complaint = "ERROR: no process name supplied";
            return misused(session, &VERB, complaint, Code::Generic);
        }
        _ => return session.complain("ERROR: too many process names supplied", Code::Generic),
    };
    match session.process(name).await {
        Ok(process) if process.state == State::Running => attach(session, name).await,
        Ok(_) => session.complain("ERROR: process not running", Code::Generic),
        Err(failure) if failure.fault() == Some(FaultCode::BadName) => {
            session.complain("ERROR: bad process name supplied", Code::Generic)
        }
        Err(failure @ Failure::Call(ClientError::Fault { .. })) => {
            session.say(&format!("ERROR: {failure}"))
        }
        Err(failure) => Err(failure),
    }
}

/// What happens while a process is in the foreground.
enum Event {
    /// Ctrl-C.
    Interrupted,
    /// A line was typed, or the input has ended.
    Typed(Option<String>),
    /// One of the logs has grown, or ended.
    Logged(Log, Option<Bytes>),
}

#[derive(Clone, Copy)]
enum Log {
    Stdout,
    Stderr,
}

async fn attach(session: &mut Session, name: &str) -> Result<(), Failure> {
    let mut interrupted = pin!(ctrl_c());
    session.say(tail::FOLLOWING)?;
    let mut stdout = tail::open(session, &tail::path(name, Channel::Stdout)).await?;
    let mut stderr = tail::open(session, &tail::path(name, Channel::Stderr)).await?;
    loop {
        let event = tokio::select! {
            biased;
            _ = &mut interrupted => Event::Interrupted,
            line = session.input.next() => Event::Typed(line?),
            chunk = next(&mut stdout) => Event::Logged(Log::Stdout, chunk),
            chunk = next(&mut stderr) => Event::Logged(Log::Stderr, chunk),
        };
        match event {
            Event::Interrupted | Event::Typed(None) => break,
            Event::Logged(_, Some(bytes)) => session.write(&bytes)?,
            Event::Logged(Log::Stdout, None) => stdout = None,
            Event::Logged(Log::Stderr, None) => stderr = None,
            Event::Typed(Some(line)) => {
                let goes_on = tokio::select! {
                    biased;
                    _ = &mut interrupted => false,
                    goes_on = pass_on(session, name, line) => goes_on?,
                };
                if !goes_on {
                    break;
                }
            }
        }
    }
    session.say("Exiting foreground")
}

/// The next bytes of a log, or `None` once it has ended; a log that is not there waits for ever.
async fn next(log: &mut Option<LogStream>) -> Option<Bytes> {
    match log {
        Some(stream) => stream.next().await.unwrap_or(None),
        None => std::future::pending().await,
    }
}

/// Sends a line to the process. Whether it still runs.
async fn pass_on(session: &mut Session, name: &str, line: String) -> Result<bool, Failure> {
    let params = [name.into(), (line + "\n").into()];
    match session.call("sendProcessStdin", &params).await {
        Ok(_) => {}
        Err(failure) if failure.fault() == Some(FaultCode::NotRunning) => {
            session.say("Process got killed")?;
            return Ok(false);
        }
        Err(failure @ Failure::Call(ClientError::Fault { .. })) => {
            session.say(&format!("ERROR: {failure}"))?;
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    }
    let runs = session.process(name).await?.state == State::Running;
    if !runs {
        session.say("Process got killed")?;
    }
    Ok(runs)
}
