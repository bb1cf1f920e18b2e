//! A small HTTP client on bare sockets: sends the bytes it is given, shows what comes back.
//!
//! Deliberately no library: tests want to send what no library would, and to see each header
//! as it was sent.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::wait::PATIENCE;

/// A connection to a subject.
pub struct Connection {
    stream: Box<dyn Stream>,
    /// What was received behind the last answer.
    ahead: Vec<u8>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// An answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The first line, without its line end.
    pub status_line: String,
    /// Names and values in the order they were sent.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks put together if it came in chunks.
    pub body: Vec<u8>,
}

impl Answer {
    /// The number in the status line.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        let word = self.status_line.split(' ').nth(1);
        word.and_then(|word| word.parse().ok())
            .expect("a status number")
    }

    /// The value of the header `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(is, _)| is.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }
}

impl Connection {
    /// Connects to a Unix socket.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: Box::new(stream),
            ahead: Vec::new(),
        })
    }

    /// Connects to a port of the loopback address.
    pub fn tcp(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: Box::new(stream),
            ahead: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a `POST` of `body` to `path`, with a `Content-Length` and nothing unusual.
    pub fn post(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))?;
        self.answer()
    }

    /// Sends a `GET` for `path` with the given further header lines.
    pub fn get(&mut self, path: &str, headers: &str) -> io::Result<Answer> {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ))?;
        self.answer()
    }

    /// Reads one whole answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        if answer.header("Transfer-Encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                answer.body.extend(chunk);
            }
        } else if let Some(length) = answer.header("Content-Length") {
            let length = length.parse().map_err(io::Error::other)?;
            answer.body = self.take(length)?;
        } else {
            answer.body = self.rest()?;
        }
        Ok(answer)
    }

    /// Reads the head of an answer, and leaves its body unread.
    pub fn head(&mut self) -> io::Result<Answer> {
        let status_line = self.line()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("{line:?} is no header")))?;
            // The driver of a browser leaves out the blank.
            let value = value.strip_prefix(' ').unwrap_or(value);
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Answer {
            status_line,
            headers,
            body: Vec::new(),
        })
    }

    /// Reads the next chunk of a chunked body; `None` at its end.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let chunk = self.take(length)?;
        self.line()?;
        Ok((length > 0).then_some(chunk))
    }

    /// Reads until the other side closes.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.ahead);
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end)?;
                self.take(2)?;
                return String::from_utf8(line).map_err(io::Error::other);
            }
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            self.more()?;
        }
        let rest = self.ahead.split_off(length);
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 8192];
        let length = loop {
            match self.stream.read(&mut buffer) {
                // A read with a timeout may end so without any signal that is handled.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.ahead.extend(&buffer[..length]);
        Ok(())
    }
}
