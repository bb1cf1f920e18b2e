//! What happens in a history, one fact at a time, as the rules are shown it.
//!
//! Everything that a bystander could see: what the core was handed and what it asked for, what
//! the driver did of it, and what became of the children. Rules and trace know nothing else.

use std::fmt;
use std::sync::Arc;

use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::spec::GroupSpec;
use minder_core::view::View;
use minder_core::{ChildId, Effect, Input, Mono, ProcessId};

/// A child that the keeper has.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the keeper tells of it.
    pub inherited: Inherited,
    /// What it is labelled with: the names of its group and its process.
    pub label: (String, String),
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A daemon starts with this configuration, because there is nothing to go on with. The next
    /// event gets this number.
    Started(&'a [Arc<GroupSpec>], u64),
    /// What the daemon before has left is of no use. This is what is made of the configuration
    /// and of the children that the keeper has.
    Recovered {
        /// The configuration.
        groups: &'a [Arc<GroupSpec>],
        /// The children.
        found: &'a [Found],
        /// What is made of them.
        snapshot: &'a Snapshot,
    },
    /// A daemon adopts what the one before has left, and the keeper has these children.
    Adopted(&'a [Inherited]),
    /// The core is handed something.
    Took(&'a Input),
    /// The core asks for something.
    Asked(&'a Effect),
    /// The core has done with what it was handed: what readers see, and when it wants to be
    /// called again.
    Settled(&'a View, Option<Mono>),
    /// The changes of the step were added to the snapshot that the keeper had.
    Written {
        /// What it has now.
        kept: &'a Snapshot,
        /// What there is.
        whole: &'a Snapshot,
    },
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
    /// A listener has been written an event.
    Told {
        /// Which.
        child: ChildId,
        /// The number of the delivery.
        delivery: u64,
        /// What was written.
        bytes: &'a [u8],
        /// Whether it may answer that: it waits for an event.
        heeds: bool,
    },
    /// A listener has answered its event, or nothing that could be one.
    Answered {
        /// Which.
        child: ChildId,
        /// Whether it has taken the event.
        taken: bool,
    },
    /// The keeper has been told that the end of a child has been taken note of.
    Acknowledged {
        /// Which.
        child: ChildId,
    },
}

impl Fact<'_> {
    /// Whether there can be anything wrong with it. What is only there for the ledger is most of
    /// all that happens.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        match self {
            Self::Recovered { .. }
            | Self::Asked(_)
            | Self::Settled(..)
            | Self::Written { .. }
            | Self::Left
            | Self::Made { .. }
            | Self::Rested
            | Self::Told { .. } => true,
            Self::Started(..)
            | Self::Adopted(_)
            | Self::Took(_)
            | Self::Kept
            | Self::Did(_)
            | Self::Died
            | Self::Ended { .. }
            | Self::Answered { .. }
            | Self::Acknowledged { .. } => false,
        }
    }
}

impl fmt::Display for Fact<'_> {
    /// One line of a trace. Specs are left out: they would drown everything else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(groups, serial) => {
                write!(f, "a daemon starts at event {serial} with")?;
                groups.iter().try_for_each(|group| write_group(f, group))
            }
            Self::Recovered { groups, found, .. } => {
                write!(f, "a daemon recovers from {found:?} with")?;
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
            Self::Took(Input::ListenerSaid { child, bytes }) => {
                write!(f, "listener {} says {:?}", child.0, text(bytes))
            }
            Self::Took(input) => write!(f, "takes {input:?}"),
            Self::Asked(effect) => {
                f.write_str("    asks: ")?;
                write_effect(f, effect)
            }
            Self::Settled(_, Some(deadline)) => write!(f, "    until {:?}", deadline.0),
            Self::Settled(_, None) => f.write_str("    until something happens"),
            Self::Written { .. } => f.write_str("changes are written down"),
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
            Self::Told {
                child,
                delivery,
                bytes,
                ..
            } => {
                write!(f, "child {} is told {delivery}: {}", child.0, text(bytes))
            }
            Self::Answered { child, taken } => {
                write!(f, "child {} answers, taken: {taken}", child.0)
            }
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
        Effect::Deliver {
            child,
            delivery,
            bytes,
        } => write!(f, "deliver {delivery} to {}: {}", child.0, text(bytes)),
        effect => write!(f, "{effect:?}"),
    }
}

fn text(bytes: &[u8]) -> impl fmt::Display + fmt::Debug {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &GroupSpec) -> fmt::Result {
    let (name, priority, kind) = (&group.name, group.priority, &group.kind);
    write!(f, "\n        {name} (priority {priority}, {kind:?})")?;
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
