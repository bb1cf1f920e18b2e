//! `%(name)s` in values: Python's printf-style formatting with a table of names.
//!
//! Every option of Supervisor's goes through Python's `%` operator, so the whole of it can be
//! used: `%%`, `%(process_num)02d`, `%(program_name)-8s`. The texts of its errors are Python's.
//! Which names a place offers is decided by the sections; here is only the formatting.

use std::collections::BTreeMap;
use std::fmt;

use crate::python::Repr;
use format::Conversion;

mod format;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number: `process_num` and `numprocs`.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// The names that can be used in a place, those of an outer place among them.
#[derive(Clone, Debug, Default)]
pub struct Names<'a> {
    outer: Option<&'a Names<'a>>,
    own: BTreeMap<String, Value>,
}

impl<'a> Names<'a> {
    /// No names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of `outer`, to which others can be added; those win.
    #[must_use]
    pub fn within(outer: &'a Names<'a>) -> Self {
        Self {
            outer: Some(outer),
            own: BTreeMap::new(),
        }
    }

    /// The same with one more name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.own.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the variables of an environment, each as `ENV_<name>`.
    pub fn add_variables(&mut self, variables: &BTreeMap<String, String>) {
        for (name, value) in variables {
            self.own
                .insert(format!("ENV_{name}"), Value::Text(value.clone()));
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        let outer = || self.outer.and_then(|outer| outer.find(name));
        self.own.get(name).or_else(outer)
    }

    fn all(&self) -> Vec<String> {
        let mut names = self.outer.map(Names::all).unwrap_or_default();
        names.extend(self.own.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Why a value could not be expanded. Displays as Supervisor's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// The value as it was.
    pub value: String,
    /// What Supervisor calls the option: `section.option`, for some only `option`.
    pub label: String,
    /// What is wrong.
    pub why: ExpandProblem,
}

/// What is wrong with a value that could not be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpandProblem {
    /// It uses a name that this place does not offer.
    UnknownName {
        /// The name.
        name: String,
        /// The names that there are, sorted.
        available: Vec<String>,
    },
    /// A percent sign begins something that is no format.
    Malformed(Malformed),
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, label) = (Repr(&self.value), Repr(&self.label));
        write!(f, "Format string {value} for {label} ")?;
        match &self.why {
            ExpandProblem::UnknownName { name, available } => write!(
                f,
                "contains names ({}) which cannot be expanded. Available names: {}",
                Repr(name),
                available.join(", ")
            ),
            ExpandProblem::Malformed(why) => write!(f, "is badly formatted: {why}"),
        }
    }
}

impl std::error::Error for ExpandError {}

/// What Python says of something that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The value ends within a format.
    #[error("incomplete format")]
    Incomplete,
    /// The value ends within a name.
    #[error("incomplete format key")]
    IncompleteKey,
    /// No conversion is written with this character.
    #[error(
        "unsupported format character '{}' (0x{:x}) at index {index}",
        if matches!(character, '\x1f'..='~') { *character } else { '?' },
        u32::from(*character)
    )]
    UnsupportedCharacter {
        /// The character.
        character: char,
        /// Which of the value's characters it is, from 0.
        index: usize,
    },
    /// A conversion that writes numbers was asked to write something else.
    #[error("%{conversion} format: {wants} is required, not {got}")]
    NotANumber {
        /// The conversion's letter.
        conversion: char,
        /// `a real number` or `an integer`.
        wants: &'static str,
        /// Python's name for what it got.
        got: &'static str,
    },
    /// A conversion that writes fractions was asked to write something else.
    #[error("must be real number, not {got}")]
    NotAReal {
        /// Python's name for what it got.
        got: &'static str,
    },
    /// `%c` was given neither a number nor a single character.
    #[error("%c requires int or char")]
    NotACharacter,
    /// `%c` was given a number that is no character.
    #[error("%c arg not in range(0x110000)")]
    NoSuchCharacter,
    /// A width or precision of `*` has no number to stand for.
    #[error("* wants int")]
    StarWantsNumber,
    /// A format uses the value that an earlier one has used up.
    #[error("not enough arguments for format string")]
    NotEnough,
    /// The width is beyond any use.
    #[error("width too big")]
    WidthTooBig,
    /// The precision is beyond any use.
    #[error("precision too big")]
    PrecisionTooBig,
    /// A format without a name would put in the whole table, secrets among it.
    #[error("a format needs a name, as in %(program_name)s")]
    NoName,
}

/// The value with every format replaced. `label` is what messages call the option.
pub fn expand(value: &str, names: &Names<'_>, label: &str) -> Result<String, ExpandError> {
    if !value.contains('%') {
        return Ok(value.to_owned());
    }
    Formatting::new(value, names)
        .run()
        .map_err(|why| ExpandError {
            value: value.to_owned(),
            label: label.to_owned(),
            why,
        })
}

impl From<Malformed> for ExpandProblem {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

/// What the next format takes its value from.
#[derive(Clone, Copy)]
enum Argument<'a> {
    /// The whole table: no name has been given yet.
    Table,
    /// The value of the name given last.
    Named(&'a Value),
    /// Nothing: it has been used.
    Used,
}

/// Walks through a value and writes its expansion.
struct Formatting<'a> {
    names: &'a Names<'a>,
    chars: Vec<char>,
    at: usize,
    argument: Argument<'a>,
    out: String,
}

impl<'a> Formatting<'a> {
    fn new(value: &str, names: &'a Names<'a>) -> Self {
        Self {
            names,
            chars: value.chars().collect(),
            at: 0,
            argument: Argument::Table,
            out: String::with_capacity(value.len()),
        }
    }

    fn run(mut self) -> Result<String, ExpandProblem> {
        while let Some(c) = self.next() {
            if c == '%' {
                self.format()?;
            } else {
                self.out.push(c);
            }
        }
        Ok(self.out)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied()?;
        self.at += 1;
        Some(c)
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let c = self.chars.get(self.at).copied()?;
        wanted.contains(&c).then(|| {
            self.at += 1;
            c
        })
    }

    /// One format, from behind its percent sign.
    fn format(&mut self) -> Result<(), ExpandProblem> {
        if self.take(&['%']).is_some() {
            self.out.push('%');
            return Ok(());
        }
        if self.take(&['(']).is_some() {
            let name = self.name()?;
            let value = self
                .names
                .find(&name)
                .ok_or_else(|| ExpandProblem::UnknownName {
                    name,
                    available: self.names.all(),
                })?;
            self.argument = Argument::Named(value);
        }
        let mut conversion = Conversion::default();
        while let Some(flag) = self.take(&['-', '+', ' ', '#', '0']) {
            conversion.flag(flag);
        }
        if let Some(width) = self.count(Malformed::WidthTooBig)? {
            conversion.width(width);
        }
        if self.take(&['.']).is_some() {
            conversion.precision = Some(self.count(Malformed::PrecisionTooBig)?.unwrap_or(0));
        }
        self.take(&['h', 'l', 'L']);
        let letter = self.next().ok_or(Malformed::Incomplete)?;
        let text = match self.argument()? {
            Some(value) => conversion.apply(letter, value, self.at - 1)?,
            None => return Err(format::refuse_table(letter, self.at - 1).into()),
        };
        self.out.push_str(&text);
        Ok(())
    }

    /// The name up to the parenthesis that closes it.
    fn name(&mut self) -> Result<String, Malformed> {
        let mut name = String::new();
        let mut open = 1;
        loop {
            let c = self.next().ok_or(Malformed::IncompleteKey)?;
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Ok(name);
            }
            name.push(c);
        }
    }

    /// A width or precision, if there is one: digits, or `*` for the value.
    fn count(&mut self, too_big: Malformed) -> Result<Option<i64>, Malformed> {
        /// More than any line of a configuration or log can use.
        const MOST: i64 = 1 << 16;

        let count = if self.take(&['*']).is_some() {
            match self.argument()? {
                Some(Value::Number(number)) => Some(*number),
                Some(Value::Text(_)) | None => return Err(Malformed::StarWantsNumber),
            }
        } else {
            let mut count: Option<i64> = None;
            while let Some(c) = self.take(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
                let digit = c.to_digit(10).map_or(0, i64::from);
                let so_far = count.unwrap_or(0);
                count = Some(so_far.saturating_mul(10).saturating_add(digit));
            }
            count
        };
        if count.is_some_and(|count| count.saturating_abs() > MOST) {
            return Err(too_big);
        }
        Ok(count)
    }

    /// What the next conversion writes; `None` is the table itself.
    fn argument(&mut self) -> Result<Option<&'a Value>, Malformed> {
        match std::mem::replace(&mut self.argument, Argument::Used) {
            Argument::Table => Ok(None),
            Argument::Named(value) => Ok(Some(value)),
            Argument::Used => Err(Malformed::NotEnough),
        }
    }
}

#[cfg(test)]
mod tests;
