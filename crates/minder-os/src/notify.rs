//! Telling a service manager about ourselves, as `sd_notify` does.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, sendmsg_addr, sendto, socket_with,
};
use rustix::pipe::{PipeFlags, pipe_with};

/// Sends `state`, lines of `NAME=value`, to the socket that `address` names, which is what the
/// variable [`NOTIFY_SOCKET`] has. Never waits.
pub fn notify(address: &OsStr, state: &str) -> io::Result<()> {
    let (socket, address) = open(address)?;
    sendto(&socket, state.as_bytes(), SendFlags::NOSIGNAL, &address)?;
    Ok(())
}

/// As [`notify`], and returns only once it has been taken note of, as `sd_notify_barrier` does. One
/// who ends at once has to: the manager cannot tell whose message it is any more.
///
/// An error is also that this took longer than `patience`.
pub fn notify_and_wait(address: &OsStr, state: &str, patience: Duration) -> io::Result<()> {
    let (socket, address) = open(address)?;
    sendto(&socket, state.as_bytes(), SendFlags::NOSIGNAL, &address)?;
    // The manager closes its copy of the other end when it comes to the message.
    let (end, others) = pipe_with(PipeFlags::CLOEXEC)?;
    send_with(&socket, &address, b"BARRIER=1", others.as_fd())?;
    drop(others);
    let mut ended = [PollFd::new(&end, PollFlags::empty())];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut ended, Some(&patience))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}

fn open(address: &OsStr) -> io::Result<(OwnedFd, SocketAddrUnix)> {
    let bytes = address.as_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(bytes)?,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    Ok((socket, address))
}

fn send_with(
    socket: &OwnedFd,
    address: &SocketAddrUnix,
    text: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    let fits = ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    debug_assert!(fits, "there is room for one");
    let text = [IoSlice::new(text)];
    sendmsg_addr(socket, address, &text, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Where a service manager says that it listens.
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::thread;

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
    fn who_waits_goes_on_once_all_has_been_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let late = notify_and_wait(path.as_os_str(), "MAINPID=7\n", Duration::ZERO).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        let reader = thread::spawn(move || {
            // What was sent before has waited as well.
            [(); 4].map(|()| heard(&manager))
        });
        notify_and_wait(path.as_os_str(), "MAINPID=8\n", Duration::from_secs(30)).unwrap();
        let heard = reader.join().unwrap();
        assert_eq!(
            heard,
            ["MAINPID=7\n", "BARRIER=1", "MAINPID=8\n", "BARRIER=1"]
        );
    }

    #[test]
    fn where_nobody_listens_is_an_error() {
        notify(OsStr::new("/nonexistent/notify"), "x").unwrap_err();
    }
}
