//! From one keeper to the next: what outlives the program that the keeper is.
//!
//! A keeper that executes another program stays the same process: its children stay its children,
//! its descriptors stay open, signals that are pending stay pending. What is only in its memory is
//! its [`Estate`]. It leaves that as bytes in a memfd ([`execute`]), with the numbers of the
//! descriptors that go with it, and the keeper that the process becomes takes it over
//! ([`Estate::take_over`]) before it does anything else. What has ended in between it reaps.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use minder_os::limits::Limit;
use minder_os::{memfd, process};
use minder_wire::{
    FileIdentity, HandedDescriptor, Handover, LastUpgrade, MAX_HANDOVER, REGISTER, Start,
    UpgradeOutcome,
};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

use crate::KEEPER_ENV;
use crate::children::Children;
use crate::daemon::History;
use crate::news::News;
use crate::register;
use crate::spawn::Held;
use crate::startup::{Startup, complain};
use crate::upgrade;

/// Everything that outlives the program that the keeper is.
#[derive(Debug)]
pub(crate) struct Estate {
    /// How many descriptors we were allowed to open when we were started: what others get.
    pub(crate) open_files: Limit,
    pub(crate) startup: Startup,
    /// What the launcher left for the daemon.
    pub(crate) note: Vec<u8>,
    /// Where the program is installed; empty if that is not known.
    pub(crate) program: Vec<u8>,
    /// Where the daemon writes its log, if that is an ordinary file.
    pub(crate) log: Option<Vec<u8>>,
    pub(crate) children: Children,
    pub(crate) held: Held,
    pub(crate) news: News,
    pub(crate) history: History,
    /// How the latest upgrade went.
    pub(crate) upgrade: Option<LastUpgrade>,
    /// The file that is not to be tried again unasked.
    pub(crate) refused: Option<FileIdentity>,
    /// How ready the system was to kill us when memory ran out, if we have changed that: what
    /// others get.
    pub(crate) oom_score_adj: Option<i32>,
}

impl Estate {
    /// What is told of it. To be made while there is no daemon: what one of them has been told and
    /// has not acted upon belongs to the next.
    pub(crate) fn handover(&self) -> Handover {
        let held = self.held.iter().map(|(name, held)| HandedDescriptor {
            name: name.clone(),
            descriptor: held.as_raw_fd(),
        });
        Handover {
            open_files: self.open_files,
            note: self.note.clone(),
            program: self.program.clone(),
            log: self.log.clone(),
            start: match &self.startup {
                Startup::Complete => Start::Complete,
                Startup::First(report) => Start::First(report.as_ref().map(AsRawFd::as_raw_fd)),
                Startup::Again => Start::Again,
            },
            daemons: self.history.hand_over(),
            children: self.children.hand_over(),
            held: held.collect(),
            signals: self.news.signals(),
            orphans: self.news.orphans(),
            upgrade: self.upgrade.clone(),
            refused: self.refused,
            oom_score_adj: self.oom_score_adj,
        }
    }

    /// Takes over what is told, with the descriptors that this process has inherited.
    ///
    /// To be called before anything is opened. It cannot fail: a descriptor that is missing is told
    /// of, and all the rest is worth having.
    pub(crate) fn take_over(told: Handover) -> Self {
        let startup = match told.start {
            Start::Complete => Startup::Complete,
            Start::First(report) => Startup::First(report.and_then(take)),
            Start::Again => Startup::Again,
        };
        let held = told.held.into_iter();
        let held = held.filter_map(|held| Some((held.name, Rc::new(take(held.descriptor)?))));
        let held: Held = held.collect();
        let slots = held.get(REGISTER).map(|file| register::slots(file));
        let slots = slots.unwrap_or_default();
        Self {
            open_files: told.open_files,
            startup,
            note: told.note,
            program: told.program,
            log: told.log,
            held,
            children: Children::take_over(told.children, &slots, take),
            news: News::take_over(told.signals, told.orphans),
            history: History::take_over(told.daemons),
            upgrade: told.upgrade,
            refused: told.refused,
            oom_score_adj: told.oom_score_adj,
        }
    }

    /// Takes note that the latest upgrade has been undone.
    pub(crate) fn was_rolled_back(&mut self, why: &str) {
        let upgrade = self.upgrade.take();
        let undone = |it| upgrade::failed(it, UpgradeOutcome::RolledBack, why);
        self.upgrade = upgrade.map(undone);
    }

    /// Every descriptor that belongs to it.
    fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let report = match &self.startup {
            Startup::First(report) => report.as_ref(),
            Startup::Complete | Startup::Again => None,
        };
        let held = self.held.values().map(AsFd::as_fd);
        let report = report.map(AsFd::as_fd);
        self.children.descriptors().chain(held).chain(report)
    }
}

/// A descriptor that was inherited under this number.
fn take(number: i32) -> Option<OwnedFd> {
    process::take_inherited(number)
        .inspect_err(|error| complain(&format!("descriptor {number} was lost: {error}\n")))
        .ok()
}

/// What a process is told that is to be the keeper, in [`KEEPER_ENV`]; see [`crate::Role`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errand<'a> {
    /// Go on in our place, and back to this program if you cannot.
    GoOn { old: BorrowedFd<'a> },
    /// Go on after a program that could not.
    GoBack,
}

/// Becomes another program, which is to go on with the estate. Returns only if that fails; then
/// everything is as it was.
pub(crate) fn execute(
    program: BorrowedFd<'_>,
    errand: Errand<'_>,
    estate: &Estate,
    environment: &[CString],
) -> io::Error {
    let state = match seal(estate) {
        Ok(state) => state,
        Err(error) => return error,
    };
    let old = match errand {
        Errand::GoOn { old } => Some(old),
        Errand::GoBack => None,
    };
    let inherited = || estate.descriptors().chain([state.as_fd()]).chain(old);
    let error = inherit(inherited(), FdFlags::empty())
        .and_then(|()| {
            let role = match old {
                Some(old) => format!("{GO_ON} {} {}", state.as_raw_fd(), old.as_raw_fd()),
                None => format!("{GO_BACK} {}", state.as_raw_fd()),
            };
            become_keeper(program, &role, environment)
        })
        .err();
    // Where that fails, a descriptor is inherited by a daemon, whose recipe closes it.
    let _ = inherit(inherited(), FdFlags::CLOEXEC);
    error.unwrap_or_else(|| Errno::NOEXEC.into())
}

/// Goes back to the program that we came from, with the very state that it left: nothing of it has
/// been touched. Returns only if that fails.
pub(crate) fn return_untouched(old: &OwnedFd, state: &OwnedFd, why: &str) -> io::Error {
    let become_it = || {
        fcntl_setfd(state, FdFlags::empty())?;
        let role = format!("{GO_BACK} {} {why}", state.as_raw_fd());
        become_keeper(old.as_fd(), &role, &crate::environment()?)
    };
    become_it().err().unwrap_or_else(|| Errno::NOEXEC.into())
}

/// Becomes the keeper after one that has died, in the process of its daemon, which has made `told`
/// up from what it knows. All that it tells of has to be open, and is what `descriptors` brings; the
/// telling goes into `state`. Returns only if that fails.
pub(crate) fn succeed<'a>(
    argv: &[CString],
    told: &Handover,
    descriptors: impl Iterator<Item = BorrowedFd<'a>>,
    state: &OwnedFd,
) -> io::Error {
    let become_it = || -> io::Result<io::Error> {
        memfd::fill(state, &bytes_of(told)?)?;
        inherit(descriptors, FdFlags::empty())?;
        fcntl_setfd(state, FdFlags::empty())?;
        let mut envp = crate::environment()?;
        let role = format!("{KEEPER_ENV}={SUCCEED} {}", state.as_raw_fd());
        envp.push(CString::new(role)?);
        Ok(process::exec(c"/proc/self/exe", argv, &envp))
    };
    become_it().unwrap_or_else(|error| error)
}

/// The estate as it is handed to whoever goes on with it.
pub(crate) fn seal(estate: &Estate) -> io::Result<OwnedFd> {
    memfd::sealed(NAME, &bytes_of(&estate.handover())?)
}

/// A file that a handover can be written to later, when there may be no room for another.
pub(crate) fn reserve() -> io::Result<OwnedFd> {
    memfd::sealable(NAME)
}

fn bytes_of(told: &Handover) -> io::Result<Vec<u8>> {
    let bytes = told.encode();
    if bytes.len() > MAX_HANDOVER {
        return Err(Errno::FBIG.into());
    }
    Ok(bytes)
}

/// Reads what was sealed.
pub(crate) fn read(state: &OwnedFd) -> io::Result<Handover> {
    let bytes = memfd::read_sealed(state, MAX_HANDOVER)?;
    Handover::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn inherit<'a>(
    descriptors: impl Iterator<Item = BorrowedFd<'a>>,
    flags: FdFlags,
) -> io::Result<()> {
    for descriptor in descriptors {
        fcntl_setfd(descriptor, flags)?;
    }
    Ok(())
}

/// Executes `program` under our own command line, and tells it what it is to be.
fn become_keeper(program: BorrowedFd<'_>, role: &str, environment: &[CString]) -> io::Result<()> {
    let argv = std::env::args_os()
        .map(|argument| CString::new(argument.as_bytes()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut envp = environment.to_vec();
    envp.push(CString::new(format!("{KEEPER_ENV}={role}"))?);
    let file = CString::new(format!("/proc/self/fd/{}", program.as_raw_fd()))?;
    Err(process::exec(&file, &argv, &envp))
}

/// What the file is called, for whoever looks at our descriptors.
const NAME: &str = "minder-handover";

/// The words that [`KEEPER_ENV`] begins with, by errand.
pub(crate) const CHECK: &str = "check";
pub(crate) const GO_ON: &str = "go-on";
pub(crate) const GO_BACK: &str = "go-back";
pub(crate) const SUCCEED: &str = "succeed";
