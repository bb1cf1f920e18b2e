//! The driver: waits, feeds the core, does its effects.

#![forbid(unsafe_code)]
