//! Frames with descriptors, over a `SOCK_SEQPACKET` socket pair.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair, sockopt::set_socket_send_buffer_size,
};

/// The most descriptors that ride beside one frame: a child's three streams.
pub const MAX_DESCRIPTORS: usize = 4;

/// Two ends of a new socket, closed on exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
    let ends = socketpair(family, SocketType::SEQPACKET, flags, None)?;
    for end in [&ends.0, &ends.1] {
        // The system may allow less, and then the default has to do.
        let _ = set_socket_send_buffer_size(end, SEND_BUFFER);
    }
    Ok(ends)
}

/// Some of the largest frames: an administrator may have made the default smaller than one.
const SEND_BUFFER: usize = 512 << 10;

/// Sends one frame without waiting: [`io::ErrorKind::WouldBlock`] if the socket is full.
///
/// The descriptors stay the sender's. At most [`MAX_DESCRIPTORS`]; never an empty frame, which
/// the other end could not tell from the end.
pub fn send(socket: impl AsFd, frame: &[u8], beside: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if frame.is_empty() || beside.len() > MAX_DESCRIPTORS {
        return Err(Errno::INVAL.into());
    }
    if !beside.is_empty() {
        // There is room: checked above.
        control.push(SendAncillaryMessage::ScmRights(beside));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    retry_on_intr(|| sendmsg(&socket, &[IoSlice::new(frame)], &mut control, flags))?;
    Ok(())
}

/// One frame that has arrived.
#[derive(Debug)]
pub struct Received<'a> {
    /// Its bytes.
    pub frame: &'a [u8],
    /// What rode beside it, closed on exec.
    pub beside: Vec<OwnedFd>,
    /// Whether it is whole: false if the buffer was too small for it, or if descriptors are
    /// missing because no more could be opened here.
    pub whole: bool,
}

/// Receives one frame without waiting: [`io::ErrorKind::WouldBlock`] if none is there, `None`
/// after the other end has closed and everything it sent has been received.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<Received<'_>>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message =
        retry_on_intr(|| recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut control, flags))?;
    let mut beside = Vec::new();
    for rights in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = rights {
            beside.extend(descriptors);
        }
    }
    if message.bytes == 0 {
        return Ok(None);
    }
    let cut = ReturnFlags::TRUNC | ReturnFlags::CTRUNC;
    Ok(Some(Received {
        frame: buffer.get(..message.bytes).unwrap_or_default(),
        beside,
        whole: !message.flags.intersects(cut),
    }))
}

#[cfg(test)]
mod tests {
    use rustix::fs::fstat;

    use super::*;

    #[test]
    fn frames_keep_their_borders_and_bring_their_descriptors() {
        let (left, right) = pair().unwrap();
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        send(&left, b"one", &[reader.as_fd(), writer.as_fd()]).unwrap();
        send(&left, b"two", &[]).unwrap();
        let mut buffer = [0; 64];
        let first = receive(&right, &mut buffer).unwrap().unwrap();
        assert_eq!((first.frame, first.whole), (&b"one"[..], true));
        let inodes = |fds: &[OwnedFd]| -> Vec<u64> {
            fds.iter().map(|fd| fstat(fd).unwrap().st_ino).collect()
        };
        assert_eq!(inodes(&first.beside), inodes(&[reader, writer]));
        let second = receive(&right, &mut buffer).unwrap().unwrap();
        assert_eq!((second.frame, second.beside.len()), (&b"two"[..], 0));
        let nothing = receive(&right, &mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn what_was_sent_before_the_end_arrives_before_the_end() {
        let (left, right) = pair().unwrap();
        send(&left, b"last words", &[]).unwrap();
        drop(left);
        let mut buffer = [0; 64];
        let last = receive(&right, &mut buffer).unwrap().unwrap();
        assert_eq!(last.frame, b"last words");
        assert!(receive(&right, &mut buffer).unwrap().is_none());
    }

    #[test]
    fn a_frame_larger_than_the_buffer_is_not_whole() {
        let (left, right) = pair().unwrap();
        send(&left, &[7; 65], &[]).unwrap();
        let mut buffer = [0; 64];
        let cut = receive(&right, &mut buffer).unwrap().unwrap();
        assert_eq!((cut.frame.len(), cut.whole), (64, false));
    }

    #[test]
    fn an_empty_frame_and_a_surplus_of_descriptors_are_refused() {
        let (left, right) = pair().unwrap();
        let many = [right.as_fd(); MAX_DESCRIPTORS + 1];
        for (frame, beside) in [(&b""[..], &many[..0]), (b"x", &many[..])] {
            let refused = send(&left, frame, beside).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::EINVAL));
        }
    }

    #[test]
    fn a_full_socket_does_not_block() {
        let (left, _right) = pair().unwrap();
        let full = loop {
            if let Err(error) = send(&left, &[0; 1024], &[]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }
}
