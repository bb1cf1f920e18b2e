//! Where a server listens, read from its URL.

use std::path::PathBuf;

/// The port of an `http://` URL that names none.
const DEFAULT_PORT: u16 = 80;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket, by its path.
    Unix(PathBuf),
    /// A host name or address, without brackets, and a port.
    Tcp {
        /// The name or address.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Why a URL names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Neither `unix://` nor `http://`.
    #[error("Unknown protocol for serverurl {0}")]
    UnknownProtocol(String),
    /// What stands for the port is none.
    #[error("invalid port in serverurl {0}")]
    BadPort(String),
}

impl Endpoint {
    /// Reads `unix:///path/of/socket` or `http://host[:port]`.
    ///
    /// As in Supervisor, the scheme is in lower case, credentials in the URL are passed
    /// over, and so is a path behind the host. An IPv6 address stands in brackets.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        if let Some(path) = url.strip_prefix("unix://") {
            return Ok(Self::Unix(path.into()));
        }
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(BadUrl::UnknownProtocol(url.to_owned()));
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let address = match authority.rsplit_once('@') {
            Some((_credentials, address)) => address,
            None => authority,
        };
        let (host, port) = split_port(address);
        let port = match port {
            None | Some("") => DEFAULT_PORT,
            Some(digits) => digits
                .parse()
                .map_err(|_| BadUrl::BadPort(url.to_owned()))?,
        };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    /// What stands in the `Host` header.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
        }
    }
}

fn split_port(address: &str) -> (&str, Option<&str>) {
    let bracketed = address
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    match bracketed {
        Some((host, behind)) => (host, behind.strip_prefix(':')),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn a_unix_url_is_the_path_behind_its_slashes() {
        let endpoint = Endpoint::parse("unix:///run/supervisor.sock");
        assert_eq!(endpoint, Ok(Endpoint::Unix("/run/supervisor.sock".into())));
    }

    #[test]
    fn an_http_url_names_host_and_port() {
        assert_eq!(
            Endpoint::parse("http://localhost:9001"),
            Ok(tcp("localhost", 9001))
        );
        assert_eq!(
            Endpoint::parse("http://localhost:9001/x"),
            Ok(tcp("localhost", 9001))
        );
        assert_eq!(Endpoint::parse("http://u:p@h:1"), Ok(tcp("h", 1)));
    }

    #[test]
    fn an_http_url_without_a_port_means_port_80() {
        assert_eq!(Endpoint::parse("http://host"), Ok(tcp("host", 80)));
        assert_eq!(Endpoint::parse("http://host:"), Ok(tcp("host", 80)));
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        assert_eq!(Endpoint::parse("http://[::1]:9001"), Ok(tcp("::1", 9001)));
        assert_eq!(Endpoint::parse("http://[::1]"), Ok(tcp("::1", 80)));
    }

    #[test]
    fn the_host_header_puts_the_brackets_back() {
        let endpoint = Endpoint::parse("http://[::1]:9001").unwrap();
        assert_eq!(endpoint.authority(), "[::1]:9001");
    }

    #[test]
    fn other_schemes_and_bad_ports_are_refused() {
        for url in ["", "ftp://x", "HTTP://x", "unix:/x", "localhost:9001"] {
            let refused = BadUrl::UnknownProtocol(url.to_owned());
            assert_eq!(Endpoint::parse(url), Err(refused));
        }
        for url in ["http://h:x", "http://h:99999"] {
            let refused = BadUrl::BadPort(url.to_owned());
            assert_eq!(Endpoint::parse(url), Err(refused));
        }
    }
}
