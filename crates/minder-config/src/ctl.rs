//! `[supervisorctl]`: where the client finds the daemon. The client reads no included files.

use std::path::PathBuf;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::include::{self, Source};
use crate::options::ctl::CtlOptions;
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
            Some(source) => Self::from_file(source, environment)?,
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

    fn from_file(source: &Source, environment: &Environment) -> Result<Self, ConfigError> {
        let ini = include::read_main(source, environment)?.ini;
        let section = ini.section(SECTION).ok_or(Problem::NoSection(SECTION))?;
        let mut variables = Names::new();
        variables.add_variables(&environment.vars);
        let here = source.here();
        let with_here = Names::within(&variables).with("here", here.as_str());
        let at = Reader::new(&ini, section, &variables);
        let at_here = at.with_names(&with_here);

        let defaults = Self::default();
        let serverurl = at_here.text("serverurl")?.unwrap_or(defaults.serverurl);
        let prompt = at.text("prompt")?.unwrap_or(defaults.prompt);
        let username = at.text("username")?;
        let password = at.text("password")?;
        let history_file = at_here.text("history_file")?;
        for plugin in ini.sections() {
            if plugin.name().starts_with(PLUGIN_PREFIX) {
                return Err(refuse_plugin(&Reader::new(&ini, plugin, &variables))?);
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
    Ok(match at.text(FACTORY)? {
        None => at.refuse_section(Problem::NoFactory {
            section,
            key: FACTORY,
        }),
        Some(spec) => at.refuse(FACTORY, Problem::Unresolved { spec, section }),
    })
}
