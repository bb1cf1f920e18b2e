//! A call to one of Supervisor's methods, understood.
//!
//! Which methods there are, and how each is made from its parameters, stands in the table of
//! [`crate::method`]; several names may mean one call.

use crate::method::{self, Action};
use crate::python;
use crate::{Channel, Fault, FaultCode, TwiddlerCall, Value};

/// A call of the `supervisor` namespace, whose variants are named after its methods, of our own, or
/// of a plug-in's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The version of the API.
    GetApiVersion,
    /// The version of the daemon.
    GetSupervisorVersion,
    /// The daemon's `identifier`.
    GetIdentification,
    /// What the daemon is up to.
    GetState,
    /// The daemon's pid.
    GetPid,
    /// A part of the daemon's own log.
    ReadLog(Span),
    /// Empty the daemon's own log.
    ClearLog,
    /// Stop everything, then end.
    Shutdown,
    /// Stop everything, then begin anew.
    Restart,
    /// Read the configuration again and say what it would change.
    ReloadConfig,
    /// Make a configured group active.
    AddProcessGroup {
        /// The group.
        name: String,
    },
    /// Forget a stopped group.
    RemoveProcessGroup {
        /// The group.
        name: String,
    },
    /// Start a process, or all of a group (`group:*`).
    StartProcess {
        /// As given.
        name: String,
        /// Whether to answer only when the outcome is known.
        wait: bool,
    },
    /// Start all processes of a group.
    StartProcessGroup {
        /// The group.
        name: String,
        /// Whether to answer only when the outcome is known.
        wait: bool,
    },
    /// Start all processes.
    StartAllProcesses {
        /// Whether to answer only when the outcome is known.
        wait: bool,
    },
    /// Stop a process, or all of a group (`group:*`).
    StopProcess {
        /// As given.
        name: String,
        /// Whether to answer only when it has ended.
        wait: bool,
    },
    /// Stop all processes of a group.
    StopProcessGroup {
        /// The group.
        name: String,
        /// Whether to answer only when they have ended.
        wait: bool,
    },
    /// Stop all processes.
    StopAllProcesses {
        /// Whether to answer only when they have ended.
        wait: bool,
    },
    /// Send a signal to a process, or to all of a group (`group:*`).
    SignalProcess {
        /// As given.
        name: String,
        /// The signal's name or number, as given.
        signal: String,
    },
    /// Send a signal to all processes of a group.
    SignalProcessGroup {
        /// The group.
        name: String,
        /// The signal's name or number, as given.
        signal: String,
    },
    /// Send a signal to all processes.
    SignalAllProcesses {
        /// The signal's name or number, as given.
        signal: String,
    },
    /// How a process is.
    GetProcessInfo {
        /// As given.
        name: String,
    },
    /// How all processes are.
    GetAllProcessInfo,
    /// How all processes are configured.
    GetAllConfigInfo,
    /// A part of a process's log.
    ReadProcessLog {
        /// As given.
        name: String,
        /// Which of its logs.
        channel: Channel,
        /// Which part.
        span: Span,
    },
    /// The end of a process's log.
    TailProcessLog {
        /// As given.
        name: String,
        /// Which of its logs.
        channel: Channel,
        /// What the caller has not seen yet, as far as it knows.
        span: Span,
    },
    /// Empty a process's logs.
    ClearProcessLogs {
        /// As given.
        name: String,
    },
    /// Empty the logs of all processes.
    ClearAllProcessLogs,
    /// Write to a process's standard input.
    SendProcessStdin {
        /// As given.
        name: String,
        /// What to write.
        chars: String,
    },
    /// Tell the listeners something.
    SendRemoteCommEvent {
        /// The type to put into the event.
        kind: String,
        /// What to tell.
        data: String,
    },
    /// `minder.getVersion`: the version of Minder.
    GetMinderVersion,
    /// `minder.getInfo`: the daemon, and the keeper above it.
    GetMinderInfo,
    /// `minder.upgrade`: another program in place of the one that runs.
    UpgradeMinder,
    /// A call of the plug-in `supervisor_twiddler`.
    Twiddler(TwiddlerCall),
}

/// A part of a log, in bytes. What negative numbers mean is up to whoever reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub offset: i64,
    /// How long it is.
    pub length: i64,
}

impl Call {
    /// Understands a call of Supervisor's own by name and parameters.
    ///
    /// The faults for parameters of wrong types are Supervisor's, except that where it answers
    /// with an internal error (HTTP 500), this is `INCORRECT_PARAMETERS`.
    pub fn parse(method: &str, params: &[Value]) -> Result<Self, Fault> {
        let method = method::find(method).ok_or_else(unknown_method)?;
        match method.action {
            Action::Supervisor(parse) => parse(Args::new(method, params)?),
            Action::Twiddler(_)
            | Action::ListMethods
            | Action::MethodHelp
            | Action::MethodSignature
            | Action::Multicall => Err(unknown_method()),
        }
    }
}

pub(crate) fn unknown_method() -> Fault {
    Fault::new(FaultCode::UnknownMethod)
}

pub(crate) fn incorrect_parameters() -> Fault {
    Fault::new(FaultCode::IncorrectParameters)
}

/// The parameters of a call, right in number and not yet looked at. Each is taken once.
pub(crate) struct Args<'a>(std::slice::Iter<'a, Value>);

impl<'a> Args<'a> {
    /// The parameters, if they are as many as `method` takes.
    pub(crate) fn new(method: &method::Method, params: &'a [Value]) -> Result<Self, Fault> {
        if method.arity().contains(&params.len()) {
            Ok(Self(params.iter()))
        } else {
            Err(incorrect_parameters())
        }
    }

    /// The next one, whatever it is.
    pub(crate) fn value(&mut self) -> Result<&'a Value, Fault> {
        self.0.next().ok_or_else(incorrect_parameters)
    }

    /// The name of a process, in any spelling.
    pub(crate) fn process(&mut self) -> Result<String, Fault> {
        match self.value()? {
            Value::Text(name) => Ok(name.clone()),
            Value::Int(_)
            | Value::Bool(_)
            | Value::Double(_)
            | Value::DateTime(_)
            | Value::Array(_)
            | Value::Struct(_) => Err(incorrect_parameters()),
        }
    }

    /// The name of a group. Supervisor looks for a group that is called 5, and finds none.
    pub(crate) fn group(&mut self) -> Result<String, Fault> {
        match self.value()? {
            Value::Text(name) => Ok(name.clone()),
            other @ (Value::Int(_) | Value::Bool(_) | Value::Double(_) | Value::DateTime(_)) => {
                Err(Fault::about(FaultCode::BadName, python::str(other)))
            }
            Value::Array(_) | Value::Struct(_) => Err(incorrect_parameters()),
        }
    }

    /// The name of a group that is compared with others and not looked up, so that it may be
    /// anything.
    pub(crate) fn new_group(&mut self) -> Result<String, Fault> {
        match self.value()? {
            Value::Text(name) => Ok(name.clone()),
            other => Err(Fault::about(FaultCode::BadName, python::str(other))),
        }
    }

    /// Those that were not taken yet.
    pub(crate) fn rest(self) -> impl Iterator<Item = &'a Value> {
        self.0
    }

    /// Whether to wait: true unless said otherwise.
    pub(crate) fn wait(&mut self) -> bool {
        self.0.next().is_none_or(python::truth)
    }

    /// A part of a log.
    pub(crate) fn span(&mut self) -> Result<Span, Fault> {
        Ok(Span {
            offset: self.int()?,
            length: self.int()?,
        })
    }

    fn int(&mut self) -> Result<i64, Fault> {
        python::int(self.value()?).ok_or_else(incorrect_parameters)
    }

    /// A signal: its name or its number.
    pub(crate) fn signal(&mut self) -> Result<String, Fault> {
        match self.value()? {
            Value::Text(signal) => Ok(signal.clone()),
            number @ (Value::Int(_) | Value::Bool(_) | Value::Double(_)) => python::int(number)
                .map(|number| number.to_string())
                .ok_or_else(incorrect_parameters),
            Value::DateTime(_) | Value::Array(_) | Value::Struct(_) => Err(incorrect_parameters()),
        }
    }

    /// A text that is nothing else: Supervisor shows in the fault what it was given instead.
    pub(crate) fn chars(&mut self) -> Result<String, Fault> {
        let value = self.value()?;
        match value.as_text() {
            Some(chars) => Ok(chars.to_owned()),
            None => Err(Fault::about(
                FaultCode::IncorrectParameters,
                python::str(value),
            )),
        }
    }

    /// Anything, as the text that Python makes of it.
    pub(crate) fn printed(&mut self) -> Result<String, Fault> {
        Ok(python::str(self.value()?))
    }
}

#[cfg(test)]
mod tests;
