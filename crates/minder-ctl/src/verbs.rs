//! The verbs: the table that dispatch, help and completion read.
//!
//! Each verb has a file of its own, with its name, its help and what it does.

mod add;
mod avail;
mod clear;
mod fg;
mod help;
mod maintail;
mod open;
mod pid;
mod quit;
mod reload;
mod remove;
mod reread;
mod restart;
mod shutdown;
mod signal;
mod start;
mod status;
mod stop;
pub(crate) mod tail;
mod targets;
mod top;
mod update;
mod upgrade;
mod version;

use std::pin::Pin;

use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

/// What a verb's work comes to.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// A verb.
pub(crate) struct Verb {
    /// The word that a line begins with.
    pub(crate) name: &'static str,
    /// The lines that explain it, each with its end.
    pub(crate) help: &'static str,
    /// What completes its arguments.
    pub(crate) arguments: Arguments,
    /// What it does.
    pub(crate) action: Action,
}

/// What a verb does.
pub(crate) enum Action {
    /// Works, with the rest of the line.
    Work(for<'a> fn(&'a mut Session, &'a str) -> Work<'a>),
    /// Ends the shell.
    Leave,
}

/// The verbs that `help` lists, by name.
static LISTED: [&Verb; 21] = [
    &add::VERB,
    &avail::VERB,
    &clear::VERB,
    &quit::EXIT,
    &fg::VERB,
    &maintail::VERB,
    &open::VERB,
    &pid::VERB,
    &quit::QUIT,
    &reload::VERB,
    &remove::VERB,
    &reread::VERB,
    &restart::VERB,
    &shutdown::VERB,
    &signal::VERB,
    &start::VERB,
    &status::VERB,
    &stop::VERB,
    &tail::VERB,
    &update::VERB,
    &version::VERB,
];

/// The verbs that Supervisor does not have, by name: `help` lists them by themselves.
static OWN: [&Verb; 2] = [&top::VERB, &upgrade::VERB];

/// The verb of this name, listed or not.
pub(crate) fn find(name: &str) -> Option<&'static Verb> {
    LISTED
        .into_iter()
        .chain(OWN)
        .chain([&help::VERB, &quit::END_OF_INPUT])
        .find(|verb| verb.name == name)
}

/// The words that may begin a line.
pub(crate) fn vocabulary() -> impl Iterator<Item = &'static str> {
    std::iter::once(&help::VERB)
        .chain(LISTED)
        .chain(OWN)
        .map(|verb| verb.name)
}

/// Says that a verb cannot do anything with its arguments, and how it is used.
fn misused(session: &mut Session, verb: &Verb, complaint: &str, code: Code) -> Result<(), Failure> {
    session.complain(complaint, code)?;
    session.write(verb.help.as_bytes())
}

/// Says that a verb takes no arguments, if it was given some. Whether it may go on.
fn takes_none(session: &mut Session, verb: &Verb, argument: &str) -> Result<bool, Failure> {
    if argument.is_empty() {
        return Ok(true);
    }
    let complaint = format!("Error: {} accepts no arguments", verb.name);
    misused(session, verb, &complaint, Code::Generic)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listed_verbs_stand_in_order() {
        assert!(LISTED.is_sorted_by_key(|verb| verb.name));
        assert!(OWN.is_sorted_by_key(|verb| verb.name));
    }

    #[test]
    fn every_verb_is_found_by_its_name() {
        for name in vocabulary() {
            assert_eq!(find(name).map(|verb| verb.name), Some(name));
        }
        assert!(find("stat").is_none());
        assert!(find("STATUS").is_none());
    }

    #[test]
    fn every_help_ends_its_last_line() {
        for verb in vocabulary().filter_map(find) {
            assert!(verb.help.ends_with('\n'), "{}", verb.name);
        }
    }
}
