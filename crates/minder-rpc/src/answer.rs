//! What calls are answered with.
//!
//! The daemon answers with types; their order and spelling on the wire is settled here, because
//! clients compare it letter by letter. Knows no XML.

mod config_info;
mod process_info;

#[cfg(test)]
mod tests;

use minder_core::{Changes, Mood, Outcome, Refusal, Reply};

pub use self::config_info::ConfigInfo;
pub use self::process_info::{LogPaths, ProcessInfo};
use crate::{Fault, FaultCode, Value};

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Done.
    Done,
    /// A number.
    Int(i32),
    /// A text.
    Text(String),
    /// Names.
    Names(Vec<String>),
    /// What the daemon is up to.
    State(Mood),
    /// Who answers.
    DaemonInfo(DaemonInfo),
    /// How a process is.
    ProcessInfo(ProcessInfo),
    /// How processes are.
    ProcessInfos(Vec<ProcessInfo>),
    /// How processes are configured.
    ConfigInfos(Vec<ConfigInfo>),
    /// What became of each of several processes.
    Outcomes(Vec<Outcome>),
    /// What a reload would change.
    Changes(Changes),
    /// The end of a log.
    Tail(Tail),
}

/// The daemon that answers, and the keeper above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonInfo {
    /// The version of Minder.
    pub version: String,
    /// The version of the interface.
    pub api: String,
    /// How many daemons have died since the start or the last restart.
    pub generation: u32,
    /// The pid of the keeper, which the pidfile holds.
    pub keeper_pid: i32,
    /// The pid of the daemon.
    pub daemon_pid: i32,
    /// When the daemon began, in seconds since 1970.
    pub started: i32,
    /// The latest upgrade, if there was one.
    pub upgrade: Option<UpgradeInfo>,
}

/// An upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeInfo {
    /// What became of it.
    pub state: UpgradeState,
    /// The version that was to be replaced.
    pub from: String,
    /// The version that was to replace it; empty if it was never known.
    pub to: String,
    /// Why it failed; empty if it did not.
    pub why: String,
}

/// What became of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeState {
    /// The new program runs.
    Done,
    /// Nothing was given up for it.
    Refused,
    /// The new program did not come up, and the old one runs again.
    RolledBack,
}

impl UpgradeState {
    /// As it is told; `None` for what there never was.
    #[must_use]
    pub fn name(state: Option<Self>) -> &'static str {
        match state {
            None => "none",
            Some(Self::Done) => "done",
            Some(Self::Refused) => "refused",
            Some(Self::RolledBack) => "rolled back",
        }
    }
}

impl From<DaemonInfo> for Value {
    fn from(info: DaemonInfo) -> Self {
        members([
            ("version", info.version.into()),
            ("api", info.api.into()),
            ("generation", i64::from(info.generation).into()),
            ("keeper_pid", info.keeper_pid.into()),
            ("daemon_pid", info.daemon_pid.into()),
            ("started", info.started.into()),
            ("upgrade", upgrade(info.upgrade)),
        ])
    }
}

/// The same members whether there was an upgrade or not.
fn upgrade(info: Option<UpgradeInfo>) -> Value {
    let state = UpgradeState::name(info.as_ref().map(|info| info.state));
    let (from, to, why) = info.map_or_else(Default::default, |info| (info.from, info.to, info.why));
    members([
        ("state", state.into()),
        ("from", from.into()),
        ("to", to.into()),
        ("why", why.into()),
    ])
}

/// The end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// What it says.
    pub text: String,
    /// The size of the log in bytes: the offset to ask for next.
    pub offset: i64,
    /// Whether bytes were skipped.
    pub overflow: bool,
}

impl Answer {
    /// What the core replied, as an answer.
    pub fn from_reply(reply: Reply) -> Result<Self, Fault> {
        match reply {
            Reply::Done => Ok(Self::Done),
            Reply::Each(outcomes) => Ok(Self::Outcomes(outcomes)),
            Reply::Changes(changes) => Ok(Self::Changes(changes)),
            Reply::Refused(refusal) => Err(refusal.into()),
        }
    }
}

impl From<Answer> for Value {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Done => true.into(),
            Answer::Int(int) => int.into(),
            Answer::Text(text) => text.into(),
            Answer::Names(names) => array(names),
            Answer::State(mood) => state(mood),
            Answer::DaemonInfo(info) => info.into(),
            Answer::ProcessInfo(info) => info.into(),
            Answer::ProcessInfos(infos) => array(infos),
            Answer::ConfigInfos(infos) => array(infos),
            Answer::Outcomes(outcomes) => outcomes.into_iter().map(outcome).collect(),
            Answer::Changes(changes) => changed(changes),
            Answer::Tail(tail) => {
                vec![tail.text.into(), tail.offset.into(), tail.overflow.into()].into()
            }
        }
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

fn array<T: Into<Value>>(items: Vec<T>) -> Value {
    items.into_iter().map(T::into).collect()
}

/// A struct of these members, in this order.
fn members<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.into(), value));
    Value::Struct(members.into())
}

fn state(mood: Mood) -> Value {
    let (code, name) = match mood {
        Mood::Running => (1, "RUNNING"),
        Mood::Restarting => (0, "RESTARTING"),
        Mood::ShuttingDown => (-1, "SHUTDOWN"),
    };
    members([("statecode", code.into()), ("statename", name.into())])
}

fn outcome(outcome: Outcome) -> Value {
    let (status, description) = match outcome.result.map_err(Fault::from) {
        Ok(()) => (FaultCode::Success, "OK".to_owned()),
        Err(fault) => (fault.code, fault.to_string()),
    };
    members([
        ("name", outcome.name.into()),
        ("group", outcome.group.into()),
        ("status", status.number().into()),
        ("description", description.into()),
    ])
}

/// Supervisor wraps the three arrays in one more.
fn changed(changes: Changes) -> Value {
    let lists = [changes.added, changes.changed, changes.removed];
    let lists: Value = lists.into_iter().map(array).collect();
    vec![lists].into()
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        use minder_core::CommandError;

        match refusal {
            Refusal::BadName(name) => Self::about(FaultCode::BadName, name),
            Refusal::BadSignal(signal) => Self::about(FaultCode::BadSignal, signal),
            Refusal::Command(error @ CommandError::NotFound(_)) => {
                Self::about(FaultCode::NoFile, error.to_string())
            }
            Refusal::Command(error @ CommandError::NotExecutable(_)) => {
                Self::about(FaultCode::NotExecutable, error.to_string())
            }
            Refusal::AlreadyStarted(name) => Self::about(FaultCode::AlreadyStarted, name),
            Refusal::NotRunning(name) => Self::about(FaultCode::NotRunning, name),
            Refusal::SpawnError(name) => Self::about(FaultCode::SpawnError, name),
            Refusal::AbnormalTermination(name) => Self::about(FaultCode::AbnormalTermination, name),
            Refusal::Failed(text) => Self::about(FaultCode::Failed, text),
            Refusal::AlreadyAdded(name) => Self::about(FaultCode::AlreadyAdded, name),
            Refusal::StillRunning(name) => Self::about(FaultCode::StillRunning, name),
            Refusal::ShuttingDown => Self::new(FaultCode::ShutdownState),
        }
    }
}
