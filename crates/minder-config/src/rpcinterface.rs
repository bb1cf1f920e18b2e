//! `[rpcinterface:x]`: which methods there are, and under which name.

use std::collections::BTreeMap;

use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::ini::Ini;
use crate::problems::Problems;
use crate::section::Reader;

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "rpcinterface:";

/// The option that names what makes the methods.
pub(crate) const FACTORY: &str = "supervisor.rpcinterface_factory";

/// The one interface there is, by the name of the Python function that makes it.
const MAIN: (&str, &str) = ("supervisor.rpcinterface", "make_main_rpcinterface");

/// A namespace of methods. All are those of Supervisor's main interface: others would be Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcInterface {
    /// What comes before the dot in its methods' names.
    pub namespace: String,
    /// The other options of the section.
    pub options: BTreeMap<String, String>,
}

/// Reads all of the sections.
pub(crate) fn read(
    ini: &Ini,
    variables: &Names<'_>,
    problems: &Problems,
) -> Result<Vec<RpcInterface>, ConfigError> {
    ini.sections()
        .iter()
        .filter(|section| section.name().starts_with(PREFIX))
        .filter_map(|section| {
            let at = Reader::new(ini, section, variables, problems);
            let interface = interface(&at, ini.options(section).into_keys());
            problems.pass(interface).transpose()
        })
        .collect()
}

fn interface(
    at: &Reader<'_>,
    names: impl Iterator<Item = String>,
) -> Result<RpcInterface, ConfigError> {
    let section = at.section_name().to_owned();
    let Some(spec) = at.needed_text(FACTORY)? else {
        return Err(at.refuse_section(Problem::NoFactory {
            section,
            key: FACTORY,
        }));
    };
    if !is_import_of(&spec, MAIN) {
        return Err(at.refuse(FACTORY, Problem::Unresolved { spec, section }));
    }
    let mut options = BTreeMap::new();
    for name in names.filter(|name| name != FACTORY) {
        if let Some(value) = at.text(&name)? {
            options.insert(name, value);
        }
    }
    Ok(RpcInterface {
        namespace: at.suffix().to_owned(),
        options,
    })
}

/// Whether a text names this attribute of this Python module.
pub(crate) fn is_import_of(spec: &str, (module, attribute): (&str, &str)) -> bool {
    spec.split_once(':')
        .is_some_and(|(before, after)| (before.trim(), after.trim()) == (module, attribute))
}
