//! A program that plays a script: what tests let a supervisor run.
//!
//! Its arguments are steps, done one after another:
//!
//! | step | does |
//! | --- | --- |
//! | `out TEXT`, `err TEXT` | writes a line on standard output, standard error |
//! | `fill N` | writes N bytes in lines of 100 on standard output, in one write |
//! | `flood FILE` | writes numbered lines, a write each, until FILE exists; then `end N` |
//! | `drip FILE` | as `flood`, with a pause behind every 100 lines |
//! | `tell FILE` | writes numbered text between capture tokens, and other text around it, until FILE exists |
//! | `murmur FILE` | as `tell`, but slowly |
//! | `listen FILE` | is an event listener: appends header, payload and an empty line of each event to FILE |
//! | `echo` | copies standard input to standard output until its end |
//! | `report` | writes what it was given: arguments aside, all that a child inherits |
//! | `until FILE` | waits until FILE exists |
//! | `ignore SIG` | ignores a signal from here on |
//! | `fork STEPS… end` | starts a child that does STEPS, and does not wait for it |
//! | `setsid` | becomes the leader of a session of its own |
//! | `wait` | waits for ever |
//! | `exit N` | ends with the code N |
//!
//! After the last step it ends with 0.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::time::Duration;
use std::{env, fs, thread};

/// How often a file is looked for.
const PAUSE: Duration = Duration::from_millis(10);

fn main() -> io::Result<()> {
    let mut steps = env::args().skip(1);
    while let Some(step) = steps.next() {
        let mut word = || steps.next().expect("a step lacks its argument");
        match step.as_str() {
            "out" => println!("{}", word()),
            // In one write, as standard output does.
            "err" => io::stderr().write_all(format!("{}\n", word()).as_bytes())?,
            "fill" => fill(word().parse().expect("fill takes a number"))?,
            "flood" => flood(Path::new(&word()), 1000, Duration::ZERO)?,
            "drip" => flood(Path::new(&word()), 100, PAUSE)?,
            "tell" => tell(Path::new(&word()), 10)?,
            "murmur" => tell(Path::new(&word()), 1)?,
            "listen" => listen(Path::new(&word()))?,
            "echo" => {
                io::copy(&mut io::stdin(), &mut io::stdout())?;
            }
            "report" => report()?,
            "until" => wait_for_file(Path::new(&word())),
            "ignore" => return Err(go_on_ignoring(&word(), steps)),
            "fork" => start(steps.by_ref().take_while(|step| step != "end"))?,
            "setsid" => {
                rustix::process::setsid()?;
            }
            "wait" => loop {
                thread::park();
            },
            "exit" => exit(word().parse().expect("exit takes a number")),
            other => panic!("there is no step {other:?}"),
        }
    }
    Ok(())
}

fn fill(bytes: usize) -> io::Result<()> {
    let line = format!("{}\n", "x".repeat(99));
    let text: Vec<u8> = line.bytes().cycle().take(bytes).collect();
    io::stdout().write_all(&text)
}

/// Looks for the file after every `burst` lines, because that costs more than a line.
fn flood(end: &Path, burst: u64, pause: Duration) -> io::Result<()> {
    let mut out = io::stdout();
    let mut number = 0_u64;
    while !number.is_multiple_of(burst) || !end.exists() {
        // One write with its newline: standard output flushes at newlines only.
        out.write_all(format!("{number:015}\n").as_bytes())?;
        number += 1;
        if number.is_multiple_of(burst) {
            thread::sleep(pause);
        }
    }
    writeln!(out, "end {number}")
}

/// Pauses after every `burst` lines.
fn tell(end: &Path, burst: u64) -> io::Result<()> {
    let mut out = io::stdout();
    let mut number = 0_u64;
    while !end.exists() {
        out.write_all(
            format!("{number}<!--XSUPERVISOR:BEGIN-->{number}<!--XSUPERVISOR:END-->\n").as_bytes(),
        )?;
        number += 1;
        if number.is_multiple_of(burst) {
            thread::sleep(PAUSE);
        }
    }
    Ok(())
}

fn listen(heard: &Path) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut heard = File::options().create(true).append(true).open(heard)?;
    let mut answer = "";
    loop {
        println!("{answer}READY");
        io::stdout().flush()?;
        let mut event = String::new();
        if input.read_line(&mut event)? == 0 {
            return Ok(());
        }
        let length = event.trim_end().rsplit_once("len:");
        let length = length.and_then(|(_, length)| length.parse().ok());
        let mut payload = vec![0; length.expect("a header ends with a length")];
        input.read_exact(&mut payload)?;
        event += &String::from_utf8_lossy(&payload);
        event += "\n\n";
        // In one write: what stands there has been heard whole.
        heard.write_all(event.as_bytes())?;
        answer = "RESULT 2\nOK";
    }
}

fn report() -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let umask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:\t"));
    let mut fds: Vec<PathBuf> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| Some(entry.ok()?.file_name().into()))
        .collect();
    // The folder itself was open while it was read.
    fds.retain(|fd| fs::read_link(Path::new("/proc/self/fd").join(fd)).is_ok());
    fds.sort();
    let mut variables: Vec<_> = env::vars().collect();
    variables.sort();

    let mut text = format!(
        "cwd {}\numask {}\nfds {fds:?}\nleads-its-group {}\n",
        env::current_dir()?.display(),
        umask.unwrap_or("?"),
        rustix::process::getpgrp() == rustix::process::getpid(),
    );
    for (name, value) in variables {
        text.extend(["env ", &name, "=", &value, "\n"]);
    }
    text.push_str("report ends\n");
    io::stdout().write_all(text.as_bytes())
}

fn wait_for_file(path: &Path) {
    while !path.exists() {
        thread::sleep(PAUSE);
    }
}

/// Becomes a fresh actor for the remaining steps, with `signal` ignored: a shell can set that
/// without unsafe code, and it outlives the exec.
fn go_on_ignoring(signal: &str, steps: impl Iterator<Item = String>) -> io::Error {
    Command::new("/bin/sh")
        .args(["-c", "trap '' \"$1\"; shift; exec \"$@\"", "sh", signal])
        .arg(env::current_exe().expect("an actor knows its own file"))
        .args(steps)
        .exec()
}

fn start(steps: impl Iterator<Item = String>) -> io::Result<()> {
    Command::new(env::current_exe()?)
        .args(steps)
        .spawn()
        .map(drop)
}
