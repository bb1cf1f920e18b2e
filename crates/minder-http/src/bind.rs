//! Sockets to listen on, made as Supervisor makes them.
//!
//! A socket that these hand out already queues connections; nobody need accept them yet. A Unix
//! socket has its owner and mode before the first connection can be made.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// How many connections may wait to be accepted: as in Supervisor.
const BACKLOG: i32 = 1024;

/// How many bytes the path of a Unix socket may have. The kernel takes one more, without the NUL that
/// ends it, but most clients do not.
const LONGEST_PATH: usize = 107;

/// How often a stale socket is removed before giving up: each time, somebody else has been faster
/// in making it anew.
const ATTEMPTS: u32 = 5;

/// Who owns a socket file: a user, and a group if it shall be another than the maker's.
pub type Owner = (u32, Option<u32>);

/// A Unix socket, ready to be served.
#[derive(Debug)]
pub struct BoundUnix {
    /// The socket.
    pub listener: UnixListener,
    /// Whether a file that nobody listened on any more was in the way, and has been removed.
    /// Supervisor says on its standard error: `Unlinking stale socket <file>`.
    pub replaced_stale: bool,
}

/// Why there is no socket.
#[derive(Debug)]
pub enum BindError {
    /// Somebody else listens there.
    InUse,
    /// The host is unknown.
    UnknownHost {
        /// The host.
        host: String,
    },
    /// The path of a Unix socket does not fit into an address.
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// The file may not be given to that owner.
    Chown {
        /// The file.
        path: PathBuf,
        /// The owner.
        owner: Owner,
        /// Who we are: a number, or a name from whoever knows it.
        user: String,
    },
    /// Anything else that the system says.
    Os(io::Error),
}

impl From<io::Error> for BindError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AddrInUse {
            Self::InUse
        } else {
            Self::Os(error)
        }
    }
}

impl From<Errno> for BindError {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(error),
            Self::InUse
            | Self::UnknownHost { .. }
            | Self::PathTooLong { .. }
            | Self::Chown { .. } => None,
        }
    }
}

impl fmt::Display for BindError {
    /// Supervisor's wording, where it has one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CANNOT: &str = "Cannot open an HTTP server: socket.error reported";
        match self {
            Self::InUse => f.write_str(
                "Another program is already listening on a port that one of our HTTP servers is \
                 configured to use.  Shut this program down first before starting supervisord.",
            ),
            // The number that the resolver has for a name without an address.
            Self::UnknownHost { .. } => write!(f, "{CANNOT} -2"),
            Self::PathTooLong { path } => {
                write!(f, "{CANNOT} AF_UNIX path too long: \"{}\"", path.display())
            }
            Self::Chown {
                path,
                owner: (uid, gid),
                user,
            } => write!(
                f,
                "Not permitted to chown {} to uid/gid ({uid}, {}); adjust \"sockchown\" value in \
                 config file or on command line to values that the current user ({user}) can \
                 successfully chown",
                path.display(),
                gid.map_or(-1, i64::from)
            ),
            Self::Os(error) => match Errno::from_io_error(error) {
                Some(errno) => match name(errno) {
                    Some(name) => write!(f, "{CANNOT} errno.{name} ({})", errno.raw_os_error()),
                    None => write!(f, "{CANNOT} {}", errno.raw_os_error()),
                },
                None => write!(f, "{CANNOT} {error}"),
            },
        }
    }
}

/// The names of what can go wrong when a socket or its file is made.
fn name(errno: Errno) -> Option<&'static str> {
    let name = match errno {
        Errno::ACCESS => "EACCES",
        Errno::ADDRNOTAVAIL => "EADDRNOTAVAIL",
        Errno::AFNOSUPPORT => "EAFNOSUPPORT",
        Errno::DQUOT => "EDQUOT",
        Errno::EXIST => "EEXIST",
        Errno::INVAL => "EINVAL",
        Errno::IO => "EIO",
        Errno::ISDIR => "EISDIR",
        Errno::LOOP => "ELOOP",
        Errno::MFILE => "EMFILE",
        Errno::NAMETOOLONG => "ENAMETOOLONG",
        Errno::NFILE => "ENFILE",
        Errno::NOBUFS => "ENOBUFS",
        Errno::NODEV => "ENODEV",
        Errno::NOENT => "ENOENT",
        Errno::NOMEM => "ENOMEM",
        Errno::NOSPC => "ENOSPC",
        Errno::NOTDIR => "ENOTDIR",
        Errno::OPNOTSUPP => "EOPNOTSUPP",
        Errno::PERM => "EPERM",
        Errno::ROFS => "EROFS",
        _ => return None,
    };
    Some(name)
}

/// Listens on a port. `host` is a name, an address (an IPv6 one may stand in brackets), or empty
/// or `*` for every IPv4 address of the machine.
pub fn bind_tcp(host: &str, port: u16) -> Result<TcpListener, BindError> {
    bind_address(resolve(host, port)?)
}

/// Listens on an address.
pub fn bind_address(address: SocketAddr) -> Result<TcpListener, BindError> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Connections of an earlier run that linger must not keep this one from starting.
    net::sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// One address of `host`, which is what it is for [`bind_tcp`]. May ask a name server, and wait
/// for it. Supervisor knows IPv4 alone, so that `localhost` has to mean what it did.
pub fn resolve(host: &str, port: u16) -> Result<SocketAddr, BindError> {
    let host = match host {
        "" | "*" => "0.0.0.0",
        host => host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host),
    };
    let unknown = || BindError::UnknownHost {
        host: host.to_owned(),
    };
    let addresses: Vec<_> = (host, port)
        .to_socket_addrs()
        .map_err(|_| unknown())?
        .collect();
    let v4 = addresses.iter().find(|address| address.is_ipv4());
    v4.or(addresses.first()).copied().ok_or_else(unknown)
}

/// Listens on a Unix socket at `path`, whose file gets `mode` and, if given, `owner`.
///
/// A file that is in the way is removed unless somebody listens on it. Two daemons that start at
/// once cannot both succeed: the socket is made under a name of its own and linked into place,
/// which fails if the place is taken.
pub fn bind_unix(path: &Path, mode: u32, owner: Option<Owner>) -> Result<BoundUnix, BindError> {
    let address = unix_address(path)?;
    let draft = Draft::new(path);
    let listener = draft.listen(mode, owner)?;
    let mut replaced_stale = false;
    for _ in 0..ATTEMPTS {
        match std::fs::hard_link(&draft.path, path) {
            Ok(()) => {
                return Ok(BoundUnix {
                    listener,
                    replaced_stale,
                });
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            Err(_) if is_live(&address)? => return Err(BindError::InUse),
            Err(_) => {
                remove(path)?;
                replaced_stale = true;
            }
        }
    }
    Err(BindError::InUse)
}

/// Whether [`bind_unix`] would succeed now. What is in the place is left alone, and not looked at if
/// it `is_ours` and will be gone by then.
pub fn try_unix(
    path: &Path,
    mode: u32,
    owner: Option<Owner>,
    is_ours: bool,
) -> Result<(), BindError> {
    let address = unix_address(path)?;
    // Several may be tried at once, by threads of one process.
    let thread = rustix::thread::gettid().as_raw_nonzero();
    Draft::named(path, &thread.to_string()).listen(mode, owner)?;
    match std::fs::symlink_metadata(path) {
        _ if is_ours => Ok(()),
        Ok(found) if found.is_dir() => Err(Errno::ISDIR.into()),
        Ok(_) if is_live(&address)? => Err(BindError::InUse),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A socket under a name that nobody knows; removed when it goes out of scope.
struct Draft<'a> {
    path: PathBuf,
    /// Where it shall be in the end.
    place: &'a Path,
}

impl<'a> Draft<'a> {
    fn new(place: &'a Path) -> Self {
        Self::named(place, &std::process::id().to_string())
    }

    /// With an ending that nobody else uses.
    fn named(place: &'a Path, ending: &str) -> Self {
        let mut path = place.as_os_str().to_owned();
        path.push(format!(".{ending}"));
        let mut path = PathBuf::from(path);
        if unix_address(&path).is_err() {
            // The place itself fits: a name of the draft that is as short as can be is all it takes.
            path = place.with_file_name(format!(".{ending}"));
        }
        Self { path, place }
    }

    fn listen(&self, mode: u32, owner: Option<Owner>) -> Result<UnixListener, BindError> {
        // An earlier run that had the same pid may have been killed right here.
        remove(&self.path)?;
        let socket = unix_socket()?;
        self.bind(&socket)?;
        rustix::fs::chmod(&self.path, Mode::from_raw_mode(mode))?;
        if let Some(owner) = owner {
            self.give_to(owner)?;
        }
        net::listen(&socket, BACKLOG)?;
        Ok(socket.into())
    }

    fn bind(&self, socket: &OwnedFd) -> Result<(), BindError> {
        if let Ok(address) = unix_address(&self.path) {
            return Ok(net::bind(socket, &address)?);
        }
        // Even the short name is longer than the one in the place: the folder is named by a
        // descriptor instead of its path.
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        let folder = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
        let address = unix_address(&folder.join(self.path.file_name().unwrap_or_default()))?;
        Ok(net::bind(socket, &address)?)
    }

    fn give_to(&self, owner: Owner) -> Result<(), BindError> {
        chown(&self.path, Some(owner.0), owner.1).map_err(|error| {
            if error.kind() == io::ErrorKind::PermissionDenied {
                let path = self.place.to_owned();
                let user = rustix::process::geteuid().as_raw().to_string();
                BindError::Chown { path, owner, user }
            } else {
                error.into()
            }
        })
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // Nothing can be done about it, and the socket at its real name works all the same.
        let _ = remove(&self.path);
    }
}

fn unix_address(path: &Path) -> Result<SocketAddrUnix, BindError> {
    if path.as_os_str().len() > LONGEST_PATH {
        let path = path.to_owned();
        return Err(BindError::PathTooLong { path });
    }
    Ok(SocketAddrUnix::new(path)?)
}

fn unix_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC;
    net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Whether somebody listens there.
fn is_live(address: &SocketAddrUnix) -> Result<bool, BindError> {
    let socket = unix_socket()?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    match net::connect(&socket, address) {
        // A queue that is full belongs to somebody, if only to somebody slow.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), io::Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
