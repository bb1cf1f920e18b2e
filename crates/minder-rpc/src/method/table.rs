//! The table itself.

use super::{Action, Method, Param, Type};
use crate::call::{Args, Call};
use crate::{Channel, Fault};

pub(super) const fn param(kind: Type, name: &'static str, about: &'static str) -> Param {
    Param {
        kind,
        name,
        about,
        optional: false,
    }
}

const PROCESS: Param = param(Type::String, "name", "the process: name or group:name");
const PROCESSES: Param = param(
    Type::String,
    "name",
    "the process: name or group:name; or all of a group: group:*",
);
pub(super) const GROUP: Param = param(Type::String, "name", "the group");
const SIGNAL: Param = param(
    Type::String,
    "signal",
    "the signal's name (HUP, SIGHUP) or number",
);
const WAIT: Param = Param {
    optional: true,
    ..param(
        Type::Boolean,
        "wait",
        "whether to answer only when it is done; true if left out",
    )
};
const OFFSET: Param = param(
    Type::Int,
    "offset",
    "the first byte wanted; below zero: how many of the last bytes",
);
const LENGTH: Param = param(
    Type::Int,
    "length",
    "how many bytes at most; 0: all that there are",
);
const SEEN: Param = param(
    Type::Int,
    "offset",
    "how many bytes of the log are known already",
);
const WANTED: Param = param(Type::Int, "length", "how many bytes are wanted at most");

const READ_ABOUT: &str = "Reads a part of a log of a process.";
const TAIL_ABOUT: &str = "Reads the end of a log of a process, for a reader who comes again and \
                          again with the size that the last answer told.";
const TAIL_RESULT: &str = "the bytes, the size of the log, and whether bytes were skipped";
const LOG_RESULT: &str = "the bytes, as text";
const OUTCOMES: &str = "what became of each: structs of name, group, status, description";
pub(super) const DONE: &str = "always true";

/// Every method, sorted by name.
pub static METHODS: &[Method] = &[
    Method {
        name: "minder.getInfo",
        about: "Tells of the daemon that answers, and of the keeper above it.",
        params: &[],
        gives: Type::Struct,
        result: "version, api, generation, keeper_pid, daemon_pid, started, upgrade",
        action: Action::Supervisor(|_| Ok(Call::GetMinderInfo)),
    },
    Method {
        name: "minder.getVersion",
        about: "Tells the version of Minder.",
        params: &[],
        gives: Type::String,
        result: "the version",
        action: Action::Supervisor(|_| Ok(Call::GetMinderVersion)),
    },
    Method {
        name: "minder.upgrade",
        about: "Goes over to the program that is installed now. Processes run on. How it went is \
                told by minder.getInfo of the daemon that answers next.",
        params: &[],
        gives: Type::String,
        result: "the version that is gone over to",
        action: Action::Supervisor(|_| Ok(Call::UpgradeMinder)),
    },
    Method {
        name: "supervisor.addProcessGroup",
        about: "Makes a group of the configuration, as it was last read, an active one.",
        params: &[GROUP],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::AddProcessGroup {
                name: args.new_group()?,
            })
        }),
    },
    Method {
        name: "supervisor.clearAllProcessLogs",
        about: "Empties the logs of all processes.",
        params: &[],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|_| Ok(Call::ClearAllProcessLogs)),
    },
    Method {
        name: "supervisor.clearLog",
        about: "Empties the daemon's own log.",
        params: &[],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|_| Ok(Call::ClearLog)),
    },
    Method {
        name: "supervisor.clearProcessLog",
        about: "Empties both logs of a process. The same as clearProcessLogs.",
        params: &[PROCESS],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(clear_process_logs),
    },
    Method {
        name: "supervisor.clearProcessLogs",
        about: "Empties both logs of a process.",
        params: &[PROCESS],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(clear_process_logs),
    },
    Method {
        name: "supervisor.getAPIVersion",
        about: "Tells the version of this interface.",
        params: &[],
        gives: Type::String,
        result: "the version",
        action: Action::Supervisor(|_| Ok(Call::GetApiVersion)),
    },
    Method {
        name: "supervisor.getAllConfigInfo",
        about: "Tells how each process is configured, active or not.",
        params: &[],
        gives: Type::Array,
        result: "a struct for each process, sorted by name",
        action: Action::Supervisor(|_| Ok(Call::GetAllConfigInfo)),
    },
    Method {
        name: "supervisor.getAllProcessInfo",
        about: "Tells how each process is.",
        params: &[],
        gives: Type::Array,
        result: "a struct for each process, as getProcessInfo gives it",
        action: Action::Supervisor(|_| Ok(Call::GetAllProcessInfo)),
    },
    Method {
        name: "supervisor.getIdentification",
        about: "Tells the identifier that the daemon was configured with.",
        params: &[],
        gives: Type::String,
        result: "the identifier",
        action: Action::Supervisor(|_| Ok(Call::GetIdentification)),
    },
    Method {
        name: "supervisor.getPID",
        about: "Tells the pid to send signals for the daemon to.",
        params: &[],
        gives: Type::Int,
        result: "the pid",
        action: Action::Supervisor(|_| Ok(Call::GetPid)),
    },
    Method {
        name: "supervisor.getProcessInfo",
        about: "Tells how a process is.",
        params: &[PROCESS],
        gives: Type::Struct,
        result: "its state, times, pid, logs and a description",
        action: Action::Supervisor(|mut args| {
            Ok(Call::GetProcessInfo {
                name: args.process()?,
            })
        }),
    },
    Method {
        name: "supervisor.getState",
        about: "Tells what the daemon is up to.",
        params: &[],
        gives: Type::Struct,
        result: "statecode and statename",
        action: Action::Supervisor(|_| Ok(Call::GetState)),
    },
    Method {
        name: "supervisor.getSupervisorVersion",
        about: "Tells the version of the daemon.",
        params: &[],
        gives: Type::String,
        result: "the version",
        action: Action::Supervisor(|_| Ok(Call::GetSupervisorVersion)),
    },
    Method {
        name: "supervisor.getVersion",
        about: "Tells the version of this interface. The same as getAPIVersion.",
        params: &[],
        gives: Type::String,
        result: "the version",
        action: Action::Supervisor(|_| Ok(Call::GetApiVersion)),
    },
    Method {
        name: "supervisor.readLog",
        about: "Reads a part of the daemon's own log.",
        params: &[OFFSET, LENGTH],
        gives: Type::String,
        result: LOG_RESULT,
        action: Action::Supervisor(read_log),
    },
    Method {
        name: "supervisor.readMainLog",
        about: "Reads a part of the daemon's own log. The same as readLog.",
        params: &[OFFSET, LENGTH],
        gives: Type::String,
        result: LOG_RESULT,
        action: Action::Supervisor(read_log),
    },
    Method {
        name: "supervisor.readProcessLog",
        about: READ_ABOUT,
        params: &[PROCESS, OFFSET, LENGTH],
        gives: Type::String,
        result: LOG_RESULT,
        action: Action::Supervisor(|args| read_process_log(args, Channel::Stdout)),
    },
    Method {
        name: "supervisor.readProcessStderrLog",
        about: READ_ABOUT,
        params: &[PROCESS, OFFSET, LENGTH],
        gives: Type::String,
        result: LOG_RESULT,
        action: Action::Supervisor(|args| read_process_log(args, Channel::Stderr)),
    },
    Method {
        name: "supervisor.readProcessStdoutLog",
        about: READ_ABOUT,
        params: &[PROCESS, OFFSET, LENGTH],
        gives: Type::String,
        result: LOG_RESULT,
        action: Action::Supervisor(|args| read_process_log(args, Channel::Stdout)),
    },
    Method {
        name: "supervisor.reloadConfig",
        about: "Reads the configuration again and tells how it differs from what is active. \
                Changes nothing by itself.",
        params: &[],
        gives: Type::Array,
        result: "[[added, changed, removed]], each an array of names of groups",
        action: Action::Supervisor(|_| Ok(Call::ReloadConfig)),
    },
    Method {
        name: "supervisor.removeProcessGroup",
        about: "Forgets an active group, all of whose processes are stopped.",
        params: &[GROUP],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::RemoveProcessGroup {
                name: args.group()?,
            })
        }),
    },
    Method {
        name: "supervisor.restart",
        about: "Stops all processes, then begins anew with the configuration as it is then.",
        params: &[],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|_| Ok(Call::Restart)),
    },
    Method {
        name: "supervisor.sendProcessStdin",
        about: "Writes to the standard input of a process.",
        params: &[
            PROCESS,
            param(Type::String, "chars", "what to write; it is sent as UTF-8"),
        ],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(send_process_stdin),
    },
    Method {
        name: "supervisor.sendRemoteCommEvent",
        about: "Sends a REMOTE_COMMUNICATION event to the listeners that asked for such.",
        params: &[
            param(Type::String, "type", "the type to put into the event"),
            param(Type::String, "data", "what to tell"),
        ],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::SendRemoteCommEvent {
                kind: args.printed()?,
                data: args.printed()?,
            })
        }),
    },
    Method {
        name: "supervisor.shutdown",
        about: "Stops all processes, then ends the daemon.",
        params: &[],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|_| Ok(Call::Shutdown)),
    },
    Method {
        name: "supervisor.signalAllProcesses",
        about: "Sends a signal to every process that runs.",
        params: &[SIGNAL],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| {
            Ok(Call::SignalAllProcesses {
                signal: args.signal()?,
            })
        }),
    },
    Method {
        name: "supervisor.signalProcess",
        about: "Sends a signal to a process.",
        params: &[PROCESSES, SIGNAL],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::SignalProcess {
                name: args.process()?,
                signal: args.signal()?,
            })
        }),
    },
    Method {
        name: "supervisor.signalProcessGroup",
        about: "Sends a signal to every process of a group that runs.",
        params: &[GROUP, SIGNAL],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| {
            Ok(Call::SignalProcessGroup {
                name: args.group()?,
                signal: args.signal()?,
            })
        }),
    },
    Method {
        name: "supervisor.startAllProcesses",
        about: "Starts every process that does not run.",
        params: &[WAIT],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| Ok(Call::StartAllProcesses { wait: args.wait() })),
    },
    Method {
        name: "supervisor.startProcess",
        about: "Starts a process.",
        params: &[PROCESSES, WAIT],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::StartProcess {
                name: args.process()?,
                wait: args.wait(),
            })
        }),
    },
    Method {
        name: "supervisor.startProcessGroup",
        about: "Starts every process of a group that does not run.",
        params: &[GROUP, WAIT],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| {
            Ok(Call::StartProcessGroup {
                name: args.group()?,
                wait: args.wait(),
            })
        }),
    },
    Method {
        name: "supervisor.stopAllProcesses",
        about: "Stops every process that runs.",
        params: &[WAIT],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| Ok(Call::StopAllProcesses { wait: args.wait() })),
    },
    Method {
        name: "supervisor.stopProcess",
        about: "Stops a process.",
        params: &[PROCESSES, WAIT],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Supervisor(|mut args| {
            Ok(Call::StopProcess {
                name: args.process()?,
                wait: args.wait(),
            })
        }),
    },
    Method {
        name: "supervisor.stopProcessGroup",
        about: "Stops every process of a group that runs.",
        params: &[GROUP, WAIT],
        gives: Type::Array,
        result: OUTCOMES,
        action: Action::Supervisor(|mut args| {
            Ok(Call::StopProcessGroup {
                name: args.group()?,
                wait: args.wait(),
            })
        }),
    },
    Method {
        name: "supervisor.tailProcessLog",
        about: TAIL_ABOUT,
        params: &[PROCESS, SEEN, WANTED],
        gives: Type::Array,
        result: TAIL_RESULT,
        action: Action::Supervisor(|args| tail_process_log(args, Channel::Stdout)),
    },
    Method {
        name: "supervisor.tailProcessStderrLog",
        about: TAIL_ABOUT,
        params: &[PROCESS, SEEN, WANTED],
        gives: Type::Array,
        result: TAIL_RESULT,
        action: Action::Supervisor(|args| tail_process_log(args, Channel::Stderr)),
    },
    Method {
        name: "supervisor.tailProcessStdoutLog",
        about: TAIL_ABOUT,
        params: &[PROCESS, SEEN, WANTED],
        gives: Type::Array,
        result: TAIL_RESULT,
        action: Action::Supervisor(|args| tail_process_log(args, Channel::Stdout)),
    },
    Method {
        name: "system.listMethods",
        about: "Lists the methods.",
        params: &[],
        gives: Type::Array,
        result: "their names, sorted",
        action: Action::ListMethods,
    },
    Method {
        name: "system.methodHelp",
        about: "Tells what a method does.",
        params: &[param(Type::String, "name", "the method")],
        gives: Type::String,
        result: "a text like this one",
        action: Action::MethodHelp,
    },
    Method {
        name: "system.methodSignature",
        about: "Tells the types of what a method gives back and of what it takes.",
        params: &[param(Type::String, "name", "the method")],
        gives: Type::Array,
        result: "the names of the types",
        action: Action::MethodSignature,
    },
    Method {
        name: "system.multicall",
        about: "Makes several calls, one after the other.",
        params: &[param(
            Type::Array,
            "calls",
            "structs of methodName (string), params (array)",
        )],
        gives: Type::Array,
        result: "the result of each, or a struct of faultCode and faultString",
        action: Action::Multicall,
    },
];

fn clear_process_logs(mut args: Args<'_>) -> Result<Call, Fault> {
    Ok(Call::ClearProcessLogs {
        name: args.process()?,
    })
}

fn read_log(mut args: Args<'_>) -> Result<Call, Fault> {
    Ok(Call::ReadLog(args.span()?))
}

fn read_process_log(mut args: Args<'_>, channel: Channel) -> Result<Call, Fault> {
    Ok(Call::ReadProcessLog {
        name: args.process()?,
        channel,
        span: args.span()?,
    })
}

fn tail_process_log(mut args: Args<'_>, channel: Channel) -> Result<Call, Fault> {
    Ok(Call::TailProcessLog {
        name: args.process()?,
        channel,
        span: args.span()?,
    })
}

/// Supervisor looks at the text before it looks at the name.
fn send_process_stdin(mut args: Args<'_>) -> Result<Call, Fault> {
    let name = args.process();
    let chars = args.chars()?;
    Ok(Call::SendProcessStdin { name: name?, chars })
}
