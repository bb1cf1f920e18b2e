//! What the page can be asked to do, and what it says when that is done.

use jiff::ZonedDateTime;
use minder_rpc::{Call, Fault, FaultCode, Service};

use super::unexpected_fault;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Action {
    Refresh,
    StopAll,
    RestartAll,
    /// Something to do with one process, which is called as the user calls it.
    Process {
        name: String,
        verb: Verb,
    },
}

/// Something to do with a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verb {
    Start,
    Stop,
    Restart,
    ClearLog,
}

impl Action {
    /// The action of this name. `None` if there is none, or none without a process.
    pub(in super::super) fn parse(action: &str, process: Option<String>) -> Option<Self> {
        let verb = match action {
            "refresh" => return Some(Self::Refresh),
            "stopall" => return Some(Self::StopAll),
            "restartall" => return Some(Self::RestartAll),
            "start" => Verb::Start,
            "stop" => Verb::Stop,
            "restart" => Verb::Restart,
            "clearlog" => Verb::ClearLog,
            _ => return None,
        };
        process.map(|name| Self::Process { name, verb })
    }

    /// Does it, and says what has become of it. Fails while the service ends.
    pub(in super::super) async fn run<S: Service>(self, service: &S) -> Result<String, Fault> {
        match self {
            Self::Refresh => Ok(format!("Page refreshed at {}", now())),
            Self::StopAll => {
                service.call(Call::StopAllProcesses { wait: true }).await?;
                Ok(format!("All stopped at {}", now()))
            }
            Self::RestartAll => {
                // The page that follows shows what could not be stopped or started.
                let _ = service.call(Call::StopAllProcesses { wait: true }).await;
                let _ = service.call(Call::StartAllProcesses { wait: true }).await;
                Ok(format!("All restarted at {}", now()))
            }
            Self::Process { name, verb } => {
                // Calls would take all of a group (`group:*`) as well, which the page does not.
                let known = Call::GetProcessInfo { name: name.clone() };
                match service.call(known).await {
                    Ok(_) => Ok(verb.run(service, name).await),
                    Err(fault) if fault.code == FaultCode::BadName => {
                        Ok(format!("No such process named {name}"))
                    }
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}

impl Verb {
    async fn run<S: Service>(self, service: &S, name: String) -> String {
        let start = Call::StartProcess {
            name: name.clone(),
            wait: true,
        };
        let stop = Call::StopProcess {
            name: name.clone(),
            wait: true,
        };
        match self {
            Self::Start => match service.call(start).await {
                Ok(_) => format!("Process {name} started"),
                Err(fault) => format!("ERROR: Process {name}: {}", why_not_started(&fault)),
            },
            Self::Stop => match service.call(stop).await {
                Ok(_) => format!("Process {name} stopped"),
                Err(fault) => unexpected_fault(&fault),
            },
            Self::Restart => {
                // One that does not run is started, and one that cannot be is shown so.
                let _ = service.call(stop).await;
                let _ = service.call(start).await;
                format!("Process {name} restarted")
            }
            Self::ClearLog => {
                let clear = Call::ClearProcessLogs { name: name.clone() };
                match service.call(clear).await {
                    Ok(_) => format!("Log for {name} cleared"),
                    Err(fault) => unexpected_fault(&fault),
                }
            }
        }
    }
}

fn why_not_started(fault: &Fault) -> String {
    let why = match fault.code {
        FaultCode::NoFile => "no such file",
        FaultCode::NotExecutable => "file not executable",
        FaultCode::AlreadyStarted => "already started",
        FaultCode::SpawnError => "spawn error",
        FaultCode::AbnormalTermination => "abnormal termination",
        _ => return unexpected_fault(fault),
    };
    why.to_owned()
}

/// The time as C's `ctime` writes it.
fn now() -> String {
    let now = ZonedDateTime::now();
    now.strftime("%a %b %e %H:%M:%S %Y").to_string()
}
