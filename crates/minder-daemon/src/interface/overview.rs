//! What the page about all processes shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use minder_core::ProcessState;
use minder_core::group::full_name;
use minder_core::spec::GroupKind;
use minder_core::view::{GroupView, ProcessView};
use minder_page::overview::{self, Asked, Child, Facts, TROUBLES};
use minder_page::{Ending, Group, Look, Overview, Reason, Row, Series, Trouble, log};

use super::fields::Fields;
use super::past::{self, Past};
use super::{Visitor, host, notice};
use crate::api::{Api, blocking};
use crate::figures::Reading;
use crate::history::Record;
use crate::link::now;
use crate::published::Picture;

/// How much of the end of a log is searched for its last line, in bytes.
const LAST_LINE_WITHIN: i64 = 4096;

/// How long a line that a process wrote may be on this page, in characters.
const LAST_LINE: usize = 300;

/// Draws the page.
pub(super) async fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> String {
    let picture = api.published.latest();
    let (mut trouble, more_trouble) = troubles(api, &picture, visitor);
    let logs: Vec<_> = trouble
        .iter()
        .map(|one| (logs_of(&picture, &one.name), one.ended.is_some()))
        .collect();
    // A page without what programs said is better than none.
    let said = blocking(move || {
        let lines = logs
            .iter()
            .map(|(logs, has_gone_on)| last_line(logs, *has_gone_on));
        lines.collect::<Vec<_>>()
    });
    for (one, said) in trouble.iter_mut().zip(said.await.unwrap_or_default()) {
        one.said = said;
    }
    let mut page = Overview {
        frame: visitor.frame(api, "./"),
        host: host::name(),
        facts: Facts {
            up: host::age(api.keeper_pid, visitor.moments.now.mono),
            main_pid: api.keeper_pid,
            load: host::load(),
            memory: host::memory(),
            replaced: replaced(api, visitor),
        },
        notice: notice(fields),
        trouble,
        more_trouble,
        groups: groups(api, &picture, visitor),
        asked: asked(fields),
        main_file: api.configuration.path().to_owned(),
    };
    measure(api, &mut page).await;
    overview::draw(&page)
}

/// How often the daemon was replaced, and how long ago the last time was.
pub(super) fn replaced(api: &Api, visitor: &Visitor) -> Option<(u32, Duration)> {
    let since = visitor.moments.now.mono.since(api.started.mono);
    (api.generation > 0).then_some((api.generation, since))
}

/// Fills in what the processes that are to be seen consume.
async fn measure(api: &Arc<Api>, page: &mut Overview) {
    let shown: BTreeSet<_> = overview::shown(page).into_iter().collect();
    let rows = page.groups.iter_mut().flat_map(|group| &mut group.rows);
    let rows = rows.filter(|row| shown.contains(&row.full_name));
    let mut children: Vec<_> = rows.filter_map(|row| row.child.as_mut()).collect();
    let pids: Vec<_> = children.iter().map(|child| child.pid).collect();
    let readings = readings(api, pids).await;
    for child in &mut children {
        let reading = readings.get(&child.pid);
        (child.cpu, child.memory) = figures(api, child.pid, reading, None);
    }
}

/// What these processes consume; a page without is better than none.
pub(super) async fn readings(api: &Arc<Api>, pids: Vec<u32>) -> BTreeMap<u32, Reading> {
    let (figures, keeper) = (Arc::clone(&api.figures), api.keeper_pid);
    let readings = blocking(move || figures.measure(pids, keeper, now()));
    readings.await.unwrap_or_default()
}

/// A share of a processor and a size of memory, each now and before, as far as they are known.
type Consumed = (Option<(f64, Series)>, Option<(u64, Series)>);

/// What a process consumes, now and as far as somebody looked: its share of a processor in per
/// cent, and its memory in bytes.
#[expect(clippy::cast_precision_loss, reason = "lines are drawn of it")]
pub(super) fn figures(
    api: &Api,
    pid: u32,
    reading: Option<&Reading>,
    memory_limit: Option<u64>,
) -> Consumed {
    let Some(reading) = reading else {
        return (None, None);
    };
    let curve = api.figures.curve(pid);
    let cpu = Series {
        values: curve
            .iter()
            .filter_map(|point| point.load)
            .map(|load| load * 100.0)
            .collect(),
        ceiling: 100.0,
    };
    let memory = Series {
        values: curve.iter().map(|point| point.memory as f64).collect(),
        ceiling: memory_limit.unwrap_or(0) as f64,
    };
    let now = reading.load.map(|load| load * 100.0);
    (
        now.map(|now| (now, cpu)),
        Some((reading.consumption.memory, memory)),
    )
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
pub(super) fn groups(api: &Api, picture: &Picture, visitor: &Visitor) -> Vec<Group> {
    let pools = api.history.pools();
    let mut groups: Vec<_> = picture.view.groups.iter().collect();
    groups.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    let group = |group: &Arc<GroupView>| {
        let mut processes: Vec<_> = group.processes.iter().collect();
        processes.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        let pool = pools
            .iter()
            .find(|(pool, _)| *pool.name == *group.spec.name);
        let waiting = pool.map(|(pool, _)| pool.waiting);
        let row = |process: &Arc<ProcessView>| {
            let past = Past::of(&api.history, group, process, visitor.moments.now.wall);
            let mut row = row(group, process, past.as_ref(), visitor);
            if matches!(row.reason, Reason::Listens { .. }) {
                row.reason = Reason::Listens { waiting };
            }
            row
        };
        Group {
            name: group.spec.name.clone(),
            rows: processes.into_iter().map(row).collect(),
        }
    };
    groups.into_iter().map(group).collect()
}

fn row(group: &GroupView, process: &ProcessView, past: Option<&Past>, visitor: &Visitor) -> Row {
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
        reason: reason(group, process, past, visitor),
        child,
        restarts: past.map(|past| past.restarts),
        is_flapping: past.is_some_and(|past| past.is_flapping),
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
pub(super) fn reason(
    group: &GroupView,
    process: &ProcessView,
    past: Option<&Past>,
    visitor: &Visitor,
) -> Reason {
    if let Some(reason) = past.and_then(|past| past.reason(process, visitor.moments.now.wall)) {
        return reason;
    }
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
            ending: past
                .and_then(|past| past.ending(process))
                .unwrap_or(Ending::Code(process.exit_status)),
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

/// How much a state is in need of attention; `None` if it is not. What is restarted again and
/// again is, whatever its state.
fn rank(look: Look, is_flapping: bool) -> Option<u8> {
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
        ) => is_flapping.then_some(3),
    }
}

/// A process that needs attention.
struct Needy<'a> {
    rank: u8,
    group: &'a GroupView,
    process: &'a ProcessView,
    past: Option<Past>,
}

/// The processes that need attention most, and how many more there are, by state.
fn troubles(
    api: &Api,
    picture: &Picture,
    visitor: &Visitor,
) -> (Vec<Trouble>, Vec<(ProcessState, usize)>) {
    let now = visitor.moments.now.wall;
    let mut found = Vec::new();
    for group in &picture.view.groups {
        for process in &group.processes {
            let past = Past::of(&api.history, group, process, now);
            let is_flapping = past.as_ref().is_some_and(|past| past.is_flapping);
            if let Some(rank) = rank(look(process), is_flapping) {
                found.push(Needy {
                    rank,
                    group,
                    process,
                    past,
                });
            }
        }
    }
    found.sort_by_key(|it| (it.rank, std::cmp::Reverse(it.process.stopped)));
    let rest = found.split_off(found.len().min(TROUBLES));
    let trouble = found.iter().map(|it| trouble(api, it, visitor)).collect();
    let mut more: Vec<(ProcessState, usize)> = Vec::new();
    for Needy { process, .. } in rest {
        match more.iter_mut().find(|(state, _)| *state == process.state) {
            Some((_, count)) => *count += 1,
            None => more.push((process.state, 1)),
        }
    }
    (trouble, more)
}

fn trouble(api: &Api, needy: &Needy<'_>, visitor: &Visitor) -> Trouble {
    let Needy {
        group,
        process,
        past,
        ..
    } = needy;
    let since = past
        .as_ref()
        .and_then(|past| past.since(process))
        .or(process.stopped);
    let given_up = since.filter(|_| process.state == ProcessState::Fatal);
    let flapping = past.as_ref().and_then(|past| past.flapping(process));
    let day = |record: &Record| past::day(record, &visitor.moments);
    let day = api.history.look(&group.spec.name, &process.spec.name, day);
    Trouble {
        name: full_name(&group.spec.name, &process.spec.name),
        look: look(process),
        reason: reason(group, process, past.as_ref(), visitor),
        flapping: flapping.as_ref().map(|(restarts, _)| *restarts),
        ended: flapping.and_then(|(_, ended)| ended),
        given_up: given_up.map(|at| visitor.moments.ago(at)),
        said: None,
        day: day.unwrap_or_default(),
    }
}

fn logs_of(picture: &Picture, name: &str) -> Vec<Arc<Path>> {
    let found = crate::api::find(&picture.view, name).ok();
    let paths = found.and_then(|(_, process)| picture.logs.get(&process.id));
    let paths = paths
        .into_iter()
        .flat_map(|paths| [&paths.stderr, &paths.stdout]);
    paths.flatten().cloned().collect()
}

/// The last line in any of these files: of the one that was written to last, or, of a program that has
/// been started again since it had something to complain of, of the first.
fn last_line(logs: &[Arc<Path>], has_gone_on: bool) -> Option<String> {
    let written = |path: &Path| path.metadata().and_then(|it| it.modified()).ok();
    let mut logs: Vec<_> = logs.iter().map(|path| (written(path), path)).collect();
    if !has_gone_on {
        logs.sort_by(|(time, _), (other, _)| other.cmp(time));
    }
    logs.into_iter().find_map(|(_, path)| {
        let bytes = minder_logs::tail::read(path, -LAST_LINE_WITHIN, 0).ok()?;
        log::last_line(&bytes, LAST_LINE)
    })
}
