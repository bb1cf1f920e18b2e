//! Sending lines to the system's log daemon, as `syslog(3)` does.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::LazyLock;

use jiff::civil::DateTime;

/// Where log daemons listen.
const SOCKET: &str = "/dev/log";

/// Facility `user`, severity `info`: what `syslog(3)` takes unless told otherwise.
const PRIORITY: u8 = 1 << 3 | 6;

/// The connection to the log daemon, made when there is something to say. Lines that it does not take are dropped, never waited for.
#[derive(Debug, Default)]
pub(crate) struct Syslog {
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Sends one line.
    pub(crate) fn send(&mut self, now: DateTime, line: &str) {
        let message = message(now, line);
        // A log daemon that was started anew is found at the second attempt.
        if self.try_send(&message).is_err() {
            self.socket = None;
            let _ = self.try_send(&message);
        }
    }

    fn try_send(&mut self, message: &str) -> io::Result<()> {
        if self.socket.is_none() {
            self.socket = Some(connect()?);
        }
        match self.socket.as_ref().map(|it| it.send(message.as_bytes())) {
            Some(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Some(_) | None => Ok(()),
        }
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SOCKET)?;
    Ok(socket)
}

/// A message as log daemons expect it from programs of the same machine.
fn message(now: DateTime, line: &str) -> String {
    static NAME: LazyLock<String> = LazyLock::new(own_name);
    let name = &*NAME;
    let date = now.strftime("%b %e %H:%M:%S");
    format!("<{PRIORITY}>{date} {name}: {line}")
}

/// The name this program was started by.
fn own_name() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
