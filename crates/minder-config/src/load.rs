//! A whole configuration: from the path of its main file to checked specs.
//!
//! The order in which sections are read is that in which Supervisor complains: of several things
//! that are wrong, both name the same one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use minder_core::GroupSpec;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::include::{self, Files, Source};
use crate::ini::{Ini, Section};
use crate::options::daemon::Overrides;
use crate::problems::Problems;
use crate::program::Programs;
use crate::rpcinterface::{self, RpcInterface};
use crate::server::{self, Server};
use crate::source::{Location, SourceFile};
use crate::supervisord::{self, SECTION, Supervisord};
use crate::warning::Warning;
use crate::{group, known};

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// How the daemon itself is to run.
    pub supervisord: Supervisord,
    /// Where it answers: those on the network in file order, then the Unix sockets.
    pub servers: Vec<Server>,
    /// The groups, sorted by priority and name. Two can have one name: the first is meant.
    pub groups: Vec<Arc<GroupSpec>>,
    /// The namespaces of methods, in file order.
    pub rpc_interfaces: Vec<RpcInterface>,
    /// What there is to say, in the order in which it is logged.
    pub warnings: Vec<Warning>,
    /// The files that were read, the main file first.
    pub files: Vec<PathBuf>,
    /// The main file as it was read.
    pub main: Arc<SourceFile>,
    /// Where things stand in the files.
    pub origins: Origins,
}

/// Where the parts of a configuration stand in its files.
///
/// Holds the files' texts; drop it when nobody will ask.
#[derive(Debug)]
pub struct Origins {
    pub(crate) ini: Ini,
    /// Section names by group and process.
    pub(crate) processes: BTreeMap<(String, String), String>,
}

impl Origins {
    /// Where the section begins that a process is from.
    #[must_use]
    pub fn process(&self, group: &str, process: &str) -> Option<&Location> {
        Some(self.section(group, process)?.header())
    }

    /// The section that a process is from.
    #[must_use]
    pub fn section(&self, group: &str, process: &str) -> Option<&Section> {
        let key = (group.to_owned(), process.to_owned());
        self.ini.section(self.processes.get(&key)?)
    }

    /// Every section, in the order of the files.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        self.ini.sections()
    }

    /// The value of an option of a section.
    #[must_use]
    pub fn option(&self, section: &str, option: &str) -> Option<&Location> {
        let section = self.ini.section(section)?;
        Some(&self.ini.option(section, option)?.value_at)
    }
}

/// Reads and checks the configuration at `source`; what `overrides` says wins over it.
pub fn load(
    source: &Source,
    overrides: &Overrides,
    environment: &Environment,
) -> Result<Loaded, ConfigError> {
    let problems = Problems::first();
    let draft = Draft::read(source, overrides, environment, &problems)?;
    Ok(Loaded {
        supervisord: draft.supervisord.ok_or(Problem::NoSection(SECTION))?,
        servers: draft.servers,
        groups: draft.groups.into_iter().map(Arc::new).collect(),
        rpc_interfaces: draft.rpc_interfaces,
        warnings: draft.warnings,
        files: draft.files,
        main: draft.main,
        origins: draft.origins,
    })
}

/// What could be read of a configuration: all of it, unless problems were collected.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) supervisord: Option<Supervisord>,
    pub(crate) servers: Vec<Server>,
    pub(crate) groups: Vec<GroupSpec>,
    pub(crate) rpc_interfaces: Vec<RpcInterface>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) main: Arc<SourceFile>,
    pub(crate) origins: Origins,
    /// Whether only the lines of the files were read, because sections may be missing.
    pub(crate) lines_only: bool,
}

impl Draft {
    /// Reads everything, in the order in which Supervisor complains.
    pub(crate) fn read(
        source: &Source,
        overrides: &Overrides,
        environment: &Environment,
        problems: &Problems,
    ) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let mut variables = Names::new();
        variables.add_variables(&environment.vars);
        let mut files = include::read_main(source, environment, problems)?;
        include::read_included(
            &mut files,
            source,
            &variables,
            environment,
            problems,
            &mut warnings,
        )?;
        if files.lacks_sections {
            return Ok(Self::of_lines(files, warnings));
        }
        let ini = files.ini;
        let here = source.here();

        let names = Names::within(&variables).with("here", here.as_str());
        let daemon = supervisord::read(
            &ini,
            &names,
            overrides,
            environment,
            problems,
            &mut warnings,
        );
        let daemon = problems.pass(daemon)?;
        let none = BTreeMap::new();
        let common = daemon
            .as_ref()
            .map_or(&none, |daemon| &daemon.supervisord.environment);
        let mut variables = Names::within(&variables);
        variables.add_variables(common);
        let rpc_interfaces = rpcinterface::read(&ini, &variables, problems)?;
        let programs = Programs {
            ini: &ini,
            variables: &variables,
            here: &here,
            environment,
            common,
            problems,
        };
        let groups = group::read(&programs, &mut warnings)?;
        let servers = server::read(&ini, &variables, &here, environment, problems)?;
        let supervisord = daemon
            .map(|daemon| daemon.finish(overrides, problems))
            .transpose()?;

        warnings.extend(known::unknown(&ini));
        warnings.sort_by_key(|warning| warning.kind);
        Ok(Self {
            supervisord,
            servers,
            groups: groups.specs,
            rpc_interfaces,
            warnings,
            files: files.paths,
            main: files.main,
            origins: Origins {
                ini,
                processes: groups.sections,
            },
            lines_only: false,
        })
    }

    fn of_lines(files: Files, warnings: Vec<Warning>) -> Self {
        Self {
            supervisord: None,
            servers: Vec::new(),
            groups: Vec::new(),
            rpc_interfaces: Vec::new(),
            warnings,
            files: files.paths,
            main: files.main,
            origins: Origins {
                ini: files.ini,
                processes: BTreeMap::new(),
            },
            lines_only: true,
        }
    }
}

#[cfg(test)]
mod tests;
