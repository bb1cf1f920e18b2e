//! Telling a service manager about ourselves, as `sd_notify` does.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};

/// Sends `state`, lines of `NAME=value`, to the socket that `address` names, which is what the
/// variable [`NOTIFY_SOCKET`] has. Never waits.
pub fn notify(address: &OsStr, state: &str) -> io::Result<()> {
    let bytes = address.as_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(bytes)?,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    sendto(&socket, state.as_bytes(), SendFlags::NOSIGNAL, &address)?;
    Ok(())
}

/// Where a service manager says that it listens.
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_state_arrives_at_a_socket_with_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        notify(path.as_os_str(), "MAINPID=7\n").unwrap();
        assert_eq!(heard(&manager), "MAINPID=7\n");
    }

    #[test]
    fn the_state_arrives_at_a_socket_with_a_name() {
        let name = format!("minder-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        notify(OsStr::new(&format!("@{name}")), "MAINPID=7\n").unwrap();
        assert_eq!(heard(&manager), "MAINPID=7\n");
    }

    #[test]
    fn where_nobody_listens_is_an_error() {
        notify(OsStr::new("/nonexistent/notify"), "x").unwrap_err();
    }
}
