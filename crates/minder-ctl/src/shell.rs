//! The shell: line after line, until one of them or the user ends it.

use std::rc::Rc;

use tokio::runtime::Runtime;
use tokio::signal::ctrl_c;

use crate::dispatch::{self, Next};
use crate::failure::Failure;
use crate::history;
use crate::input;
use crate::session::Session;
use crate::terminal::Terminal;

/// Runs the shell. It begins with a look at all processes.
pub(crate) fn run(runtime: &Rc<Runtime>, session: &mut Session) -> Result<(), Failure> {
    session.in_shell = true;
    let file = session.settings.history_file.clone();
    // As in Supervisor, a history that cannot be kept keeps nobody from working.
    let old = file.as_deref().and_then(|path| history::load(path).ok());
    let old = old.unwrap_or_default();
    if input::is_terminal() {
        session.terminal = Some(Terminal::open(Rc::clone(runtime), &old)?);
    }
    let end = lines(runtime, session);
    if let Some(path) = file {
        let lines = session.terminal.as_ref().map_or(old, Terminal::history);
        let _ = history::save(&path, &lines);
    }
    match end {
        Err(Failure::Interrupted) => session.say(""),
        end => end,
    }
}

fn lines(runtime: &Runtime, session: &mut Session) -> Result<(), Failure> {
    let mut line = "status".to_owned();
    while runtime.block_on(dispatch::run(session, &line))? == Next::Line {
        match read(runtime, session)? {
            Some(next) => line = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The next line, or `None` where the user leaves at the prompt.
fn read(runtime: &Runtime, session: &mut Session) -> Result<Option<String>, Failure> {
    let prompt = format!("{}> ", session.settings.prompt);
    let client = session.settings.client().ok();
    let Some(terminal) = &mut session.terminal else {
        return runtime.block_on(read_piped(session, &prompt));
    };
    match terminal.command(&prompt, client) {
        Ok(line) => Ok(Some(line)),
        // The terminal has ended the line already.
        Err(Failure::EndOfInput | Failure::Interrupted) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn read_piped(session: &mut Session, prompt: &str) -> Result<Option<String>, Failure> {
    session.write(prompt.as_bytes())?;
    let line = tokio::select! {
        biased;
        _ = ctrl_c() => return Err(Failure::Interrupted),
        line = session.input.next() => line?,
    };
    if line.is_none() {
        session.say("")?;
    }
    Ok(line)
}
