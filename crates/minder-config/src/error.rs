//! What can be wrong with a configuration, said as Supervisor says it.
//!
//! [`Problem`] is the list of all its messages; a [`ConfigError`] adds where the problem is. Its
//! `Display` is Supervisor's text to the letter, which goes behind `Error: ` on the terminal and
//! behind `CANT_REREAD: ` to clients; [`report`](ConfigError::report) is what Minder adds.

use std::fmt;

use crate::environment::EnvironmentError;
use crate::expand::{ExpandError, ExpandProblem, Malformed};
use crate::ini::SyntaxError;
use crate::python::Repr;
use crate::source::{DecodeError, Location, MAX_FILE_BYTES};
use crate::types::ValueError;

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong.
    pub problem: Box<Problem>,
    /// The program section it was found in, where Supervisor names it.
    pub within: Option<Within>,
    /// Where it is, as far as a place can be named.
    pub location: Option<Location>,
}

/// The section of a program, and the file that opened it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The section's name.
    pub section: String,
    /// The file's name as it was given or found.
    pub file: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)?;
        match &self.within {
            None => Ok(()),
            Some(Within { section, file }) => {
                let (section, file) = (Repr(section), Repr(file));
                write!(f, " in section {section} (file: {file})")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// A problem at a place, or at the part of it that the problem knows of.
    pub(crate) fn at(problem: impl Into<Problem>, location: &Location) -> Self {
        let problem = problem.into();
        // A value that was put together or rewritten has no place for its parts.
        let location = if let Problem::Expand(error) = &problem
            && error.value == location.text()
        {
            location.part(error.span.clone())
        } else {
            location.clone()
        };
        Self {
            problem: Box::new(problem),
            within: None,
            location: Some(location),
        }
    }

    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.problem.hint()
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            within: None,
            location: None,
        }
    }
}

/// What is wrong. Displays as Supervisor's message; where Supervisor has none, as ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is about")]
pub enum Problem {
    #[error("could not find config file {0}")]
    NotFound(String),
    #[error("could not read config file {0}")]
    Unreadable(String),
    #[error("config file {0} has more than {MAX_FILE_BYTES} bytes")]
    TooLarge(String),
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error(".ini file has [include] section, but no files setting")]
    NoIncludedFiles,
    #[error("[include] matches more than {0} files")]
    TooManyFiles(usize),
    #[error(".ini file does not include {0} section")]
    NoSection(&'static str),
    #[error(transparent)]
    Expand(#[from] ExpandError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),

    #[error("section [{section}] does not specify a {key}")]
    NoFactory { section: String, key: &'static str },
    #[error("{spec} cannot be resolved within [{section}]")]
    Unresolved { spec: String, section: String },

    #[error("[{group}] names unknown program or fcgi-program {program}")]
    UnknownMember {
        group: String,
        program: String,
        /// The program that was probably meant.
        near: Option<String>,
    },
    #[error("[{group}] name {program} is ambiguous (exists as program and fcgi-program)")]
    AmbiguousMember { group: String, program: String },

    #[error("program section {0} does not specify a command")]
    NoCommand(String),
    #[error("%(process_num) must be present within process_name when numprocs > 1")]
    NoProcessNumber,
    #[error("numprocs of {0} is more than {1}")]
    TooManyProcesses(i64, i64),
    #[error("Cannot set stopasgroup=true and killasgroup=false")]
    StopWithoutKillAsGroup,

    #[error("[{section}] section sets invalid buffer_size ({size})")]
    BufferSize { section: String, size: i64 },
    #[error("[{0}] section requires an \"events\" line")]
    NoEvents(String),
    #[error("Unknown event type {name} in [{section}] events")]
    UnknownEvent { name: String, section: String },
    #[error(
        "[{0}] section sets redirect_stderr=true but this is not allowed because it will \
         interfere with the eventlistener protocol"
    )]
    ListenerRedirects(String),

    #[error("Invalid socket_backlog value {0}")]
    SocketBacklog(i64),
    #[error("Invalid socket_owner value {0}")]
    SocketOwner(String),
    #[error("Invalid socket_mode value {0}")]
    SocketMode(String),
    #[error("[{0}] section requires a \"socket\" line")]
    NoSocket(String),
    #[error("{problem} in [{section}] socket")]
    Socket {
        section: String,
        problem: SocketProblem,
    },

    #[error(
        "Section [{0}] contains incomplete authentication: If a username or a password is \
         specified, both the username and password must be specified"
    )]
    IncompleteAuthentication(String),
    #[error("section [{0}] has no port value")]
    NoPort(String),
    #[error("section [{0}] has no file value")]
    NoFile(String),
    #[error("Invalid sockchown value {0}")]
    SocketChown(String),
    #[error("Invalid chmod value {0}")]
    SocketChmod(String),
}

/// What is wrong with the socket of an fcgi program. Two of the texts are a Python tuple in Supervisor too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is about")]
pub enum SocketProblem {
    #[error("('Unix socket path %s is not an absolute path', {})", Repr(.0))]
    RelativePath(String),
    #[error("socket_owner and socket_mode params should only be used with a Unix domain socket")]
    OwnerOfTcp,
    #[error("('Bad socket format %s', {})", Repr(.0))]
    Format(String),
    #[error(transparent)]
    Port(ValueError),
}

impl Problem {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotFound(_) | Self::Unreadable(_) => {
                "check the path, and that it can be read by the user who starts this"
            }
            Self::TooLarge(_) => "split it with [include]",
            Self::TooManyFiles(_) => "check the pattern in [include] files",
            Self::Encoding(_) => "save the file as UTF-8",
            Self::Syntax(SyntaxError::NoSectionHeader { .. }) => {
                "a file begins with a section such as [supervisord]"
            }
            Self::Syntax(SyntaxError::BadLines { .. }) => {
                "write \"name = value\", and begin a comment with \";\""
            }
            Self::NoIncludedFiles => "add \"files = conf.d/*.conf\", or remove the section",
            Self::NoSection("supervisord") => "add a line that says [supervisord]",
            Self::NoSection(_) => "add a line that says [supervisorctl]",
            Self::Expand(error) => return hint_for_expansion(error),
            Self::Value(error) => return hint_for_value(error),
            Self::Environment(EnvironmentError::NoClosingQuotation) => {
                "a quotation must be closed; \" ;\" and \" #\" begin a comment, even within quotes"
            }
            Self::Environment(EnvironmentError::NoPairs(_)) => {
                "write KEY=\"value\",KEY2=\"value2\"; a value of anything but letters, digits and \
                 _/.+-(): needs quotes"
            }
            Self::NoFactory { key, .. } if *key != crate::rpcinterface::FACTORY => {
                "plug-ins written in Python cannot be loaded; remove the section"
            }
            Self::NoFactory { .. } => {
                "add \"supervisor.rpcinterface_factory = \
                 supervisor.rpcinterface:make_main_rpcinterface\""
            }
            Self::Unresolved { section, .. } if section.starts_with(crate::listener::PREFIX) => {
                "handlers written in Python cannot be loaded: remove \"result_handler\"; to see what \
                 programs write, set their \"stdout_logfile\" to /dev/stdout"
            }
            Self::Unresolved { .. } => {
                "plug-ins written in Python cannot be loaded: remove the section, or write a program \
                 that uses the XML-RPC interface"
            }
            Self::UnknownMember {
                near: Some(near), ..
            } => return Some(format!("did you mean {near}?")),
            Self::UnknownMember { program, .. } if program.is_empty() => "remove a comma",
            Self::UnknownMember { program, .. } if program.contains(crate::python::is_space) => {
                "put commas between the names"
            }
            Self::UnknownMember { .. } => {
                "\"programs\" lists the names of [program:x] sections, with commas between them"
            }
            Self::AmbiguousMember { .. } => "rename one of the two",
            Self::NoCommand(_) => "add \"command = /path/to/program\"",
            Self::NoProcessNumber => "write \"process_name = %(program_name)s_%(process_num)02d\"",
            Self::TooManyProcesses(..) => "spread them over several programs",
            Self::StopWithoutKillAsGroup => "remove \"killasgroup\": it follows \"stopasgroup\"",
            Self::BufferSize { .. } => "a listener needs room for at least one event",
            Self::NoEvents(_) => "add \"events = PROCESS_STATE\", for example",
            Self::UnknownEvent { name, .. } => {
                return crate::nearest::nearest(name, crate::listener::EVENTS)
                    .map(|near| format!("did you mean {near}?"));
            }
            Self::ListenerRedirects(_) => "remove \"redirect_stderr\"",
            Self::SocketBacklog(_) => "a backlog is a number from 1 to 65535",
            Self::SocketOwner(_) | Self::SocketChown(_) => {
                "write \"user\" or \"user:group\", of users and groups that exist"
            }
            Self::SocketMode(_) | Self::SocketChmod(_) => "write an octal mode such as 0700",
            Self::NoSocket(_) | Self::Socket { .. } => {
                "write unix:///absolute/path or tcp://host:port"
            }
            Self::IncompleteAuthentication(_) => "set both \"username\" and \"password\"",
            Self::NoPort(_) => "add \"port = 127.0.0.1:9001\"",
            Self::NoFile(_) => "add \"file = /path/to/supervisor.sock\"",
        };
        Some(text.to_owned())
    }
}

fn hint_for_expansion(error: &ExpandError) -> Option<String> {
    let text = match &error.why {
        ExpandProblem::UnknownName { name, available } => {
            return crate::nearest::nearest(name, available)
                .map(|near| format!("did you mean %({near})s?"));
        }
        ExpandProblem::Malformed(Malformed::IncompleteKey | Malformed::Incomplete)
            if error.value.contains("%(") =>
        {
            "a name is written %(name)s; a percent sign that is meant as such is doubled: %%"
        }
        ExpandProblem::Malformed(_) => "a percent sign that is meant as such is doubled: %%",
    };
    Some(text.to_owned())
}

fn hint_for_value(error: &ValueError) -> Option<String> {
    let text = match error {
        ValueError::Boolean(_) => "write true or false",
        ValueError::Integer(_) => "write a whole number; a size may end in KB, MB or GB",
        ValueError::Octal(_) => "write an octal number such as 022",
        ValueError::SignalName(_) | ValueError::SignalNumber(_) => {
            "write a signal such as TERM, INT, QUIT, HUP, USR1 or KILL"
        }
        ValueError::ExitCodes(_) => "write numbers from 0 to 255 with commas between them",
        ValueError::AutoRestart(_) => "write true, false or unexpected",
        ValueError::Orphans(_) => "write stop or adopt",
        ValueError::NoParentDirectory(_) | ValueError::NoDirectory(_) => {
            "create the directory, or correct the path"
        }
        ValueError::Level(_) => "write critical, error, warn, info, debug, trace or blather",
        ValueError::UserName(_) | ValueError::UserId(_) => "name a user of this machine",
        ValueError::GroupName(_) | ValueError::GroupId(_) => "name a group of this machine",
        ValueError::Lookup { .. } => return None,
        ValueError::Port(_)
        | ValueError::NoPort
        | ValueError::Below { .. }
        | ValueError::Above { .. } => "write host:port or port, a number from 1 to 65535",
        ValueError::Name { .. } | ValueError::EmptyName(_) => {
            "a name is not empty and has no blank, colon or slash"
        }
        ValueError::Url(_) | ValueError::Ipv6Url => "write a URL such as http://localhost:9001",
    };
    Some(text.to_owned())
}
