//! The parent of every program: spawns, reaps, holds, hands over.

#![forbid(unsafe_code)]
