//! `[supervisord]`: how the daemon itself is to run, from the file and the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use minder_core::Level;
use minder_os::users::User;

use crate::ambient::Environment;
use crate::environment::pairs;
use crate::error::{ConfigError, Problem};
use crate::expand::{Names, expand};
use crate::ini::Ini;
use crate::options::daemon::Overrides;
use crate::problems::Problems;
use crate::section::Reader;
use crate::types::{self, ValueError};
use crate::warning::Warning;

/// The name of the section.
pub(crate) const SECTION: &str = "supervisord";

/// The options of the section.
pub(crate) const OPTIONS: &[&str] = &[
    "minfds",
    "minprocs",
    "directory",
    "user",
    "umask",
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "identifier",
    "nodaemon",
    "silent",
    "childlogdir",
    "nocleanup",
    "strip_ansi",
    "environment",
    "orphans",
];

/// How the daemon itself is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in the file"
)]
pub struct Supervisord {
    /// Where its own log goes.
    pub logfile: LogfileTarget,
    /// From how many bytes on its log is rotated; 0 or less is never.
    pub logfile_maxbytes: i64,
    /// How many rotated files are kept.
    pub logfile_backups: i64,
    /// What is worth a line in its log.
    pub loglevel: Level,
    /// The file that its pid is written to, absolute.
    pub pidfile: PathBuf,
    /// The umask it takes when it goes to the background.
    pub umask: u32,
    /// Whether it stays in the foreground.
    pub nodaemon: bool,
    /// Whether it keeps its log off standard output in the foreground.
    pub silent: bool,
    /// The least number of descriptors that it needs.
    pub minfds: i64,
    /// The least number of processes that it needs.
    pub minprocs: i64,
    /// Whether old automatic log files are left alone at start.
    pub nocleanup: bool,
    /// Where automatic log files go, absolute.
    pub childlogdir: PathBuf,
    /// The user it becomes.
    pub user: Option<User>,
    /// Where it goes when it goes to the background, absolute.
    pub directory: Option<PathBuf>,
    /// Whether escape sequences are taken out of the programs' logs.
    pub strip_ansi: bool,
    /// What every program gets in its environment.
    pub environment: BTreeMap<String, String>,
    /// What it calls itself.
    pub identifier: String,
    /// What becomes of programs that an earlier `supervisord` left running when it was killed.
    pub orphans: Orphans,
}

/// What becomes of programs that an earlier `supervisord` left running when it was killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// They are stopped, and started anew.
    #[default]
    Stop,
    /// They run on as what they were.
    Adopt,
}

/// Where the daemon's own log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogfileTarget {
    /// Nowhere. Supervisor makes a file of the name `NONE`, which nobody can have wanted.
    Off,
    /// To syslog.
    Syslog,
    /// To this file, absolute.
    File(PathBuf),
}

/// The section alone: what must be known before the others are read, and the user, who is looked
/// up after everything else.
pub(crate) struct FromFile {
    pub(crate) supervisord: Supervisord,
    user: Option<Result<User, ConfigError>>,
}

impl FromFile {
    /// The section, once all others have been found good.
    pub(crate) fn finish(
        self,
        overrides: &Overrides,
        problems: &Problems,
    ) -> Result<Supervisord, ConfigError> {
        let user = match &overrides.user {
            Some(name) => Some(types::user(name).map_err(|e| Problem::from(e).into())),
            None => self.user,
        };
        Ok(Supervisord {
            user: problems.pass_option(user.transpose())?,
            ..self.supervisord
        })
    }
}

/// Reads the section; the command line wins over it.
pub(crate) fn read(
    ini: &Ini,
    names: &Names<'_>,
    overrides: &Overrides,
    environment: &Environment,
    problems: &Problems,
    warnings: &mut Vec<Warning>,
) -> Result<FromFile, ConfigError> {
    let section = ini.section(SECTION).ok_or(Problem::NoSection(SECTION))?;
    let at = Reader::new(ini, section, names, problems);
    let path = |text: &str| types::path(text, environment);
    let directory = |text: &str| types::directory(text, environment);

    let minfds = at.read("minfds", types::integer)?.unwrap_or(1024);
    let minprocs = at.read("minprocs", types::integer)?.unwrap_or(200);
    let working_directory = at.read("directory", directory)?;
    let user = at.text("user")?;
    let umask = at.read("umask", types::octal)?.unwrap_or(0o022);
    let logfile = at.read("logfile", path)?;
    let logfile_maxbytes = at.read("logfile_maxbytes", types::byte_size)?;
    let logfile_backups = at.read("logfile_backups", types::integer)?.unwrap_or(10);
    let loglevel = at.read("loglevel", types::level)?.unwrap_or(Level::Info);
    let pidfile = at.read("pidfile", path)?;
    let identifier = at.text("identifier")?;
    let nodaemon = at.read("nodaemon", types::boolean)?.unwrap_or(false);
    let silent = at.read("silent", types::boolean)?.unwrap_or(false);
    let childlogdir = at.read("childlogdir", directory)?;
    let nocleanup = at.read("nocleanup", types::boolean)?.unwrap_or(false);
    let strip_ansi = at.read("strip_ansi", types::boolean)?.unwrap_or(false);
    let orphans = at.read("orphans", types::orphans)?.unwrap_or_default();
    let variables = problems.pass_variables(variables(&at, names, environment, warnings))?;

    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let logfile = given(&overrides.logfile)
        .or(logfile)
        .unwrap_or_else(|| "supervisord.log".to_owned());
    let pidfile = given(&overrides.pidfile)
        .or(pidfile)
        .unwrap_or_else(|| "supervisord.pid".to_owned());
    Ok(FromFile {
        user: user.map(|name| types::user(&name).map_err(|e| at.refuse("user", e))),
        supervisord: Supervisord {
            logfile: target(&logfile, environment),
            logfile_maxbytes: overrides
                .logfile_maxbytes
                .or(logfile_maxbytes)
                .unwrap_or(50 << 20),
            logfile_backups: overrides.logfile_backups.unwrap_or(logfile_backups),
            loglevel: overrides.loglevel.unwrap_or(loglevel),
            pidfile: environment.normalize(&pidfile),
            umask: overrides.umask.unwrap_or(umask),
            nodaemon: overrides.nodaemon || nodaemon,
            silent: overrides.silent || silent,
            minfds: overrides.minfds.unwrap_or(minfds),
            minprocs: overrides.minprocs.unwrap_or(minprocs),
            nocleanup: overrides.nocleanup || nocleanup,
            childlogdir: overrides.childlogdir.clone().or(childlogdir).map_or_else(
                || environment.temporary_directory(),
                |directory| environment.absolute(&directory),
            ),
            user: None,
            directory: overrides
                .directory
                .clone()
                .or(working_directory)
                .map(|directory| environment.absolute(&directory)),
            strip_ansi: overrides.strip_ansi || strip_ansi,
            environment: variables,
            orphans,
            identifier: overrides
                .identifier
                .clone()
                .or(identifier)
                .unwrap_or_else(|| "supervisor".to_owned()),
        },
    })
}

fn target(logfile: &str, environment: &Environment) -> LogfileTarget {
    match logfile {
        "syslog" => LogfileTarget::Syslog,
        none if none.eq_ignore_ascii_case("none") => LogfileTarget::Off,
        file => LogfileTarget::File(environment.normalize(file)),
    }
}

/// The `environment` of the section. It is expanded twice, the second time with the host's name.
fn variables(
    at: &Reader<'_>,
    names: &Names<'_>,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let Some(once) = at.needed_text("environment")? else {
        return Ok(BTreeMap::new());
    };
    let names = Names::within(names).with("host_node_name", environment.host_node_name.as_str());
    let refuse = |problem: Problem| at.refuse("environment", problem);
    let twice = expand(&once, &names, "environment").map_err(|error| refuse(error.into()))?;
    let pairs = pairs(&twice).map_err(|error| refuse(error.into()))?;
    warnings.extend(pairs.warnings(at.section_name(), at.place("environment")));
    Ok(pairs.variables)
}

impl From<ValueError> for ConfigError {
    fn from(error: ValueError) -> Self {
        Problem::Value(error).into()
    }
}
