//! What looks like a mistake in how a value is written, whatever it is for.

use super::suspicion::{Findings, Suspicion};
use crate::ini::{Ini, Opt, Section};
use crate::source::Location;
use crate::{command, ctl, fastcgi, group, include, listener, program};

/// The options whose values have a syntax of their own, in which quotes and `;` mean something,
/// and those that may be any text.
const FREE: &[&str] = &[
    "command",
    "environment",
    "username",
    "password",
    "prompt",
    "identifier",
];

/// The sections that describe one thing, so that two of one name are a copy somebody forgot to
/// rename. The others are often completed by an included file on purpose.
const OWN: &[&str] = &[
    program::PREFIX,
    fastcgi::PREFIX,
    listener::PREFIX,
    group::PREFIX,
];

pub(super) fn look(ini: &Ini, main: &str, findings: &mut Findings) {
    for section in ini.sections() {
        for (name, option) in section.own_options() {
            if !FREE.contains(&name.as_str()) {
                glued_comment(option, findings);
                quoted(name, option, findings);
            }
        }
    }
    for replaced in ini.replaced() {
        let is_copy = OWN.iter().any(|p| replaced.section.starts_with(p));
        let same_file = replaced.earlier.file().path() == replaced.later.file().path();
        if is_copy || same_file {
            let suspicion = Suspicion::SetTwice {
                section: replaced.section.clone(),
                option: replaced.option.clone(),
                earlier: replaced.earlier.to_string(),
            };
            findings.tell(&suspicion, &replaced.later);
        }
    }
    if let Some(place) = from_included(ini, include::SECTION, main) {
        findings.tell(&Suspicion::NestedInclude(main.to_owned()), place);
    }
    if let Some(place) = from_included(ini, ctl::SECTION, main) {
        findings.tell(&Suspicion::CtlInIncludedFile(main.to_owned()), place);
    }
}

fn glued_comment(option: &Opt, findings: &mut Findings) {
    let place = &option.value_at;
    let Some(at) = place.text().find(';') else {
        return;
    };
    let rest = &place.text()[at..];
    let rest = rest.lines().next().unwrap_or(rest);
    let told = Suspicion::GluedComment(rest.to_owned());
    findings.tell(&told, &place.part(at..at + rest.len()));
}

fn quoted(name: &str, option: &Opt, findings: &mut Findings) {
    let value = &option.value;
    let is_quoted =
        |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if is_quoted('"') || is_quoted('\'') {
        findings.tell(&Suspicion::Quoted(name.to_owned()), &option.value_at);
    }
}

/// Where a section has something from another file than the main one.
fn from_included<'a>(ini: &'a Ini, section: &str, main: &str) -> Option<&'a Location> {
    let section: &Section = ini.section(section)?;
    let options = section.own_options().map(|(_, option)| &option.name_at);
    std::iter::once(section.header())
        .chain(options)
        .find(|place| place.file().path() != main)
}

/// Variables that somebody expects to be replaced in a text, as written and by name. Within
/// single quotes a shell would not replace them either, so nobody expects it.
pub(super) fn variables(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut in_single_quotes = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => in_single_quotes = !in_single_quotes,
            '$' if !in_single_quotes && !text[..at].ends_with(['$', '\\']) => {
                found.extend(variable(&text[at..]));
            }
            _ => {}
        }
    }
    found
}

/// The variable at the beginning of a text, as written and by name.
fn variable(text: &str) -> Option<(&str, &str)> {
    let behind = text.strip_prefix('$')?;
    let (braced, behind) = match behind.strip_prefix('{') {
        Some(inner) => (true, inner),
        None => (false, behind),
    };
    let length = behind
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(behind.len());
    let name = &behind[..length];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    if !braced {
        return Some((&text[..=length], name));
    }
    let end = text.find('}')?;
    Some((&text[..=end], name))
}

/// Whether a command is run by a shell, or hands something to one.
pub(super) fn has_shell(argv: &[String]) -> bool {
    argv.iter().any(|word| {
        matches!(
            command::base_name(word),
            "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" | "csh" | "tcsh" | "busybox"
        )
    }) || matches!(
        argv.first().map(|word| command::base_name(word)),
        Some("su" | "runuser" | "ssh" | "flock" | "watch" | "script" | "envsubst")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_where_a_shell_would_replace_them() {
        for (text, found) in [
            (
                "$HOME/x ${A:-b}",
                &[("$HOME", "HOME"), ("${A:-b}", "A")][..],
            ),
            ("'$HOME' $1 $$ \\$x a$", &[]),
            ("\"$x\"", &[("$x", "x")]),
            ("${x", &[]),
        ] {
            assert_eq!(variables(text), found, "{text}");
        }
    }
}
