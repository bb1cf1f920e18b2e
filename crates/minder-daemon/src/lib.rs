//! The driver: waits, feeds the core, does its effects.

#![forbid(unsafe_code)]

mod api;
mod children;
mod codec;
mod command;
mod configuration;
mod log_files;
mod mailbox;
mod plan;
mod published;
mod waiters;
