//! Making room for another program, and what there is to say about that.
//!
//! The keeper looks whether the program that is installed can go on in our place, executes it, and
//! goes back if no daemon of it gets ready. The daemon asks for it, leaves, and tells.

use std::time::Duration;

use minder_core::{Level, Mono};
use minder_logs::main_log::MainLog;
use minder_rpc::{Fault, FaultCode, UpgradeInfo, UpgradeState};
use minder_wire::{LastUpgrade, UpgradeOutcome};
use tokio::sync::oneshot;

/// Where somebody waits to hear which version there is room made for.
pub(crate) type Answer = oneshot::Sender<Result<String, Fault>>;

/// How far the present daemon has come with making room.
#[derive(Default)]
pub(crate) struct MakingRoom {
    waiting: Vec<Answer>,
    /// For which version, and until when there is time for the calls that are under way.
    successor: Option<(String, Mono)>,
}

impl MakingRoom {
    /// Somebody wants an upgrade. Whether the keeper has yet to be asked.
    pub(crate) fn ask(&mut self, answer: Answer) -> bool {
        self.waiting.push(answer);
        self.waiting.len() == 1 && self.successor.is_none()
    }

    /// It is possible.
    pub(crate) fn possible(&mut self, now: Mono, to: &[u8], log: &MainLog) {
        let to = String::from_utf8_lossy(to).into_owned();
        log.write(
            Level::Info,
            format_args!("upgrading: this daemon makes room for minder {to}"),
        );
        self.successor = Some((to, now + FAREWELL));
    }

    /// It is not.
    pub(crate) fn refused(&mut self, why: &[u8], log: &MainLog) {
        let why = String::from_utf8_lossy(why);
        log.write(Level::Error, refusal(&why));
        let why = why.into_owned();
        for answer in self.waiting.drain(..) {
            // Whoever asked may have gone away.
            let _ = answer.send(Err(Fault::about(FaultCode::Failed, why.clone())));
        }
    }

    /// Until when the calls under way have time, if it is decided that this daemon leaves.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.successor.as_ref().map(|(_, until)| *until)
    }

    /// This daemon leaves.
    pub(crate) fn leave(&mut self) {
        let to = self.successor.take().map(|(to, _)| to);
        let to = to.unwrap_or_default();
        for answer in self.waiting.drain(..) {
            // Whoever asked may have gone away.
            let _ = answer.send(Ok(to.clone()));
        }
    }
}

/// How an upgrade went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    outcome: UpgradeOutcome,
    /// The version that was to be replaced.
    from: String,
    /// The version that was to replace it.
    to: String,
    /// Why it failed.
    why: String,
    /// Whether no daemon before this one could tell of it.
    is_news: bool,
}

impl Upgrade {
    /// What a new daemon writes in the log about it, when it goes on with so many running programs.
    pub(crate) fn tell(&self, running: usize, log: &MainLog) {
        let Self { from, to, why, .. } = self;
        let rest = format_args!("with everything as it was, {running} running programs included");
        match self.outcome {
            _ if !self.is_news => {}
            UpgradeOutcome::Trying => log.write(
                Level::Info,
                format_args!("upgraded from minder {from} to {to}, which goes on {rest}"),
            ),
            UpgradeOutcome::RolledBack => log.write(
                Level::Error,
                format_args!("upgrade to minder {to} rolled back: {why}; {from} goes on {rest}"),
            ),
            UpgradeOutcome::Refused => log.write(Level::Error, refusal(why)),
            UpgradeOutcome::Done => {}
        }
    }

    /// Whether the daemon before this one was none of another program.
    pub(crate) fn is_reason_of_start(&self) -> bool {
        let changed = matches!(
            self.outcome,
            UpgradeOutcome::Trying | UpgradeOutcome::RolledBack
        );
        self.is_news && changed
    }

    /// What clients are told of it.
    pub(crate) fn info(&self) -> UpgradeInfo {
        UpgradeInfo {
            state: match self.outcome {
                // Whoever is answered knows that the new one runs.
                UpgradeOutcome::Trying | UpgradeOutcome::Done => UpgradeState::Done,
                UpgradeOutcome::Refused => UpgradeState::Refused,
                UpgradeOutcome::RolledBack => UpgradeState::RolledBack,
            },
            from: self.from.clone(),
            to: self.to.clone(),
            why: self.why.clone(),
        }
    }
}

impl From<LastUpgrade> for Upgrade {
    fn from(told: LastUpgrade) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            outcome: told.outcome,
            from: text(told.from),
            to: text(told.to),
            why: text(told.why),
            is_news: told.is_news,
        }
    }
}

fn refusal(why: &str) -> String {
    format!("upgrade refused, everything runs on as it is: {why}")
}

/// How long calls under way have before this daemon leaves: most starts and stops are over by then.
const FAREWELL: Duration = Duration::from_secs(3);
