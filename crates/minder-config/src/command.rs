//! Command lines: split as a POSIX shell would, and as Python's `shlex.split` does, and from there
//! to a file that can be executed.
//!
//! Quotes and backslashes are understood; variables, globs and operators are not. A command is
//! split and looked for at each start of its process, so what is wrong with it is a spawn error.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use minder_core::{CommandError, ProcessSpec};
use rustix::fs::{Access, AtFlags, CWD};

use crate::python::Repr;

/// Where commands are looked for if nobody says so: Supervisor's list.
const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// Why a command line could not be split. Displays as Supervisor's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A quotation is still open at the end.
    #[error("No closing quotation")]
    NoClosingQuotation,
    /// The last character is a backslash.
    #[error("No escaped character")]
    NoEscapedCharacter,
}

/// The words of a command line.
pub fn split(command: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    // A word may be empty, if it was quoted: it exists from its first character or quote on.
    let mut word: Option<String> = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => {
                let escaped = chars.next().ok_or(SplitError::NoEscapedCharacter)?;
                word.get_or_insert_default().push(escaped);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), SplitError> {
    loop {
        match chars.next().ok_or(SplitError::NoClosingQuotation)? {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
}

/// Within double quotes a backslash escapes only itself and the quote.
fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), SplitError> {
    loop {
        match chars.next().ok_or(SplitError::NoClosingQuotation)? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or(SplitError::NoEscapedCharacter)? {
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            c => word.push(c),
        }
    }
}

/// A command that can be executed, as far as can be told beforehand.
#[derive(Debug, PartialEq, Eq)]
pub struct Executable {
    /// The file.
    pub file: PathBuf,
    /// The words of the command line; the first as it was written.
    pub argv: Vec<String>,
}

/// Splits the command line of a process and finds its file.
///
/// A name without a slash is looked for in the `PATH` of the program's environment, else in
/// `own_path`; the first entry in which it *exists* is taken, executable or not. The program's
/// `directory` plays no part.
pub fn resolve(spec: &ProcessSpec, own_path: Option<&OsStr>) -> Result<Executable, CommandError> {
    let argv = split(&spec.command).map_err(|error| {
        CommandError::NotExecutable(format!(
            "can't parse command {}: {error}",
            Repr(&spec.command)
        ))
    })?;
    let Some(program) = argv.first() else {
        return Err(CommandError::NotExecutable("command is empty".to_owned()));
    };
    let file = if program.contains('/') {
        PathBuf::from(program)
    } else {
        let path = spec.environment.get("PATH").map(OsStr::new).or(own_path);
        search(program, path.unwrap_or(OsStr::new(DEFAULT_PATH)))
            .unwrap_or_else(|| PathBuf::from(program))
    };
    check(&file)?;
    Ok(Executable { file, argv })
}

/// A path without its directories.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn search(program: &str, path: &OsStr) -> Option<PathBuf> {
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| Path::new(OsStr::from_bytes(directory)).join(program))
        .find(|candidate| candidate.metadata().is_ok())
}

fn check(file: &Path) -> Result<(), CommandError> {
    let shown = file.to_string_lossy();
    let shown = Repr(&shown);
    let refused = |text| Err(CommandError::NotExecutable(text));
    let Ok(metadata) = file.metadata() else {
        return Err(CommandError::NotFound(format!(
            "can't find command {shown}"
        )));
    };
    if metadata.is_dir() {
        return refused(format!("command at {shown} is a directory"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return refused(format!("command at {shown} is not executable"));
    }
    if rustix::fs::accessat(CWD, file, Access::EXEC_OK, AtFlags::empty()).is_err() {
        return refused(format!("no permission to run command {shown}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_as_python_splits_them() {
        for (command, words) in [
            ("", &[][..]),
            ("  ", &[]),
            ("/bin/cat", &["/bin/cat"]),
            ("a  b\tc\r\nd", &["a", "b", "c", "d"]),
            ("sh -c 'x y; z'", &["sh", "-c", "x y; z"]),
            (r#"a"b c"'d e'f"#, &["ab cd ef"]),
            ("''", &[""]),
            ("a '' b", &["a", "", "b"]),
            (r"a\ b", &["a b"]),
            (r#""a\"b\\c\d""#, &[r#"a"b\c\d"#]),
            (r"'a\'", &[r"a\"]),
            ("a\\\nb", &["a\nb"]),
            ("a # b", &["a", "#", "b"]),
            ("é\u{a0}☃", &["é\u{a0}☃"]),
        ] {
            assert_eq!(split(command).unwrap(), words, "{command:?}");
        }
    }

    #[test]
    fn what_is_left_open_is_an_error() {
        for (command, error) in [
            ("'a", SplitError::NoClosingQuotation),
            ("\"a", SplitError::NoClosingQuotation),
            ("\"a\\\"", SplitError::NoClosingQuotation),
            ("a\\", SplitError::NoEscapedCharacter),
            ("\"a\\", SplitError::NoEscapedCharacter),
        ] {
            assert_eq!(split(command), Err(error), "{command:?}");
        }
    }

    proptest! {
        #[test]
        fn a_word_in_single_quotes_comes_back_as_it_was(word in "[^']*") {
            prop_assert_eq!(split(&format!("'{word}'")), Ok(vec![word]));
        }

        #[test]
        fn any_text_can_be_split_or_refused(text in r#"[a 'b"\\\n]{0,30}"#) {
            let _ = split(&text);
        }
    }
}
