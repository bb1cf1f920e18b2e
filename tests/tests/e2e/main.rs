//! From end to end: whole days in the life of a supervisor, with real programs.
//!
//! Where the comparison (`tests/compat`) takes one behaviour at a time, these go the ways that people
//! go: the examples of this repository, a start in the background, and the death of the daemon.
//! What both can do runs on the real Supervisor 4.3.0 too; see `SUBJECT` there.

#![forbid(unsafe_code)]

mod check;
mod events;
mod example;
mod fastcgi;
mod json;
mod keeper;
mod load;
mod modern;
mod own_methods;
mod quickstart;
mod startup;
mod survival;
mod top;
mod twiddler;
mod upgrade;
mod usercenter;
