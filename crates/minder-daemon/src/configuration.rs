//! Where the configuration is, so that it can be read again at any time.

use minder_config::options::daemon::Overrides;
use minder_config::{ConfigError, Environment, Loaded, Source, Warning, WarningKind};
use minder_core::spec::GroupKind;

/// How to read the configuration as it is now on disk.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    source: Source,
    /// What the command line says wins over the file.
    overrides: Overrides,
    /// The environment and the folder that the daemon was started in: relative paths in the file
    /// mean the same at each reading.
    environment: Environment,
}

impl Configuration {
    pub(crate) fn new(source: Source, overrides: Overrides, environment: Environment) -> Self {
        Self {
            source,
            overrides,
            environment,
        }
    }

    /// Reads it. Takes as long as the disk takes.
    ///
    /// Groups of a kind that is not run yet are left out, with a warning each.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        let mut loaded = minder_config::load(&self.source, &self.overrides, &self.environment)?;
        let warnings = &mut loaded.warnings;
        loaded.groups.retain(|group| {
            let section = match group.kind {
                GroupKind::Programs | GroupKind::FastCgi(_) => return true,
                GroupKind::Listeners { .. } => "eventlistener",
            };
            let text = format!("[{section}:{}] is not run: not supported yet", group.name);
            warnings.push(Warning {
                text,
                location: None,
                kind: WarningKind::Minder,
            });
            false
        });
        Ok(loaded)
    }
}
