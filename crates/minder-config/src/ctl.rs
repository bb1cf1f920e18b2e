//! `[supervisorctl]`: where the client finds the daemon. The client reads no included files.

use std::path::PathBuf;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::include::{self, Source};
use crate::ini::Ini;
use crate::options::ctl::CtlOptions;
use crate::problems::Problems;
use crate::section::Reader;

/// The name of the section.
pub(crate) const SECTION: &str = "supervisorctl";

/// The options of the section.
pub(crate) const OPTIONS: &[&str] = &[
    "serverurl",
    "username",
    "password",
    "prompt",
    "history_file",
];

/// How the names of sections of plug-ins begin.
pub(crate) const PLUGIN_PREFIX: &str = "ctlplugin:";

const FACTORY: &str = "supervisor.ctl_factory";

/// Where the client finds the daemon, and how it shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisorctl {
    /// The daemon's URL: `http://…` or `unix://…`, the latter with an absolute path.
    pub serverurl: String,
    /// The name to give the daemon.
    pub username: Option<String>,
    /// The password to give the daemon.
    pub password: Option<String>,
    /// What the shell's prompt says before `> `.
    pub prompt: String,
    /// Where the shell's history is kept, absolute.
    pub history_file: Option<PathBuf>,
}

impl Default for Supervisorctl {
    fn default() -> Self {
        Self {
            serverurl: "http://localhost:9001".to_owned(),
            username: None,
            password: None,
            prompt: "supervisor".to_owned(),
            history_file: None,
        }
    }
}

impl Supervisorctl {
    /// What the file says, if there is one, with what the command line says on top.
    pub fn load(
        source: Option<&Source>,
        options: &CtlOptions,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let mut loaded = match source {
            None => Self::default(),
            Some(source) => {
                let problems = Problems::first();
                let ini = include::read_main(source, environment, &problems)?.ini;
                Self::read(&ini, source, environment, &problems)?
            }
        };
        if let Some(serverurl) = &options.serverurl {
            loaded.serverurl.clone_from(serverurl);
        }
        loaded.username = options.username.clone().or(loaded.username);
        loaded.password = options.password.clone().or(loaded.password);
        if let Some(file) = options
            .history_file
            .as_ref()
            .filter(|file| !file.is_empty())
        {
            loaded.history_file = Some(environment.normalize(file));
        }
        Ok(loaded)
    }

    /// What the main file says, of which `ini` holds nothing else.
    pub(crate) fn read(
        ini: &Ini,
        source: &Source,
        environment: &Environment,
        problems: &Problems,
    ) -> Result<Self, ConfigError> {
        let section = ini.section(SECTION).ok_or(Problem::NoSection(SECTION))?;
        let mut variables = Names::new();
        variables.add_variables(&environment.vars);
        let here = source.here();
        let with_here = Names::within(&variables).with("here", here.as_str());
        let at = Reader::new(ini, section, &variables, problems);
        let at_here = at.with_names(&with_here);

        let defaults = Self::default();
        let serverurl = at_here.text("serverurl")?.unwrap_or(defaults.serverurl);
        let prompt = at.text("prompt")?.unwrap_or(defaults.prompt);
        let username = at.text("username")?;
        let password = at.text("password")?;
        let history_file = at_here.text("history_file")?;
        for plugin in ini.sections() {
            if plugin.name().starts_with(PLUGIN_PREFIX) {
                let at = Reader::new(ini, plugin, &variables, problems);
                problems.pass::<()>(refuse_plugin(&at).and_then(Err))?;
            }
        }
        Ok(Self {
            serverurl: match serverurl.strip_prefix("unix://") {
                None => serverurl,
                Some(path) => format!("unix://{}", environment.normalize(path).display()),
            },
            username,
            password,
            prompt,
            history_file: history_file
                .filter(|file| !file.is_empty())
                .map(|file| environment.normalize(&file)),
        })
    }
}

/// What is wrong with a plug-in: that it is one, if nothing else is.
fn refuse_plugin(at: &Reader<'_>) -> Result<ConfigError, ConfigError> {
    let section = at.section_name().to_owned();
    Ok(match at.needed_text(FACTORY)? {
        None => at.refuse_section(Problem::NoFactory {
            section,
            key: FACTORY,
        }),
        Some(spec) => at.refuse(FACTORY, Problem::Unresolved { spec, section }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment {
            vars: [("HOME".to_owned(), "/home/me".to_owned())].into(),
            cwd: "/srv".into(),
            ..Environment::default()
        }
    }

    fn load_text(text: &str, options: &CtlOptions) -> Result<Supervisorctl, String> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("s.conf");
        std::fs::write(&path, text).unwrap();
        let environment = environment();
        let source = Source::new(path.to_str().unwrap(), &environment);
        Supervisorctl::load(Some(&source), options, &environment).map_err(|e| e.to_string())
    }

    #[test]
    fn without_a_file_there_are_defaults() {
        let loaded = Supervisorctl::load(None, &CtlOptions::default(), &environment());
        assert_eq!(loaded, Ok(Supervisorctl::default()));
        let empty = load_text("[supervisorctl]", &CtlOptions::default());
        assert_eq!(empty, Ok(Supervisorctl::default()));
    }

    #[test]
    fn paths_are_made_absolute() {
        let text = "[supervisorctl]\nserverurl=unix://run/../s.sock\nhistory_file=~/.h\nprompt=";
        let loaded = load_text(text, &CtlOptions::default()).unwrap();
        assert_eq!(loaded.serverurl, "unix:///srv/s.sock");
        assert_eq!(loaded.history_file, Some("/home/me/.h".into()));
        assert_eq!(loaded.prompt, "");
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let text = "[supervisorctl]\nserverurl=http://a\nusername=a\npassword=a\nhistory_file=/a";
        let options = CtlOptions {
            serverurl: Some("http://b".to_owned()),
            username: Some(String::new()),
            history_file: Some("b".to_owned()),
            ..CtlOptions::default()
        };
        let loaded = load_text(text, &options).unwrap();
        assert_eq!(loaded.serverurl, "http://b");
        assert_eq!(loaded.username.as_deref(), Some(""));
        assert_eq!(loaded.password.as_deref(), Some("a"));
        assert_eq!(loaded.history_file, Some("/srv/b".into()));
    }

    #[test]
    fn what_is_refused_is_refused_in_supervisors_words() {
        for (text, expected) in [
            (
                "[supervisord]",
                ".ini file does not include supervisorctl section",
            ),
            (
                "[supervisorctl]\nprompt=%(here)s",
                "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') \
                 which cannot be expanded. Available names: ENV_HOME",
            ),
            (
                "[supervisorctl]\n[ctlplugin:x]",
                "section [ctlplugin:x] does not specify a supervisor.ctl_factory",
            ),
            (
                "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b",
                "a:b cannot be resolved within [ctlplugin:x]",
            ),
        ] {
            let error = load_text(text, &CtlOptions::default()).unwrap_err();
            assert_eq!(error, expected, "{text}");
        }
    }
}
