//! What the page about all processes shows.

use std::path::PathBuf;
use std::sync::Arc;

use minder_core::group::full_name;
use minder_core::spec::GroupKind;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{ProcessState, Wall};
use minder_page::overview::{self, Asked, Child, Facts, TROUBLES};
use minder_page::{Group, Look, Overview, Reason, Row, Trouble, log};

use super::fields::Fields;
use super::{Visitor, host, notice};
use crate::api::{Api, blocking};
use crate::published::Picture;

/// How much of the end of a log is searched for its last line, in bytes.
const LAST_LINE_WITHIN: i64 = 4096;

/// How long a line that a process wrote may be on this page, in characters.
const LAST_LINE: usize = 300;

/// Draws the page.
pub(super) async fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> String {
    let picture = api.published.latest();
    let (mut trouble, more_trouble) = troubles(&picture, visitor);
    let logs: Vec<_> = trouble
        .iter()
        .map(|one| logs_of(&picture, &one.name))
        .collect();
    // A page without what programs said is better than none.
    let said = blocking(move || logs.iter().map(|logs| last_line(logs)).collect::<Vec<_>>());
    for (one, said) in trouble.iter_mut().zip(said.await.unwrap_or_default()) {
        one.said = said;
    }
    let asked = asked(fields);
    let replaced = (api.generation > 0).then(|| {
        (
            api.generation,
            visitor.moments.now.mono.since(api.started.mono),
        )
    });
    overview::draw(&Overview {
        frame: visitor.frame(api, "./"),
        host: host::name(),
        facts: Facts {
            up: host::age(api.keeper_pid, visitor.moments.now.mono),
            main_pid: api.keeper_pid,
            load: host::load(),
            memory: host::memory(),
            replaced,
        },
        notice: notice(fields),
        trouble,
        more_trouble,
        groups: groups(&picture, visitor),
        asked,
        main_file: api.configuration.path().to_owned(),
    })
}

/// Which part of the table a request asks for.
pub(super) fn asked(fields: &Fields) -> Asked {
    let states = fields.all("state").flat_map(|list| list.split(','));
    let states = states.filter_map(|name| {
        ProcessState::ALL
            .into_iter()
            .find(|state| state.name() == name)
    });
    Asked {
        states: states.collect(),
        find: fields.get("q").map(str::to_owned).unwrap_or_default(),
        turned: fields.all("turn").cloned().collect(),
        from: fields.number("from").unwrap_or(0),
    }
}

/// Every group with its processes, by name.
pub(super) fn groups(picture: &Picture, visitor: &Visitor) -> Vec<Group> {
    let mut groups: Vec<_> = picture.view.groups.iter().collect();
    groups.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    let group = |group: &Arc<GroupView>| {
        let mut processes: Vec<_> = group.processes.iter().collect();
        processes.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        let row = |process: &Arc<ProcessView>| row(group, process, visitor);
        Group {
            name: group.spec.name.clone(),
            rows: processes.into_iter().map(row).collect(),
        }
    };
    groups.into_iter().map(group).collect()
}

fn row(group: &GroupView, process: &ProcessView, visitor: &Visitor) -> Row {
    let child = process.pid.map(|pid| Child {
        pid,
        uptime: process.started.map_or_else(Default::default, |(mono, _)| {
            visitor.moments.now.mono.since(mono)
        }),
        cpu: None,
        memory: None,
    });
    Row {
        name: process.spec.name.clone(),
        full_name: full_name(&group.spec.name, &process.spec.name),
        look: look(process),
        reason: reason(group, process, visitor),
        child,
        restarts: None,
        is_flapping: false,
    }
}

/// How a process looks.
pub(super) fn look(process: &ProcessView) -> Look {
    if process.state == ProcessState::Exited && !is_expected(process) {
        Look::ExitedBadly
    } else {
        Look::Plain(process.state)
    }
}

fn is_expected(process: &ProcessView) -> bool {
    let mut codes = process.spec.exit_codes.iter();
    codes.any(|code| i32::from(*code) == process.exit_status)
}

/// Why a process is as it is.
pub(super) fn reason(group: &GroupView, process: &ProcessView, visitor: &Visitor) -> Reason {
    let at = || visitor.moments.moment(process.stopped.unwrap_or_default());
    match process.state {
        ProcessState::Fatal | ProcessState::Backoff | ProcessState::Unknown => {
            if process.spawn_error.is_empty() {
                Reason::None
            } else {
                Reason::Said(process.spawn_error.clone())
            }
        }
        ProcessState::Stopped if process.started.is_none() || process.stopped.is_none() => {
            Reason::NotStarted
        }
        ProcessState::Stopped => Reason::Stopped { at: at(), by: None },
        ProcessState::Exited => Reason::Exited {
            at: at(),
            code: process.exit_status,
            expected: is_expected(process),
        },
        ProcessState::Starting => {
            let lived = process
                .started
                .map(|(mono, _)| visitor.moments.now.mono.since(mono));
            let left = process
                .spec
                .start_wait()
                .saturating_sub(lived.unwrap_or_default());
            if left.is_zero() {
                Reason::None
            } else {
                Reason::ReadyIn {
                    secs: left.as_secs() + 1,
                }
            }
        }
        ProcessState::Running if matches!(group.spec.kind, GroupKind::Listeners { .. }) => {
            Reason::Listens { waiting: None }
        }
        ProcessState::Running | ProcessState::Stopping => Reason::None,
    }
}

/// How much a state is in need of attention; `None` if it is not.
fn rank(look: Look) -> Option<u8> {
    match look {
        Look::Plain(ProcessState::Fatal) => Some(0),
        Look::Plain(ProcessState::Unknown) => Some(1),
        Look::ExitedBadly => Some(2),
        Look::Plain(ProcessState::Backoff) => Some(3),
        Look::Plain(
            ProcessState::Running
            | ProcessState::Starting
            | ProcessState::Stopping
            | ProcessState::Stopped
            | ProcessState::Exited,
        ) => None,
    }
}

/// The processes that need attention most, and how many more there are, by state.
fn troubles(picture: &Picture, visitor: &Visitor) -> (Vec<Trouble>, Vec<(ProcessState, usize)>) {
    let mut found: Vec<_> = picture
        .view
        .groups
        .iter()
        .flat_map(|group| group.processes.iter().map(move |process| (group, process)))
        .filter_map(|(group, process)| Some((rank(look(process))?, group, process)))
        .collect();
    found.sort_by(|(rank, _, process), (other_rank, _, other)| {
        (rank, other.stopped).cmp(&(other_rank, process.stopped))
    });
    let rest = found.split_off(found.len().min(TROUBLES));
    let trouble = found
        .iter()
        .map(|(_, group, process)| trouble(group, process, visitor));
    let trouble = trouble.collect();
    let mut more: Vec<(ProcessState, usize)> = Vec::new();
    for (_, _, process) in rest {
        match more.iter_mut().find(|(state, _)| *state == process.state) {
            Some((_, count)) => *count += 1,
            None => more.push((process.state, 1)),
        }
    }
    (trouble, more)
}

fn trouble(group: &GroupView, process: &ProcessView, visitor: &Visitor) -> Trouble {
    let stopped: Option<Wall> = process.stopped;
    let given_up = stopped.filter(|_| process.state == ProcessState::Fatal);
    Trouble {
        name: full_name(&group.spec.name, &process.spec.name),
        look: look(process),
        reason: reason(group, process, visitor),
        flapping: None,
        given_up: given_up.map(|at| visitor.moments.ago(at)),
        said: None,
        day: Vec::new(),
    }
}

fn logs_of(picture: &Picture, name: &str) -> Vec<PathBuf> {
    let found = crate::api::find(&picture.view, name).ok();
    let paths = found.and_then(|(_, process)| picture.logs.get(&process.id));
    let paths = paths
        .into_iter()
        .flat_map(|paths| [&paths.stderr, &paths.stdout]);
    paths.flatten().cloned().collect()
}

/// The last line in any of these files: of the one that was written to last.
fn last_line(logs: &[PathBuf]) -> Option<String> {
    let written = |path: &PathBuf| path.metadata().and_then(|it| it.modified()).ok();
    let mut logs: Vec<_> = logs.iter().map(|path| (written(path), path)).collect();
    logs.sort_by(|(time, _), (other, _)| other.cmp(time));
    logs.into_iter().find_map(|(_, path)| {
        let bytes = minder_logs::tail::read(path, -LAST_LINE_WITHIN, 0).ok()?;
        log::last_line(&bytes, LAST_LINE)
    })
}
