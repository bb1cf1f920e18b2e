//! Checking a configuration before it is used: everything that is wrong with it at once, and what
//! looks like a mistake.
//!
//! What is wrong is what [`load`](crate::load()) would refuse, found by the same readers. What
//! looks like a mistake is looked for in what they have read: [`lines`] in how values are written,
//! [`commands`] and [`processes`] in programs, [`servers`] in where the daemon answers. It asks
//! about files and users of this machine, and changes nothing.

mod commands;
mod lines;
mod processes;
mod servers;
mod suspicion;

use std::collections::BTreeMap;
use std::path::PathBuf;

use minder_core::spec::LogTarget;

use crate::ambient::Environment;
use crate::ctl::{self, Supervisorctl};
use crate::error::ConfigError;
use crate::include::{self, Source};
use crate::ini::{Ini, Section};
use crate::load::Draft;
use crate::options::daemon::Overrides;
use crate::problems::Problems;
use crate::source::Location;
use crate::supervisord::{self, LogfileTarget};
use crate::warning::Warning;
use crate::{group, types};
use processes::{Logs, Writer};
use suspicion::{Findings, Suspicion};

/// What there is to say about a configuration.
#[derive(Debug, Default)]
pub struct Checked {
    /// Why it cannot be used, in the order in which `supervisord` would complain, and then what
    /// `supervisorctl` would say.
    pub problems: Vec<ConfigError>,
    /// What stops nothing: first what is logged at every start, then what only a check says.
    pub warnings: Vec<Warning>,
    /// The files that were read, the main file first.
    pub files: Vec<PathBuf>,
    /// Whether only the lines of the files were looked at, and neither sections nor options:
    /// where a section may be missing, much of what could be said of the others would be wrong.
    pub lines_only: bool,
}

/// Checks the configuration at `source`, for `supervisord` and for `supervisorctl`.
#[must_use]
pub fn check(source: &Source, environment: &Environment) -> Checked {
    let problems = Problems::all();
    let draft = match Draft::read(source, &Overrides::default(), environment, &problems) {
        Ok(draft) => draft,
        Err(error) => {
            let mut problems = problems.into_errors();
            problems.push(error);
            return Checked {
                problems,
                ..Checked::default()
            };
        }
    };
    let mut findings = Findings::default();
    if !draft.lines_only {
        lines::look(&draft.origins.ini, &source.path, &mut findings);
        look_at_daemon(&draft, environment, &mut findings);
        look_at_programs(&draft, environment, &mut findings);
        servers::look(&draft, &mut findings);
        if let Some(client) = client(source, environment, &problems) {
            servers::look_at_client(&draft, &client, &mut findings);
        }
    }
    let mut warnings = draft.warnings;
    warnings.extend(findings.into_warnings());
    Checked {
        problems: problems.into_errors(),
        warnings,
        files: draft.files,
        lines_only: draft.lines_only,
    }
}

/// What the client would read, which is the main file alone, if that has a section for it.
fn client(
    source: &Source,
    environment: &Environment,
    problems: &Problems,
) -> Option<Supervisorctl> {
    // What is wrong with the lines has been told.
    let main = include::read_main(source, environment, &Problems::all()).ok()?;
    main.ini.section(ctl::SECTION)?;
    let client = Supervisorctl::read(&main.ini, source, environment, problems);
    problems.pass(client).ok()?
}

fn look_at_daemon(draft: &Draft, environment: &Environment, findings: &mut Findings) {
    let ini = &draft.origins.ini;
    let Some(section) = ini.section(supervisord::SECTION) else {
        return;
    };
    let place = Place { ini, section };
    if let Some(written) = place.given("environment") {
        processes::unreplaced(written, findings);
    }
    let Some(supervisord) = &draft.supervisord else {
        return;
    };
    let writer = Writer::new(supervisord.user.as_ref(), environment);
    let pidfile = supervisord.pidfile.to_string_lossy();
    processes::file(&pidfile, place.option("pidfile"), &writer, findings);
    if let LogfileTarget::File(file) = &supervisord.logfile {
        let file = file.to_string_lossy();
        processes::file(&file, place.option("logfile"), &writer, findings);
    }
    let has_automatic_log = draft
        .groups
        .iter()
        .flat_map(|g| &g.processes)
        .any(|process| {
            process.stdout.log == LogTarget::Auto || process.stderr.log == LogTarget::Auto
        });
    if has_automatic_log {
        let at = place.option("childlogdir");
        processes::writable(&supervisord.childlogdir, at, &writer, findings);
    }
}

fn look_at_programs(draft: &Draft, environment: &Environment, findings: &mut Findings) {
    let ini = &draft.origins.ini;
    let user = draft.supervisord.as_ref().and_then(|s| s.user.as_ref());
    let writer = Writer::new(user, environment);
    let mut logs = Logs::default();
    for group in &draft.groups {
        for process in &group.processes {
            let key = (group.name.clone(), process.name.clone());
            let section = draft.origins.processes.get(&key);
            let Some(section) = section.and_then(|name| ini.section(name)) else {
                continue;
            };
            let place = Place { ini, section };
            commands::look(process, &place, environment, findings);
            processes::look(process, &place, &writer, findings);
            logs.add(process, &place, findings);
        }
    }
    look_at_groups(ini, findings);
}

/// Tells of programs that are in more than one group.
fn look_at_groups(ini: &Ini, findings: &mut Findings) {
    let mut groups: BTreeMap<String, &str> = BTreeMap::new();
    let sections = ini.sections().iter();
    for section in sections.filter(|section| section.name().starts_with(group::PREFIX)) {
        let Some(programs) = ini.option(section, "programs") else {
            continue;
        };
        for program in types::list(&programs.value) {
            let earlier = groups.entry(program.clone()).or_insert(section.name());
            if *earlier != section.name() {
                let at = programs.value_at.find(&program);
                let earlier = (*earlier).to_owned();
                findings.tell(&Suspicion::InTwoGroups { program, earlier }, &at);
            }
        }
    }
}

/// A section, and where its options stand.
struct Place<'a> {
    ini: &'a Ini,
    section: &'a Section,
}

impl<'a> Place<'a> {
    /// Where the value of an option stands, or else where the section begins.
    fn option(&self, name: &str) -> &'a Location {
        self.given(name).unwrap_or(self.section.header())
    }

    /// Where the value of an option stands, if it is given.
    fn given(&self, name: &str) -> Option<&'a Location> {
        let option = self.ini.option(self.section, name)?;
        Some(&option.value_at)
    }
}

/// Where a text stands within a place; all of the place if it was put together.
fn within(place: &Location, text: &str) -> Location {
    match place.text().find(text) {
        Some(at) => place.part(at..at + text.len()),
        None => place.clone(),
    }
}

#[cfg(test)]
mod tests;
