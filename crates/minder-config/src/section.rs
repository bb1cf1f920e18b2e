//! Reading the options of one section: expanded, converted, with the place of what is wrong.

use crate::error::{ConfigError, Problem};
use crate::expand::{Names, expand};
use crate::ini::{Ini, Opt, Section};
use crate::problems::Problems;
use crate::source::Location;

/// One section, and the names that its values may use.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    ini: &'a Ini,
    section: &'a Section,
    names: &'a Names<'a>,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        ini: &'a Ini,
        section: &'a Section,
        names: &'a Names<'a>,
        problems: &'a Problems,
    ) -> Self {
        Self {
            ini,
            section,
            names,
            problems,
        }
    }

    /// The same with other names.
    pub(crate) fn with_names(self, names: &'a Names<'a>) -> Self {
        Self { names, ..self }
    }

    /// The names that values may use.
    pub(crate) fn names(&self) -> &'a Names<'a> {
        self.names
    }

    /// What becomes of what is wrong.
    pub(crate) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// The name of the section.
    pub(crate) fn section_name(&self) -> &'a str {
        self.section.name()
    }

    /// The part of the section's name behind the first colon.
    pub(crate) fn suffix(&self) -> &'a str {
        suffix(self.section)
    }

    /// Where the section begins.
    pub(crate) fn header(&self) -> &'a Location {
        self.section.header()
    }

    /// An option as it is written, if it is.
    pub(crate) fn raw(&self, option: &str) -> Option<&'a Opt> {
        debug_assert!(
            crate::known::is_known(self.section.name(), option),
            "[{}] {option} is read, but would be told to be unknown",
            self.section.name()
        );
        self.ini.option(self.section, option)
    }

    /// Where an option's value stands, or else where the section begins.
    pub(crate) fn place(&self, option: &str) -> &'a Location {
        self.raw(option)
            .map_or(self.header(), |option| &option.value_at)
    }

    /// The value of an option, expanded, if it is given and can be had.
    pub(crate) fn text(&self, option: &str) -> Result<Option<String>, ConfigError> {
        self.problems.pass_option(self.needed_text(option))
    }

    /// The same for an option without which the section makes no sense: what is wrong with it is
    /// the end of the section.
    pub(crate) fn needed_text(&self, option: &str) -> Result<Option<String>, ConfigError> {
        let Some(written) = self.raw(option) else {
            return Ok(None);
        };
        let label = format!("{}.{option}", self.section.name());
        expand(&written.value, self.names, &label)
            .map(Some)
            .map_err(|error| ConfigError::at(error, &written.value_at))
    }

    /// The value of an option as `convert` reads it, if it is given and can be had.
    pub(crate) fn read<T, E: Into<Problem>>(
        &self,
        option: &str,
        convert: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        self.problems.pass_option(self.needed(option, convert))
    }

    /// The same for an option without which the section makes no sense.
    pub(crate) fn needed<T, E: Into<Problem>>(
        &self,
        option: &str,
        convert: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.needed_text(option)? else {
            return Ok(None);
        };
        convert(&text)
            .map(Some)
            .map_err(|error| self.refuse(option, error))
    }

    /// An error about an option's value.
    pub(crate) fn refuse(&self, option: &str, problem: impl Into<Problem>) -> ConfigError {
        ConfigError::at(problem, self.place(option))
    }

    /// An error about the part of an option's value that says `part`.
    pub(crate) fn refuse_part(
        &self,
        option: &str,
        part: &str,
        problem: impl Into<Problem>,
    ) -> ConfigError {
        ConfigError::at(problem, &self.place(option).find(part))
    }

    /// An error about the section as a whole.
    pub(crate) fn refuse_section(&self, problem: impl Into<Problem>) -> ConfigError {
        ConfigError::at(problem, self.header())
    }
}

/// The part of a section's name behind the first colon.
pub(crate) fn suffix(section: &Section) -> &str {
    section.name().split_once(':').map_or("", |(_, name)| name)
}
