//! Simulates the core through random histories and checks its rules.

#![forbid(unsafe_code)]
