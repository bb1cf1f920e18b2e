//! Groups: those of `[group:x]`, and those that programs, listeners and fcgi programs form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minder_core::spec::GroupKind;
use minder_core::{GroupSpec, ProcessSpec};

use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::ini::Section;
use crate::nearest::nearest;
use crate::program::{self, Programs};
use crate::section::Reader;
use crate::warning::Warning;
use crate::{fastcgi, listener, types};

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "group:";

/// The options of a group.
pub(crate) const OPTIONS: &[&str] = &["programs", "priority"];

/// The groups of a configuration, in start order, and which section each process is from.
pub(crate) struct Groups {
    pub(crate) specs: Vec<GroupSpec>,
    names: BTreeSet<String>,
    /// Section names by group and process.
    pub(crate) sections: BTreeMap<(String, String), String>,
}

/// Reads all groups, in the order in which Supervisor complains: `[group:x]`, programs,
/// listeners, fcgi programs.
pub(crate) fn read(
    programs: &Programs<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Groups, ConfigError> {
    let names = Names::within(programs.variables).with("here", programs.here);
    let sections = |prefix: &'static str| {
        programs
            .ini
            .sections()
            .iter()
            .filter(move |section| section.name().starts_with(prefix))
    };
    let problems = programs.problems;
    let mut groups = Groups {
        specs: Vec::new(),
        names: BTreeSet::new(),
        sections: BTreeMap::new(),
    };
    let mut members = BTreeSet::new();
    for section in sections(PREFIX) {
        let at = programs.reader(section, &names);
        let group = Collected::of_members(programs, &at, &mut members, warnings);
        groups.add(problems.pass(group)?, section, warnings);
    }
    for section in sections(program::PREFIX).filter(|s| !members.contains(s.name())) {
        let at = programs.reader(section, &names);
        let group = Collected::of_program(programs, &at, section, warnings);
        groups.add(problems.pass(group)?, section, warnings);
    }
    for section in sections(listener::PREFIX) {
        let at = programs.reader(section, &names);
        let group = Collected::of_listener(programs, &at, section, warnings);
        groups.add(problems.pass(group)?, section, warnings);
    }
    for section in sections(fastcgi::PREFIX).filter(|s| !members.contains(s.name())) {
        let at = programs.reader(section, &names);
        let group = Collected::of_fastcgi(programs, &at, section, warnings);
        groups.add(problems.pass(group)?, section, warnings);
    }
    groups
        .specs
        .sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    Ok(groups)
}

fn priority(at: &Reader<'_>, default: i64) -> Result<i64, ConfigError> {
    Ok(at.read("priority", types::integer)?.unwrap_or(default))
}

impl Groups {
    fn add(&mut self, group: Option<Collected>, section: &Section, warnings: &mut Vec<Warning>) {
        let Some(Collected { spec, sections }) = group else {
            return;
        };
        if !self.names.insert(spec.name.clone()) {
            let text = format!(
                "[{}] makes a second group \"{}\": only the first in start order is used",
                section.name(),
                spec.name
            );
            warnings.push(Warning::ours(text, Some(section.header())));
        }
        for (process, from) in sections {
            self.sections
                .entry((spec.name.clone(), process))
                .or_insert(from);
        }
        self.specs.push(spec);
    }
}

/// A group in the making.
struct Collected {
    spec: GroupSpec,
    /// Section names by process.
    sections: BTreeMap<String, String>,
}

impl Collected {
    fn new(name: String, priority: i64, kind: GroupKind) -> Self {
        Self {
            spec: GroupSpec {
                name,
                priority,
                kind,
                processes: Vec::new(),
            },
            sections: BTreeMap::new(),
        }
    }

    /// The group that a `[group:x]` section asks for; the sections it names go to `members`.
    fn of_members(
        programs: &Programs<'_>,
        at: &Reader<'_>,
        members: &mut BTreeSet<String>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ConfigError> {
        let name = types::name(at.suffix()).map_err(|e| at.refuse_section(e))?;
        let listed = at.text("programs")?.unwrap_or_default();
        let mut collected = Self::new(name, priority(at, 999)?, GroupKind::Programs);
        for program in types::list(&listed) {
            if let Some(section) = programs.problems.pass(member(programs, at, program))? {
                members.insert(section.name().to_owned());
                collected.add(programs, section, warnings)?;
            }
        }
        Ok(collected)
    }

    /// The group that a program outside of groups makes.
    fn of_program(
        programs: &Programs<'_>,
        at: &Reader<'_>,
        section: &Section,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ConfigError> {
        let name = types::name(at.suffix()).map_err(|e| at.refuse_section(e))?;
        let mut group = Self::new(name, priority(at, 999)?, GroupKind::Programs);
        group.add(programs, section, warnings)?;
        Ok(group)
    }

    /// The pool that a listener makes.
    fn of_listener(
        programs: &Programs<'_>,
        at: &Reader<'_>,
        section: &Section,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ConfigError> {
        let priority = priority(at, -1)?;
        let mut group = Self::new(at.suffix().to_owned(), priority, listener::read(at)?);
        group.add(programs, section, warnings)?;
        Ok(group)
    }

    /// The group that an fcgi program outside of groups makes.
    fn of_fastcgi(
        programs: &Programs<'_>,
        at: &Reader<'_>,
        section: &Section,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ConfigError> {
        let name = types::name(at.suffix()).map_err(|e| at.refuse_section(e))?;
        let priority = priority(at, 999)?;
        let socket = fastcgi::read(at, &name, programs.environment);
        let kind = programs.problems.pass(socket)?;
        let kind = kind.map_or(GroupKind::Programs, GroupKind::FastCgi);
        let mut group = Self::new(name, priority, kind);
        group.add(programs, section, warnings)?;
        Ok(group)
    }

    /// Adds the processes of a section. Of two with one name the later takes the earlier's place.
    fn add(
        &mut self,
        programs: &Programs<'_>,
        section: &Section,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), ConfigError> {
        let processes = programs.processes(section, &self.spec.name, warnings);
        for process in programs.problems.pass(processes)?.unwrap_or_default() {
            let from = section.name().to_owned();
            match self.sections.insert(process.name.clone(), from) {
                None => self.spec.processes.push(process),
                Some(earlier) => {
                    warnings.push(doubled(&earlier, section, &self.spec.name, &process));
                    self.replace(process);
                }
            }
        }
        Ok(())
    }

    fn replace(&mut self, process: Arc<ProcessSpec>) {
        if let Some(earlier) = self
            .spec
            .processes
            .iter_mut()
            .find(|earlier| earlier.name == process.name)
        {
            *earlier = process;
        }
    }
}

fn doubled(earlier: &str, section: &Section, group: &str, process: &ProcessSpec) -> Warning {
    let text = format!(
        "process \"{}\" of group \"{group}\" is made twice, by [{earlier}] and by [{}]: the later \
         one counts",
        process.name,
        section.name()
    );
    Warning::ours(text, Some(section.header()))
}

/// The section of a program that a group names.
fn member<'a>(
    programs: &Programs<'a>,
    at: &Reader<'_>,
    program: String,
) -> Result<&'a Section, ConfigError> {
    let group = at.section_name().to_owned();
    let find = |prefix: &str| programs.ini.section(&format!("{prefix}{program}"));
    match (find(program::PREFIX), find(fastcgi::PREFIX)) {
        (Some(section), None) | (None, Some(section)) => Ok(section),
        (None, None) => {
            let near = nearest(&program, &names(programs)).map(str::to_owned);
            let named = program.clone();
            let problem = Problem::UnknownMember {
                group,
                program,
                near,
            };
            Err(at.refuse_part("programs", &named, problem))
        }
        (Some(_), Some(_)) => {
            Err(at.refuse("programs", Problem::AmbiguousMember { group, program }))
        }
    }
}

/// What a group can name.
fn names<'a>(programs: &Programs<'a>) -> Vec<&'a str> {
    let name = |section: &'a Section| {
        let program = section.name().strip_prefix(program::PREFIX);
        program.or_else(|| section.name().strip_prefix(fastcgi::PREFIX))
    };
    programs.ini.sections().iter().filter_map(name).collect()
}
