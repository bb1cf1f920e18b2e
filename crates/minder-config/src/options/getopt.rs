//! `getopt` with long options, as Python's module has it: options end at the first word that is
//! none, short flags can be bundled, long names abbreviated.

use super::UsageError;

/// An option that a program has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec<K> {
    pub(super) key: K,
    /// Its short name with the dash, or nothing.
    pub(super) short: &'static str,
    /// Its long name with both dashes, or nothing.
    pub(super) long: &'static str,
    pub(super) takes_value: bool,
}

impl<K> Spec<K> {
    pub(super) const fn flag(key: K, short: &'static str, long: &'static str) -> Self {
        Self {
            key,
            short,
            long,
            takes_value: false,
        }
    }

    pub(super) const fn value(key: K, short: &'static str, long: &'static str) -> Self {
        Self {
            key,
            short,
            long,
            takes_value: true,
        }
    }
}

/// An option that was given.
#[derive(Debug)]
pub(super) struct Given<K> {
    pub(super) key: K,
    /// The name it was given by, in full.
    pub(super) name: &'static str,
    /// Its value; empty for a flag.
    pub(super) value: String,
}

/// Splits a command line into its options and the words after them.
pub(super) fn getopt<K: Copy>(
    specs: &[Spec<K>],
    words: &[String],
) -> Result<(Vec<Given<K>>, Vec<String>), UsageError> {
    let mut given = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            at += 1;
            break;
        }
        let mut rest = words[at + 1..].iter();
        if let Some(long) = word.strip_prefix("--") {
            given.push(long_option(specs, long, &mut rest)?);
        } else if word.len() > 1 && word.starts_with('-') {
            short_options(specs, &word[1..], &mut rest, &mut given)?;
        } else {
            break;
        }
        at = words.len() - rest.len();
    }
    Ok((given, words[at..].to_vec()))
}

fn long_option<'a, K: Copy>(
    specs: &[Spec<K>],
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Given<K>, UsageError> {
    let (name, attached) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let name = format!("--{name}");
    let spec = resolve(specs, &name)?;
    let full = spec.long;
    let value = match (spec.takes_value, attached) {
        (true, Some(value)) => value,
        (true, None) => rest
            .next()
            .cloned()
            .ok_or_else(|| UsageError::RequiresArgument(full.to_owned()))?,
        (false, Some(_)) => return Err(UsageError::MustNotHaveArgument(full.to_owned())),
        (false, None) => String::new(),
    };
    Ok(Given {
        key: spec.key,
        name: full,
        value,
    })
}

/// The option of this long name, or the only one whose name begins so.
fn resolve<'a, K>(specs: &'a [Spec<K>], name: &str) -> Result<&'a Spec<K>, UsageError> {
    let mut possible = specs
        .iter()
        .filter(|spec| !spec.long.is_empty() && spec.long.starts_with(name));
    if let Some(exact) = possible.clone().find(|spec| spec.long == name) {
        return Ok(exact);
    }
    match (possible.next(), possible.next()) {
        (None, _) => Err(UsageError::NotRecognized(name.to_owned())),
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(UsageError::NotUnique(name.to_owned())),
    }
}

fn short_options<'a, K: Copy>(
    specs: &[Spec<K>],
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    given: &mut Vec<Given<K>>,
) -> Result<(), UsageError> {
    let mut chars = letters.chars();
    while let Some(letter) = chars.next() {
        let name = format!("-{letter}");
        let spec = specs
            .iter()
            .find(|spec| spec.short == name)
            .ok_or_else(|| UsageError::NotRecognized(name.clone()))?;
        let value = if spec.takes_value {
            let attached = std::mem::replace(&mut chars, "".chars());
            match attached.as_str() {
                "" => rest
                    .next()
                    .cloned()
                    .ok_or(UsageError::RequiresArgument(name))?,
                attached => attached.to_owned(),
            }
        } else {
            String::new()
        };
        given.push(Given {
            key: spec.key,
            name: spec.short,
            value,
        });
    }
    Ok(())
}
