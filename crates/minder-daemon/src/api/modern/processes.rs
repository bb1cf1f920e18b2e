//! How processes are, and how they were.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use minder_api::body::{
    AllFigures, Change, End, Figures, NamedFigures, Point, Process, ProcessDetail, Processes,
};
use minder_api::{Problem, Reply};
use minder_core::group::full_name;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{ExitStatus, Now, ProcessState, Wall};

use super::super::{Api, blocking, find, infos};
use super::time;
use crate::figures::{self, Reading};
use crate::history::{self, Record};
use crate::link::now;
use crate::published::Picture;

/// A day.
const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// What is told of the history of a process among others.
struct Summary {
    starts: u64,
    restarts: u64,
    restarts_of_day: u64,
    flapping: bool,
    last_end: Option<End>,
}

impl Summary {
    fn of(record: &Record, now: Wall) -> Self {
        let ended = record.changes.iter().rev();
        let mut ended = ended.filter_map(|change| Some((change.at, change.end.as_ref()?)));
        Self {
            starts: record.starts,
            restarts: record.restarts,
            restarts_of_day: record.restarts_since(Wall(now.0.saturating_sub(DAY))) as u64,
            flapping: record.is_flapping(now),
            last_end: ended.next().map(|(at, it)| end(at, it)),
        }
    }
}

impl Api {
    pub(super) async fn processes(
        &self,
        states: &[ProcessState],
        group: Option<&str>,
        measure: bool,
    ) -> Result<Reply, Problem> {
        // Asked for first, so that what is shown may be newer than it, and never older.
        let last_event = self.history.last();
        let picture = self.published.latest();
        let mut wanted: Vec<_> = every(&picture)
            .filter(|(in_group, process)| {
                (states.is_empty() || states.contains(&process.state))
                    && group.is_none_or(|group| in_group.spec.name == group)
            })
            .collect();
        wanted.sort_by(|(group, process), (other_group, other)| {
            let key = (&group.spec.name, &process.spec.name);
            key.cmp(&(&other_group.spec.name, &other.spec.name))
        });
        let readings = if measure {
            let pids = wanted.iter().filter_map(|(_, process)| process.pid);
            self.measured(pids.collect()).await?
        } else {
            BTreeMap::new()
        };
        let (now, zone) = (now(), TimeZone::system());
        let processes = wanted.into_iter().map(|(group, process)| {
            let reading = process.pid.and_then(|pid| readings.get(&pid));
            self.body(&picture, group, process, now, &zone, reading)
        });
        Ok(Reply::json(&Processes {
            last_event,
            now: time(now.wall),
            processes: processes.collect(),
        }))
    }

    pub(super) async fn process(&self, name: &str) -> Result<Reply, Problem> {
        let last_event = self.history.last();
        let picture = self.published.latest();
        let (group, process) = find(&picture.view, name)?;
        let (reading, curve) = self.measured_with_curve(process.pid).await?;
        let body = self.body(
            &picture,
            group,
            process,
            now(),
            &TimeZone::system(),
            reading.as_ref(),
        );
        let record = self.history.record(&group.spec.name, &process.spec.name);
        let changes = record.map(|record| record.changes).unwrap_or_default();
        let curve = curve.into_iter().map(|point| Point {
            at: time(point.at),
            cpu_load: point.load,
            memory: point.memory,
        });
        Ok(Reply::json(&ProcessDetail {
            last_event,
            process: body,
            changes: changes.iter().map(change).collect(),
            curve: curve.collect(),
        }))
    }

    pub(super) async fn all_figures(&self, names: &[String]) -> Result<Reply, Problem> {
        let picture = self.published.latest();
        let looked_at = if names.is_empty() {
            every(&picture)
                .filter_map(|(group, process)| pid_of(group, process))
                .collect()
        } else {
            let found = names.iter().map(|name| find(&picture.view, name));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            found
                .into_iter()
                .filter_map(|(group, process)| pid_of(group, process))
                .collect()
        };
        Ok(Reply::json(&self.figures_of(looked_at).await?))
    }

    /// What these processes consume.
    async fn figures_of(&self, named: Vec<(String, u32)>) -> Result<AllFigures, Problem> {
        let readings = self
            .measured(named.iter().map(|(_, pid)| *pid).collect())
            .await?;
        Ok(all_figures(named, &readings))
    }

    /// What one child consumes, and what it consumed.
    async fn measured_with_curve(
        &self,
        pid: Option<u32>,
    ) -> Result<(Option<Reading>, Vec<figures::Point>), Problem> {
        let Some(pid) = pid else {
            return Ok((None, Vec::new()));
        };
        let (figures, keeper) = (self.figures.clone(), self.keeper_pid);
        // Somebody else may be measuring thousands, which takes a while.
        let measured = blocking(move || {
            let reading = figures.measure([pid], keeper, now()).remove(&pid);
            (reading, figures.curve(pid))
        });
        Ok(measured.await?)
    }

    async fn measured(&self, pids: Vec<u32>) -> Result<BTreeMap<u32, Reading>, Problem> {
        if pids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (figures, keeper) = (self.figures.clone(), self.keeper_pid);
        Ok(blocking(move || figures.measure(pids, keeper, now())).await?)
    }

    /// The body that tells of one process.
    pub(super) fn body(
        &self,
        picture: &Picture,
        group: &GroupView,
        process: &ProcessView,
        now: Now,
        zone: &TimeZone,
        reading: Option<&Reading>,
    ) -> Process {
        let info = infos::info(picture, group, process, now, zone);
        let summary = self
            .history
            .look(&group.spec.name, &process.spec.name, |record| {
                Summary::of(record, now.wall)
            });
        let is_up = process.state == ProcessState::Running;
        let started = process.started;
        let counted = |count: fn(&Summary) -> u64| summary.as_ref().map_or(0, count);
        let text = |text: String| (!text.is_empty()).then_some(text);
        Process {
            name: info.full_name(),
            state: process.state.name().to_owned(),
            state_code: process.state.code(),
            description: info.description,
            pid: process.pid,
            started: started.map(|(_, wall)| time(wall)),
            stopped: process.stopped.map(time),
            uptime: started
                .filter(|_| is_up)
                .map(|(mono, _)| now.mono.since(mono).as_secs_f64()),
            exit_status: process.exit_status,
            error: text(process.spawn_error.clone()),
            starts: counted(|it| it.starts),
            restarts: counted(|it| it.restarts),
            restarts_of_day: counted(|it| it.restarts_of_day),
            flapping: summary.as_ref().is_some_and(|it| it.flapping),
            last_end: summary.and_then(|it| it.last_end),
            stdout_log: text(info.stdout_log),
            stderr_log: text(info.stderr_log),
            figures: reading.map(figures),
            group: info.group,
            process: info.name,
        }
    }
}

/// Every process, with its group.
pub(super) fn every(picture: &Picture) -> impl Iterator<Item = (&GroupView, &ProcessView)> {
    let groups = picture.view.groups.iter();
    groups.flat_map(|group| {
        group
            .processes
            .iter()
            .map(move |process| (&**group, &**process))
    })
}

/// What users call a process, and the pid of its child.
pub(super) fn pid_of(group: &GroupView, process: &ProcessView) -> Option<(String, u32)> {
    let name = full_name(&group.spec.name, &process.spec.name);
    Some((name, process.pid?))
}

pub(super) fn all_figures(
    named: Vec<(String, u32)>,
    readings: &BTreeMap<u32, Reading>,
) -> AllFigures {
    let figures = named.into_iter().filter_map(|(name, pid)| {
        let figures = figures(readings.get(&pid)?);
        Some(NamedFigures { name, pid, figures })
    });
    AllFigures {
        now: time(now().wall),
        figures: figures.collect(),
    }
}

pub(super) fn figures(reading: &Reading) -> Figures {
    Figures {
        at: time(reading.at),
        cpu_seconds: reading.consumption.cpu.as_secs_f64(),
        cpu_load: reading.load,
        memory: reading.consumption.memory,
        threads: reading.consumption.threads,
        open_files: reading.consumption.open_files,
    }
}

pub(super) fn change(change: &history::Change) -> Change {
    Change {
        at: time(change.at),
        state: change.state.name().to_owned(),
        pid: (change.pid > 0).then_some(change.pid),
        tries: change.tries,
        end: change.end.as_ref().map(|it| end(change.at, it)),
    }
}

fn end(at: Wall, end: &history::End) -> End {
    let (exit_code, signal, core_dumped) = match end.status {
        Some(ExitStatus::Code(code)) => (Some(code), None, false),
        Some(ExitStatus::Signal {
            signal,
            core_dumped,
        }) => (None, Some(signal.to_string()), core_dumped),
        Some(ExitStatus::Unknown) | None => (None, None, false),
    };
    End {
        at: time(at),
        reason: end.reason.name().to_owned(),
        exit_code,
        signal,
        core_dumped,
        error: (!end.error.is_empty()).then(|| end.error.to_string()),
    }
}
