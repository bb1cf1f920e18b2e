//! `[program:x]`, and what `[fcgi-program:x]` and `[eventlistener:x]` share with it: the
//! processes of one section.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::spec::{AutoRestart, LogTarget, ServerUrl, StreamSpec};
use minder_core::{ProcessSpec, Signal};

use crate::ambient::Environment;
use crate::environment::pairs;
use crate::error::{ConfigError, Problem, Within};
use crate::expand::{Names, expand};
use crate::ini::{Ini, Section};
use crate::problems::Problems;
use crate::section::{Reader, suffix};
use crate::types::{self, ValueError};
use crate::warning::Warning;

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "program:";

/// The options of a program.
pub(crate) const OPTIONS: &[&str] = &[
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "redirect_stderr",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
    "environment",
    "directory",
    "umask",
    "serverurl",
];

/// The most processes that one section may ask for: far beyond what a machine can run, and
/// soon enough to say so before memory runs out.
pub(crate) const MAX_NUMPROCS: i64 = 100_000;

/// What all sections of programs are read with.
pub(crate) struct Programs<'a> {
    pub(crate) ini: &'a Ini,
    /// `ENV_x` for each variable, those of `[supervisord]` among them.
    pub(crate) variables: &'a Names<'a>,
    /// The directory of the main file.
    pub(crate) here: &'a str,
    pub(crate) environment: &'a Environment,
    /// What `[supervisord]` puts in every program's environment.
    pub(crate) common: &'a BTreeMap<String, String>,
    /// What becomes of what is wrong.
    pub(crate) problems: &'a Problems,
}

impl Programs<'_> {
    /// The processes that `section` makes in the group of this name, sorted by priority and name.
    pub(crate) fn processes(
        &self,
        section: &Section,
        group: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Arc<ProcessSpec>>, ConfigError> {
        let place = Within {
            section: section.name().to_owned(),
            file: section.header().file().path().to_owned(),
        };
        self.problems
            .within(&place, || self.unsuffixed(section, group, warnings))
    }

    fn unsuffixed(
        &self,
        section: &Section,
        group: &str,
        warnings: &mut Vec<Warning>,
    ) -> Result<Vec<Arc<ProcessSpec>>, ConfigError> {
        let program_name =
            types::name(suffix(section)).map_err(|e| ConfigError::at(e, section.header()))?;
        let names = Names::within(self.variables)
            .with("here", self.here)
            .with("program_name", program_name.as_str())
            .with("host_node_name", self.environment.host_node_name.as_str())
            .with("group_name", group);
        let program = Program::read(&self.reader(section, &names))?;
        let mut processes = Vec::new();
        for number in program.numbers() {
            let mut names = Names::within(&names)
                .with("process_num", number)
                .with("numprocs", program.numprocs);
            let process = self.process(section, &program, &mut names, warnings);
            processes.extend(self.problems.pass(process)?.map(Arc::new));
        }
        processes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Ok(processes)
    }

    /// A reader of a section of this configuration.
    pub(crate) fn reader<'n>(&'n self, section: &'n Section, names: &'n Names<'n>) -> Reader<'n> {
        Reader::new(self.ini, section, names, self.problems)
    }

    /// One process; `names` are complete but for its own variables.
    fn process(
        &self,
        section: &Section,
        program: &Program,
        names: &mut Names<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<ProcessSpec, ConfigError> {
        let own = variables(&self.reader(section, names), names, warnings);
        let own = self.problems.pass_variables(own)?;
        names.add_variables(&own);
        let at = self.reader(section, names);
        let directory = at.text("directory")?;
        let stdout = self.stream(&at, names, &STDOUT, program.stdout, warnings)?;
        let mut stderr = self.stream(&at, names, &STDERR, program.stderr, warnings)?;
        if program.common.redirect_stderr {
            if matches!(stderr.log, LogTarget::File(_) | LogTarget::Empty) {
                let text = format!(
                    "For [{}], redirect_stderr=true but stderr_logfile has also been set to a \
                     filename, the filename has been ignored",
                    section.name()
                );
                warnings.push(Warning::supervisors(text, Some(at.place("stderr_logfile"))));
            }
            stderr.log = LogTarget::Off;
        }
        let Some(command) = at.needed_text("command")? else {
            return Err(at.refuse_section(Problem::NoCommand(section.name().to_owned())));
        };
        let name = expand(&program.process_name, names, "process_name")
            .map_err(|error| at.refuse("process_name", error))?;
        let mut environment = self.common.clone();
        environment.extend(own);
        Ok(ProcessSpec {
            name: checked_name(&name).map_err(|error| at.refuse("process_name", error))?,
            command,
            directory,
            stdout,
            stderr,
            environment,
            ..program.common.clone()
        })
    }

    fn stream(
        &self,
        at: &Reader<'_>,
        names: &Names<'_>,
        options: &StreamOptions,
        shared: StreamFlags,
        warnings: &mut Vec<Warning>,
    ) -> Result<StreamSpec, ConfigError> {
        let log = at.read(options.logfile, |once| -> Result<_, Problem> {
            let twice = expand(once, names, options.logfile)?;
            Ok(log_target(&twice, self.environment)?)
        })?;
        let log = log.unwrap_or(LogTarget::Auto);
        let backups = at.read(options.backups, types::integer)?.unwrap_or(10);
        let max_bytes = at
            .read(options.max_bytes, types::byte_size)?
            .unwrap_or(50 << 20);
        let syslog = at.read(options.syslog, types::boolean)?.unwrap_or(false);
        let by_name = log == LogTarget::Syslog;
        let (section, logfile) = (at.section_name(), options.logfile);
        let mut warn = |text: String| {
            warnings.push(Warning::supervisors(text, Some(at.place(logfile))));
        };
        if by_name {
            warn(format!(
                "For [{section}], {logfile}=syslog but this is deprecated and will be removed.  \
                 Use {}=true to enable syslog instead.",
                options.syslog
            ));
        }
        if log == LogTarget::Auto && max_bytes == 0 {
            warn(format!(
                "For [{section}], AUTO logging used for {logfile} without rollover, set maxbytes \
                 > 0 to avoid filling up filesystem unintentionally"
            ));
        }
        Ok(StreamSpec {
            // The deprecated spelling is the same to `reread` as the one that replaces it.
            log: if by_name { LogTarget::Off } else { log },
            max_bytes,
            backups,
            capture_max_bytes: shared.capture_max_bytes,
            events_enabled: shared.events_enabled,
            syslog: syslog || by_name,
        })
    }
}

/// What the processes of a section have in common.
struct Program {
    numprocs: i64,
    numprocs_start: i64,
    /// Not yet expanded.
    process_name: String,
    stdout: StreamFlags,
    stderr: StreamFlags,
    /// A process but for its name and the options that can differ between processes.
    common: ProcessSpec,
}

/// The options of a stream that its program's processes have in common.
#[derive(Clone, Copy)]
struct StreamFlags {
    capture_max_bytes: i64,
    events_enabled: bool,
}

/// The names of a stream's options.
struct StreamOptions {
    logfile: &'static str,
    backups: &'static str,
    max_bytes: &'static str,
    syslog: &'static str,
}

const STDOUT: StreamOptions = StreamOptions {
    logfile: "stdout_logfile",
    backups: "stdout_logfile_backups",
    max_bytes: "stdout_logfile_maxbytes",
    syslog: "stdout_syslog",
};

const STDERR: StreamOptions = StreamOptions {
    logfile: "stderr_logfile",
    backups: "stderr_logfile_backups",
    max_bytes: "stderr_logfile_maxbytes",
    syslog: "stderr_syslog",
};

impl Program {
    /// Reads what is the same for each process, in the order in which Supervisor complains.
    fn read(at: &Reader<'_>) -> Result<Self, ConfigError> {
        let boolean = |option: &str, default: bool| -> Result<bool, ConfigError> {
            Ok(at.read(option, types::boolean)?.unwrap_or(default))
        };
        let integer = |option: &str, default: i64| -> Result<i64, ConfigError> {
            Ok(at.read(option, types::integer)?.unwrap_or(default))
        };
        let bytes = |option: &str| -> Result<i64, ConfigError> {
            Ok(at.read(option, types::byte_size)?.unwrap_or(0))
        };
        let priority = integer("priority", 999)?;
        let autostart = boolean("autostart", true)?;
        let autorestart = at.read("autorestart", types::auto_restart)?;
        let start_secs = integer("startsecs", 1)?;
        let start_retries = integer("startretries", 3)?;
        let stop_signal = at.read("stopsignal", types::signal)?;
        let stop_wait_secs = integer("stopwaitsecs", 10)?;
        let stop_as_group = boolean("stopasgroup", false)?;
        let kill_as_group = boolean("killasgroup", stop_as_group)?;
        let exit_codes = at.read("exitcodes", types::exit_codes)?;
        let redirect_stderr = boolean("redirect_stderr", false)?;
        let numprocs = integer("numprocs", 1)?;
        let numprocs_start = integer("numprocs_start", 0)?;
        let stdout = StreamFlags {
            capture_max_bytes: bytes("stdout_capture_maxbytes")?,
            events_enabled: boolean("stdout_events_enabled", false)?,
        };
        let stderr = StreamFlags {
            capture_max_bytes: bytes("stderr_capture_maxbytes")?,
            events_enabled: boolean("stderr_events_enabled", false)?,
        };
        let server_url = at.text("serverurl")?;
        let uid = at.read("user", types::uid)?;
        let umask = at.read("umask", types::octal)?;
        let program = Self {
            numprocs,
            numprocs_start,
            process_name: process_name(at)?,
            stdout,
            stderr,
            common: ProcessSpec {
                name: String::new(),
                command: String::new(),
                directory: None,
                umask,
                uid,
                priority,
                autostart,
                autorestart: autorestart.unwrap_or(AutoRestart::Unexpected),
                start_secs,
                start_retries,
                exit_codes: exit_codes.unwrap_or_else(|| vec![0]),
                stop_signal: stop_signal.unwrap_or(Signal::TERM),
                stop_wait_secs,
                stop_as_group,
                kill_as_group,
                redirect_stderr,
                stdout: unset_stream(),
                stderr: unset_stream(),
                environment: BTreeMap::new(),
                server_url: server_url.map_or(ServerUrl::Auto, told_server_url),
            },
        };
        program.check(at)
    }

    /// Options that do not go together.
    fn check(mut self, at: &Reader<'_>) -> Result<Self, ConfigError> {
        let problem = |error| at.problems().pass::<()>(Err(error));
        if self.numprocs > 1 && !self.process_name.contains("%(process_num)") {
            let option = at
                .raw("process_name")
                .map_or("numprocs", |_| "process_name");
            problem(at.refuse(option, Problem::NoProcessNumber))?;
            self.numprocs = 1;
        }
        if self.common.stop_as_group && !self.common.kill_as_group {
            problem(at.refuse("killasgroup", Problem::StopWithoutKillAsGroup))?;
        }
        if self.numprocs > MAX_NUMPROCS {
            let problem = Problem::TooManyProcesses(self.numprocs, MAX_NUMPROCS);
            return Err(at.refuse("numprocs", problem));
        }
        Ok(self)
    }

    fn numbers(&self) -> impl Iterator<Item = i64> + use<> {
        let first = self.numprocs_start;
        (0..self.numprocs).map(move |i| first.saturating_add(i))
    }
}

/// The name of the processes, not yet expanded.
fn process_name(at: &Reader<'_>) -> Result<String, ConfigError> {
    let written = at.raw("process_name");
    let name = written.map_or("%(program_name)s", |option| option.value.as_str());
    types::name(name).map_err(|error| at.refuse("process_name", error))
}

/// A name after its expansion, which may have brought in what a name cannot have. Supervisor
/// lets that pass, and its clients and listeners trip over it.
fn checked_name(name: &str) -> Result<String, ValueError> {
    if name.is_empty() {
        return Err(ValueError::EmptyName(name.to_owned()));
    }
    types::name(name)
}

fn unset_stream() -> StreamSpec {
    StreamSpec {
        log: LogTarget::Auto,
        max_bytes: 0,
        backups: 0,
        capture_max_bytes: 0,
        events_enabled: false,
        syslog: false,
    }
}

fn told_server_url(text: String) -> ServerUrl {
    if crate::python::strip(&text).eq_ignore_ascii_case("auto") {
        ServerUrl::Auto
    } else {
        ServerUrl::Fixed(text)
    }
}

fn log_target(text: &str, environment: &Environment) -> Result<LogTarget, ValueError> {
    match text.to_lowercase().as_str() {
        "none" | "off" => Ok(LogTarget::Off),
        "auto" => Ok(LogTarget::Auto),
        "syslog" => Ok(LogTarget::Syslog),
        "" => Ok(LogTarget::Empty),
        _ => types::path(text, environment).map(LogTarget::File),
    }
}

/// The variables of a program's own `environment`.
fn variables(
    at: &Reader<'_>,
    names: &Names<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let Some(written) = at.raw("environment") else {
        return Ok(BTreeMap::new());
    };
    let refuse = |problem: Problem| at.refuse("environment", problem);
    let text = expand(&written.value, names, "environment").map_err(|e| refuse(e.into()))?;
    let pairs = pairs(&text).map_err(|e| refuse(e.into()))?;
    warnings.extend(pairs.warnings(at.section_name(), &written.value_at));
    Ok(pairs.variables)
}
