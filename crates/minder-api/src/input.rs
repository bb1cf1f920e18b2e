//! The bodies of requests.

use serde::Deserialize;

/// How to start or stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Whether to answer only when the outcome is known; true if left out.
    #[serde(default = "yes")]
    pub wait: bool,
}

/// Which signal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Signalling {
    /// The signal's name (HUP, SIGHUP) or number.
    pub signal: String,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Writing {
    /// The text, its line ends included.
    pub text: String,
}

/// What to do to several processes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend(
    "if" = { "properties": { "action": { "const": "signal" } } },
    "then" = { "required": ["signal"], "properties": { "signal": { "type": "string" } } },
)))]
#[serde(deny_unknown_fields)]
pub struct Acting {
    /// What to do.
    pub action: Verb,
    /// To which: a process as `name` or `group:name`, all of a group as `group:*`, or `*`.
    #[cfg_attr(test, schemars(length(min = 1, max = 10000)))]
    pub targets: Vec<String>,
    /// The signal's name or number, for `signal` alone.
    #[serde(default)]
    pub signal: Option<String>,
    /// Whether to answer only when the outcome is known; true if left out.
    #[serde(default = "yes")]
    pub wait: bool,
}

/// What can be done to several processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Start them.
    Start,
    /// Stop them.
    Stop,
    /// Stop those that run, then start all of them.
    Restart,
    /// Send them a signal.
    Signal,
    /// Empty their logs.
    Clear,
}

/// What to update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Updating {
    /// Only these groups; all that are added, changed or removed, if left out.
    #[serde(default)]
    #[cfg_attr(test, schemars(length(max = 10000)))]
    pub groups: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}
