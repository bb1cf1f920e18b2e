//! supervisorctl: the shell and its verbs.
//!
//! One-shot or line by line, a command is read ([`line`]), its verb is found in the table
//! (`verbs`) and works through the `session`: it calls the server, writes what came of
//! it, and leaves an exit code. Everything the user sees but the name of the program is
//! Supervisor's, to the letter, because scripts read it. What the methods do is the
//! server's business; no state is kept here.

#![forbid(unsafe_code)]

mod code;
mod completion;
mod dispatch;
mod failure;
mod history;
mod input;
mod line;
mod password;
mod process;
mod report;
mod session;
mod settings;
mod shell;
mod terminal;
mod top;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::rc::Rc;

use failure::Failure;
use session::Session;
use settings::{Request, Settings};
use tokio::runtime;

/// What is left by a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Runs supervisorctl with the words of its command line, its own name first.
#[must_use]
pub fn main(args: Vec<OsString>) -> ExitCode {
    let mut words = args
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned());
    let argv0 = words.next().unwrap_or_else(|| "supervisorctl".to_owned());
    let words: Vec<String> = words.collect();
    match Request::read(&argv0, &words) {
        Ok(Request::Run { settings, action }) => run(settings, action.as_deref()),
        Ok(Request::Help(text)) => {
            let written = io::stdout().write_all(text.as_bytes());
            end(written.map_err(Failure::Output), ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("Error: {error}\nFor help, use {argv0} -h");
            ExitCode::from(error.code().number())
        }
    }
}

fn run(settings: Settings, action: Option<&str>) -> ExitCode {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => Rc::new(runtime),
        Err(error) => {
            eprintln!("error: cannot wait for input: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut session = Session::new(settings, Box::new(io::stdout()));
    match action {
        Some(action) => {
            let result = runtime.block_on(dispatch::run(&mut session, action));
            let result = result.and_then(|_| session.finish(action));
            end(result, ExitCode::from(session.code.number()))
        }
        None => end(shell::run(&runtime, &mut session), ExitCode::SUCCESS),
    }
}

/// The exit code: `code`, unless the session broke off.
fn end(result: Result<(), Failure>, code: ExitCode) -> ExitCode {
    match result {
        Ok(()) => code,
        Err(Failure::Interrupted) => ExitCode::from(INTERRUPTED),
        // Whoever read the output wants no more of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::FAILURE
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
