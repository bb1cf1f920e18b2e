//! Supervisor's INI dialect, from text to checked specs.

#![forbid(unsafe_code)]
