//! `[rpcinterface:x]`: which methods there are, and under which name.

use std::collections::BTreeMap;

use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::ini::Ini;
use crate::problems::Problems;
use crate::section::Reader;
use crate::types;

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "rpcinterface:";

/// The option that names what makes the methods.
pub(crate) const FACTORY: &str = "supervisor.rpcinterface_factory";

/// Supervisor's own methods, by the name of the Python function that makes them.
const MAIN: (&str, &str) = ("supervisor.rpcinterface", "make_main_rpcinterface");

/// Those of the plug-in `supervisor_twiddler`, which are made here as well.
const TWIDDLER: (&str, &str) = (
    "supervisor_twiddler.rpcinterface",
    "make_twiddler_rpcinterface",
);

/// The option that names which methods of the plug-in may be called.
const WHITELIST: &str = "whitelist";

/// Which methods a namespace has. Any others would be Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Those of Supervisor's main interface.
    Main,
    /// Those of `supervisor_twiddler`.
    Twiddler {
        /// The methods that may be called; all of them if none is named.
        whitelist: Vec<String>,
    },
}

/// A namespace of methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcInterface {
    /// What comes before the dot in its methods' names.
    pub namespace: String,
    /// Which they are.
    pub methods: Methods,
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
    let is_twiddler = is_import_of(&spec, TWIDDLER);
    if !is_twiddler && !is_import_of(&spec, MAIN) {
        return Err(at.refuse(FACTORY, Problem::Unresolved { spec, section }));
    }
    let mut options = BTreeMap::new();
    for name in names.filter(|name| name != FACTORY) {
        if let Some(value) = at.text(&name)? {
            options.insert(name, value);
        }
    }
    let methods = if is_twiddler {
        let whitelist = options.get(WHITELIST).map(|listed| types::list(listed));
        let whitelist = whitelist.unwrap_or_default();
        Methods::Twiddler { whitelist }
    } else {
        Methods::Main
    };
    Ok(RpcInterface {
        namespace: at.suffix().to_owned(),
        methods,
        options,
    })
}

/// Whether a text names this attribute of this Python module.
pub(crate) fn is_import_of(spec: &str, (module, attribute): (&str, &str)) -> bool {
    spec.split_once(':')
        .is_some_and(|(before, after)| (before.trim(), after.trim()) == (module, attribute))
}
