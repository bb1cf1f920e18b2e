//! Another program in our place: a look at it first, and a way back.
//!
//! Before anything is given up for it, the very file that would be executed is started as a child
//! and shown what it would be handed. Only one that answers as the keepers of this family do, in
//! time, is gone over to: no broken file, no other architecture, no release that does not
//! understand us, nothing that is not Minder.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use minder_os::clock::clocks;
use minder_os::limits::Limit;
use minder_os::signals::{self, SignalSet, Target};
use minder_os::spawn::{Identity, ProcessGroup, Recipe, Spawner};
use minder_wire::{FileIdentity, LastUpgrade, MAX_VERSION, MAX_WHY, UpgradeOutcome};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::retry_on_intr;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;

use crate::KEEPER_ENV;
use crate::daemon::describe;
use crate::handover::CHECK;

/// The version that this program is of.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A program that may be executed: a file, whatever its name comes to mean.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) file: OwnedFd,
    pub(crate) identity: FileIdentity,
}

impl Program {
    /// The one that is installed under this path now.
    pub(crate) fn installed(path: &[u8]) -> io::Result<Self> {
        if path.is_empty() {
            return Err(io::Error::other("it is not known where it is installed"));
        }
        Self::open(path)
    }

    /// The one that we are, whether it is still installed or not.
    pub(crate) fn running() -> io::Result<Self> {
        Self::open(b"/proc/self/exe")
    }

    fn open(path: &[u8]) -> io::Result<Self> {
        // A path alone: nothing is read, and nothing can be made to wait.
        let file = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let found = fstat(&file)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no ordinary file"));
        }
        let secs = u64::try_from(found.st_mtime).unwrap_or(0);
        let identity = FileIdentity {
            device: found.st_dev,
            inode: found.st_ino,
            length: u64::try_from(found.st_size).unwrap_or(0),
            modified_nanos: secs
                .saturating_mul(1_000_000_000)
                .saturating_add(found.st_mtime_nsec),
        };
        Ok(Self { file, identity })
    }
}

/// Who wants to know whether a program could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The daemon.
    Daemon,
    /// We, because no daemon stays up.
    Keeper,
    /// Nobody any more.
    Nobody,
}

/// A program that is shown what it would be handed.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) program: Program,
    pub(crate) pid: u32,
    pub(crate) asker: Asker,
    /// Until when it has to have answered, on the monotonic clock; `None` if that is over.
    until_nanos: Option<u64>,
    says: OwnedFd,
}

/// A program that can go on in our place.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(crate) program: Program,
    pub(crate) version: String,
}

impl Check {
    /// Shows `state` to a program.
    pub(crate) fn begin(
        spawner: &mut Spawner,
        open_files: Limit,
        environment: &[CString],
        program: Program,
        state: &OwnedFd,
        asker: Asker,
    ) -> io::Result<Self> {
        let (says, output) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let mut envp = environment.to_vec();
        envp.push(CString::new(format!("{KEEPER_ENV}={CHECK} {STATE_FD}"))?);
        let recipe = Recipe {
            file: CString::new(format!("/proc/self/fd/{PROGRAM_FD}"))?,
            // A release that knows nothing of this refuses these words.
            argv: vec![c"minder".to_owned(), c"can-go-on".to_owned()],
            envp,
            descriptors: vec![
                rustix::stdio::stdin(),
                output.as_fd(),
                output.as_fd(),
                state.as_fd(),
                program.file.as_fd(),
            ],
            group: ProcessGroup::Own,
            blocked_signals: SignalSet::none(),
            identity: Identity::Keep,
            directory: None,
            umask: None,
            default_signals: Vec::new(),
            ignored_signals: Vec::new(),
            oom_score_adj: None,
            limits: vec![open_files],
            mark: None,
        };
        let pid = spawner.spawn(&recipe)?;
        Ok(Self {
            program,
            pid,
            asker,
            until_nanos: Some(after(PATIENCE)),
            says,
        })
    }

    /// Ends it; that is reaped like any end.
    pub(crate) fn kill(&self) {
        // If that fails it has ended already.
        let _ = signals::send(Target::Group(self.pid), Signal::KILL.as_raw());
    }

    /// Until when it has to have answered, unless it has not.
    pub(crate) fn until_nanos(&self) -> Option<u64> {
        self.until_nanos
    }

    /// Ends it if it takes too long.
    pub(crate) fn end_if_late(&mut self, now_nanos: u64) {
        if self.until_nanos.is_some_and(|until| until <= now_nanos) {
            self.until_nanos = None;
            self.kill();
        }
    }

    /// What it has answered by the time that it ended with this wait status; else which file cannot
    /// go on, and why not.
    pub(crate) fn verdict(self, status: i32) -> Result<Successor, (FileIdentity, String)> {
        let identity = self.program.identity;
        let refused = |why| (identity, why);
        if self.until_nanos.is_none() {
            let secs = PATIENCE.as_secs();
            return Err(refused(format!(
                "it has not answered within {secs} seconds"
            )));
        }
        let said = self.said();
        let version = said.strip_prefix(GREETING);
        let version = version.and_then(|version| version.strip_suffix('\n'));
        if let Some(version) = version.filter(|version| status == 0 && is_version(version)) {
            let version = version.to_owned();
            let program = self.program;
            return Ok(Successor { program, version });
        }
        let first = said.lines().find(|line| !line.trim().is_empty());
        let first = first.map(|line| line.trim_start_matches("supervisor: ").trim());
        let ended = describe(status);
        Err(refused(match first {
            Some(first) => format!("it cannot go on in our place ({ended}): {first}"),
            None => format!("it cannot go on in our place ({ended}), and does not say why"),
        }))
    }

    fn said(&self) -> String {
        // As much as can be told on.
        let mut said = vec![0; MAX_WHY / 4];
        let mut length = 0;
        while let Some(rest) = said.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match retry_on_intr(|| rustix::io::read(&self.says, &mut *rest)) {
                Ok(0) | Err(_) => break,
                Ok(some) => length += some,
            }
        }
        said.truncate(length);
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// What a program that can go on writes, and its version and an end of line after it.
pub(crate) const GREETING: &str = "minder can go on: ";

fn is_version(text: &str) -> bool {
    (1..=MAX_VERSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The way back to a program that we have gone over from.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The program that we came from.
    pub(crate) old: OwnedFd,
    /// How many daemons may still fail to get ready.
    tries: u32,
    /// Until when one has to have been ready, on the monotonic clock; `None` if that is over.
    until_nanos: Option<u64>,
}

impl Trial {
    pub(crate) fn new(old: OwnedFd) -> Self {
        Self {
            old,
            tries: TRIES,
            until_nanos: Some(after(TRIAL)),
        }
    }

    /// Until when a daemon has to have been ready, unless that is over.
    pub(crate) fn until_nanos(&self) -> Option<u64> {
        self.until_nanos
    }

    /// Whether no daemon was ready in time, which is told once.
    pub(crate) fn is_over(&self, now_nanos: u64) -> bool {
        self.until_nanos.is_some_and(|until| until <= now_nanos)
    }

    /// The next failure is the last.
    pub(crate) fn at_its_end(self) -> Self {
        Self {
            tries: 1,
            until_nanos: None,
            ..self
        }
    }

    /// Takes note that a daemon has failed to get ready. Whether that was the last try.
    pub(crate) fn has_failed_again(&mut self) -> bool {
        self.tries = self.tries.saturating_sub(1);
        self.tries == 0
    }
}

/// An upgrade that begins.
pub(crate) fn begun(to: &str) -> LastUpgrade {
    LastUpgrade {
        outcome: UpgradeOutcome::Trying,
        from: VERSION.into(),
        to: to.into(),
        why: Vec::new(),
        is_news: true,
    }
}

/// The same, after it has failed.
pub(crate) fn failed(upgrade: LastUpgrade, outcome: UpgradeOutcome, why: &str) -> LastUpgrade {
    LastUpgrade {
        outcome,
        why: why.bytes().take(MAX_WHY).collect(),
        is_news: true,
        ..upgrade
    }
}

/// This much later than now, on the monotonic clock.
fn after(time: Duration) -> u64 {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    clocks().mono_nanos.saturating_add(nanos)
}

/// Where a program that is looked at finds what it would be handed.
pub(crate) const STATE_FD: i32 = 3;

/// Where it finds itself.
const PROGRAM_FD: i32 = 4;

/// How long a program may take to answer. It has little to read; a disk may have to spin up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a new program may take until its daemon is ready: programs run unattended meanwhile.
const TRIAL: Duration = Duration::from_secs(60);

/// How many daemons of a new program may fail to get ready.
const TRIES: u32 = 3;
