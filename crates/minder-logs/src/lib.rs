//! Where output goes: capture, rotation, tailing, supervisord's own log.

#![forbid(unsafe_code)]
