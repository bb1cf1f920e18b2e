//! Processes as users name them and as the server tells of them.

use minder_rpc::Value;

use crate::failure::Failure;

/// What a name on the command line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The group.
    pub(crate) group: &'a str,
    /// The process, or `None` for all of the group.
    pub(crate) process: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads `name`, `group:name`, `group:*` or `group:`.
    pub(crate) fn parse(name: &'a str) -> Self {
        match name.split_once(':') {
            Some((group, "" | "*")) => Self {
                group,
                process: None,
            },
            Some((group, process)) => Self {
                group,
                process: Some(process),
            },
            None => Self {
                group: name,
                process: Some(name),
            },
        }
    }

    /// The name as it is shown.
    pub(crate) fn shown(&self) -> String {
        // Supervisor shows the lack of a name by Python's word for it.
        namespec(self.group, self.process.unwrap_or("None"))
    }
}

/// `group:name`, or one name where the two are equal.
pub(crate) fn namespec(group: &str, name: &str) -> String {
    if group == name {
        name.to_owned()
    } else {
        format!("{group}:{name}")
    }
}

/// One process, as `getProcessInfo` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// The state's name, as the server puts it.
    pub(crate) state_name: String,
    pub(crate) description: String,
    /// 0 while it is down.
    pub(crate) pid: i64,
}

/// What matters here about a process's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// STOPPED, EXITED, FATAL or UNKNOWN.
    Down,
    /// RUNNING.
    Running,
    /// On its way up or down.
    Between,
}

impl State {
    fn from_number(number: i64) -> Self {
        match number {
            0 | 100 | 200 | 1000 => Self::Down,
            20 => Self::Running,
            _ => Self::Between,
        }
    }
}

impl Process {
    /// The process that `value`, an element of `method`'s result, tells of.
    pub(crate) fn from_value(value: &Value, method: &str) -> Result<Self, Failure> {
        let read = || {
            Some(Self {
                group: text(value, "group")?,
                name: text(value, "name")?,
                state: State::from_number(value.member("state")?.as_int()?),
                state_name: text(value, "statename")?,
                description: text(value, "description")?,
                pid: value.member("pid")?.as_int()?,
            })
        };
        read().ok_or_else(|| Failure::bad_answer(method))
    }

    /// The name as it is shown.
    pub(crate) fn namespec(&self) -> String {
        namespec(&self.group, &self.name)
    }
}

/// The text of the member `name` of a struct.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    value.member(name)?.as_text().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_name_is_group_and_process_at_once() {
        let target = Target::parse("web");
        assert_eq!((target.group, target.process), ("web", Some("web")));
        assert_eq!(target.shown(), "web");
    }

    #[test]
    fn a_star_or_nothing_behind_the_colon_is_the_whole_group() {
        for name in ["web:*", "web:"] {
            let target = Target::parse(name);
            assert_eq!((target.group, target.process), ("web", None));
            assert_eq!(target.shown(), "web:None");
        }
    }

    #[test]
    fn only_the_first_colon_parts_group_and_process() {
        let target = Target::parse("a:b:c");
        assert_eq!((target.group, target.process), ("a", Some("b:c")));
        assert_eq!(target.shown(), "a:b:c");
    }

    #[test]
    fn equal_names_are_shown_as_one() {
        assert_eq!(Target::parse("web:web").shown(), "web");
    }

    #[test]
    fn each_state_is_down_running_or_between() {
        let down = [0, 100, 200, 1000].map(State::from_number);
        assert_eq!(down, [State::Down; 4]);
        let between = [10, 30, 40].map(State::from_number);
        assert_eq!(between, [State::Between; 3]);
        assert_eq!(State::from_number(20), State::Running);
    }
}
