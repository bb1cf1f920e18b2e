//! One program that stands in no file: its options come by name, from a client of the plug-in
//! `supervisor_twiddler`.
//!
//! They mean what they mean in a `[program:x]` section, and are read by the same readers. Only what
//! `[supervisord]` adds to every program's environment is not added: Supervisor does that to the
//! programs of its files alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::ProcessSpec;

use crate::ambient::Environment;
use crate::error::ConfigError;
use crate::expand::Names;
use crate::include::Source;
use crate::ini::Ini;
use crate::problems::Problems;
use crate::program::{self, Programs};

/// Where a program is read that stands in no file.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The main file of the configuration in force, which messages name.
    pub source: &'a Source,
    /// The environment of the daemon.
    pub environment: &'a Environment,
    /// What `[supervisord]` puts in the environment of programs: `%(ENV_x)s` may name it.
    pub variables: &'a BTreeMap<String, String>,
}

/// The processes that the program `name` makes in `group`, sorted by priority and name.
///
/// Values stand for themselves: no comment begins in them, and blanks around them count. Of two
/// options with one name, in any case, the later counts.
///
/// # Errors
///
/// What is wrong with the name or an option, in Supervisor's words.
pub fn program(
    around: Surroundings<'_>,
    group: &str,
    name: &str,
    options: &[(String, String)],
) -> Result<Vec<Arc<ProcessSpec>>, ConfigError> {
    let section = format!("{}{name}", program::PREFIX);
    let ini = Ini::of_section(&around.source.path, &section, options);
    let here = around.source.here();
    let mut variables = Names::new();
    variables.add_variables(&around.environment.vars);
    variables.add_variables(around.variables);
    let programs = Programs {
        ini: &ini,
        variables: &variables,
        here: &here,
        environment: around.environment,
        common: &BTreeMap::new(),
        problems: &Problems::first(),
    };
    // Supervisor keeps to itself what it would warn of.
    let unheard = &mut Vec::new();
    ini.section(&section).map_or(Ok(Vec::new()), |section| {
        programs.processes(section, group, unheard)
    })
}

#[cfg(test)]
mod tests {
    use minder_core::spec::{AutoRestart, LogTarget};

    use super::*;

    fn read(name: &str, options: &[(&str, &str)]) -> Result<Vec<Arc<ProcessSpec>>, String> {
        let environment = Environment {
            vars: [("COLOR".to_owned(), "blue".to_owned())].into(),
            host_node_name: "box".to_owned(),
            cwd: "/srv".into(),
            uid: 0,
        };
        let around = Surroundings {
            source: &Source::new("s.conf", &environment),
            environment: &environment,
            variables: &[("SHAPE".to_owned(), "round".to_owned())].into(),
        };
        let options: Vec<_> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        program(around, "team", name, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn options_mean_what_they_mean_in_a_file() {
        let processes = read(
            "p",
            &[
                ("command", "c %(ENV_COLOR)s %(ENV_SHAPE)s %(here)s"),
                ("NumProcs", "2"),
                ("process_name", "%(group_name)s_%(process_num)d"),
                ("numprocs_start", "5"),
                ("autorestart", "False"),
                ("environment", "A=\"%(process_num)d\""),
                ("stdout_logfile", "NONE"),
            ],
        )
        .unwrap();
        let [first, second] = &processes[..] else {
            panic!("{processes:?}");
        };
        assert_eq!(first.command, "c blue round /srv");
        assert_eq!((&*first.name, &*second.name), ("team_5", "team_6"));
        assert_eq!(first.autorestart, AutoRestart::Never);
        assert_eq!(first.stdout.log, LogTarget::Off);
        // Nothing of [supervisord].
        let own = [("A".to_owned(), "6".to_owned())];
        assert_eq!(second.environment, own.into());
    }

    #[test]
    fn a_value_stands_for_itself() {
        let command = " sh -c 'a ; b'\n[x] # y = z ";
        let processes = read("p", &[("command", "old"), ("COMMAND", command)]).unwrap();
        assert_eq!(processes[0].command, command);
    }

    #[test]
    fn what_is_wrong_is_said_as_of_a_file() {
        for (name, options, expected) in [
            (
                "p",
                &[][..],
                "program section program:p does not specify a command",
            ),
            (
                "p",
                &[("command", "c"), ("priority", "x")],
                "invalid literal for int() with base 10: 'x'",
            ),
            (
                "p",
                &[("command", "c"), ("numprocs", "2")],
                "%(process_num) must be present within process_name when numprocs > 1",
            ),
            (
                "a b",
                &[("command", "c")],
                "Invalid name: 'a b' because of character: ' '",
            ),
        ] {
            let expected = format!("{expected} in section 'program:{name}' (file: 's.conf')");
            assert_eq!(read(name, options), Err(expected));
        }
    }

    #[test]
    fn no_processes_are_a_program_too() {
        let processes = read("p", &[("command", "c"), ("numprocs", "0")]);
        assert_eq!(processes, Ok(Vec::new()));
    }
}
