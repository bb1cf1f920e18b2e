//! What looks like a mistake in a configuration that can be used.

use std::collections::HashSet;
use std::mem::Discriminant;
use std::ops::Range;

use crate::source::Location;
use crate::warning::Warning;

/// What looks like a mistake. Displays as what is told: what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Suspicion {
    #[error("\"{0}\" is part of the value: a comment needs a blank before its \";\"")]
    GluedComment(String),
    #[error("the quotes are part of the value of {0}; remove them")]
    Quoted(String),
    #[error("{option} of [{section}] is set again here: what {earlier} says does not count")]
    SetTwice {
        section: String,
        option: String,
        earlier: String,
    },
    #[error("an included file cannot include others; move this to {0}")]
    NestedInclude(String),
    #[error("supervisorctl reads no included files; move this to {0}")]
    CtlInIncludedFile(String),

    #[error(
        "\"{0}\" means nothing here, because no shell runs the command; for a shell write \
         sh -c \"…\""
    )]
    ShellSyntax(String),
    #[error("{written} is not replaced in {option}; write %(ENV_{name})s for its value")]
    Variable {
        written: String,
        name: String,
        option: &'static str,
    },
    #[error(
        "{why}, so it cannot be started; \" ;\" and \" #\" begin a comment, even within quotes"
    )]
    CommandUnreadable { why: String },
    #[error("{why}, so it cannot be started{}", if *has_directory {
        "; \"directory\" plays no part in looking for it"
    } else {
        ""
    })]
    CommandMissing { why: String, has_directory: bool },
    #[error(
        "{0} is looked for from the directory of supervisord and run in \"directory\"; write an \
         absolute path"
    )]
    RelativeCommand(String),
    #[error("{program} goes into the background, where it is taken for ended; {advice}")]
    Daemonizes {
        program: String,
        advice: &'static str,
    },
    #[error(
        "{what} ends by itself: if that takes less than startsecs={start_secs}, it counts as \
         failed and is tried {start_retries} times more; write startsecs=0"
    )]
    OneShot {
        what: String,
        start_secs: i64,
        start_retries: i64,
    },

    #[error("{path} is no directory, so the program cannot be started{}", if path.starts_with('~') {
        "; \"~\" is not replaced here"
    } else {
        ""
    })]
    NoDirectory { path: String },
    #[error("{0} cannot be written to by {1}")]
    Unwritable(String, String),
    #[error("{0} is a directory; write the path of a file")]
    IsDirectory(String),
    #[error("{file} is the log of {other} too, so their lines are mixed{}", if *by_number {
        "; write %(process_num)d in its name"
    } else {
        ""
    })]
    SharedLog {
        file: String,
        other: String,
        by_number: bool,
    },
    #[error("it is killed at once, and never gets to act on its stop signal")]
    NoTimeToStop,
    #[error("{program} is in [{earlier}] as well: it runs once in each group")]
    InTwoGroups { program: String, earlier: String },
    #[error("it cannot be started, unless supervisord is started by root")]
    NotRoot,

    #[error("{path} has {length} bytes; the path of a socket can have {MAX_SOCKET_PATH}")]
    LongSocketPath { path: String, length: usize },
    #[error(
        "{path} has {length} bytes; the path of a socket can have {MAX_SOCKET_PATH}, and at first \
         a pid is put behind this one, so write at most {MAX_SERVER_PATH}"
    )]
    LongServerPath { path: String, length: usize },
    #[error("[{0}] answers at the same place, so the second of them cannot")]
    SamePlace(String),
    #[error(
        "whoever reaches {0} can run anything as the user of supervisord: set \"username\" and \
         \"password\", or write 127.0.0.1 before the port"
    )]
    OpenServer(String),
    #[error(
        "without [rpcinterface:supervisor] supervisorctl can do nothing; the sample that \
         echo_supervisord_conf prints has it"
    )]
    NoInterface,
    #[error("without [supervisorctl] in this file, supervisorctl does not accept it")]
    NoCtl,
    #[error("no server of this configuration answers at {0}")]
    CtlElsewhere(String),
}

/// The longest path that fits into the address of a Unix socket, its end not counted.
pub(super) const MAX_SOCKET_PATH: usize = 107;

/// The longest path of a server's socket that always fits. The socket is made under a name of its
/// own, with a dot and a pid of up to seven digits behind the path.
pub(super) const MAX_SERVER_PATH: usize = MAX_SOCKET_PATH - ".4194304".len();

/// What was found so far, each thing once for each place: a program is looked at once for each
/// of its processes.
#[derive(Debug, Default)]
pub(super) struct Findings {
    warnings: Vec<Warning>,
    told: HashSet<(String, Range<usize>, Discriminant<Suspicion>)>,
}

impl Findings {
    pub(super) fn tell(&mut self, suspicion: &Suspicion, place: &Location) {
        let key = (
            place.file().path().to_owned(),
            place.span(),
            std::mem::discriminant(suspicion),
        );
        if self.told.insert(key) {
            let warning = Warning::ours(suspicion.to_string(), Some(place));
            self.warnings.push(warning);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }
}
