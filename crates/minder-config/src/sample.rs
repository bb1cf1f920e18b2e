//! The sample configuration that `echo_supervisord_conf` prints.

/// A configuration that both programs accept as it is, with every option explained.
pub const SAMPLE: &str = include_str!("sample.conf");
