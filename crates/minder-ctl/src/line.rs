//! How a command line is read.

use minder_config::python::strip;

/// A command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Nothing but blanks.
    Empty,
    /// A command word and what follows it.
    Command {
        /// Never empty.
        word: &'a str,
        /// Without blanks around it.
        argument: &'a str,
    },
    /// What does not begin with a command word, without blanks around it.
    Foreign(&'a str),
}

impl<'a> Line<'a> {
    /// Reads a line as Supervisor's shell does.
    ///
    /// The command is the longest run of letters, digits and `_`; what follows is its
    /// argument even where no blank parts them. `?` stands for `help`.
    pub(crate) fn parse(line: &'a str) -> Self {
        let line = strip(line);
        if line.is_empty() {
            return Self::Empty;
        }
        if let Some(topic) = line.strip_prefix('?') {
            return Self::Command {
                word: "help",
                argument: strip(topic),
            };
        }
        let end = line
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(line.len());
        match line.split_at(end) {
            ("", _) => Self::Foreign(line),
            (word, rest) => Self::Command {
                word,
                argument: strip(rest),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command<'a>(word: &'a str, argument: &'a str) -> Line<'a> {
        Line::Command { word, argument }
    }

    #[test]
    fn blanks_around_the_line_and_its_argument_do_not_count() {
        assert_eq!(Line::parse(" \t"), Line::Empty);
        assert_eq!(Line::parse("  status  a b \n"), command("status", "a b"));
    }

    #[test]
    fn the_argument_needs_no_blank_before_it() {
        assert_eq!(Line::parse("start:web"), command("start", ":web"));
        assert_eq!(Line::parse("status;"), command("status", ";"));
        assert_eq!(Line::parse("start-x web"), command("start", "-x web"));
    }

    #[test]
    fn a_question_mark_is_help() {
        assert_eq!(Line::parse("?"), command("help", ""));
        assert_eq!(Line::parse("? start"), command("help", "start"));
        assert_eq!(Line::parse("?start"), command("help", "start"));
    }

    #[test]
    fn a_line_without_a_command_word_is_foreign() {
        assert_eq!(Line::parse(" !ls "), Line::Foreign("!ls"));
        assert_eq!(Line::parse("-"), Line::Foreign("-"));
        assert_eq!(Line::parse("é"), Line::Foreign("é"));
    }
}
