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
pub(crate) enum MakingRoom {
    /// Nobody wants it to.
    #[default]
    No,
    /// The keeper has been asked whether it is possible, for those that wait.
    Asked(Vec<Answer>),
    /// It is, for this version. The calls that are under way have time until then.
    Possible {
        to: String,
        waiting: Vec<Answer>,
        until: Mono,
    },
    /// It leaves for this version.
    Leaving { to: String },
}

impl MakingRoom {
    /// Somebody wants an upgrade. Whether the keeper has yet to be asked.
    pub(crate) fn ask(&mut self, answer: Answer) -> bool {
        match self {
            Self::No => {
                *self = Self::Asked(vec![answer]);
                return true;
            }
            Self::Asked(waiting) | Self::Possible { waiting, .. } => waiting.push(answer),
            // Whoever asked may have gone away.
            Self::Leaving { to } => drop(answer.send(Ok(to.clone()))),
        }
        false
    }

    /// It is possible.
    pub(crate) fn possible(&mut self, now: Mono, to: &[u8], log: &MainLog) {
        let Self::Asked(waiting) = self else { return };
        let to = String::from_utf8_lossy(to).into_owned();
        log.write(
            Level::Info,
            format_args!("upgrading: this daemon makes room for minder {to}"),
        );
        *self = Self::Possible {
            to,
            waiting: std::mem::take(waiting),
            until: now + FAREWELL,
        };
    }

    /// It is not.
    pub(crate) fn refused(&mut self, why: &[u8], log: &MainLog) {
        let Self::Asked(waiting) = std::mem::take(self) else {
            return;
        };
        let why = String::from_utf8_lossy(why).into_owned();
        log.write(
            Level::Error,
            format_args!("upgrade refused, everything runs on as it is: {why}"),
        );
        for answer in waiting {
            // Whoever asked may have gone away.
            let _ = answer.send(Err(Fault::about(FaultCode::Failed, why.clone())));
        }
    }

    /// Until when the calls under way have time, if it is decided that this daemon leaves.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        match self {
            Self::Possible { until, .. } => Some(*until),
            Self::No | Self::Asked(_) | Self::Leaving { .. } => None,
        }
    }

    /// The time has come.
    pub(crate) fn leave(&mut self) {
        if let Self::Possible { to, waiting, .. } = self {
            let (to, waiting) = (std::mem::take(to), std::mem::take(waiting));
            for answer in waiting {
                // Whoever asked may have gone away.
                let _ = answer.send(Ok(to.clone()));
            }
            *self = Self::Leaving { to };
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
            // Told when it happened.
            UpgradeOutcome::Refused | UpgradeOutcome::Done => {}
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

/// How long calls under way have before this daemon leaves: most starts and stops are over by then.
const FAREWELL: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(room: &mut MakingRoom) -> (bool, oneshot::Receiver<Result<String, Fault>>) {
        let (answer, said) = oneshot::channel();
        (room.ask(answer), said)
    }

    #[test]
    fn the_keeper_is_asked_once_and_everybody_is_answered() {
        let (log, mut room) = (MainLog::new(), MakingRoom::default());
        let (first, mut one) = asked(&mut room);
        let (second, mut two) = asked(&mut room);
        assert_eq!((first, second), (true, false));
        room.refused(b"no", &log);
        let fault = Fault::about(FaultCode::Failed, "no");
        assert_eq!(one.try_recv(), Ok(Err(fault.clone())));
        assert_eq!(two.try_recv(), Ok(Err(fault)));

        // Another may do better.
        let (again, mut one) = asked(&mut room);
        assert!(again);
        room.possible(Mono::default(), b"2", &log);
        assert_eq!(room.deadline(), Some(Mono::default() + FAREWELL));
        assert!(one.try_recv().is_err());
        room.leave();
        assert_eq!(room.deadline(), None);
        let (late, mut two) = asked(&mut room);
        assert!(!late);
        assert_eq!(one.try_recv(), Ok(Ok("2".to_owned())));
        assert_eq!(two.try_recv(), Ok(Ok("2".to_owned())));
    }

    #[test]
    fn what_is_told_is_told_once() {
        let upgrade = |outcome, is_news| Upgrade {
            outcome,
            from: "1".to_owned(),
            to: "2".to_owned(),
            why: "w".to_owned(),
            is_news,
        };
        for outcome in [UpgradeOutcome::Trying, UpgradeOutcome::RolledBack] {
            assert!(upgrade(outcome, true).is_reason_of_start());
            assert!(!upgrade(outcome, false).is_reason_of_start());
        }
        assert!(!upgrade(UpgradeOutcome::Refused, true).is_reason_of_start());
        let trying = upgrade(UpgradeOutcome::Trying, true).info();
        assert_eq!(trying.state, UpgradeState::Done);
    }
}
