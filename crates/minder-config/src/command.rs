//! Command lines: split as a POSIX shell would, and as Python's `shlex.split` does.
//!
//! Quotes and backslashes are understood; variables, globs and operators are not. A command is
//! split at each start of its process, so what is wrong with it is a spawn error.

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
