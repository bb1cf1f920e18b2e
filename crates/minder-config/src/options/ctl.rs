//! The command line of `supervisorctl`.

use super::UsageError;
use super::daemon::Assignment;
use super::getopt::{Given, Spec, getopt};
use crate::types;

/// What a command line of `supervisorctl` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CtlCommand {
    /// To carry out an action, or to open the shell.
    Run(CtlOptions),
    /// To print this and be done.
    Help(String),
}

/// How to reach the daemon, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CtlOptions {
    /// The configuration file, as given; to be searched for if not given.
    pub configuration: Option<String>,
    /// Whether commands may ask questions. Without an action they always may.
    pub interactive: bool,
    /// The daemon's URL.
    pub serverurl: Option<String>,
    /// The name to give the daemon.
    pub username: Option<String>,
    /// The password to give the daemon.
    pub password: Option<String>,
    /// Where the shell's history is kept, as given.
    pub history_file: Option<String>,
    /// Whether to print one JSON document in place of Supervisor's lines.
    pub json: bool,
    /// The action and its arguments; nothing opens the shell.
    pub action: Vec<String>,
}

#[derive(Clone, Copy)]
enum Key {
    Help,
    Configuration,
    Interactive,
    ServerUrl,
    Username,
    Password,
    HistoryFile,
    Json,
}

const SPECS: &[Spec<Key>] = &[
    Spec::flag(Key::Help, "-h", "--help"),
    Spec::flag(Key::Help, "-?", ""),
    Spec::value(Key::Configuration, "-c", "--configuration"),
    Spec::flag(Key::Interactive, "-i", "--interactive"),
    Spec::value(Key::ServerUrl, "-s", "--serverurl"),
    Spec::value(Key::Username, "-u", "--username"),
    Spec::value(Key::Password, "-p", "--password"),
    Spec::value(Key::HistoryFile, "-r", "--history_file"),
    Spec::flag(Key::Json, "", "--json"),
];

/// Reads the words behind the program's name, which is `argv0`.
pub fn parse(argv0: &str, words: &[String]) -> Result<CtlCommand, UsageError> {
    let (given, action) = getopt(SPECS, &with_documented_names(words))?;
    let mut options = CtlOptions {
        action,
        ..CtlOptions::default()
    };
    for Given { key, name, value } in given {
        let option = Assignment { name, value };
        let text = |text: &str| Ok(text.to_owned());
        match key {
            Key::Help => {
                let text = include_str!("supervisorctl.txt").replace("<argv0>", argv0);
                return Ok(CtlCommand::Help(text + "\n"));
            }
            Key::Json => option.turn_on(&mut options.json)?,
            Key::Interactive => option.turn_on(&mut options.interactive)?,
            Key::Configuration => option.put(&mut options.configuration, text)?,
            Key::ServerUrl => option.put(&mut options.serverurl, types::url)?,
            Key::Username => option.put(&mut options.username, text)?,
            Key::Password => option.put(&mut options.password, text)?,
            Key::HistoryFile => option.put(&mut options.history_file, text)?,
        }
    }
    Ok(CtlCommand::Run(options))
}

/// The help has always called `--history_file` `--history-file`; here that works too, and its
/// beginnings stay unique.
fn with_documented_names(words: &[String]) -> Vec<String> {
    words
        .iter()
        .map(|word| match word.strip_prefix("--history-") {
            Some(rest) if "file".starts_with(rest.split('=').next().unwrap_or(rest)) => {
                format!("--history_{rest}")
            }
            _ => word.clone(),
        })
        .collect()
}
