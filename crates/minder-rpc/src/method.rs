//! The table of methods: what each is called, takes, gives back and means.
//!
//! The one place that says which methods there are. `system.listMethods`, `methodHelp` and
//! `methodSignature` read it, and [`dispatch`](crate::dispatch()) finds its way by it.

mod table;
mod twiddler;

use std::fmt::Write as _;
use std::ops::RangeInclusive;

pub use table::METHODS;
pub use twiddler::TWIDDLER;

use crate::call::{Args, Call};
use crate::{Fault, TwiddlerCall};

/// A method.
#[derive(Debug)]
pub struct Method {
    /// Its name; with its namespace, unless it is a plug-in's, whose namespace is up to the
    /// configuration.
    pub name: &'static str,
    /// What it does, in sentences.
    pub about: &'static str,
    /// What it takes, in order.
    pub params: &'static [Param],
    /// The type of what it gives back.
    pub gives: Type,
    /// What it gives back, in words.
    pub result: &'static str,
    pub(crate) action: Action,
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// Its type. Others may be accepted as well.
    pub kind: Type,
    /// Its name.
    pub name: &'static str,
    /// What it is, in words.
    pub about: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// The types that signatures tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `array`
    Array,
    /// `boolean`
    Boolean,
    /// `int`
    Int,
    /// `string`
    String,
    /// `string|int`
    StringOrInt,
    /// `struct`
    Struct,
}

/// What a method leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// A call to the daemon.
    Supervisor(fn(Args<'_>) -> Result<Call, Fault>),
    /// A call of the plug-in `supervisor_twiddler`.
    Twiddler(fn(Args<'_>) -> Result<TwiddlerCall, Fault>),
    /// `system.listMethods`
    ListMethods,
    /// `system.methodHelp`
    MethodHelp,
    /// `system.methodSignature`
    MethodSignature,
    /// `system.multicall`
    Multicall,
}

/// The method of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Method> {
    find_in(METHODS, name)
}

/// The method of the plug-in `supervisor_twiddler` that has this name within its namespace.
#[must_use]
pub fn find_twiddler(name: &str) -> Option<&'static Method> {
    find_in(TWIDDLER, name)
}

fn find_in(methods: &'static [Method], name: &str) -> Option<&'static Method> {
    methods
        .binary_search_by(|method| method.name.cmp(name))
        .ok()
        .map(|index| &methods[index])
}

impl Method {
    /// What it does, with a `@param` line for each parameter and a `@return` line.
    #[must_use]
    pub fn help(&self) -> String {
        let mut help = format!("{}\n\n", self.about);
        for Param {
            kind, name, about, ..
        } in self.params
        {
            writeln!(help, "@param {} {name} {about}", kind.name())
                .expect("writing to a String cannot fail");
        }
        write!(help, "@return {} {}", self.gives.name(), self.result)
            .expect("writing to a String cannot fail");
        help
    }

    /// The type of what it gives back, then those of its parameters.
    pub fn signature(&self) -> impl Iterator<Item = Type> {
        std::iter::once(self.gives).chain(self.params.iter().map(|param| param.kind))
    }

    /// How many parameters it takes.
    pub(crate) fn arity(&self) -> RangeInclusive<usize> {
        let required = self.params.iter().filter(|param| !param.optional).count();
        required..=self.params.len()
    }
}

impl Type {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::String => "string",
            Self::StringOrInt => "string|int",
            Self::Struct => "struct",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_so_that_every_method_is_found() {
        for table in [METHODS, TWIDDLER] {
            assert!(table.is_sorted_by(|a, b| a.name < b.name));
            for method in table {
                let found = find_in(table, method.name);
                assert_eq!(found.map(|found| found.name), Some(method.name));
            }
        }
    }

    #[test]
    fn the_methods_are_supervisors_and_three_of_our_own() {
        let lines: Vec<_> = METHODS
            .iter()
            .map(|method| {
                let types: Vec<_> = method.signature().map(Type::name).collect();
                format!("{}: {}", method.name, types.join(" "))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        minder.getInfo: struct
        minder.getVersion: string
        minder.upgrade: string
        supervisor.addProcessGroup: boolean string
        supervisor.clearAllProcessLogs: array
        supervisor.clearLog: boolean
        supervisor.clearProcessLog: boolean string
        supervisor.clearProcessLogs: boolean string
        supervisor.getAPIVersion: string
        supervisor.getAllConfigInfo: array
        supervisor.getAllProcessInfo: array
        supervisor.getIdentification: string
        supervisor.getPID: int
        supervisor.getProcessInfo: struct string
        supervisor.getState: struct
        supervisor.getSupervisorVersion: string
        supervisor.getVersion: string
        supervisor.readLog: string int int
        supervisor.readMainLog: string int int
        supervisor.readProcessLog: string string int int
        supervisor.readProcessStderrLog: string string int int
        supervisor.readProcessStdoutLog: string string int int
        supervisor.reloadConfig: array
        supervisor.removeProcessGroup: boolean string
        supervisor.restart: boolean
        supervisor.sendProcessStdin: boolean string string
        supervisor.sendRemoteCommEvent: boolean string string
        supervisor.shutdown: boolean
        supervisor.signalAllProcesses: array string
        supervisor.signalProcess: boolean string string
        supervisor.signalProcessGroup: array string string
        supervisor.startAllProcesses: array boolean
        supervisor.startProcess: boolean string boolean
        supervisor.startProcessGroup: array string boolean
        supervisor.stopAllProcesses: array boolean
        supervisor.stopProcess: boolean string boolean
        supervisor.stopProcessGroup: array string boolean
        supervisor.tailProcessLog: array string int int
        supervisor.tailProcessStderrLog: array string int int
        supervisor.tailProcessStdoutLog: array string int int
        system.listMethods: array
        system.methodHelp: string string
        system.methodSignature: array string
        system.multicall: array array
        ");
    }

    #[test]
    fn help_ends_with_lines_that_the_signature_can_be_read_from() {
        let method = find("supervisor.startProcess").unwrap();
        insta::assert_snapshot!(method.help(), @"
        Starts a process.

        @param string name the process: name or group:name; or all of a group: group:*
        @param boolean wait whether to answer only when it is done; true if left out
        @return boolean always true
        ");
    }
}
