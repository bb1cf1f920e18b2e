//! Which file the output of each process goes to, automatic ones included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minder_core::spec::{GroupKind, LogTarget, StreamSpec};
use minder_core::{Level, ProcessId, ProcessSpec};
use minder_logs::auto;
use minder_logs::main_log::MainLog;
use minder_logs::plane::Channel;
use minder_logs::sink::SinkSpec;

use crate::published::LogPaths;
use crate::written::Written;

/// The permissions of a file of the daemon's own naming: as `mkstemp` gives them in Supervisor.
const AUTOMATIC_MODE: u32 = 0o600;
/// The permissions of a file that the configuration names, before the umask.
const NAMED_MODE: u32 = 0o666;

/// How automatic log files are named and where they are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Automatic {
    /// The directory.
    pub(crate) directory: PathBuf,
    /// The daemon's identifier, a part of each name.
    pub(crate) identifier: String,
}

/// The log files of every active process.
pub(crate) struct LogFiles {
    automatic: Automatic,
    strip_ansi: bool,
    paths: Arc<BTreeMap<ProcessId, LogPaths>>,
    written: Arc<Written>,
}

impl LogFiles {
    pub(crate) fn new(automatic: Automatic, strip_ansi: bool) -> Self {
        Self {
            automatic,
            strip_ansi,
            paths: Arc::default(),
            written: Arc::default(),
        }
    }

    /// The same, with the files that an earlier daemon made.
    pub(crate) fn adopt(mut self, paths: Arc<BTreeMap<ProcessId, LogPaths>>) -> Self {
        self.paths = paths;
        self
    }

    /// How much has gone to them.
    pub(crate) fn written(&self) -> &Arc<Written> {
        &self.written
    }

    /// The files of every process, for readers.
    pub(crate) fn paths(&self) -> Arc<BTreeMap<ProcessId, LogPaths>> {
        Arc::clone(&self.paths)
    }

    /// The file of a stream of a process, if it goes to one.
    pub(crate) fn path(&self, process: ProcessId, channel: Channel) -> Option<&Path> {
        let paths = self.paths.get(&process)?;
        match channel {
            Channel::Stdout => paths.stdout.as_deref(),
            Channel::Stderr => paths.stderr.as_deref(),
        }
    }

    /// Finds out where the output of a process that has become active goes, and makes its
    /// automatic files. One that cannot be made is left out, which `log` is told.
    pub(crate) fn add(&mut self, process: ProcessId, spec: &ProcessSpec, log: &MainLog) {
        let path_of = |stream: &StreamSpec, channel: Channel| match &stream.log {
            LogTarget::Off | LogTarget::Empty | LogTarget::Syslog => None,
            LogTarget::File(path) => Some(Path::new(path).into()),
            LogTarget::Auto => {
                let Automatic {
                    directory,
                    identifier,
                } = &self.automatic;
                auto::create(directory, &spec.name, channel, identifier)
                    .inspect_err(|error| {
                        let name = &spec.name;
                        let line = format!("cannot make a log file for {name}: {error}");
                        log.write(Level::Error, line);
                    })
                    .ok()
                    .map(Arc::from)
            }
        };
        let stdout = path_of(&spec.stdout, Channel::Stdout);
        let stderr = if spec.redirect_stderr {
            None
        } else {
            path_of(&spec.stderr, Channel::Stderr)
        };
        Arc::make_mut(&mut self.paths).insert(process, LogPaths { stdout, stderr });
    }

    /// Whether escape sequences are taken out of what programs say.
    pub(crate) fn strips_ansi(&self) -> bool {
        self.strip_ansi
    }

    /// Forgets a process that is no longer active. Its files stay, as Supervisor's do.
    pub(crate) fn remove(&mut self, process: ProcessId) {
        Arc::make_mut(&mut self.paths).remove(&process);
        self.written.forget(process);
    }

    /// What is to be opened for the output of a process, per channel.
    pub(crate) fn sinks(
        &self,
        process: ProcessId,
        spec: &ProcessSpec,
    ) -> [(Channel, Option<SinkSpec>); 2] {
        let none = LogPaths::default();
        let paths = self.paths.get(&process).unwrap_or(&none);
        let sink = |path: &Option<Arc<Path>>, stream: &StreamSpec| {
            path.as_ref().map(|path| self.sink(path, stream))
        };
        [
            (Channel::Stdout, sink(&paths.stdout, &spec.stdout)),
            (Channel::Stderr, sink(&paths.stderr, &spec.stderr)),
        ]
    }

    fn sink(&self, path: &Arc<Path>, stream: &StreamSpec) -> SinkSpec {
        SinkSpec {
            path: Arc::clone(path),
            max_bytes: u64::try_from(stream.max_bytes).unwrap_or(0),
            backups: u32::try_from(stream.backups).unwrap_or(0),
            mode: if stream.log == LogTarget::Auto {
                AUTOMATIC_MODE
            } else {
                NAMED_MODE
            },
            strip_ansi: self.strip_ansi,
        }
    }
}

/// The streams of a process that go to syslog. What a listener says on its standard output is
/// meant for the daemon alone.
pub(crate) fn to_syslog(group: &GroupKind, spec: &ProcessSpec) -> Vec<Channel> {
    let is_listener = matches!(group, GroupKind::Listeners { .. });
    let wanted = |channel: &Channel| match channel {
        Channel::Stdout => spec.stdout.syslog && !is_listener,
        Channel::Stderr => spec.stderr.syslog && !spec.redirect_stderr,
    };
    Channel::ALL.into_iter().filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use minder_config::{Environment, Overrides, Source, load};

    use super::*;

    #[test]
    fn syslog_gets_the_streams_that_ask_for_it() {
        use Channel::{Stderr, Stdout};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.conf");
        for (kind, options, expected) in [
            ("program", "", &[][..]),
            ("program", "stdout_syslog=true", &[Stdout]),
            ("program", "stderr_logfile=syslog", &[Stderr]),
            (
                "fcgi-program",
                "socket=unix:///s\nstdout_syslog=true\nstderr_syslog=true",
                &[Stdout, Stderr],
            ),
            // Standard error is standard output.
            ("program", "redirect_stderr=true\nstderr_syslog=true", &[]),
            (
                "eventlistener",
                "events=TICK_5\nstdout_syslog=true\nstderr_syslog=true",
                &[Stderr],
            ),
        ] {
            let text = format!("[supervisord]\n[{kind}:p]\ncommand=/bin/cat\n{options}\n");
            std::fs::write(&file, text).unwrap();
            let environment = Environment::default();
            let source = Source::new(file.to_str().unwrap(), &environment);
            let loaded = load(&source, &Overrides::default(), &environment).unwrap();
            let [group] = &loaded.groups[..] else {
                panic!("{} groups", loaded.groups.len());
            };
            assert_eq!(to_syslog(&group.kind, &group.processes[0]), expected);
        }
    }
}
