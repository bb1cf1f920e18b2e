//! A folder of its own for one test, and how programs are run in it.
//!
//! The folder holds the configuration, a home, a temporary folder and a `bin` with the
//! subject's programs and the actor, which is all that `PATH` finds besides the system's.
//! Everything that runs in the sandbox carries its mark and ends with it.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use minder_os::signals::{Disposition, set_disposition};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::subject::{PROGRAMS, Subject, actor};
use crate::tree;

/// Lets the signals of a terminal do what they do by default, here and in what is started from
/// here: a shell has them ignored in what it runs in the background, and `nohup` one of them.
fn heed_signals() {
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT] {
        set_disposition(signal.as_raw(), Disposition::Default).expect("a signal that can be set");
    }
}

/// What most configurations begin with. A section that is written again adds to this one.
const PREAMBLE: &str = "\
[unix_http_server]
file=%(here)s/s.sock
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
";

/// A folder of its own for one test.
pub struct Sandbox {
    subject: Subject,
    folder: TempDir,
}

impl Sandbox {
    /// An empty sandbox, with the subject's programs in its `bin`.
    ///
    /// # Panics
    ///
    /// If the subject is not installed or the disk refuses.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        heed_signals();
        let folder = tempfile::Builder::new()
            // Short, because the path of a socket may not exceed 107 bytes.
            .prefix("mt-")
            .tempdir()
            .expect("a temporary folder");
        // Programs that run as another user must get at it.
        set_mode(folder.path(), 0o755);
        for inner in ["bin", "home", "tmp"] {
            fs::create_dir(folder.path().join(inner)).expect("a folder in the sandbox");
        }
        let bin = folder.path().join("bin");
        for name in PROGRAMS {
            symlink(subject.program(name), bin.join(name)).expect("a link in the sandbox");
        }
        symlink(actor(), bin.join("actor")).expect("a link in the sandbox");
        Self { subject, folder }
    }

    /// A sandbox with a `supervisord.conf` that holds a server, a log, a pid file and `more`.
    #[must_use]
    pub fn configured(subject: Subject, more: &str) -> Self {
        let sandbox = Self::new(subject);
        sandbox.configure(more);
        sandbox
    }

    /// Writes `supervisord.conf` anew, as [`Sandbox::configured`] does.
    pub fn configure(&self, more: &str) {
        self.write("supervisord.conf", format!("{PREAMBLE}{more}\n"));
    }

    /// Whom this sandbox runs.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The sandbox's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the sandbox.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file of the sandbox.
    ///
    /// # Panics
    ///
    /// If the disk refuses.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file in the sandbox");
    }

    /// Writes a file of the sandbox that can be executed.
    ///
    /// # Panics
    ///
    /// If the disk refuses.
    pub fn script(&self, name: &str, content: &str) {
        // Copied by a process of its own: while this one has the file open for writing, a
        // program that another test starts inherits that for a moment, and nobody can run it.
        let draft = self.path(name).with_extension("draft");
        fs::write(&draft, content).expect("a file in the sandbox");
        set_mode(&draft, 0o755);
        let mut copy = Command::new("cp");
        let status = copy.arg(&draft).arg(self.path(name)).status();
        assert!(status.is_ok_and(|status| status.success()), "cp fails");
        fs::remove_file(draft).expect("the draft can be removed");
    }

    /// A file of the sandbox as text; empty if it does not exist.
    #[must_use]
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let bytes = fs::read(self.path(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The names of the files in the sandbox's folder, sorted.
    ///
    /// # Panics
    ///
    /// If the folder cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).expect("the sandbox can be read");
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// `text` with the sandbox's path written as `DIR`.
    #[must_use]
    pub fn without_path(&self, text: &str) -> String {
        text.replace(&self.folder().display().to_string(), "DIR")
    }

    /// A program of the sandbox's `bin`, ready to run in the sandbox.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path("bin").join(name));
        self.equip(&mut command);
        command
    }

    /// Gives `command` the sandbox's folder, environment and mark, and no input.
    pub fn equip(&self, command: &mut Command) {
        let bin = self.path("bin");
        command
            .current_dir(self.folder())
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env(tree::MARK, self.folder())
            .stdin(Stdio::null());
    }

    /// Runs a program of the sandbox's `bin` to its end.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    pub fn run(&self, name: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let output = self.command(name).args(args).output();
        output.expect("a program of the sandbox can be run")
    }

    /// A loopback port that was free a moment ago.
    ///
    /// # Panics
    ///
    /// If the system has none.
    #[must_use]
    pub fn free_port() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener
            .local_addr()
            .expect("a bound socket has an address")
            .port()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        tree::kill_all(self.folder());
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
}
