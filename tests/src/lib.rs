//! The test kit.

#![forbid(unsafe_code)]
