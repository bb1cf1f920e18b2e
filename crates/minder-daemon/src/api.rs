//! Answers calls, as Supervisor's `supervisor` namespace and one plug-in of Supervisor's do.
//!
//! What only reads is answered from the latest [`Picture`](crate::published::Picture), without
//! disturbing the driver; what changes something becomes a [`Request`] to it. What waits for a
//! disk is done in a thread of its own, so that other clients are answered meanwhile.
//!
//! It decides nothing about processes: names, states and their faults are the core's business,
//! except where a call never reaches the core. [`infos`] tells how processes are, [`logs`] reads
//! and empties what they wrote, and [`twiddler`] answers the calls of a plug-in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use minder_config::report::Colour;
use minder_config::{Loaded, WarningKind};
use minder_core::view::{GroupView, ProcessView};
use minder_core::{Level, Mood, Now, ProcessState, Reply, Request, Target, View};
use minder_logs::main_log::{ClearError, MainLog};
use minder_logs::plane::Plane;
use minder_rpc::{
    Answer, Call, DaemonInfo, Fault, FaultCode, Incident, LogFollow, LogRef, Service, Twiddler,
};
use tokio::sync::{Mutex, oneshot};

use crate::VERSION_OF_SUPERVISOR;
use crate::configuration::Configuration;
use crate::fastcgi::{self, SocketError, socket_of};
use crate::figures::Figures;
use crate::history::History;
use crate::link::now;
use crate::mailbox::{Command, Post};
use crate::published::Published;
use crate::upgrade::Upgrade;
use crate::written::Written;

mod infos;
pub(crate) mod logs;
mod modern;
mod twiddler;

pub(crate) use self::modern::{Herald, masks};

/// The version of the interface.
const API_VERSION: &str = "3.0";

/// The version of Minder.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whoever answers calls.
pub(crate) struct Api {
    /// What has happened.
    pub(crate) history: Arc<History>,
    /// What processes consume.
    pub(crate) figures: Arc<Figures>,
    /// Who tells the readers of streams that something has happened.
    pub(crate) herald: Herald,
    /// To the driver.
    pub(crate) post: Post,
    /// What readers see.
    pub(crate) published: Arc<Published>,
    /// The daemon's own log.
    pub(crate) log: Arc<MainLog>,
    /// The logs of the processes.
    pub(crate) plane: Plane,
    /// How much has gone to them.
    pub(crate) written: Arc<Written>,
    /// What `getPID` tells: signals for the daemon go to the keeper.
    pub(crate) keeper_pid: u32,
    /// How many daemons have died since the start or the last restart.
    pub(crate) generation: u32,
    /// How the latest upgrade went.
    pub(crate) upgrade: Option<Upgrade>,
    /// When this one began.
    pub(crate) started: Now,
    /// What `getIdentification` tells.
    pub(crate) identifier: String,
    /// What is read by `reloadConfig`.
    pub(crate) configuration: Configuration,
    /// Held by whoever adds a group.
    pub(crate) adding: Mutex<()>,
    /// The names under which Supervisor's own methods can be called.
    pub(crate) namespaces: Vec<Cow<'static, str>>,
    /// The names under which the plug-in `supervisor_twiddler` is switched on.
    pub(crate) twiddlers: Vec<Twiddler>,
    /// What `[supervisord]` puts in the environment of programs.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Service for Api {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        // The one method that Supervisor answers in any state.
        let is_always_answered = matches!(call, Call::SendRemoteCommEvent { .. });
        if self.published.latest().view.mood != Mood::Running && !is_always_answered {
            return Err(shutting_down());
        }
        match call {
            Call::StartProcess { name, wait } => self.start(Target::Named(name), wait).await,
            Call::StartProcessGroup { name, wait } => self.start(Target::Group(name), wait).await,
            Call::StartAllProcesses { wait } => self.start(Target::All, wait).await,
            Call::StopProcess { name, wait } => self.stop(Target::Named(name), wait).await,
            Call::StopProcessGroup { name, wait } => self.stop(Target::Group(name), wait).await,
            Call::StopAllProcesses { wait } => self.stop(Target::All, wait).await,
            Call::SignalProcess { name, signal } => self.signal(Target::Named(name), signal).await,
            Call::SignalProcessGroup { name, signal } => {
                self.signal(Target::Group(name), signal).await
            }
            Call::SignalAllProcesses { signal } => self.signal(Target::All, signal).await,
            Call::AddProcessGroup { name } => self.add_group(name).await,
            Call::RemoveProcessGroup { name } => self.ask(Request::RemoveGroup { name }).await,
            Call::ReloadConfig => self.reread().await,
            Call::Shutdown => self.ask(Request::Shutdown).await,
            Call::Restart => self.restart().await,
            Call::SendProcessStdin { name, chars } => self.send_stdin(name, chars).await,
            Call::SendRemoteCommEvent { kind, data } => self.tell_listeners(kind, data).await,

            Call::Twiddler(call) => self.twiddle(call).await,
            Call::GetMinderVersion => Ok(Answer::Text(VERSION.to_owned())),
            Call::GetMinderInfo => Ok(Answer::DaemonInfo(self.info())),
            Call::UpgradeMinder => self.upgrade().await,

            Call::GetApiVersion => Ok(Answer::Text(API_VERSION.to_owned())),
            Call::GetSupervisorVersion => Ok(Answer::Text(VERSION_OF_SUPERVISOR.to_owned())),
            Call::GetIdentification => Ok(Answer::Text(self.identifier.clone())),
            Call::GetState => Ok(Answer::State(self.published.latest().view.mood)),
            Call::GetPid => Ok(Answer::Int(pid(self.keeper_pid))),
            Call::GetProcessInfo { name } => {
                let picture = self.published.latest();
                let zone = TimeZone::system();
                infos::process(&picture, &name, now(), &zone).map(Answer::ProcessInfo)
            }
            Call::GetAllProcessInfo => {
                let picture = self.published.latest();
                let infos = infos::processes(&picture, now(), &TimeZone::system());
                Ok(Answer::ProcessInfos(infos))
            }
            Call::GetAllConfigInfo => Ok(Answer::ConfigInfos(infos::configs(
                &self.published.latest(),
            ))),

            Call::ReadLog(span) => {
                // Supervisor takes the word for the name of a file.
                let shown = self.log.is_syslog().then(|| "syslog".to_owned());
                logs::read(self.log.path(), shown, span).await
            }
            Call::ClearLog => self.clear_log().await,
            Call::ReadProcessLog {
                name,
                channel,
                span,
            } => {
                let picture = self.published.latest();
                let (_, process) = find(&picture.view, &name)?;
                let path = logs::path(&picture, process, channel);
                logs::read(path, logs::shown_if_none(process, channel), span).await
            }
            Call::TailProcessLog {
                name,
                channel,
                span,
            } => {
                let picture = self.published.latest();
                let (_, process) = find(&picture.view, &name)?;
                logs::tail(logs::path(&picture, process, channel), span).await
            }
            Call::ClearProcessLogs { name } => {
                logs::clear(&self.plane, &self.published.latest(), name).await
            }
            Call::ClearAllProcessLogs => {
                logs::clear_all(&self.plane, &self.published.latest()).await
            }
        }
    }

    fn namespaces(&self) -> &[Cow<'static, str>] {
        &self.namespaces
    }

    fn note(&self, incident: &Incident<'_>) {
        self.log.write(incident.level(), incident);
    }

    fn twiddlers(&self) -> &[Twiddler] {
        &self.twiddlers
    }

    fn follow(&self, log: LogRef) -> Option<Box<dyn LogFollow>> {
        let path = match log {
            LogRef::Main => self.log.path(),
            LogRef::Process { name, channel } => {
                let picture = self.published.latest();
                let (_, process) = find(&picture.view, &name).ok()?;
                logs::path(&picture, process, channel)
            }
        };
        logs::follow(path?)
    }
}

impl Api {
    /// The driver finds out which commands cannot be run.
    async fn start(&self, target: Target, wait: bool) -> Result<Answer, Fault> {
        self.ask(Request::Start {
            target,
            wait,
            unrunnable: Vec::new(),
        })
        .await
    }

    async fn stop(&self, target: Target, wait: bool) -> Result<Answer, Fault> {
        self.ask(Request::Stop { target, wait }).await
    }

    async fn signal(&self, target: Target, signal: String) -> Result<Answer, Fault> {
        self.ask(Request::Signal { target, signal }).await
    }

    /// Supervisor finds out whether the socket of a `FastCGI` group can be made before the group
    /// becomes active.
    async fn add_group(&self, name: String) -> Result<Answer, Fault> {
        // Another call for the same group waits, and then finds it active: what it would try is
        // in use by then.
        let _one_at_a_time = self.adding.lock().await;
        let view = Arc::clone(&self.published.latest().view);
        let is_active = view.groups.iter().any(|group| group.spec.name == name);
        let mut candidates = view.candidate.iter();
        let candidate = candidates.find(|group| group.name == name && !is_active);
        if let Some(group) = candidate
            .filter(|group| socket_of(group).is_some())
            .cloned()
        {
            let log = Arc::clone(&self.log);
            let tried = blocking(move || {
                let tried = fastcgi::try_all(std::slice::from_ref(&group));
                tried.inspect(|()| fastcgi::tell_of_try(&log, &group))
            });
            let fault = |error: SocketError| Fault::about(FaultCode::Failed, error.to_string());
            tried.await?.map_err(fault)?;
        }
        self.ask(Request::AddGroup { name }).await
    }

    async fn reread(&self) -> Result<Answer, Fault> {
        let loaded = self.load().await?;
        // Which files were included is told at a start, and only then.
        let warnings = loaded
            .warnings
            .iter()
            .filter(|it| it.kind != WarningKind::Included);
        for warning in warnings {
            self.log.write(warning.level(), &warning.text);
        }
        self.ask(Request::Reread {
            groups: loaded.groups,
        })
        .await
    }

    /// Supervisor would stop everything first, and then find out that it cannot go on.
    async fn restart(&self) -> Result<Answer, Fault> {
        self.load().await?;
        self.ask(Request::Restart).await
    }

    /// The configuration as it is now on disk. The fault has Supervisor's text; the log is told
    /// the place as well.
    async fn load(&self) -> Result<Loaded, Fault> {
        let configuration = self.configuration.clone();
        blocking(move || configuration.load())
            .await?
            .map_err(|error| {
                let report = error.report(Colour::Plain);
                let text = format!("cannot read the configuration: {error}\n{report}");
                self.log.write(Level::Error, text.trim_end());
                Fault::about(FaultCode::CantReread, error.to_string())
            })
    }

    async fn tell_listeners(&self, kind: String, data: String) -> Result<Answer, Fault> {
        let (answer, told) = oneshot::channel();
        self.post
            .send(Command::RemoteCommunication { kind, data, answer });
        answered(told).await?;
        Ok(Answer::Done)
    }

    async fn send_stdin(&self, name: String, chars: String) -> Result<Answer, Fault> {
        let picture = self.published.latest();
        let (_, process) = find(&picture.view, &name)?;
        if process.pid.is_none() || process.state == ProcessState::Stopping {
            return Err(Fault::about(FaultCode::NotRunning, name));
        }
        let (answer, sent) = oneshot::channel();
        let bytes = chars.into_bytes();
        self.post.send(Command::SendStdin {
            process: process.id,
            bytes,
            answer,
        });
        match answered(sent).await? {
            Ok(()) => Ok(Answer::Done),
            // The driver does not know what the user called it.
            Err(fault) => Err(Fault {
                about: fault.about.or(Some(name)),
                ..fault
            }),
        }
    }

    async fn clear_log(&self) -> Result<Answer, Fault> {
        let log = Arc::clone(&self.log);
        match blocking(move || log.clear()).await? {
            Ok(()) => Ok(Answer::Done),
            Err(ClearError::NoFile) => Err(Fault::new(FaultCode::NoFile)),
            Err(ClearError::Failed(_)) => Err(Fault::new(FaultCode::Failed)),
        }
    }

    fn info(&self) -> DaemonInfo {
        DaemonInfo {
            version: VERSION.to_owned(),
            api: API_VERSION.to_owned(),
            generation: self.generation,
            keeper_pid: pid(self.keeper_pid),
            daemon_pid: pid(std::process::id()),
            started: self.started.wall.rpc_secs(),
            upgrade: self.upgrade.as_ref().map(Upgrade::info),
        }
    }

    async fn upgrade(&self) -> Result<Answer, Fault> {
        let (answer, version) = oneshot::channel();
        self.post.send(Command::Upgrade { answer });
        answered(version).await?.map(Answer::Text)
    }

    async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        Answer::from_reply(answered(self.begin(request)).await?)
    }

    /// Hands a request to the driver, who replies in time.
    fn begin(&self, request: Request) -> oneshot::Receiver<Reply> {
        let (answer, reply) = oneshot::channel();
        self.post.send(Command::Request { request, answer });
        reply
    }
}

/// The process that a user calls `name`: `group:name`, or `name` if its group is called the same.
/// All of a group (`group:*`) is no process.
pub(crate) fn find<'a>(
    view: &'a View,
    name: &str,
) -> Result<(&'a GroupView, &'a ProcessView), Fault> {
    let found = || {
        let (group, process) = match name.split_once(':') {
            Some((_, "" | "*")) => return None,
            Some(names) => names,
            None => (name, name),
        };
        let group = view.groups.iter().find(|it| it.spec.name == group)?;
        let process = group.processes.iter().find(|it| it.spec.name == process)?;
        Some((&**group, &**process))
    };
    found().ok_or_else(|| Fault::about(FaultCode::BadName, name))
}

/// Does what may wait for a disk, in a thread that nobody else needs.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    // Not done only if everything is about to end: by a panic, or because it is time.
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| shutting_down())
}

/// What another thread answers. One that has ended answers nothing any more.
async fn answered<T>(answer: oneshot::Receiver<T>) -> Result<T, Fault> {
    answer.await.map_err(|_| shutting_down())
}

fn shutting_down() -> Fault {
    Fault::new(FaultCode::ShutdownState)
}

fn pid(pid: u32) -> i32 {
    i32::try_from(pid).expect("the kernel counts pids in signed numbers")
}

#[cfg(test)]
mod tests;
