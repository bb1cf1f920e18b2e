//! From a plan to a child: its pipes, and the recipe that the system is handed.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use minder_os::limits::Limit;
use minder_os::memfd;
use minder_os::signals::SignalSet;
use minder_os::spawn::{Identity, Mark, ProcessGroup, Recipe, Spawner};
use minder_wire::{Credentials, MAX_PLAN, Plan, SpawnStep, Stdin, Stream};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;

use crate::children::{Ends, Needs};

/// Descriptors by the names they are held under.
pub(crate) type Held = BTreeMap<Vec<u8>, Rc<OwnedFd>>;

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: SpawnStep,
    pub(crate) errno: i32,
}

impl Failure {
    pub(crate) fn at(step: SpawnStep, errno: Errno) -> Self {
        let errno = errno.raw_os_error();
        Self { step, errno }
    }

    pub(crate) fn of(step: SpawnStep, error: &io::Error) -> Self {
        Self::at(step, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }
}

/// Reads a plan that came in a sealed memfd.
pub(crate) fn read_plan(file: Option<OwnedFd>) -> Result<Plan, Failure> {
    // It was lost on its way, because no more could be opened here.
    let file = file.ok_or(Failure::at(SpawnStep::Plan, Errno::MFILE))?;
    let bytes =
        memfd::read_sealed(file, MAX_PLAN).map_err(|error| Failure::of(SpawnStep::Plan, &error))?;
    Plan::decode(&bytes).map_err(|_| Failure::at(SpawnStep::Plan, Errno::BADMSG))
}

/// How many descriptors a child of this plan takes.
pub(crate) fn needs(plan: &Plan) -> Needs {
    let outputs = if plan.stderr_to_stdout { 1 } else { 2 };
    Needs {
        ends: outputs + usize::from(plan.stdin == Stdin::Pipe),
        outputs,
    }
}

/// Starts a child: its pid, and our ends of its pipes. After a failure nothing is left.
///
/// `open_files` is the limit that it gets unless its plan says otherwise; `mark` is its place in
/// the register.
pub(crate) fn spawn(
    spawner: &mut Spawner,
    open_files: Limit,
    held: &Held,
    plan: &Plan,
    mark: Option<Mark<'_>>,
) -> Result<(u32, Ends), Failure> {
    let mut ends = Ends::default();
    let stdin = match &plan.stdin {
        Stdin::Pipe => {
            let (reader, writer) = pipe()?;
            keep(&mut ends, Stream::Stdin, writer)?;
            Rc::new(reader)
        }
        Stdin::Held(name) => {
            let unknown = Failure::at(SpawnStep::Plan, Errno::NOENT);
            Rc::clone(held.get(name).ok_or(unknown)?)
        }
    };
    let (reader, stdout) = pipe()?;
    keep(&mut ends, Stream::Stdout, reader)?;
    let stderr = if plan.stderr_to_stdout {
        None
    } else {
        let (reader, writer) = pipe()?;
        keep(&mut ends, Stream::Stderr, reader)?;
        Some(writer)
    };
    let stderr = stderr.as_ref().unwrap_or(&stdout);
    let mut recipe = recipe(plan)?;
    recipe.limits.insert(0, open_files);
    recipe.mark = mark;
    recipe.descriptors = vec![stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    match spawner.spawn(&recipe) {
        Ok(pid) => Ok((pid, ends)),
        Err(error) => Err(Failure::of(SpawnStep::Clone, &error)),
    }
}

/// The end to read from and the end to write to.
fn pipe() -> Result<(OwnedFd, OwnedFd), Failure> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|errno| Failure::at(SpawnStep::Pipe, errno))
}

/// Keeps our end of a pipe. The child's blocks as programs expect; ours does not.
fn keep(ends: &mut Ends, stream: Stream, end: OwnedFd) -> Result<(), Failure> {
    fcntl_setfl(&end, OFlags::NONBLOCK).map_err(|errno| Failure::at(SpawnStep::Pipe, errno))?;
    ends.insert(stream, end);
    Ok(())
}

/// The plan as the system wants it, yet without descriptors.
fn recipe<'fds>(plan: &Plan) -> Result<Recipe<'fds>, Failure> {
    Ok(Recipe {
        file: text(&plan.file)?,
        argv: texts(&plan.argv)?,
        envp: texts(&plan.envp)?,
        descriptors: Vec::new(),
        group: ProcessGroup::Own,
        identity: match &plan.credentials {
            Credentials::Keep => Identity::Keep,
            Credentials::Become { uid, gid, groups } => Identity::Become {
                uid: *uid,
                gid: *gid,
                groups: groups.clone(),
            },
            Credentials::Refuse { uid, why } => Identity::Refuse {
                uid: *uid,
                why: why.clone(),
            },
        },
        directory: plan.directory.as_deref().map(text).transpose()?,
        umask: plan.umask,
        default_signals: ALWAYS_DEFAULT.to_vec(),
        ignored_signals: plan.ignored_signals.clone(),
        blocked_signals: SignalSet::none(),
        oom_score_adj: plan.oom_score_adj,
        limits: plan.limits.clone(),
        mark: None,
    })
}

fn texts(all: &[Vec<u8>]) -> Result<Vec<CString>, Failure> {
    all.iter().map(|bytes| text(bytes)).collect()
}

fn text(bytes: &[u8]) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| Failure::at(SpawnStep::Plan, Errno::INVAL))
}

/// Signals at their default in every child, unless its plan ignores them. Supervisor handles the
/// first six itself, so a child never inherits that they were ignored; the runtime of our own
/// language ignores the last.
const ALWAYS_DEFAULT: [i32; 7] = [
    Signal::HUP.as_raw(),
    Signal::INT.as_raw(),
    Signal::QUIT.as_raw(),
    Signal::TERM.as_raw(),
    Signal::USR2.as_raw(),
    Signal::CHILD.as_raw(),
    Signal::PIPE.as_raw(),
];
