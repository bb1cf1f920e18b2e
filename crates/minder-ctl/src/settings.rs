//! What the command line and the configuration file make of a session.

use std::path::PathBuf;

use minder_config::options::ctl::{self, CtlCommand, CtlOptions};
use minder_config::options::{UsageError, find_config};
use minder_config::{ConfigError, Environment, Problem, Source, Supervisorctl};
use minder_http::client::{Client, Credentials, Endpoint};

use crate::code::Code;
use crate::failure::Failure;

/// What supervisorctl was started for.
#[derive(Debug)]
pub(crate) enum Request {
    /// A session: one action, or the shell if there is none.
    Run {
        settings: Settings,
        action: Option<String>,
    },
    /// To print this.
    Help(String),
}

/// Why it cannot start. Displays as Supervisor's message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("option --json needs an action")]
    NoAction,
}

impl StartError {
    /// What is left behind. Supervisor falls over a file that it cannot parse, and refuses everything
    /// else.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Config(error) if matches!(*error.problem, Problem::Syntax(_)) => Code::Generic,
            Self::Usage(_) | Self::Config(_) | Self::NoAction => Code::InvalidArguments,
        }
    }
}

/// How a session goes about its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `unix://…` or `http://…`; what is neither fails at the first call.
    pub(crate) server_url: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    /// Without the `> ` that follows it.
    pub(crate) prompt: String,
    /// Where the shell keeps the lines of former sessions.
    pub(crate) history_file: Option<PathBuf>,
    /// Whether questions may be asked.
    pub(crate) interactive: bool,
    /// Whether what there is to say is said as JSON.
    pub(crate) json: bool,
}

impl Request {
    /// Reads a command line: the program's own name, and the words behind it.
    pub(crate) fn read(argv0: &str, words: &[String]) -> Result<Self, StartError> {
        let options = match ctl::parse(argv0, words)? {
            CtlCommand::Help(text) => return Ok(Self::Help(text)),
            CtlCommand::Run(options) => options,
        };
        if options.json && options.action.is_empty() {
            return Err(StartError::NoAction);
        }
        let environment = Environment::of_process();
        let file = options.configuration.clone();
        // Without a file, a client can still know all it needs.
        let source = file
            .or_else(|| find_config(argv0, &environment))
            .map(|path| Source::new(path, &environment));
        let section = Supervisorctl::load(source.as_ref(), &options, &environment)?;
        Ok(Self::Run {
            settings: Settings::new(section, &options),
            action: (!options.action.is_empty()).then(|| options.action.join(" ")),
        })
    }
}

impl Settings {
    fn new(section: Supervisorctl, options: &CtlOptions) -> Self {
        Self {
            server_url: section.serverurl,
            username: section.username,
            password: section.password,
            prompt: section.prompt,
            history_file: section.history_file,
            interactive: (options.interactive && !options.json) || options.action.is_empty(),
            json: options.json,
        }
    }

    /// A client of the server that is set now.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let endpoint = Endpoint::parse(&self.server_url)?;
        let credentials = match (&self.username, &self.password) {
            (Some(username), Some(password)) => Some(Credentials {
                username: username.clone(),
                password: password.clone(),
            }),
            _ => None,
        };
        Ok(Client::new(endpoint, credentials))
    }
}
