//! Supervisor's faults.

use std::fmt;

/// A fault: an answer that says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// Which.
    pub code: FaultCode,
    /// What it is about: a name, a path, a text.
    pub about: Option<String>,
}

impl Fault {
    /// A fault about nothing in particular.
    #[must_use]
    pub fn new(code: FaultCode) -> Self {
        Self { code, about: None }
    }

    /// A fault about `about`.
    #[must_use]
    pub fn about(code: FaultCode, about: impl Into<String>) -> Self {
        Self {
            code,
            about: Some(about.into()),
        }
    }
}

impl fmt::Display for Fault {
    /// Supervisor's `faultString`: `NAME` or `NAME: what it is about`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        match &self.about {
            Some(about) => write!(f, ": {about}"),
            None => Ok(()),
        }
    }
}

macro_rules! fault_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// The faults there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FaultCode {
            $($(#[$doc])* $variant,)*
        }

        impl FaultCode {
            /// Supervisor's number for it.
            #[must_use]
            pub fn number(self) -> i32 {
                match self { $(Self::$variant => $number,)* }
            }

            /// Supervisor's name for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The fault of this number.
            #[must_use]
            pub fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

fault_codes! {
    /// No such method.
    UnknownMethod = 1, "UNKNOWN_METHOD";
    /// The wrong number of parameters, or a parameter of the wrong type.
    IncorrectParameters = 2, "INCORRECT_PARAMETERS";
    /// Parameters that make no sense together.
    BadArguments = 3, "BAD_ARGUMENTS";
    /// No signature for that.
    SignatureUnsupported = 4, "SIGNATURE_UNSUPPORTED";
    /// The daemon is shutting down or restarting.
    ShutdownState = 6, "SHUTDOWN_STATE";
    /// No such process or group.
    BadName = 10, "BAD_NAME";
    /// No such signal.
    BadSignal = 11, "BAD_SIGNAL";
    /// No such file: a command, or a log.
    NoFile = 20, "NO_FILE";
    /// A command that cannot be executed.
    NotExecutable = 21, "NOT_EXECUTABLE";
    /// It did not work.
    Failed = 30, "FAILED";
    /// Ended while its start was waited for.
    AbnormalTermination = 40, "ABNORMAL_TERMINATION";
    /// Could not be started, or ended too quickly.
    SpawnError = 50, "SPAWN_ERROR";
    /// Runs already.
    AlreadyStarted = 60, "ALREADY_STARTED";
    /// Does not run.
    NotRunning = 70, "NOT_RUNNING";
    /// No fault at all: only in the structs that tell of several processes.
    Success = 80, "SUCCESS";
    /// The group is active already.
    AlreadyAdded = 90, "ALREADY_ADDED";
    /// A process of the group is not stopped.
    StillRunning = 91, "STILL_RUNNING";
    /// The configuration cannot be read.
    CantReread = 92, "CANT_REREAD";
    /// The plug-in `supervisor_twiddler` was told not to allow that method. Supervisor knows no name
    /// for a plug-in's fault.
    NotInWhitelist = 230, "UNKNOWN";
}
