//! `minder check`: everything that is wrong with a configuration, and what looks like a mistake.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use minder_config::options::{UsageError, find_config, search_paths};
use minder_config::report::Colour;
use minder_config::{Checked, Environment, Source, WarningKind, check};

const USAGE: &str = "\
minder check -- say what is wrong with a configuration, before it is used

Usage: minder check [-c FILENAME]

-c/--configuration FILENAME -- the configuration file (searched for as supervisord does if not given)
-h/--help -- print this usage message and exit

Prints every error and every warning with its place. Exits 0 if supervisord and supervisorctl can use
the configuration, and 2 if not. Log files are judged as the user who checks, or as root for any user.
";

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    /// To check this file, or the one that is found.
    Check(Option<String>),
    Help,
}

/// Checks, as the words behind `minder` ask for; `argv0` is the name that `minder` was called by.
pub(crate) fn main(argv0: &str, args: &[OsString]) -> ExitCode {
    let words: Vec<String> = args
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let environment = Environment::of_process();
    let request = parse(&words).and_then(|request| {
        let Request::Check(path) = request else {
            return Ok(None);
        };
        let path = path.or_else(|| find_config(argv0, &environment));
        let path = path.ok_or_else(|| UsageError::NoConfigFile(search_paths(argv0).to_vec()))?;
        Ok(Some(Source::new(path, &environment)))
    });
    match request {
        Ok(None) => crate::print(USAGE),
        Ok(Some(source)) => {
            let checked = check(&source, &environment);
            let printed = crate::print(&told(&source, &checked, colour()));
            if checked.problems.is_empty() {
                printed
            } else {
                ExitCode::from(2)
            }
        }
        Err(error) => crate::refuse(&format!("Error: {error}\nFor help, use minder check -h\n")),
    }
}

fn parse(words: &[String]) -> Result<Request, UsageError> {
    let mut configuration = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "-h" | "--help" => return Ok(Request::Help),
            "-c" | "--configuration" => words
                .next()
                .cloned()
                .ok_or_else(|| UsageError::RequiresArgument(word.clone()))?,
            word => word
                .strip_prefix("--configuration=")
                .or_else(|| word.strip_prefix("-c"))
                .ok_or_else(|| UsageError::NotRecognized(word.to_owned()))?
                .to_owned(),
        };
        if configuration.replace(value).is_some() {
            return Err(UsageError::Conflicting("-c"));
        }
    }
    Ok(Request::Check(configuration))
}

/// Colours for a terminal, unless its owner wants none.
fn colour() -> Colour {
    let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if io::stdout().is_terminal() && !has("NO_COLOR") && !is_dumb {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}

/// All there is to say, with the counts on the last line.
fn told(source: &Source, checked: &Checked, colour: Colour) -> String {
    let mut text = String::new();
    for problem in &checked.problems {
        text += &problem.whole_report(colour);
        text.push('\n');
    }
    let warnings: Vec<_> = checked
        .warnings
        .iter()
        .filter(|warning| warning.kind != WarningKind::Included)
        .collect();
    for warning in &warnings {
        text += &warning.whole_report(colour);
        text.push('\n');
    }
    if checked.lines_only {
        text += "Sections and options were not looked at: some may be missing. Check again when the \
                 lines are right.\n";
    }
    let verdict = if checked.problems.is_empty() {
        "can be used"
    } else {
        "cannot be used"
    };
    let errors = counted(checked.problems.len(), "error");
    let warnings = counted(warnings.len(), "warning");
    let files = counted(checked.files.len(), "file");
    let path = &source.path;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{path} {verdict}: {errors}, {warnings} ({files})");
    text
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_can_be_given_in_each_of_the_usual_ways() {
        let given = |path: &str| Ok(Request::Check(Some(path.to_owned())));
        assert_eq!(parsed(&[]), Ok(Request::Check(None)));
        assert_eq!(parsed(&["-c", "f"]), given("f"));
        assert_eq!(parsed(&["-cf"]), given("f"));
        assert_eq!(parsed(&["--configuration", "f"]), given("f"));
        assert_eq!(parsed(&["--configuration=f"]), given("f"));
        assert_eq!(parsed(&["-c", "f", "-h"]), Ok(Request::Help));
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for (words, text) in [
            (&["-c"][..], "option -c requires argument"),
            (&["f"], "option f not recognized"),
            (&["-x"], "option -x not recognized"),
            (
                &["-c", "f", "--configuration=g"],
                "conflicting command line option '-c'",
            ),
        ] {
            assert_eq!(parsed(words), Err(text.to_owned()));
        }
    }
}
