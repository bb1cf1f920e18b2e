//! `[inet_http_server]` and `[unix_http_server]`: where the daemon answers.
//!
//! Every section whose name begins with one of these words is a server.

use std::path::PathBuf;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem};
use crate::expand::Names;
use crate::ini::Ini;
use crate::problems::Problems;
use crate::section::Reader;
use crate::types;

/// How the names of sections of servers on the network begin.
pub(crate) const INET: &str = "inet_http_server";
/// How the names of sections of servers on a Unix socket begin.
pub(crate) const UNIX: &str = "unix_http_server";

/// The options of a server on the network.
pub(crate) const INET_OPTIONS: &[&str] = &["port", "username", "password"];
/// The options of a server on a Unix socket.
pub(crate) const UNIX_OPTIONS: &[&str] = &["file", "username", "password", "chown", "chmod"];

/// One place where the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// On the network.
    Inet {
        /// The section's name.
        section: String,
        /// The host, without brackets around an IPv6 address; all addresses if not given.
        host: Option<String>,
        /// The port.
        port: u16,
        /// Who may use it; everybody if not given.
        credentials: Option<Credentials>,
    },
    /// On a Unix socket.
    Unix {
        /// The section's name.
        section: String,
        /// The socket's path, absolute.
        file: PathBuf,
        /// The socket's mode.
        mode: u32,
        /// Its owner and group, where they are to be changed.
        owner: Option<(u32, Option<u32>)>,
        /// Who may use it; everybody if not given.
        credentials: Option<Credentials>,
    },
}

/// The one user of a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name, not empty.
    pub username: String,
    /// The password, or `{SHA}` and the hexadecimal SHA-1 of it.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// What a client on this machine calls it.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Unix { file, .. } => format!("unix://{}", file.display()),
            Self::Inet {
                host: None, port, ..
            } => format!("http://localhost:{port}"),
            Self::Inet {
                host: Some(host),
                port,
                ..
            } if host.contains(':') => format!("http://[{host}]:{port}"),
            Self::Inet {
                host: Some(host),
                port,
                ..
            } => format!("http://{host}:{port}"),
        }
    }
}

/// The URL that children are given: that of the first Unix socket, else that of the last server
/// on the network.
#[must_use]
pub fn server_url(servers: &[Server]) -> Option<String> {
    let is_unix = |server: &&Server| matches!(server, Server::Unix { .. });
    servers
        .iter()
        .find(is_unix)
        .or(servers.last())
        .map(Server::url)
}

/// Reads all servers: those on the network first, each kind in file order.
pub(crate) fn read(
    ini: &Ini,
    variables: &Names<'_>,
    here: &str,
    environment: &Environment,
    problems: &Problems,
) -> Result<Vec<Server>, ConfigError> {
    let sections = |prefix: &'static str| {
        ini.sections()
            .iter()
            .filter(move |section| section.name().starts_with(prefix))
    };
    let mut servers = Vec::new();
    for section in sections(INET) {
        let at = Reader::new(ini, section, variables, problems);
        servers.extend(problems.pass(inet(&at))?);
    }
    let with_here = Names::within(variables).with("here", here);
    for section in sections(UNIX) {
        let at = Reader::new(ini, section, variables, problems);
        let server = unix(&at, &with_here, environment);
        servers.extend(problems.pass(server)?);
    }
    Ok(servers)
}

fn inet(at: &Reader<'_>) -> Result<Server, ConfigError> {
    let credentials = at.problems().pass_option(credentials(at))?;
    let section = at.section_name().to_owned();
    let Some((host, port)) = at.needed("port", types::inet_address)? else {
        return Err(at.refuse_section(Problem::NoPort(section)));
    };
    let unbracketed = |host: String| {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        inner.map(str::to_owned).unwrap_or(host)
    };
    Ok(Server::Inet {
        section,
        host: host.map(unbracketed),
        port,
        credentials,
    })
}

fn unix(
    at: &Reader<'_>,
    with_here: &Names<'_>,
    environment: &Environment,
) -> Result<Server, ConfigError> {
    let section = at.section_name().to_owned();
    let file = at.with_names(with_here).needed_text("file");
    let file = file
        .and_then(|file| file.ok_or_else(|| at.refuse_section(Problem::NoFile(section.clone()))));
    let file = at.problems().pass(file)?.unwrap_or_default();
    let credentials = at.problems().pass_option(credentials(at))?;
    let owner = at.read("chown", |text| {
        types::owner(text).map_err(|_| Problem::SocketChown(text.to_owned()))
    })?;
    let mode = at.read("chmod", |text| {
        types::octal(text).map_err(|_| Problem::SocketChmod(text.to_owned()))
    })?;
    Ok(Server::Unix {
        section,
        file: environment.normalize(crate::python::strip(&file)),
        mode: mode.unwrap_or(0o700),
        owner,
        credentials,
    })
}

fn credentials(at: &Reader<'_>) -> Result<Option<Credentials>, ConfigError> {
    match (at.needed_text("username")?, at.needed_text("password")?) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            Ok((!username.is_empty()).then_some(Credentials { username, password }))
        }
        (Some(_), None) | (None, Some(_)) => {
            let section = at.section_name().to_owned();
            Err(at.refuse_section(Problem::IncompleteAuthentication(section)))
        }
    }
}
