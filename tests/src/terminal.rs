//! A terminal, and a program that runs on it: what it shows, and keys.
//!
//! The program has it as its controlling terminal, as from a login. What it sends is read as a terminal
//! reads it, so that a test looks at what a person would see.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::sandbox::Sandbox;
use crate::wait::{PATIENCE, wait_for};

/// How often the screen is looked at.
const PAUSE: Duration = Duration::from_millis(15);

/// A terminal with a program on it, which ends with it.
pub struct Terminal {
    near: File,
    /// Open here too, so that its modes can be looked at when the program is gone.
    far: OwnedFd,
    program: Child,
    parser: vt100::Parser,
    /// All that the program has sent.
    sent: Vec<u8>,
}

impl Terminal {
    /// Runs a program of a sandbox on a terminal of so many columns and lines.
    ///
    /// # Panics
    ///
    /// If the system has no terminals, or no `setsid`.
    #[must_use]
    pub fn run(sandbox: &Sandbox, program: &Command, columns: u16, lines: u16) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a terminal");
        grantpt(&near).expect("a terminal");
        unlockpt(&near).expect("a terminal");
        let name = ptsname(&near, Vec::new()).expect("a terminal has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = open(name.as_c_str(), flags, Mode::empty()).expect("a terminal has two ends");
        tcsetwinsize(&far, size(columns, lines)).expect("a terminal has a size");
        fcntl_setfl(&near, OFlags::NONBLOCK).expect("a terminal can be read");
        let end = || Stdio::from(far.try_clone().expect("a descriptor can be doubled"));
        let mut command = Command::new("setsid");
        sandbox.equip(&mut command);
        command
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args());
        command.env("TERM", "xterm-256color");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        Self {
            near: near.into(),
            far,
            program: child.expect("a program can be run on a terminal"),
            parser: vt100::Parser::new(cells(lines), cells(columns), 0),
            sent: Vec::new(),
        }
    }

    /// Types.
    ///
    /// # Panics
    ///
    /// If nobody takes it.
    pub fn types(&mut self, keys: &str) {
        self.near
            .write_all(keys.as_bytes())
            .expect("keys are taken");
    }

    /// Changes the size.
    ///
    /// # Panics
    ///
    /// If the system refuses.
    pub fn resize(&mut self, columns: u16, lines: u16) {
        self.parser
            .screen_mut()
            .set_size(cells(lines), cells(columns));
        tcsetwinsize(&self.far, size(columns, lines)).expect("a terminal has a size");
    }

    /// The screen as it is now.
    pub fn screen(&mut self) -> &vt100::Screen {
        self.read();
        self.parser.screen()
    }

    /// The screen's text as it is now.
    pub fn text(&mut self) -> String {
        self.screen().contents()
    }

    /// Everything that was sent so far, as it was sent.
    pub fn sent(&mut self) -> &[u8] {
        self.read();
        &self.sent
    }

    /// Waits until the screen has this text.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn wait_text(&mut self, text: &str) {
        self.wait(&text, |screen| screen.contains(text));
    }

    /// Waits until a line of the screen has each of these texts.
    ///
    /// # Panics
    ///
    /// If none gets them.
    pub fn wait_line(&mut self, texts: &[&str]) {
        let has_all = |line: &str| texts.iter().all(|text| line.contains(text));
        self.wait(&texts, |screen| screen.lines().any(has_all));
    }

    /// Waits for something to be shown; if it is not, the message has what is.
    fn wait(&mut self, what: &dyn Debug, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is_so(&text) {
                return;
            }
            assert!(Instant::now() < deadline, "{what:?} is not shown:\n{text}");
            thread::sleep(PAUSE);
        }
    }

    /// Sends the program a signal.
    ///
    /// # Panics
    ///
    /// If it has gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program), signal).expect("the program is there");
    }

    /// The program's pid.
    ///
    /// # Panics
    ///
    /// Never: a pid is a number of 31 bits.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.program.id()).expect("a pid fits")
    }

    /// Waits until the program has ended.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn wait_end(&mut self) -> ExitStatus {
        wait_for("the program on the terminal has ended", || {
            self.read();
            self.program.try_wait().expect("a child can be waited for")
        })
    }

    /// Whether the terminal shows what is typed and makes lines of it, as a shell wants it.
    ///
    /// # Panics
    ///
    /// If the terminal cannot be looked at.
    #[must_use]
    pub fn is_ordinary(&mut self) -> bool {
        let modes = tcgetattr(&self.far)
            .expect("a terminal has modes")
            .local_modes;
        let screen = self.screen();
        let is_ours = screen.alternate_screen() || screen.hide_cursor() || screen.bracketed_paste();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG) && !is_ours
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        loop {
            match self.near.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    self.parser.process(&bytes[..count]);
                    self.sent.extend_from_slice(&bytes[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nothing more at the moment, or nobody is there any more.
                Err(_) => return,
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended already is no trouble.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has some cells")
}

fn size(columns: u16, lines: u16) -> Winsize {
    Winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
