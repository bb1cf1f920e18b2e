//! The calls of the plug-in `supervisor_twiddler`, which changes who is in a group.
//!
//! Its methods are there under each name that the configuration gives them, next to Supervisor's
//! own. Which they are stands in a table of their own in [`crate::method`].

use minder_core::Level;

use crate::call::{Args, incorrect_parameters};
use crate::{Fault, FaultCode, Value, python};

/// A call to one of its methods. Each variant is named after its method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TwiddlerCall {
    /// The version of the plug-in's interface.
    GetApiVersion,
    /// The names of the active groups.
    GetGroupNames,
    /// Write a line to the daemon's own log.
    Log {
        /// What to write.
        message: String,
        /// How important it is.
        level: Level,
    },
    /// Add the processes of a program to an active group.
    AddProgramToGroup {
        /// The group.
        group: String,
        /// What the program is called.
        program: String,
        /// Names and values, as in a `[program:x]` section; of two with one name the later counts.
        /// What is wrong with them is told only if the group is there.
        options: Result<Vec<(String, String)>, Fault>,
    },
    /// Forget a stopped process of an active group.
    RemoveProcessFromGroup {
        /// The group.
        group: String,
        /// The process's name within it.
        process: String,
    },
}

/// The plug-in, switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twiddler {
    /// What comes before the dot in its methods' names.
    pub namespace: String,
    /// The methods that may be called; all of them if none is named.
    pub whitelist: Vec<String>,
}

impl Twiddler {
    /// Refuses a method that may not be called.
    pub(crate) fn check(&self, method: &str) -> Result<(), Fault> {
        if self.whitelist.is_empty() || self.whitelist.iter().any(|allowed| allowed == method) {
            Ok(())
        } else {
            Err(Fault::about(FaultCode::NotInWhitelist, method))
        }
    }
}

pub(crate) fn log(mut args: Args<'_>) -> Result<TwiddlerCall, Fault> {
    Ok(TwiddlerCall::Log {
        message: args.printed()?,
        level: args.rest().next().map_or(Ok(Level::Info), level)?,
    })
}

pub(crate) fn add_program(mut args: Args<'_>) -> Result<TwiddlerCall, Fault> {
    Ok(TwiddlerCall::AddProgramToGroup {
        group: group(&mut args)?,
        program: args.printed()?,
        options: options(args.value()?),
    })
}

pub(crate) fn remove_process(mut args: Args<'_>) -> Result<TwiddlerCall, Fault> {
    Ok(TwiddlerCall::RemoveProcessFromGroup {
        group: group(&mut args)?,
        process: args.group()?,
    })
}

/// The fault for a group that is not there.
#[must_use]
pub fn no_group(name: &str) -> Fault {
    Fault::about(FaultCode::BadName, format!("group: {name}"))
}

fn group(args: &mut Args<'_>) -> Result<String, Fault> {
    args.group().map_err(|fault| match fault {
        Fault {
            code: FaultCode::BadName,
            about: Some(name),
        } => no_group(&name),
        other => other,
    })
}

/// A level by its name of four letters, in any case, or by Supervisor's number.
fn level(value: &Value) -> Result<Level, Fault> {
    #[expect(
        clippy::float_cmp,
        reason = "in Python 20.0 is 20, and nothing else is"
    )]
    let is_number = |level: Level, number: f64| f64::from(number_of(level)) == number;
    LEVELS
        .into_iter()
        .find(|level| match value {
            Value::Text(name) => name.to_uppercase() == level.tag(),
            Value::Int(number) => i64::from(number_of(*level)) == *number,
            Value::Double(number) => is_number(*level, *number),
            Value::Bool(_) | Value::DateTime(_) | Value::Array(_) | Value::Struct(_) => false,
        })
        .ok_or_else(incorrect_parameters)
}

const LEVELS: [Level; 7] = [
    Level::Critical,
    Level::Error,
    Level::Warn,
    Level::Info,
    Level::Debug,
    Level::Trace,
    Level::Blather,
];

fn number_of(level: Level) -> u8 {
    match level {
        Level::Critical => 50,
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => 5,
        Level::Blather => 3,
    }
}

/// Options by name, or whatever else Python makes a `dict` of: a list of pairs. An empty list is
/// what libraries of languages make of an empty map.
fn options(value: &Value) -> Result<Vec<(String, String)>, Fault> {
    match value {
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| Ok((name.clone().into_owned(), option(value)?)))
            .collect(),
        Value::Array(items) => items.iter().map(pair).collect(),
        Value::Int(_) | Value::Bool(_) | Value::Double(_) | Value::Text(_) | Value::DateTime(_) => {
            Err(incorrect_parameters())
        }
    }
}

fn pair(value: &Value) -> Result<(String, String), Fault> {
    match value.as_array() {
        Some([Value::Text(name), value]) => Ok((name.clone(), option(value)?)),
        Some(_) | None => Err(incorrect_parameters()),
    }
}

/// A value as it would stand in a file.
fn option(value: &Value) -> Result<String, Fault> {
    match value {
        Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Double(_) => {
            Ok(python::str(value))
        }
        Value::DateTime(_) | Value::Array(_) | Value::Struct(_) => Err(incorrect_parameters()),
    }
}

#[cfg(test)]
mod tests;
