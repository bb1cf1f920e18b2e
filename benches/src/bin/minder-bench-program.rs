//! The program that is started, killed and listened to.
//!
//! ```text
//! wait FIFO                            tells of its birth, and waits to be ended
//! write FIFO GATE WRITER BYTES LINES   … waits for the gate, writes LINES lines in writes of BYTES
//!                                      bytes, and tells when that is done
//! flood FIFO                           … writes lines as fast as it can
//! listen FIFO FILE                     … and is an event listener: a line in FILE for each event
//! exec PROGRAM [ARGUMENT …]            becomes another program
//! ```
//!
//! Under the name `run` it reads its arguments, one a line, from the file `args` in its working
//! directory: s6 and runit start a file of that name, and a shell in between would be measured with them.

#![forbid(unsafe_code)]

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use minder_bench::birth::{Birth, Moment};
use minder_bench::line;

fn main() -> io::Result<()> {
    let born = Birth::of_this_process(Moment::now());
    let mut args: Vec<String> = env::args().collect();
    let name = args.remove(0);
    if Path::new(&name).ends_with("run") {
        args = fs::read_to_string("args")?
            .lines()
            .map(str::to_owned)
            .collect();
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["wait", fifo] => born.tell(fifo.as_ref())?,
        ["write", fifo, gate, writer, bytes, lines] => {
            born.tell(fifo.as_ref())?;
            // Opening a FIFO waits until somebody opens its other end.
            let _gate = File::open(gate)?;
            write(number(writer)?, number(bytes)?, number(lines)?)?;
            Birth::of_this_process(Moment::now()).tell(fifo.as_ref())?;
        }
        ["flood", fifo] => {
            born.tell(fifo.as_ref())?;
            write(0, 4096, u64::MAX)?;
        }
        ["listen", fifo, file] => {
            born.tell(fifo.as_ref())?;
            return listen(file.as_ref());
        }
        ["exec", program, ..] => return Err(Command::new(program).args(&words[2..]).exec()),
        _ => return Err(io::Error::other("see the head of the source for its usage")),
    }
    loop {
        std::thread::park();
    }
}

fn number<T: std::str::FromStr>(word: &str) -> io::Result<T> {
    let wrong = |_| io::Error::other(format!("\"{word}\" is not a number"));
    word.parse().map_err(wrong)
}

/// Writes lines past the buffer of the standard library, which would write each by itself.
fn write(writer: u32, bytes: usize, lines: u64) -> io::Result<()> {
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut block = line::block(writer, bytes);
    let mut next = 0;
    while next < lines {
        next = line::number(&mut block, next);
        stdout.write_all(&block)?;
    }
    Ok(())
}

/// Speaks the protocol of event listeners, and notes what and when it was told.
fn listen(file: &Path) -> io::Result<()> {
    let mut told = File::options().create(true).append(true).open(file)?;
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    loop {
        output.write_all(b"READY\n")?;
        let mut head = String::new();
        if input.read_line(&mut head)? == 0 {
            return Ok(());
        }
        let mut body = vec![0; number(token(&head, "len:"))?];
        input.read_exact(&mut body)?;
        let at = Moment::now().as_nanos();
        let body = String::from_utf8_lossy(&body);
        let (event, process) = (token(&head, "eventname:"), token(&body, "processname:"));
        told.write_all(format!("{event} {process} {at}\n").as_bytes())?;
        output.write_all(b"RESULT 2\nOK")?;
    }
}

/// The value of a token in a line of them.
fn token<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_whitespace()
        .find_map(|token| token.strip_prefix(name))
        .unwrap_or_default()
}
