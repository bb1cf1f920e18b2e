//! What the page about the configuration shows: the files as they are now on disk, compared with
//! what is in force. Looking changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use minder_config::report::Colour;
use minder_config::{ConfigError, Loaded};
use minder_core::plan::{Change, Update};
use minder_core::{GroupSpec, View};
use minder_page::ConfigPage;
use minder_page::configuration::{self, Broken, Difference, FileRow, How, OptionChange, Step};

use super::fields::Fields;
use super::options;
use super::{Visitor, notice};
use crate::api::{Api, blocking};

/// Draws the page.
pub(super) async fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> String {
    let configuration = api.configuration.clone();
    let view = Arc::clone(&api.published.latest().view);
    // What differs may be a user, whose name may have to be asked for as far away as the files.
    let loaded = blocking(move || {
        configuration.load().map(|loaded| {
            let changed = loaded
                .files
                .iter()
                .map(|file| file.metadata().and_then(|it| it.modified()).ok());
            let changed: Vec<_> = changed.collect();
            let compared = Compared::new(&view, &loaded);
            (loaded.files, changed, compared)
        })
    })
    .await;
    let mut page = ConfigPage {
        frame: visitor.frame(api, "configuration"),
        notice: notice(fields),
        main_file: api.configuration.path().to_owned(),
        ..ConfigPage::default()
    };
    match loaded {
        Ok(Ok((files, changed, compared))) => {
            page.files = files
                .iter()
                .zip(changed)
                .map(|(path, time)| FileRow {
                    path: shown(path, &files),
                    changed: time.and_then(|time| visitor.moments.of_file(time)),
                })
                .collect();
            page.plan = compared.plan;
            page.differences = compared.differences;
            page.untouched = compared.untouched;
        }
        Ok(Err(error)) => page.broken = Some(broken(&error)),
        // The daemon ends.
        Err(_) => {}
    }
    configuration::draw(&page)
}

/// The path of a file, seen from the folder of the main one.
fn shown(path: &Path, files: &[PathBuf]) -> String {
    let folder = files.first().and_then(|main| main.parent());
    let below = folder.and_then(|folder| path.strip_prefix(folder).ok());
    below.unwrap_or(path).to_string_lossy().into_owned()
}

fn broken(error: &ConfigError) -> Broken {
    let place = error.location.as_ref();
    let place = place.map(|at| format!("{}:{}", at.file().path(), at.line()));
    Broken {
        place: place.unwrap_or_default(),
        problem: error.to_string(),
        excerpt: error.report(Colour::Plain).trim_end().to_owned(),
    }
}

/// What an update would do, and what differs, in the same order.
#[derive(Default)]
struct Compared {
    plan: Vec<Step>,
    differences: Vec<Difference>,
    /// How many processes an update leaves alone.
    untouched: usize,
}

impl Compared {
    fn new(view: &View, loaded: &Loaded) -> Self {
        let update = Update::new(view, &loaded.groups);
        let differences = update.steps.iter().map(|step| {
            let mut active = view.groups.iter().map(|group| &group.spec);
            let old = active.find(|spec| spec.name == step.group);
            let new = loaded.groups.iter().find(|spec| spec.name == step.group);
            Difference {
                how: how(step.change),
                group: step.group.clone(),
                processes: step.processes,
                options: differences(old, new, loaded),
            }
        });
        let plan = update.steps.iter().map(|step| Step {
            how: how(step.change),
            group: step.group.clone(),
            processes: step.processes,
            longest_wait: step.longest_wait,
        });
        Self {
            differences: differences.collect(),
            plan: plan.collect(),
            untouched: update.untouched,
        }
    }
}

fn how(change: Change) -> How {
    match change {
        Change::Removed => How::Removed,
        Change::Changed => How::Changed,
        Change::Added => How::Added,
    }
}

/// The options that differ between two groups. Processes of one program differ alike, and are
/// told of once.
fn differences(
    old: Option<&Arc<GroupSpec>>,
    new: Option<&Arc<GroupSpec>>,
    loaded: &Loaded,
) -> Vec<OptionChange> {
    let mut differences: Vec<OptionChange> = Vec::new();
    let names = [old, new]
        .into_iter()
        .flatten()
        .flat_map(|group| &group.processes);
    let names: Vec<_> = names.map(|process| process.name.clone()).collect();
    for name in names {
        let process = |group: Option<&Arc<GroupSpec>>| {
            let group = group?;
            group
                .processes
                .iter()
                .find(|process| process.name == name)
                .cloned()
        };
        let (before, after) = (process(old), process(new));
        let (before, after) = (
            before.as_deref().map(options::of),
            after.as_deref().map(options::of),
        );
        let known = before.as_ref().or(after.as_ref());
        for (index, option) in known.into_iter().flatten().enumerate() {
            let at =
                |values: &Option<Vec<options::Value>>| values.as_ref().map(|it| it[index].clone());
            let (old_value, new_value) = (at(&before), at(&after));
            let is_same = match (&old_value, &new_value) {
                (Some(old), Some(new)) => old.real == new.real,
                (Some(value), None) | (None, Some(value)) => value.is_default,
                (None, None) => true,
            };
            if is_same {
                continue;
            }
            let group = new.map(|group| &*group.name);
            let section = group.and_then(|group| loaded.origins.section(group, &name));
            let place =
                section.and_then(|section| loaded.origins.option(section.name(), option.name));
            let set = |value: Option<options::Value>| {
                value.filter(|it| !it.real.is_empty()).map(|it| it.shown)
            };
            let (old, new) = (set(old_value), set(new_value));
            let change = OptionChange {
                name: option.name.to_owned(),
                is_secret: old == new,
                old,
                new,
                from: place.map(options::place),
            };
            let is_known = |it: &OptionChange| {
                (&it.name, &it.old, &it.new) == (&change.name, &change.old, &change.new)
            };
            if !differences.iter().any(is_known) {
                differences.push(change);
            }
        }
    }
    differences
}
