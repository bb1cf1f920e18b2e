//! Where the tests play: a keeper, and its daemons as seen from inside.
//!
//! The keeper starts this file as its daemon. That process only passes its socket on to the test
//! and does as it is told until the test goes away: the test speaks in its place, and can kill it.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use minder_keeper::{DAEMON_ARGV0, DAEMON_FD, Legacy};
use minder_os::process::take_inherited;
use minder_os::signals::{Disposition, set_disposition};
use minder_os::{frames, memfd};
use minder_wire::{Departure, Plan, Stream, ToDaemon, ToKeeper};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, pidfd_open, pidfd_send_signal, setrlimit,
};

/// Names the directory of a stage: the sign for this file to launch a keeper instead of testing.
const STAGE_ENV: &str = "KEEPER_TEST_STAGE";

/// How long anything may take before a test gives up. No test waits for this to pass.
const PATIENCE: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};

/// What [`Stage`]'s launcher hands the keeper for its daemons.
pub(crate) const NOTE: &[u8] = b"a note";

/// Where the program is installed, in the directory of a stage.
const PROGRAM: &str = "program";

/// How many descriptors a keeper may open when it is launched: fewer than the tests need.
pub(crate) const OPEN_FILES: u64 = 256;

/// Makes the launcher stay in the foreground, where nobody waits for a report.
const FOREGROUND_ENV: &str = "MINDER_TEST_FOREGROUND";

/// Makes the launcher leave this text besides its note.
const GIVEN_ENV: &str = "MINDER_TEST_GIVEN";

/// Makes a daemon close its socket to the keeper; any other byte is an exit code.
const HANG_UP: u8 = 255;

/// Plays the part that this process was started for; `None` if it is to run the tests.
pub(crate) fn play_a_part() -> Option<ExitCode> {
    if let Some(role) = minder_keeper::role_from_env() {
        return Some(minder_keeper::run(role));
    }
    let stage = PathBuf::from(std::env::var_os(STAGE_ENV)?);
    if std::env::args().next().as_deref() == Some(DAEMON_ARGV0) {
        return Some(play_daemon(&stage));
    }
    // Should the test be killed, the keeper must not stay.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
    let few = Rlimit {
        current: Some(OPEN_FILES),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, few).unwrap();
    // As `nohup` does, and a shell for its background jobs.
    for ignored in [Signal::HUP, Signal::INT] {
        set_disposition(ignored.as_raw(), Disposition::Ignore).unwrap();
    }
    let report: OwnedFd = UnixStream::connect(stage.join("report")).unwrap().into();
    let report = std::env::var_os(FOREGROUND_ENV)
        .is_none()
        .then_some(&report);
    let program = stage.join(PROGRAM);
    let given = std::env::var(GIVEN_ENV)
        .ok()
        .map(|text| memfd::sealed("given", text.as_bytes()).unwrap());
    let legacy = Legacy {
        note: NOTE.to_vec(),
        given: given.as_ref(),
        program: &program,
    };
    panic!("{}", minder_keeper::enter(report, legacy));
}

fn play_daemon(stage: &Path) -> ExitCode {
    let Ok(mut test) = UnixStream::connect(stage.join("daemon")) else {
        return ExitCode::FAILURE;
    };
    let mut socket = Some(take_inherited(DAEMON_FD).unwrap());
    let beside = socket.iter().map(AsFd::as_fd).collect::<Vec<_>>();
    frames::send(&test, b"socket", &beside).unwrap();
    let mut told = [0];
    while test.read(&mut told).is_ok_and(|read| read == 1) {
        match told[0] {
            HANG_UP => drop(socket.take()),
            code => return ExitCode::from(code),
        }
    }
    ExitCode::SUCCESS
}

/// A keeper, and where its daemons and its launcher's report come in.
pub(crate) struct Stage {
    keeper: Child,
    daemons: UnixListener,
    pub(crate) report: UnixStream,
    directory: tempfile::TempDir,
}

impl Stage {
    /// Launches a keeper in the background.
    pub(crate) fn new() -> Self {
        Self::launch(|_| ())
    }

    fn launch(prepare: impl FnOnce(&mut Command)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let daemons = UnixListener::bind(directory.path().join("daemon")).unwrap();
        let reports = UnixListener::bind(directory.path().join("report")).unwrap();
        let own_file = std::env::current_exe().unwrap();
        symlink(&own_file, directory.path().join(PROGRAM)).unwrap();
        let mut command = Command::new(own_file);
        command
            .args(["-c", "supervisord.conf"])
            .env(STAGE_ENV, directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        prepare(&mut command);
        let keeper = command.spawn().unwrap();
        wait_for(&reports, PollFlags::IN);
        let (report, _) = reports.accept().unwrap();
        Self {
            keeper,
            daemons,
            report,
            directory,
        }
    }

    /// A keeper with a daemon that has taken the empty inventory and said that it is ready.
    pub(crate) fn ready() -> (Self, Daemon) {
        Self::new().with_ready_daemon()
    }

    /// The same in the foreground: its standard error stays open.
    pub(crate) fn ready_in_foreground() -> (Self, Daemon) {
        let stage = Self::launch(|command| {
            command.env(FOREGROUND_ENV, "1");
        });
        stage.with_ready_daemon()
    }

    /// Launches a keeper with a text for its daemon that is no part of the note.
    pub(crate) fn giving(text: &str) -> Self {
        Self::launch(|command| {
            command.env(GIVEN_ENV, text);
        })
    }

    fn with_ready_daemon(self) -> (Self, Daemon) {
        let mut daemon = self.next_daemon();
        assert!(daemon.attach().is_empty());
        daemon.send(&ToKeeper::Ready);
        (self, daemon)
    }

    /// The next daemon that the keeper starts.
    pub(crate) fn next_daemon(&self) -> Daemon {
        wait_for(&self.daemons, PollFlags::IN);
        let (control, _) = self.daemons.accept().unwrap();
        wait_for(&control, PollFlags::IN);
        let mut buffer = [0; 16];
        let received = frames::receive(&control, &mut buffer).unwrap().unwrap();
        let socket = received.beside.into_iter().next().unwrap();
        let pid = rustix::net::sockopt::socket_peercred(&control).unwrap().pid;
        Daemon {
            pid,
            process: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
            control,
            socket,
            buffer: vec![0; minder_wire::MAX_FRAME],
            last_child: 0,
        }
    }

    /// Installs a copy of this file in the place of the program.
    pub(crate) fn install_copy(&self) {
        let copy = self.directory.path().join("copy");
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        self.install(&copy);
    }

    /// Installs this in the place of the program.
    pub(crate) fn install_content(&self, content: &[u8]) {
        let file = self.directory.path().join("file");
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        self.install(&file);
    }

    fn install(&self, file: &Path) {
        std::fs::rename(file, self.program()).unwrap();
    }

    /// Where the program is installed.
    pub(crate) fn program(&self) -> PathBuf {
        self.directory.path().join(PROGRAM)
    }

    /// A log with a line in it.
    pub(crate) fn log(&self) -> PathBuf {
        let log = self.directory.path().join("log");
        std::fs::write(&log, "YYYY-MM-DD HH:MM:SS,mmm log\n").unwrap();
        log
    }

    /// The number of the file that the keeper runs.
    pub(crate) fn runs(&self) -> u64 {
        let path = format!("/proc/{}/exe", self.keeper.id());
        std::fs::metadata(path).unwrap().ino()
    }

    /// The number of the file that is installed.
    pub(crate) fn installed(&self) -> u64 {
        std::fs::metadata(self.program()).unwrap().ino()
    }

    pub(crate) fn keeper_pid(&self) -> Pid {
        Pid::from_child(&self.keeper)
    }

    /// The descriptors that the keeper has open.
    pub(crate) fn open_descriptors(&self) -> BTreeSet<u64> {
        let directory = format!("/proc/{}/fd", self.keeper.id());
        let names = std::fs::read_dir(directory).unwrap();
        names
            .map(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect()
    }

    /// Sends the keeper a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.keeper_pid(), signal).unwrap();
    }

    /// The next line that the keeper writes to standard error.
    pub(crate) fn complaint(&self) -> String {
        read_line(self.keeper.stderr.as_ref().unwrap())
    }

    /// Waits for the end of the keeper: its exit code, and what it wrote to standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let process = pidfd_open(self.keeper_pid(), PidfdFlags::empty()).unwrap();
        wait_for(&process, PollFlags::IN);
        let code = self.keeper.wait().unwrap().code();
        // No child of the keeper has this as its standard error: it ends with the daemon.
        let mut text = String::new();
        let mut stderr = self.keeper.stderr.take().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        (code, text)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Has been waited for if that fails.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// A daemon, spoken for by a test. Its process ends when this is dropped.
pub(crate) struct Daemon {
    pub(crate) pid: Pid,
    process: OwnedFd,
    control: UnixStream,
    socket: OwnedFd,
    buffer: Vec<u8>,
    last_child: u64,
}

/// A frame of the keeper, and what rode beside it.
pub(crate) type Item = (ToDaemon, Vec<OwnedFd>);

impl Daemon {
    pub(crate) fn send(&self, message: &ToKeeper) {
        self.send_beside(message, &[]);
    }

    pub(crate) fn send_beside(&self, message: &ToKeeper, beside: &[BorrowedFd<'_>]) {
        assert_eq!(message.descriptors(), beside.len());
        self.send_bytes(&message.encode(), beside);
    }

    pub(crate) fn send_bytes(&self, frame: &[u8], beside: &[BorrowedFd<'_>]) {
        wait_for(&self.socket, PollFlags::OUT);
        frames::send(&self.socket, frame, beside).unwrap();
    }

    /// Sends a frame if there is room for it. Returns whether there was.
    pub(crate) fn try_send(&self, message: &ToKeeper) -> bool {
        frames::send(&self.socket, &message.encode(), &[]).is_ok()
    }

    pub(crate) fn receive(&mut self) -> Item {
        wait_for(&self.socket, PollFlags::IN);
        let received = frames::receive(&self.socket, &mut self.buffer)
            .unwrap()
            .unwrap();
        assert!(received.whole);
        let message = ToDaemon::decode(received.frame).unwrap();
        let mut beside = received.beside;
        // Behind them comes a pidfd of a child that can be reaped.
        let pidfd = beside.split_off(message.descriptors());
        assert!(pidfd.len() <= 1);
        (message, beside)
    }

    /// Receives a frame without descriptors.
    pub(crate) fn hear(&mut self) -> ToDaemon {
        let (message, beside) = self.receive();
        assert!(beside.is_empty(), "{message:?}");
        message
    }

    pub(crate) fn hello(&mut self) -> ToDaemon {
        let version = minder_wire::VERSION;
        self.send(&ToKeeper::Hello { version });
        self.hear()
    }

    /// Says hello, and takes the whole inventory.
    pub(crate) fn attach(&mut self) -> Vec<Item> {
        self.hello();
        let mut items = Vec::new();
        loop {
            self.send(&ToKeeper::Next);
            match self.receive() {
                (ToDaemon::InventoryEnd, _) => return items,
                item => items.push(item),
            }
        }
    }

    /// Has a child started.
    pub(crate) fn spawn(&mut self, plan: Plan) -> Spawned {
        self.last_child += 1;
        self.spawn_as(self.last_child, plan)
    }

    /// Has a child started under this id.
    pub(crate) fn spawn_as(&mut self, child: u64, plan: Plan) -> Spawned {
        let label = format!("child {child}").into_bytes();
        self.send(&ToKeeper::Spawn { child, label, plan });
        let (answer, beside) = self.receive();
        Spawned::from(answer, beside)
    }

    /// The next report of an end: which child, and its wait status.
    pub(crate) fn exited(&mut self) -> (u64, i32) {
        match self.hear() {
            ToDaemon::Exited { child, status, .. } => (child, status),
            other => panic!("not an end: {other:?}"),
        }
    }

    /// Dies without a word.
    pub(crate) fn crash(self) {
        drop(self.socket);
        pidfd_send_signal(&self.process, Signal::KILL).unwrap();
    }

    /// Leaves on purpose.
    pub(crate) fn leave(mut self, departure: Departure) {
        self.send(&ToKeeper::Leave(departure));
        drop(self.socket);
        self.control.write_all(&[0]).unwrap();
    }

    /// Closes its socket to the keeper and lives on. Returns how to see its end.
    pub(crate) fn hang_up(mut self) -> (OwnedFd, UnixStream) {
        drop(self.socket);
        self.control.write_all(&[HANG_UP]).unwrap();
        (self.process, self.control)
    }
}

/// A child, and our ends of its pipes.
pub(crate) struct Spawned {
    pub(crate) child: u64,
    pub(crate) pid: u32,
    /// None if it has ended, and been reaped, before anybody looked.
    process: Option<OwnedFd>,
    pub(crate) streams: Vec<(Stream, OwnedFd)>,
}

impl Spawned {
    fn from(answer: ToDaemon, beside: Vec<OwnedFd>) -> Self {
        let ToDaemon::Spawned {
            child,
            pid,
            streams,
        } = answer
        else {
            panic!("not started: {answer:?}");
        };
        let known = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        Self {
            child,
            pid,
            process: pidfd_open(known, PidfdFlags::empty()).ok(),
            streams: streams.into_iter().zip(beside).collect(),
        }
    }

    /// Our end of this pipe of it.
    pub(crate) fn take(&mut self, stream: Stream) -> OwnedFd {
        let place = self.streams.iter().position(|(kind, _)| *kind == stream);
        self.streams.swap_remove(place.unwrap()).1
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self) {
        if let Some(process) = &self.process {
            wait_for(process, PollFlags::IN);
        }
    }

    /// Kills it from outside.
    pub(crate) fn kill(&self) {
        if let Some(process) = &self.process {
            // Has ended by itself if that fails.
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }

    /// All of the output that is still to come.
    pub(crate) fn output(&mut self, stream: Stream) -> String {
        read_all(self.take(stream))
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A plan for a shell script.
pub(crate) fn shell(script: &str) -> Plan {
    Plan {
        file: b"/bin/sh".to_vec(),
        argv: ["sh", "-c", script]
            .map(|word| word.as_bytes().to_vec())
            .into(),
        envp: vec![b"PATH=/usr/bin:/bin".to_vec()],
        ..Plan::default()
    }
}

/// Waits until something can be done with a descriptor.
pub(crate) fn wait_for(fd: impl AsFd, what: PollFlags) {
    let ready = poll(&mut [PollFd::new(&fd, what)], Some(&PATIENCE)).unwrap();
    assert_eq!(ready, 1, "waited in vain");
}

/// Reads one line, without its end, from a non-blocking descriptor.
pub(crate) fn read_line(fd: impl AsFd) -> String {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        wait_for(&fd, PollFlags::IN);
        match rustix::io::read(&fd, &mut byte).unwrap() {
            1 if byte[0] != b'\n' => line.push(byte[0]),
            _ => return String::from_utf8(line).unwrap(),
        }
    }
}

/// Reads a non-blocking descriptor to its end.
pub(crate) fn read_all(fd: impl AsFd) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        wait_for(&fd, PollFlags::IN);
        match rustix::io::read(&fd, &mut chunk).unwrap() {
            0 => return String::from_utf8(text).unwrap(),
            some => text.extend_from_slice(&chunk[..some]),
        }
    }
}
