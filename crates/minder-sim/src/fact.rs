//! What happens in a history, one fact at a time, as the rules are shown it.
//!
//! Everything that a bystander could see: what the core was handed and what it asked for, what
//! the driver did of it, and what became of the children. Rules and trace know nothing else.

use std::fmt;
use std::sync::Arc;

use minder_core::snapshot::Inherited;
use minder_core::spec::GroupSpec;
use minder_core::view::View;
use minder_core::{ChildId, Effect, Input, Mono, ProcessId};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A daemon starts with this configuration, because there is no snapshot.
    Started(&'a [Arc<GroupSpec>]),
    /// A daemon adopts what the one before has left, and the keeper has these children.
    Adopted(&'a [Inherited]),
    /// The core is handed something.
    Took(&'a Input),
    /// The core asks for something.
    Asked(&'a Effect),
    /// The core has done with what it was handed: what readers see, and when it wants to be
    /// called again.
    Settled(&'a View, Option<Mono>),
    /// The keeper has the snapshot of the step.
    Kept,
    /// The driver has done something that the core asked for.
    Did(&'a Effect),
    /// The daemon has died.
    Died,
    /// The daemon has left on purpose; the keeper has dropped all that it held.
    Left,
    /// The keeper has made a child.
    Made {
        /// Which.
        child: ChildId,
        /// The process it is a run of.
        process: ProcessId,
        /// Its pid.
        pid: u32,
    },
    /// Nothing has gone wrong for long, nobody wants anything, and nothing is left to happen.
    Rested,
    /// A child has ended.
    Ended {
        /// Which.
        child: ChildId,
    },
    /// The keeper has been told that the end of a child has been taken note of.
    Acknowledged {
        /// Which.
        child: ChildId,
    },
}

impl fmt::Display for Fact<'_> {
    /// One line of a trace. Specs are left out: they would drown everything else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(groups) => {
                f.write_str("a daemon starts with")?;
                groups.iter().try_for_each(|group| write_group(f, group))
            }
            Self::Adopted(inventory) => write!(f, "a daemon adopts {inventory:?}"),
            Self::Took(Input::Request(id, request)) => {
                write!(f, "request {}: ", id.0)?;
                match request {
                    minder_core::Request::Reread { groups } => {
                        f.write_str("Reread")?;
                        groups.iter().try_for_each(|group| write_group(f, group))
                    }
                    request => write!(f, "{request:?}"),
                }
            }
            Self::Took(input) => write!(f, "takes {input:?}"),
            Self::Asked(effect) => {
                f.write_str("    asks: ")?;
                write_effect(f, effect)
            }
            Self::Settled(_, Some(deadline)) => write!(f, "    until {:?}", deadline.0),
            Self::Settled(_, None) => f.write_str("    until something happens"),
            Self::Kept => f.write_str("the keeper has the snapshot"),
            Self::Did(effect) => {
                f.write_str("    done: ")?;
                write_effect(f, effect)
            }
            Self::Died => f.write_str("THE DAEMON DIES"),
            Self::Left => f.write_str("the daemon leaves"),
            Self::Rested => f.write_str("everything is at rest"),
            Self::Made {
                child,
                process,
                pid,
            } => write!(
                f,
                "child {} of process {} runs as {pid}",
                child.0, process.0
            ),
            Self::Ended { child } => write!(f, "child {} ends", child.0),
            Self::Acknowledged { child } => write!(f, "end of child {} acknowledged", child.0),
        }
    }
}

fn write_effect(f: &mut fmt::Formatter<'_>, effect: &Effect) -> fmt::Result {
    match effect {
        Effect::Spawn { child, process, .. } => {
            write!(f, "spawn child {} of process {}", child.0, process.0)
        }
        Effect::GroupAdded {
            id,
            spec,
            processes,
        } => {
            write!(f, "group {} with processes {processes:?}:", id.0)?;
            write_group(f, spec)
        }
        Effect::Log(message) => write!(f, "log: {message}"),
        effect => write!(f, "{effect:?}"),
    }
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &GroupSpec) -> fmt::Result {
    write!(f, "\n        {} (priority {})", group.name, group.priority)?;
    group.processes.iter().try_for_each(|spec| {
        write!(
            f,
            "\n            {}: priority {} autostart {} autorestart {:?} startsecs {} \
             startretries {} exitcodes {:?} stopsignal {} stopwaitsecs {}",
            spec.name,
            spec.priority,
            spec.autostart,
            spec.autorestart,
            spec.start_secs,
            spec.start_retries,
            spec.exit_codes,
            spec.stop_signal,
            spec.stop_wait_secs,
        )
    })
}
