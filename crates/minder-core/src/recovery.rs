//! When what a daemon left cannot be used: going on with the children alone.
//!
//! The children run, and their labels say whose they are. Nothing else is known, so nothing is
//! guessed: a process whose child runs is taken to be up, every other is left stopped, for it may
//! have been stopped on purpose, and nothing is ever started twice. (If it is known that nobody can
//! have stopped anything, [`Core::start_the_rest`](crate::Core::start_the_rest) makes up for that.)
//!
//! What follows from the difference to an ordinary snapshot is in `core/legacy.rs`: children of
//! which nobody is the parent are strays, and listeners are started anew.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, GroupId, ProcessId, first_child, take};
use crate::plan;
use crate::process::{Down, Phase, State};
use crate::snapshot::{GroupSnapshot, NextIds, ProcessSnapshot, Snapshot};
use crate::spec::GroupSpec;
use crate::state::Mood;
use crate::time::Now;

impl Snapshot {
    /// What can be said of the processes of a configuration from the children that there are.
    /// `running` answers which child of the process of this name in the group of this name runs,
    /// and its pid.
    pub fn of_children(
        now: Now,
        groups: Vec<Arc<GroupSpec>>,
        running: impl Fn(&str, &str) -> Option<(ChildId, u32)>,
    ) -> Self {
        let mut next = NextIds {
            // What is not in the inventory any more may have had any identity.
            child: first_child(now),
            process: 1,
            group: 1,
        };
        let groups = plan::in_start_order(groups);
        let recovered = plan::meant(&groups).map(|spec| {
            let processes = spec.processes.iter().map(|process| {
                let id = ProcessId(take(&mut next.process));
                process_of(now, id, running(&spec.name, &process.name))
            });
            let processes = processes.collect();
            GroupSnapshot {
                id: GroupId(take(&mut next.group)),
                spec: spec.clone(),
                processes,
                pool: None,
            }
        });
        let recovered = recovered.collect();
        Self {
            mood: Mood::Running,
            groups: recovered,
            candidate: groups,
            next,
            serial: 0,
            tick: now.wall.0.as_secs(),
        }
    }
}

fn process_of(now: Now, id: ProcessId, child: Option<(ChildId, u32)>) -> ProcessSnapshot {
    let state = match child {
        Some((child, pid)) => State::Up {
            child,
            phase: Phase::Running { pid },
        },
        None => State::Down(Down::Stopped),
    };
    ProcessSnapshot {
        id,
        state,
        started: child.map(|_| now),
        stopped: None,
        spawn_error: String::new(),
        exit_status: 0,
    }
}
