//! What a web server says to a `FastCGI` program: one request, and what comes back.

use std::io::{self, Read, Write};

const VERSION: u8 = 1;
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
/// The only request of a connection.
const REQUEST: u16 = 1;
/// The role of a responder, and no flags: the program closes the connection.
const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];

/// Asks for `path` over a fresh connection, and returns the body of the answer.
pub fn get(mut connection: impl Read + Write, path: &str) -> io::Result<String> {
    let mut params = Vec::new();
    for (name, value) in [
        ("REQUEST_METHOD", "GET"),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", path),
    ] {
        params.extend([length(name), length(value)]);
        params.extend([name.as_bytes(), value.as_bytes()].concat());
    }
    let mut request = Vec::new();
    for (kind, content) in [
        (BEGIN_REQUEST, &RESPONDER[..]),
        (PARAMS, &params),
        (PARAMS, &[]),
        (STDIN, &[]),
    ] {
        put_record(&mut request, kind, content);
    }
    connection.write_all(&request)?;

    let mut answer = Vec::new();
    loop {
        let mut head = [0; 8];
        connection.read_exact(&mut head)?;
        let [_, kind, _, _, high, low, padding, _] = head;
        let mut content = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        connection.read_exact(&mut content)?;
        connection.read_exact(&mut vec![0; padding.into()])?;
        match kind {
            STDOUT => answer.append(&mut content),
            END_REQUEST => break,
            _ => {}
        }
    }
    let answer = String::from_utf8(answer).map_err(io::Error::other)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    body.map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("{answer:?} has no body")))
}

fn put_record(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).expect("a record of a test is short");
    let [id_high, id_low] = REQUEST.to_be_bytes();
    let [high, low] = length.to_be_bytes();
    out.extend([VERSION, kind, id_high, id_low, high, low, 0, 0]);
    out.extend(content);
}

/// The short form of a length.
fn length(text: &str) -> u8 {
    let length = u8::try_from(text.len()).ok();
    length
        .filter(|length| *length < 128)
        .expect("a parameter of a test is short")
}
