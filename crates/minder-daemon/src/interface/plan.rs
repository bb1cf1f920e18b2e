//! What the page about the configuration shows: the files as they are now on disk, compared with
//! what is in force. Looking changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minder_config::ini::Section;
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
            let sections = sections(&loaded, configuration.path());
            (loaded.files, changed, sections, compared)
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
        Ok(Ok((files, changed, sections, compared))) => {
            page.files = files
                .iter()
                .zip(changed)
                .zip(sections)
                .map(|((path, time), sections)| FileRow {
                    path: shown(path, &files),
                    sections,
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

/// The sections that begin in each file. The main one, which is the first, is called as it was when
/// it was asked for.
fn sections(loaded: &Loaded, main: &str) -> Vec<Vec<String>> {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for section in loaded.origins.sections() {
        let file = section.header().file().path();
        let sections = by_file.entry(file).or_default();
        sections.push(section.name().to_owned());
    }
    let files = loaded.files.iter().enumerate();
    let of = files.map(|(number, path)| match number {
        0 => by_file.remove(main).unwrap_or_default(),
        _ => by_file.remove(&*path.to_string_lossy()).unwrap_or_default(),
    });
    of.collect()
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
                without: only_in(old, new),
                with: only_in(new, old),
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

/// The processes of a group that it does not have in its other form, if it has one.
fn only_in(group: Option<&Arc<GroupSpec>>, other: Option<&Arc<GroupSpec>>) -> Vec<String> {
    let (Some(group), Some(other)) = (group, other) else {
        return Vec::new();
    };
    let names = group.processes.iter().map(|process| &process.name);
    let names = names.filter(|name| !has(other, name));
    names.cloned().collect()
}

fn has(group: &GroupSpec, name: &str) -> bool {
    group.processes.iter().any(|process| process.name == name)
}

/// Whether it is enough to name a process that a group has in only one of its forms: it goes, or it
/// is one more of a program whose options others show.
fn is_named_only(old: &GroupSpec, new: &GroupSpec, name: &str, loaded: &Loaded) -> bool {
    if !has(new, name) {
        return true;
    }
    let section = |name: &str| {
        let section = loaded.origins.section(&new.name, name);
        section.map(Section::name)
    };
    let mut others = new.processes.iter().filter(|other| has(old, &other.name));
    !has(old, name) && others.any(|other| section(&other.name) == section(name))
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
        if let (Some(old), Some(new)) = (old, new)
            && is_named_only(old, new, &name, loaded)
        {
            continue;
        }
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
