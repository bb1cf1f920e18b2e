//! supervisorctl: the shell and its verbs.

#![forbid(unsafe_code)]
