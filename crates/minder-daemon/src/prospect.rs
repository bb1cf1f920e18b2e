//! Whether everything could begin anew with the configuration as it is on disk, before anything is
//! stopped for that.
//!
//! The configuration has to be good, and its servers must find their addresses free. What this daemon
//! listens on itself will be free by then. It is a look and no reservation: an address that somebody
//! takes while programs are being stopped is found out too late.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use minder_config::report::Colour;
use minder_config::{ConfigError, Server};
use minder_http::bind::{BindError, bind_address, resolve, try_unix};
use rustix::net::getsockname;

use crate::configuration::Configuration;
use crate::settings::Endpoint;

/// An address that this daemon listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Inet(SocketAddr),
    Unix(PathBuf),
}

impl Own {
    /// The address of a socket that is served; `None` if the system does not tell.
    pub(crate) fn of(socket: &OwnedFd, endpoint: &Endpoint) -> Option<Self> {
        match &endpoint.file {
            Some(file) => Some(Self::Unix(file.clone())),
            None => getsockname(socket).ok()?.try_into().ok().map(Self::Inet),
        }
    }

    /// Whether nobody could listen on `address` as long as this is listened on.
    fn blocks(&self, address: SocketAddr) -> bool {
        let Self::Inet(own) = self else { return false };
        let is_any = own.ip().is_unspecified() || address.ip().is_unspecified();
        own.port() == address.port() && (is_any || own.ip() == address.ip())
    }
}

/// Why nothing is to be stopped for the sake of what is on disk.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is broken.
    Configuration(ConfigError),
    /// A server would find its address taken, or could not have it.
    Server {
        /// The section's name.
        section: String,
        /// The address or the file.
        place: String,
        error: BindError,
    },
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration(error) => error.fmt(f),
            Self::Server {
                section,
                place,
                error,
            } => write!(f, "[{section}] cannot listen on {place}: {error}"),
        }
    }
}

impl Unfit {
    /// The whole of it for the log.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Configuration(error) => {
                let report = error.report(Colour::Plain);
                format!("{error}\n{}", report.trim_end())
            }
            Self::Server { .. } => self.to_string(),
        }
    }
}

/// Reads the configuration, and tries its addresses. Takes as long as disks and name servers take.
pub(crate) fn look(configuration: &Configuration, own: &[Own]) -> Result<(), Unfit> {
    let loaded = configuration.load().map_err(Unfit::Configuration)?;
    for server in &loaded.servers {
        let (Server::Inet { section, .. } | Server::Unix { section, .. }) = server;
        attempt(server, own).map_err(|error| Unfit::Server {
            section: section.clone(),
            place: place(server),
            error,
        })?;
    }
    Ok(())
}

fn attempt(server: &Server, own: &[Own]) -> Result<(), BindError> {
    match server {
        Server::Inet { host, port, .. } => {
            let address = resolve(host.as_deref().unwrap_or_default(), *port)?;
            if own.contains(&Own::Inet(address)) {
                return Ok(());
            }
            match bind_address(address) {
                // It may be in nobody's way but ours, and that is all that can be seen from here.
                Err(BindError::InUse) if own.iter().any(|own| own.blocks(address)) => Ok(()),
                tried => tried.map(drop),
            }
        }
        Server::Unix {
            file, mode, owner, ..
        } => try_unix(file, *mode, *owner, own.contains(&Own::Unix(file.clone()))),
    }
}

fn place(server: &Server) -> String {
    match server {
        Server::Inet { host, port, .. } => {
            let host = host.as_deref().unwrap_or("*");
            format!("{host}:{port}")
        }
        Server::Unix { file, .. } => file.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::*;

    fn inet(host: &str, port: u16) -> Server {
        Server::Inet {
            section: "inet_http_server".to_owned(),
            host: Some(host.to_owned()),
            port,
            credentials: None,
        }
    }

    fn unix(file: &Path) -> Server {
        Server::Unix {
            section: "unix_http_server".to_owned(),
            file: file.to_owned(),
            mode: 0o700,
            owner: None,
            credentials: None,
        }
    }

    #[test]
    fn a_port_that_another_has_is_taken_and_our_own_is_not() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let server = inet("127.0.0.1", address.port());
        assert!(matches!(attempt(&server, &[]), Err(BindError::InUse)));
        attempt(&server, &[Own::Inet(address)]).unwrap();
        // Ours is in the way of every address of the machine, and will not be.
        attempt(&inet("*", address.port()), &[Own::Inet(address)]).unwrap();
        drop(other);
        attempt(&server, &[]).unwrap();
        TcpListener::bind(address).unwrap();
    }

    #[test]
    fn a_file_that_another_listens_on_is_taken_and_our_own_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.sock");
        attempt(&unix(&file), &[]).unwrap();
        let other = UnixListener::bind(&file).unwrap();
        assert!(matches!(attempt(&unix(&file), &[]), Err(BindError::InUse)));
        attempt(&unix(&file), &[Own::Unix(file.clone())]).unwrap();
        drop(other);
        // What nobody listens on any more is replaced.
        attempt(&unix(&file), &[]).unwrap();
        let names = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_folder_that_is_not_there_or_is_in_the_way_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        for file in [folder.path().join("none/s.sock"), folder.path().to_owned()] {
            assert!(matches!(attempt(&unix(&file), &[]), Err(BindError::Os(_))));
        }
    }
}
