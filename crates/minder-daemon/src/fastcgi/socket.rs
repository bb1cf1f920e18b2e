//! Making the listening socket of a `FastCGI` group, in Supervisor's steps and words.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use minder_core::spec::FastCgiSocket;
use minder_http::bind::{BindError, Owner, bind_address, resolve};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::launch::{python_error, python_error_with};

/// How many connections may wait unless the configuration says: Python's `SOMAXCONN`. The kernel
/// has a limit of its own.
const BACKLOG: i32 = 4096;

/// A socket that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("Could not create FastCGI socket {url}: {problem}")]
pub(crate) struct SocketError {
    url: String,
    problem: Problem,
}

/// What is wrong, as Python words it.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("Bad socket format")]
    Format,
    #[error("AF_UNIX path too long")]
    PathTooLong,
    #[error("[Errno -2] Name or service not known")]
    UnknownHost,
    #[error("{}", python_error_with(.0, .1))]
    Remove(#[source] io::Error, PathBuf),
    #[error("Could not change ownership of socket file: {}", python_error_with(.0, .1))]
    Owner(#[source] io::Error, PathBuf),
    #[error("Could not change permissions of socket file: {}", python_error_with(.0, .1))]
    Mode(#[source] io::Error, PathBuf),
    #[error("{}", python_error(.0))]
    Os(#[from] io::Error),
}

impl From<Errno> for Problem {
    fn from(errno: Errno) -> Self {
        Self::Os(errno.into())
    }
}

impl From<BindError> for Problem {
    fn from(error: BindError) -> Self {
        match error {
            BindError::InUse => Errno::ADDRINUSE.into(),
            BindError::UnknownHost { .. } => Self::UnknownHost,
            BindError::PathTooLong { .. } => Self::PathTooLong,
            BindError::Chown { path, .. } => Self::Owner(Errno::PERM.into(), path),
            BindError::Os(error) => error.into(),
        }
    }
}

/// Makes the socket. What is in the way of a Unix socket is removed, whoever uses it.
///
/// Waits for a disk, and for a name server if the host is neither an address nor among the names
/// that the machine knows by itself.
pub(crate) fn listen(spec: &FastCgiSocket) -> Result<OwnedFd, SocketError> {
    let address = host_of(spec)
        .map(|(host, port)| resolve(&host, port))
        .transpose();
    listen_at(spec, address)
}

/// Makes the socket, whose host and port were found to be `address`.
pub(crate) fn listen_at(
    spec: &FastCgiSocket,
    address: Result<Option<SocketAddr>, BindError>,
) -> Result<OwnedFd, SocketError> {
    let made = address.map_err(Problem::from);
    let made = made.and_then(|address| try_listen(spec, address));
    made.map_err(|problem| SocketError {
        url: spec.url.clone(),
        problem,
    })
}

/// The host and port that the socket is to listen at; `None` if it is no TCP socket.
pub(crate) fn host_of(spec: &FastCgiSocket) -> Option<(String, u16)> {
    let address = spec.url.strip_prefix("tcp://")?;
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}

fn try_listen(spec: &FastCgiSocket, address: Option<SocketAddr>) -> Result<OwnedFd, Problem> {
    let backlog = spec.backlog.map_or(Ok(BACKLOG), i32::try_from);
    let backlog = backlog.unwrap_or(i32::MAX);
    if let Some(path) = spec.url.strip_prefix("unix://") {
        return listen_unix(Path::new(path), spec.mode, spec.owner, backlog);
    }
    let socket: OwnedFd = bind_address(address.ok_or(Problem::Format)?)?.into();
    net::listen(&socket, backlog)?;
    Ok(socket)
}

fn listen_unix(
    path: &Path,
    mode: u32,
    owner: Option<Owner>,
    backlog: i32,
) -> Result<OwnedFd, Problem> {
    if path.exists() {
        std::fs::remove_file(path).map_err(|error| Problem::Remove(error, path.to_owned()))?;
    }
    let address = SocketAddrUnix::new(path).map_err(|errno| match errno {
        Errno::NAMETOOLONG => Problem::PathTooLong,
        errno => errno.into(),
    })?;
    let flags = SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::bind(&socket, &address)?;
    // Nobody can connect before it listens, so its file has its owner and mode in time.
    let listening = prepare(path, mode, owner).and_then(|()| Ok(net::listen(&socket, backlog)?));
    if let Err(problem) = listening {
        // What went wrong before this is what matters.
        let _ = std::fs::remove_file(path);
        return Err(problem);
    }
    Ok(socket)
}

fn prepare(path: &Path, mode: u32, owner: Option<Owner>) -> Result<(), Problem> {
    if let Some((uid, gid)) = owner {
        chown(path, Some(uid), gid).map_err(|error| Problem::Owner(error, path.to_owned()))?;
    }
    rustix::fs::chmod(path, Mode::from_raw_mode(mode))
        .map_err(|errno| Problem::Mode(errno.into(), path.to_owned()))
}
