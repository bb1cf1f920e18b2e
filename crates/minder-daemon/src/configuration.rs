//! Where the configuration is, so that it can be read again at any time.

use std::collections::BTreeMap;
use std::path::Path;
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

    /// Whether what is read there once need not be there again: a pipe is empty then, and a descriptor
    /// is another process's.
    pub(crate) fn is_fleeting(&self) -> bool {
        let path = self.environment.cwd.join(&self.source.path);
        let is_file = path.metadata().is_ok_and(|found| found.is_file());
        !is_file || path.starts_with("/dev") || path.starts_with("/proc")
    }

    /// The same for a process that is not the one which was given the path. What that one had under
    /// the number of a descriptor has been read to its end, and here the number is something else's;
    /// the standard streams are common to both.
    pub(crate) fn for_another_process(mut self) -> Self {
        let path = self.environment.cwd.join(&self.source.path);
        let is_shared = |number: &i32| (0..=2).contains(number);
        if own_descriptor(&path).is_some_and(|number| !is_shared(&number)) {
            self.source = self.source.that_says("");
        }
        self
    }

    /// Reads what was read before, `text`, and what that includes.
    pub(crate) fn load_again(&self, text: String) -> Result<Loaded, ConfigError> {
        let source = self.source.clone().that_says(text);
        minder_config::load(&source, &self.overrides, &self.environment)
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

/// The number of the descriptor that a path names, of whoever opens it.
fn own_descriptor(path: &Path) -> Option<i32> {
    ["/dev/fd", "/proc/self/fd"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder).ok()?.to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Configuration {
        let environment = Environment {
            cwd: "/dev/fd".into(),
            ..Environment::default()
        };
        let source = Source::new(path, &environment);
        Configuration::new(source, Overrides::default(), environment)
    }

    #[test]
    fn a_number_of_a_descriptor_means_nothing_to_another_process() {
        for (path, is_lost) in [
            ("/dev/fd/63", true),
            ("63", true),
            ("/proc/self/fd/3", true),
            ("/proc/1/fd/3", false),
            ("/dev/fd/0", false),
            ("/dev/stdin", false),
            ("/etc/supervisord.conf", false),
        ] {
            let elsewhere = at(path).for_another_process();
            assert_eq!(elsewhere.source.text.is_some(), is_lost, "{path}");
        }
    }

    #[test]
    fn what_is_no_file_or_may_be_another_one_is_fleeting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("supervisord.conf");
        std::fs::write(&file, "").unwrap();
        for (path, is_fleeting) in [
            (file.to_str().unwrap(), false),
            (folder.path().to_str().unwrap(), true),
            ("/dev/stdin", true),
            ("/proc/self/status", true),
        ] {
            assert_eq!(at(path).is_fleeting(), is_fleeting, "{path}");
        }
    }
}
