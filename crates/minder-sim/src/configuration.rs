//! Random configurations: few groups, few processes, and every option that the core decides by.
//!
//! Names are drawn from a short list, so that users of one configuration often name what another
//! one had, and so that a changed configuration is mostly about groups that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minder_core::Signal;
use minder_core::spec::{
    AutoRestart, GroupKind, GroupSpec, LogTarget, ProcessSpec, ServerUrl, StreamSpec,
};

use crate::random::Random;

/// What groups can be called.
pub const GROUPS: [&str; 5] = ["web", "worker", "cache", "cron", "mail"];

/// What processes of a group of several can be called.
pub const MEMBERS: [&str; 4] = ["a", "b", "c", "d"];

/// A configuration of some groups.
pub fn draw(random: &mut Random) -> Vec<Arc<GroupSpec>> {
    let count = 1 + random.index(4);
    let names: BTreeSet<_> = (0..count).map(|_| *random.pick(&GROUPS)).collect();
    names.into_iter().map(|name| group(random, name)).collect()
}

/// The same configuration after somebody has edited it.
pub fn edit(random: &mut Random, groups: &[Arc<GroupSpec>]) -> Vec<Arc<GroupSpec>> {
    let mut edited: BTreeMap<_, _> = groups
        .iter()
        .map(|spec| (spec.name.clone(), spec.clone()))
        .collect();
    let name = *random.pick(&GROUPS);
    if random.chance(300) {
        edited.remove(name);
    } else {
        edited.insert(name.into(), group(random, name));
    }
    edited.into_values().collect()
}

/// One or two processes that somebody adds to a group.
pub fn newcomers(random: &mut Random) -> Vec<Arc<ProcessSpec>> {
    let count = 1 + random.index(2);
    let mut names = MEMBERS;
    names.rotate_left(random.index(MEMBERS.len()));
    let names = names.into_iter().take(count);
    names
        .map(|name| process(random, name))
        .map(Arc::new)
        .collect()
}

fn group(random: &mut Random, name: &str) -> Arc<GroupSpec> {
    let processes: Vec<_> = if random.chance(500) {
        vec![process(random, name)]
    } else {
        // In the order of the file, which need not be that of their names or priorities.
        let mut members = MEMBERS[..2 + random.index(3)].to_vec();
        members.rotate_left(random.index(2));
        members
            .into_iter()
            .map(|name| process(random, name))
            .collect()
    };
    let kind = kind(random);
    let priorities = match kind {
        GroupKind::Listeners { .. } => [-1, -1, 1, 999],
        GroupKind::Programs | GroupKind::FastCgi(_) => [1, 10, 999, 999],
    };
    Arc::new(GroupSpec {
        name: name.into(),
        priority: *random.pick(&priorities),
        kind,
        processes: processes.into_iter().map(Arc::new).collect(),
    })
}

fn kind(random: &mut Random) -> GroupKind {
    if !random.chance(300) {
        return GroupKind::Programs;
    }
    let asked = *random.pick(&SUBSCRIPTIONS);
    GroupKind::Listeners {
        buffer_size: *random.pick(&[Some(1), Some(2), Some(5), Some(10), None]),
        events: asked.iter().map(ToString::to_string).collect(),
    }
}

/// What pools ask for. One asks for some events twice, and is told them twice.
const SUBSCRIPTIONS: [&[&str]; 8] = [
    &["EVENT"],
    &["PROCESS_STATE"],
    &["PROCESS_STATE_RUNNING", "PROCESS_STATE_EXITED"],
    &["PROCESS_STATE_STARTING", "PROCESS_STATE"],
    &["PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE"],
    &["TICK_5"],
    &["TICK_60", "PROCESS_COMMUNICATION"],
    &["REMOTE_COMMUNICATION", "PROCESS_LOG_STDOUT"],
];

fn process(random: &mut Random, name: &str) -> ProcessSpec {
    let autorestart = [
        AutoRestart::Never,
        AutoRestart::Unexpected,
        AutoRestart::Always,
    ];
    ProcessSpec {
        name: name.into(),
        command: format!("/bin/{name}"),
        directory: None,
        umask: None,
        uid: None,
        priority: *random.pick(&[1, 5, 999, 999]),
        autostart: random.chance(700),
        autorestart: *random.pick(&autorestart),
        start_secs: *random.pick(&[0, 1, 1, 3, -1]),
        start_retries: *random.pick(&[0, 1, 3, 3]),
        exit_codes: random.pick(&[vec![0], vec![0, 2], vec![]]).clone(),
        stop_signal: *random.pick(&[Signal::TERM, Signal::TERM, Signal::INT, Signal::KILL]),
        stop_wait_secs: *random.pick(&[0, 1, 10, 10]),
        stop_as_group: random.chance(200),
        kill_as_group: random.chance(300),
        redirect_stderr: false,
        stdout: no_log(),
        stderr: no_log(),
        environment: BTreeMap::new(),
        server_url: ServerUrl::Auto,
    }
}

fn no_log() -> StreamSpec {
    StreamSpec {
        log: LogTarget::Off,
        max_bytes: 0,
        backups: 0,
        capture_max_bytes: 0,
        events_enabled: false,
        syslog: false,
    }
}
