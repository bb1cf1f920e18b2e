//! What becomes of a problem when it is met: the end of reading, or one of a list.
//!
//! The readers of all sections are the same for both. `load` stops at the first problem, which is
//! the one that Supervisor names; `check` wants all of them, so a value that is refused counts as
//! one that is not given, a section that cannot be read as one that is not there, and reading
//! goes on. Where that would only make more noise, the reader returns its error instead of handing
//! it over, and whoever called it goes on behind the section.

use std::cell::RefCell;
use std::collections::HashSet;
use std::mem::Discriminant;
use std::ops::Range;

use crate::error::{ConfigError, Problem, Within};
use crate::expand::ExpandProblem;

/// The problems met so far, if reading goes on behind them.
#[derive(Debug)]
pub(crate) struct Problems(Option<RefCell<List>>);

#[derive(Debug, Default)]
struct List {
    errors: Vec<ConfigError>,
    seen: HashSet<Key>,
    /// Whether an `environment` could not be read, so that `%(ENV_x)s` may be right all the same.
    lacks_variables: bool,
}

/// What makes two problems one: a program is read once for each of its processes, and again for
/// each group that it is in.
type Key = (Option<(String, Range<usize>)>, Discriminant<Problem>);

impl Problems {
    /// The first problem ends reading.
    pub(crate) fn first() -> Self {
        Self(None)
    }

    /// Problems are collected.
    pub(crate) fn all() -> Self {
        Self(Some(RefCell::default()))
    }

    /// The value, if there is one; without one there is a problem, which is either collected or
    /// the end.
    pub(crate) fn pass<T>(&self, result: Result<T, ConfigError>) -> Result<Option<T>, ConfigError> {
        match (result, &self.0) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(error), None) => Err(error),
            (Err(error), Some(list)) => {
                list.borrow_mut().add(error);
                Ok(None)
            }
        }
    }

    /// The same for a value that need not be given.
    pub(crate) fn pass_option<T>(
        &self,
        result: Result<Option<T>, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        Ok(self.pass(result)?.flatten())
    }

    /// Takes the variables of an `environment`, or goes on without knowing them.
    pub(crate) fn pass_variables<T: Default>(
        &self,
        result: Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let variables = self.pass(result)?;
        if let (None, Some(list)) = (&variables, &self.0) {
            list.borrow_mut().lacks_variables = true;
        }
        Ok(variables.unwrap_or_default())
    }

    /// Reads something, all of whose problems are `place`'s; variables that it lacks are lacking
    /// in it alone.
    pub(crate) fn within<T>(
        &self,
        place: &Within,
        read: impl FnOnce() -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let name = |error: &mut ConfigError| error.within = Some(place.clone());
        let Some(list) = &self.0 else {
            return read().map_err(|mut error| {
                name(&mut error);
                error
            });
        };
        let (before, lacks_variables) = {
            let list = list.borrow();
            (list.errors.len(), list.lacks_variables)
        };
        let result = read();
        let mut list = list.borrow_mut();
        list.errors[before..].iter_mut().for_each(name);
        list.lacks_variables = lacks_variables;
        result.map_err(|mut error| {
            name(&mut error);
            error
        })
    }

    /// What was collected, in the order in which it was met.
    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.0
            .map_or_else(Vec::new, |list| list.into_inner().errors)
    }
}

impl List {
    fn add(&mut self, error: ConfigError) {
        if self.lacks_variables && wants_variable(&error.problem) {
            return;
        }
        let place = error
            .location
            .as_ref()
            .map(|location| (location.file().path().to_owned(), location.span()));
        if self
            .seen
            .insert((place, std::mem::discriminant(&*error.problem)))
        {
            self.errors.push(error);
        }
    }
}

fn wants_variable(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Expand(error)
            if matches!(&error.why, ExpandProblem::UnknownName { name, .. }
                if name.starts_with("ENV_"))
    )
}
