//! Asking for a password without showing it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// The longest password that is taken, in bytes: more than HTTP servers take in a header.
const MAX_BYTES: usize = 4096;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_U: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks on the terminal that supervisorctl was started from, or returns `None` if there is none.
pub(crate) fn from_terminal(question: &str) -> Option<Result<String, Failure>> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .ok()?;
    let silent = Silent::new(&terminal).ok()?;
    let answer = ask(&terminal, question);
    drop(silent);
    Some(answer)
}

fn ask(mut terminal: &File, question: &str) -> Result<String, Failure> {
    terminal
        .write_all(question.as_bytes())
        .map_err(Failure::Input)?;
    let answer = read(terminal);
    terminal.write_all(b"\n").map_err(Failure::Input)?;
    answer
}

/// Reads keys up to the end of the line.
fn read(keys: impl io::Read) -> Result<String, Failure> {
    let mut typed = Vec::new();
    // What is typed behind the password may be read ahead, and is dropped: it came too early.
    for key in BufReader::new(keys).bytes() {
        match key.map_err(Failure::Input)? {
            b'\n' | b'\r' => return Ok(String::from_utf8_lossy(&typed).into_owned()),
            CTRL_C => return Err(Failure::Interrupted),
            CTRL_D if typed.is_empty() => return Err(Failure::EndOfInput),
            CTRL_U => typed.clear(),
            BACKSPACE | DELETE => rub_out(&mut typed),
            key if typed.len() < MAX_BYTES => typed.push(key),
            _ => {}
        }
    }
    Err(Failure::EndOfInput)
}

/// Takes the last character back, all of its bytes.
fn rub_out(typed: &mut Vec<u8>) {
    let continues = |byte: u8| byte & 0xc0 == 0x80;
    while typed.pop().is_some_and(continues) {}
}

/// Keeps a terminal from showing keys and from acting on them.
///
/// Ctrl-C comes as a key too, so that nothing ends supervisorctl before the terminal is
/// itself again.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nothing can be done for a terminal that has gone.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_ends_with_the_line() {
        assert_eq!(read(&b"s3cret\rmore"[..]).unwrap(), "s3cret");
        assert_eq!(read(&b"\n"[..]).unwrap(), "");
    }

    #[test]
    fn keys_may_be_taken_back() {
        assert_eq!(read("ab\u{e9}\u{7f}c\n".as_bytes()).unwrap(), "abc");
        assert_eq!(read(&b"\x7fwrong\x15right\n"[..]).unwrap(), "right");
    }

    #[test]
    fn ctrl_c_and_the_end_of_the_input_give_no_password() {
        assert!(matches!(read(&b"a\x03"[..]), Err(Failure::Interrupted)));
        assert!(matches!(read(&b"\x04"[..]), Err(Failure::EndOfInput)));
        assert!(matches!(read(&b"a"[..]), Err(Failure::EndOfInput)));
    }
}
