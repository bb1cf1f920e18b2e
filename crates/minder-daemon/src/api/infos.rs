//! How processes are, and how they are configured.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{GroupSpec, Now, ProcessSpec, Wall};
use minder_rpc::{ConfigInfo, Fault, LogPaths, ProcessInfo};

use super::find;
use crate::published::Picture;

/// How the process that a user calls `name` is `now`, with times as they read in `zone`.
pub(super) fn process(
    picture: &Picture,
    name: &str,
    now: Now,
    zone: &TimeZone,
) -> Result<ProcessInfo, Fault> {
    let (group, process) = find(&picture.view, name)?;
    Ok(info(picture, group, process, now, zone))
}

/// How every process is, by the names of groups and then their own.
pub(super) fn processes(picture: &Picture, now: Now, zone: &TimeZone) -> Vec<ProcessInfo> {
    let of_group = |group| processes_of(group).map(move |process| (group, process));
    let mut all: Vec<_> = picture
        .view
        .groups
        .iter()
        .map(|it| &**it)
        .flat_map(of_group)
        .collect();
    all.sort_by(|(group, process), (other_group, other)| {
        let key = (&group.spec.name, &process.spec.name);
        key.cmp(&(&other_group.spec.name, &other.spec.name))
    });
    let info = |(group, process)| info(picture, group, process, now, zone);
    all.into_iter().map(info).collect()
}

/// How every process of the configuration, as it was last read, is configured: by name, and
/// where that is the same, in the order of the groups.
pub(super) fn configs(picture: &Picture) -> Vec<ConfigInfo> {
    let mut infos: Vec<_> = picture
        .view
        .candidate
        .iter()
        .flat_map(|group| configs_of(picture, group))
        .collect();
    infos.sort_by(|info, other| info.name.cmp(&other.name));
    infos
}

fn processes_of(group: &GroupView) -> impl Iterator<Item = &ProcessView> {
    group.processes.iter().map(|process| &**process)
}

pub(super) fn info(
    picture: &Picture,
    group: &GroupView,
    process: &ProcessView,
    now: Now,
    zone: &TimeZone,
) -> ProcessInfo {
    let logs = Shown::of(picture, process);
    ProcessInfo::new(group, process, now, logs.paths(), |time| {
        in_words(time, zone)
    })
}

/// Automatic log files are told of only if the group was made active from this very reading of the
/// configuration: they belong to what runs, not to what would. As with Supervisor, that is so no more
/// once the configuration is read again, even if it says the same.
fn configs_of(picture: &Picture, group: &Arc<GroupSpec>) -> Vec<ConfigInfo> {
    let active = picture
        .view
        .groups
        .iter()
        .find(|it| it.spec.name == group.name);
    let same = active.filter(|active| Arc::ptr_eq(&active.spec, group));
    let info = |spec: &ProcessSpec| {
        let running = same.and_then(|it| processes_of(it).find(|it| it.spec.name == spec.name));
        let logs = running.map_or_else(Shown::default, |it| Shown::of(picture, it));
        ConfigInfo::new(group, spec, active.is_some(), logs.paths())
    };
    group.processes.iter().map(|spec| info(spec)).collect()
}

/// The log files of a process, as they are shown.
#[derive(Default)]
struct Shown<'a> {
    stdout: Option<Cow<'a, str>>,
    stderr: Option<Cow<'a, str>>,
}

impl<'a> Shown<'a> {
    fn of(picture: &'a Picture, process: &ProcessView) -> Self {
        let shown = |path: &'a Option<Arc<Path>>| path.as_ref().map(|path| path.to_string_lossy());
        picture
            .logs
            .get(&process.id)
            .map_or_else(Self::default, |paths| Self {
                stdout: shown(&paths.stdout),
                stderr: shown(&paths.stderr),
            })
    }

    fn paths(&self) -> LogPaths<'_> {
        LogPaths {
            stdout: self.stdout.as_deref(),
            stderr: self.stderr.as_deref(),
        }
    }
}

/// A time as Python's `%b %d %I:%M %p` writes it, to the second that the API tells.
pub(super) fn in_words(time: Wall, zone: &TimeZone) -> String {
    let time = Timestamp::from_second(time.rpc_secs().into())
        .expect("32 bits of seconds lie within the calendar");
    zone.to_datetime(time)
        .strftime("%b %d %I:%M %p")
        .to_string()
}
