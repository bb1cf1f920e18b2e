//! Simulates the core through random histories and checks its rules.
//!
//! The real [`Core`](minder_core::Core) in a fake world: a keeper with children, a driver that
//! may die at any moment, users, signals, and virtual time. One seed is one history, the same on
//! every machine. A witness shows each fact to every rule; whoever breaks one is reported with
//! the seed and with what led to it.
//!
//! - [`history`]: storm, calm, end. Start here.
//! - [`world`]: what happens in a step; [`keeper`], [`driver`], [`program`], [`listener`],
//!   [`users`] and [`configuration`]: who takes part in it; [`streams`]: what runs between them;
//!   [`rates`]: how often what goes wrong.
//! - [`fact`]: what a bystander sees; [`ledger`]: what it knows by now; [`rules`]: what must be
//!   true, a sentence each; [`witness`]: who compares.
//! - [`sabotage`]: mistakes that the rules must notice; [`subject`]: where they are made.
//!
//! It knows nothing of the core's inside. What it sees is what the real driver, listeners, users
//! and the keeper see.

#![forbid(unsafe_code)]

pub mod configuration;
pub mod driver;
pub mod fact;
pub mod history;
pub mod keeper;
pub mod ledger;
pub mod listener;
pub mod program;
pub mod random;
pub mod rates;
pub mod rules;
pub mod sabotage;
pub mod streams;
pub mod subject;
pub mod time;
pub mod users;
pub mod witness;
pub mod world;
