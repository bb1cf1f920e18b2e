//! `tail`: the end of a process's log, once or as it grows.

use std::pin::pin;

use minder_config::python;
use minder_http::client::{ClientError, LogStream};
use minder_rpc::{FaultCode, Value};
use minder_top::Channel;
use tokio::signal::ctrl_c;

use super::{Action, Verb, misused};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "tail",
    help: "tail [-f] <name> [stdout|stderr] (default stdout)\n\
           Ex:\n\
           tail -f <name>\t\tContinuous tail of named process stdout\n\
           \t\t\tCtrl-C to exit.\n\
           tail -100 <name>\tlast 100 *bytes* of process stdout\n\
           tail <name> stderr\tlast 1600 *bytes* of process stderr\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, words| Box::pin(run(session, words))),
};

/// What is said before a log is followed.
pub(super) const FOLLOWING: &str = "==> Press Ctrl-C to exit <==";

/// How much of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Much {
    /// What there is, and what will come.
    Follow,
    /// So many bytes from its end; all of it if 0, all from there on if negative.
    Last(i64),
}

impl Much {
    /// What is shown unless something else is asked for.
    pub(super) const DEFAULT: Self = Self::Last(1600);

    /// Reads `-f` or `-N`.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix('-')? {
            "f" => Some(Self::Follow),
            number => python::int(number).map(Self::Last),
        }
    }
}

/// Reads a word in lower case. The error is the complaint.
fn channel(word: &str) -> Result<Channel, String> {
    match word {
        "stdout" => Ok(Channel::Stdout),
        "stderr" => Ok(Channel::Stderr),
        _ => Err(format!("Error: bad channel {}", python::Repr(word))),
    }
}

/// Where the log of process `name` can be followed.
pub(crate) fn path(name: &str, channel: Channel) -> String {
    format!("/logtail/{name}/{channel}")
}

/// What reads a part of it.
fn method(channel: Channel) -> &'static str {
    match channel {
        Channel::Stdout => "readProcessStdoutLog",
        Channel::Stderr => "readProcessStderrLog",
    }
}

async fn run(session: &mut Session, words: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    let miscounted = match words.len() {
        0 => Some("Error: too few arguments"),
        1..=3 => None,
        _ => Some("Error: too many arguments"),
    };
    if let Some(complaint) = miscounted {
        return misused(session, &VERB, complaint, Code::Generic);
    }
    match parse(&words) {
        Err(complaint) => session.complain(&complaint, Code::Generic),
        Ok((name, channel, Much::Follow)) => follow(session, &path(name, channel)).await,
        Ok((name, channel, Much::Last(bytes))) => read(session, name, channel, bytes).await,
    }
}

/// Reads one to three words: how much, of whom, of which channel. The error is the complaint.
fn parse<'a>(words: &[&'a str]) -> Result<(&'a str, Channel, Much), String> {
    let (modifier, rest) = match words {
        [first, rest @ ..] if first.starts_with('-') => (Some(first), rest),
        _ => (None, words),
    };
    let (name, channel) = match rest {
        [] => return Err("Error: tail requires process name".to_owned()),
        [name] => (*name, Channel::Stdout),
        [name, .., word] => (*name, channel(&word.to_lowercase())?),
    };
    let much = match modifier {
        None => Much::DEFAULT,
        Some(word) => Much::parse(word).ok_or_else(|| format!("Error: bad argument {word}"))?,
    };
    Ok((name, channel, much))
}

async fn read(
    session: &mut Session,
    name: &str,
    channel: Channel,
    bytes: i64,
) -> Result<(), Failure> {
    let method = method(channel);
    let params = [name.into(), (-bytes).into(), 0.into()];
    let failure = match session.call(method, &params).await {
        Ok(log) => return show(session, &log, method),
        Err(failure) => failure,
    };
    let reason = match failure.fault() {
        Some(FaultCode::NoFile) => "no log file",
        Some(FaultCode::Failed) => "unknown error reading log",
        Some(FaultCode::BadName) => "no such process name",
        _ => return Err(failure),
    };
    session.complain(&format!("{name}: ERROR ({reason})"), Code::Generic)
}

/// Shows what `method` has read from a log.
pub(super) fn show(session: &mut Session, log: &Value, method: &str) -> Result<(), Failure> {
    let log = log.as_text().ok_or_else(|| Failure::bad_answer(method))?;
    session.show("log", || log.into(), [log.to_owned()])
}

/// Shows the log at `path` as it grows, until it ends or Ctrl-C is pressed.
pub(super) async fn follow(session: &mut Session, path: &str) -> Result<(), Failure> {
    if session.must_report("a log that is followed")? {
        return Ok(());
    }
    let mut interrupted = pin!(ctrl_c());
    session.say(FOLLOWING)?;
    let opened = tokio::select! {
        biased;
        _ = &mut interrupted => return session.say(""),
        opened = open(session, path) => opened?,
    };
    let Some(mut stream) = opened else {
        return Ok(());
    };
    loop {
        let chunk = tokio::select! {
            biased;
            _ = &mut interrupted => return session.say(""),
            chunk = stream.next() => chunk,
        };
        match chunk {
            Ok(Some(bytes)) => session.write(&bytes)?,
            Ok(None) | Err(ClientError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens the log stream at `path`. Why it cannot goes to standard error, and is no failure.
pub(super) async fn open(session: &Session, path: &str) -> Result<Option<LogStream>, Failure> {
    let error = match session.settings.client()?.stream(path).await {
        Ok(stream) => return Ok(Some(stream)),
        Err(error) => error,
    };
    let url = &session.settings.server_url;
    match error {
        ClientError::Unauthorized => {
            eprintln!("{url}{path} Cannot read, status code 401");
        }
        ClientError::Http { status, .. } => {
            eprintln!("{url}{path} Cannot read, status code {status}");
        }
        error => {
            eprintln!(
                "{url}{path} Cannot connect, error: {}",
                Failure::from(error)
            );
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &'static str) -> Result<(&'static str, Channel, Much), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        parse(&words)
    }

    #[test]
    fn the_last_1600_bytes_of_stdout_are_the_default() {
        assert_eq!(
            parsed("web"),
            Ok(("web", Channel::Stdout, Much::Last(1600)))
        );
        assert_eq!(
            parsed("web STDERR"),
            Ok(("web", Channel::Stderr, Much::Last(1600)))
        );
    }

    #[test]
    fn a_modifier_comes_first() {
        assert_eq!(parsed("-f web"), Ok(("web", Channel::Stdout, Much::Follow)));
        assert_eq!(
            parsed("-20 web stderr"),
            Ok(("web", Channel::Stderr, Much::Last(20)))
        );
        assert_eq!(
            parsed("--9 web"),
            Ok(("web", Channel::Stdout, Much::Last(-9)))
        );
        assert_eq!(
            parsed("web -20"),
            Err("Error: bad channel '-20'".to_owned())
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(
            parsed("-f"),
            Err("Error: tail requires process name".to_owned())
        );
        assert_eq!(parsed("-x web"), Err("Error: bad argument -x".to_owned()));
        assert_eq!(
            parsed("web LOG"),
            Err("Error: bad channel 'log'".to_owned())
        );
        assert_eq!(
            parsed("web a stderr"),
            Ok(("web", Channel::Stderr, Much::Last(1600)))
        );
    }
}
