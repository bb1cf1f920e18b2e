//! What the keeper is to do for one start, from what the configuration asks for.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use minder_config::command::Executable;
use minder_core::spec::ServerUrl;
use minder_core::{ProcessSpec, Signal};
use minder_wire::{Credentials, Plan, Stdin};

/// The signals that Python ignores, and so the programs of Supervisor start with ignored.
const IGNORED_SIGNALS: [i32; 2] = [Signal::PIPE.number(), Signal::XFSZ.number()];

/// What every program gets from the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Inheritance {
    /// The daemon's own environment, as it was started with.
    pub(crate) environment: BTreeMap<OsString, OsString>,
    /// Where the daemon answers, if anywhere.
    pub(crate) server_url: Option<String>,
    /// The umask of a program that has none of its own.
    pub(crate) umask: Option<u32>,
}

impl Inheritance {
    /// The daemon's own `PATH`.
    pub(crate) fn path(&self) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new("PATH"))
            .map(OsString::as_os_str)
    }

    /// The plan of one start of `spec`, a process of the group named `group`, as somebody else or
    /// as the daemon's own user.
    pub(crate) fn plan(
        &self,
        spec: &ProcessSpec,
        group: &str,
        executable: &Executable,
        credentials: Credentials,
    ) -> Plan {
        Plan {
            file: executable.file.as_os_str().as_bytes().to_vec(),
            argv: executable
                .argv
                .iter()
                .map(|word| word.clone().into_bytes())
                .collect(),
            envp: self.environment_of(spec, group),
            directory: spec
                .directory
                .as_ref()
                .map(|directory| directory.clone().into_bytes()),
            umask: spec.umask.or(self.umask),
            credentials,
            stdin: Stdin::Pipe,
            stderr_to_stdout: spec.redirect_stderr,
            ignored_signals: IGNORED_SIGNALS.to_vec(),
            oom_score_adj: None,
            limits: Vec::new(),
        }
    }

    /// The daemon's own environment, then Supervisor's four variables, then the configured ones.
    fn environment_of(&self, spec: &ProcessSpec, group: &str) -> Vec<Vec<u8>> {
        let mut environment = self.environment.clone();
        let mut set = |name: &str, value: &str| environment.insert(name.into(), value.into());
        set("SUPERVISOR_ENABLED", "1");
        let server_url = match &spec.server_url {
            ServerUrl::Auto => self.server_url.as_deref(),
            ServerUrl::Fixed(url) => Some(url.as_str()).filter(|url| !url.is_empty()),
        };
        if let Some(url) = server_url {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &spec.name);
        set("SUPERVISOR_GROUP_NAME", group);
        for (name, value) in &spec.environment {
            set(name, value);
        }
        environment
            .into_iter()
            .map(|(name, value)| [name.into_vec(), value.into_vec()].join(&b'='))
            .collect()
    }
}
