//! The `environment` option: `KEY="value",KEY2=value2`.
//!
//! Supervisor hands the text to Python's old lexer and takes its tokens four at a time: key,
//! `=`, value, and a separator that nobody looks at. Unquoted words hold only letters, digits
//! and a few signs; every other character is a token of its own. What that drops silently
//! (`A=b c` is `b`) is dropped here as well, but told.

use std::collections::BTreeMap;

use crate::python::Repr;
use crate::source::Location;
use crate::warning::Warning;

/// The pairs of an `environment` value, and what was lost on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// The variables; of several of one name the last.
    pub variables: BTreeMap<String, String>,
    /// Tokens that stood where a comma belongs, with the key before them.
    pub dropped: Vec<Dropped>,
}

impl Pairs {
    /// What there is to say about tokens that were dropped from the option at this place.
    pub(crate) fn warnings(&self, section: &str, place: &Location) -> Vec<Warning> {
        let warning = |Dropped { key, token }: &Dropped| {
            let text = format!(
                "For [{section}], environment has {} where a comma belongs, which ends the value \
                 of {key}; quote the value if it is part of it",
                Repr(token)
            );
            Warning::ours(text, Some(place))
        };
        self.dropped.iter().map(warning).collect()
    }
}

/// A token that stood where a comma belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The variable whose value ended before it.
    pub key: String,
    /// What was dropped.
    pub token: String,
}

/// Why a text is no `environment`. Displays as Supervisor's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A quotation is still open at the end.
    #[error("No closing quotation")]
    NoClosingQuotation,
    /// The tokens do not make pairs.
    #[error("Unexpected end of key/value pairs in value '{0}'")]
    NoPairs(String),
}

/// The pairs in an `environment` value.
pub fn pairs(text: &str) -> Result<Pairs, EnvironmentError> {
    let tokens = tokens(text)?;
    let mut pairs = Pairs::default();
    for four in tokens.chunks(4) {
        let [key, equals, value, separator @ ..] = four else {
            return Err(EnvironmentError::NoPairs(text.to_owned()));
        };
        if equals != "=" {
            return Err(EnvironmentError::NoPairs(text.to_owned()));
        }
        let value = value.trim_matches(['\'', '"']).to_owned();
        pairs.variables.insert(key.clone(), value);
        if let [separator] = separator
            && separator != ","
        {
            pairs.dropped.push(Dropped {
                key: key.clone(),
                token: separator.clone(),
            });
        }
    }
    Ok(pairs)
}

/// Where the lexer is.
#[derive(Clone, Copy)]
enum Lexer {
    Between,
    Word,
    Quoted(char),
}

/// The tokens of a text, quotes included.
fn tokens(text: &str) -> Result<Vec<String>, EnvironmentError> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut state = Lexer::Between;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match state {
            Lexer::Quoted(quote) => {
                token.push(c);
                if c == quote {
                    tokens.push(std::mem::take(&mut token));
                    state = Lexer::Between;
                }
            }
            // A comment does not end the word before it: the next line goes on with it.
            Lexer::Between | Lexer::Word if c == '#' => {
                chars.find(|c| *c == '\n');
            }
            Lexer::Between => match c {
                ' ' | '\t' | '\r' | '\n' => {}
                '\'' | '"' => {
                    token.push(c);
                    state = Lexer::Quoted(c);
                }
                c if is_word(c) => {
                    token.push(c);
                    state = Lexer::Word;
                }
                c => tokens.push(c.into()),
            },
            Lexer::Word => match c {
                '\'' | '"' => token.push(c),
                c if is_word(c) => token.push(c),
                c => {
                    tokens.push(std::mem::take(&mut token));
                    state = Lexer::Between;
                    if !matches!(c, ' ' | '\t' | '\r' | '\n') {
                        tokens.push(c.into());
                    }
                }
            },
        }
    }
    match state {
        Lexer::Quoted(_) => Err(EnvironmentError::NoClosingQuotation),
        Lexer::Between => Ok(tokens),
        Lexer::Word => {
            tokens.push(token);
            Ok(tokens)
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        pairs(text).unwrap().variables.into_iter().collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn pairs_are_read_as_supervisor_reads_them() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "A=1,B=\"x,y\",C='q r'",
                &[("A", "1"), ("B", "x,y"), ("C", "q r")],
            ),
            ("A=\"1\",\nB=\"2\",", &[("A", "1"), ("B", "2")]),
            (r#"A="a\"b""#, &[("A", r"a\")]),
            (r#"A="x"y"#, &[("A", "x")]),
            (r#"A='say "hi"'"#, &[("A", "say \"hi")]),
            (r#"A="'x'""#, &[("A", "x")]),
            (r#"A="a\\b""#, &[("A", r"a\\b")]),
            (r#""A"=1"#, &[("\"A\"", "1")]),
            ("A=\"\",B=2", &[("A", ""), ("B", "2")]),
            ("A=b c", &[("A", "b")]),
            ("A=b#c", &[("A", "b")]),
            ("A=b#c\nd", &[("A", "bd")]),
            ("A=$HOME", &[("A", "$")]),
            ("A=http://h/p?q=1", &[("A", "http://h/p"), ("q", "1")]),
            ("A==1", &[("A", "=")]),
            ("A=a'b'", &[("A", "a'b")]),
            ("A='x''y'", &[("A", "x")]),
            ("A=1;B=2;", &[("A", "1"), ("B", "2")]),
            ("A= 1 , B = 2", &[("A", "1"), ("B", "2")]),
            ("A=☃", &[("A", "☃")]),
            ("A=1,A=2", &[("A", "2")]),
            ("A-B=1", &[("A-B", "1")]),
        ] {
            assert_eq!(read(text), owned(expected), "{text:?}");
        }
    }

    #[test]
    fn what_makes_no_pairs_is_refused_with_the_whole_value() {
        for text in [
            "A",
            "A=",
            "=1",
            "A=1,,B=2",
            "A=b c,D=1",
            "A=a;b",
            "A=#x",
            "A=[1]",
            "A=a@b",
        ] {
            let error = pairs(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("Unexpected end of key/value pairs in value '{text}'")
            );
        }
        assert_eq!(pairs("A=\"a"), Err(EnvironmentError::NoClosingQuotation));
    }

    #[test]
    fn what_is_dropped_is_told() {
        let dropped = pairs("A=$HOME,B=2,C=1").unwrap_err();
        assert_eq!(dropped, EnvironmentError::NoPairs("A=$HOME,B=2,C=1".into()));
        assert_eq!(
            pairs("A=b c").unwrap().dropped,
            [Dropped {
                key: "A".into(),
                token: "c".into()
            }]
        );
    }

    proptest! {
        #[test]
        fn a_quoted_value_comes_back_as_it_was(key in "[A-Z_]{1,9}", value in "[^'\"]*") {
            let text = format!("{key}=\"{value}\"");
            prop_assert_eq!(read(&text), vec![(key, value)]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in r##"[A=,'"# \n$ñ]{0,30}"##) {
            let _ = pairs(&text);
        }
    }
}
