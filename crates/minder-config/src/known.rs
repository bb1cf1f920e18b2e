//! Sections and options that nobody will read: most are slips, and Supervisor is silent.

use crate::ini::{Ini, Section};
use crate::nearest::nearest;
use crate::warning::Warning;
use crate::{ctl, fastcgi, group, include, listener, program, rpcinterface, server, supervisord};

/// A sort of section: how its name is written, and which options it has.
struct Family {
    name: Name,
    options: &'static [&'static [&'static str]],
}

enum Name {
    /// This and no other.
    Whole(&'static str),
    /// This, and whatever follows.
    Prefix(&'static str),
    /// This with its colon, and a name behind it.
    Named(&'static str),
}

/// An empty list of options means that it may have any.
const FAMILIES: &[Family] = &[
    Family {
        name: Name::Whole(supervisord::SECTION),
        options: &[supervisord::OPTIONS],
    },
    Family {
        name: Name::Whole(ctl::SECTION),
        options: &[ctl::OPTIONS],
    },
    Family {
        name: Name::Whole(include::SECTION),
        options: &[include::OPTIONS],
    },
    Family {
        name: Name::Prefix(server::UNIX),
        options: &[server::UNIX_OPTIONS],
    },
    Family {
        name: Name::Prefix(server::INET),
        options: &[server::INET_OPTIONS],
    },
    Family {
        name: Name::Named(program::PREFIX),
        options: &[program::OPTIONS],
    },
    Family {
        name: Name::Named(fastcgi::PREFIX),
        options: &[program::OPTIONS, fastcgi::OPTIONS],
    },
    Family {
        name: Name::Named(listener::PREFIX),
        options: &[program::OPTIONS, listener::OPTIONS],
    },
    Family {
        name: Name::Named(group::PREFIX),
        options: &[group::OPTIONS],
    },
    Family {
        name: Name::Named(rpcinterface::PREFIX),
        options: &[],
    },
    Family {
        name: Name::Named(ctl::PLUGIN_PREFIX),
        options: &[],
    },
];

/// Warnings about what will not be read, and about lines that were taken for part of a value.
pub(crate) fn unknown(ini: &Ini) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for section in ini.sections() {
        match FAMILIES.iter().find(|family| family.has(section.name())) {
            Some(family) => warnings.extend(family.unknown_options(section)),
            None => warnings.extend(unknown_section(section)),
        }
    }
    warnings.extend(ini.swallowed().iter().map(|place| {
        let text = format!(
            "\"{}\" is part of the value above it, because it is indented; move it to the left",
            place.text()
        );
        Warning::ours(text, Some(place))
    }));
    warnings
}

/// Whether a section has an option of this name.
pub(crate) fn is_known(section: &str, option: &str) -> bool {
    FAMILIES
        .iter()
        .filter(|family| family.has(section))
        .any(|family| family.options.is_empty() || family.options.concat().contains(&option))
}

impl Family {
    fn has(&self, section: &str) -> bool {
        match self.name {
            Name::Whole(name) => section == name,
            Name::Prefix(name) | Name::Named(name) => section.starts_with(name),
        }
    }

    fn unknown_options(&self, section: &Section) -> Vec<Warning> {
        let known = self.options.concat();
        if known.is_empty() {
            return Vec::new();
        }
        section
            .own_options()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, option)| {
                let near = match nearest(name, &known) {
                    Some(near) => format!("; did you mean {near}?"),
                    // The colon of a section's name has made it an option with a value.
                    None if name.starts_with('[') => {
                        "; a section's name ends with \"]\"".to_owned()
                    }
                    None => String::new(),
                };
                let text = format!("[{}] has no option {name}{near}", section.name());
                Warning::ours(text, Some(&option.name_at))
            })
            .collect()
    }
}

/// A warning if a section's name is nearly one that is known.
fn unknown_section(section: &Section) -> Option<Warning> {
    let name = section.name();
    let (family, rest) = name.split_once(':').unwrap_or((name, ""));
    let families: Vec<&str> = FAMILIES
        .iter()
        .map(|family| match family.name {
            Name::Whole(name) | Name::Prefix(name) | Name::Named(name) => {
                name.trim_end_matches(':')
            }
        })
        .collect();
    let near = nearest(&family.trim().to_lowercase(), &families)?;
    let needs_name = FAMILIES.iter().any(
        |family| matches!(family.name, Name::Named(name) if name.trim_end_matches(':') == near),
    );
    let meant = match (needs_name, rest) {
        (true, "") => format!("{near}:name"),
        (true, rest) => format!("{near}:{}", rest.trim()),
        (false, _) => near.to_owned(),
    };
    let text = format!("section [{name}] is not read; did you mean [{meant}]?");
    Some(Warning::ours(text, Some(section.header())))
}
