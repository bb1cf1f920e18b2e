//! Where the configuration is, so that it can be read again at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_config::options::daemon::Overrides;
use minder_config::twiddler::{self, Surroundings};
use minder_config::{ConfigError, Environment, Loaded, Source};
use minder_core::ProcessSpec;

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

    /// The path of the main file, as it was given or found.
    pub(crate) fn path(&self) -> &str {
        &self.source.path
    }

    /// Reads it. Takes as long as the disk takes.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        minder_config::load(&self.source, &self.overrides, &self.environment)
    }

    /// Reads one program that stands in no file. `%(ENV_x)s` may name the `variables` too.
    pub(crate) fn program(
        &self,
        variables: &BTreeMap<String, String>,
        group: &str,
        name: &str,
        options: &[(String, String)],
    ) -> Result<Vec<Arc<ProcessSpec>>, ConfigError> {
        let around = Surroundings {
            source: &self.source,
            environment: &self.environment,
            variables,
        };
        twiddler::program(around, group, name, options)
    }
}
