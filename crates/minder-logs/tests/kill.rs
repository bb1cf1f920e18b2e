//! The log plane, killed again and again, loses and doubles nothing.
//!
//! The test plays the custodian: it holds the pipes, and what the plane gives into custody. The
//! plane runs in a process of its own, which is this program again, and which is killed at random
//! moments, most of them in or near a rotation. Whatever a killed one left, the next takes over.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use minder_core::ChildId;
use minder_logs::plane::{Channel, Custody, Notice, Plane, StreamId};
use minder_logs::sink::SinkSpec;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;

const KILLS: usize = 60;
const STREAMS: u64 = 3;
/// How many lines are written at once.
const BLOCK: u64 = 60;
/// So little that there is a rotation after each chunk.
const MAX_BYTES: u64 = 1_000;
/// More than there are rotations between two kills.
const BACKUPS: u32 = 1_000;

/// Set in the process that runs the plane.
const FOLDER: &str = "MINDER_TEST_FOLDER";
const STRIP: &str = "MINDER_TEST_STRIP";
const DIE_BEFORE: &str = "MINDER_TEST_DIE_BEFORE";
const DIE_AFTER: &str = "MINDER_TEST_DIE_AFTER";

#[test]
fn raw_output_survives_kills() {
    torture(false);
}

#[test]
fn edited_output_survives_kills() {
    torture(true);
}

/// No test, but the process that is killed: does nothing unless it was started as that.
#[test]
fn plane_process() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    run_plane(Path::new(&folder), env::var_os(STRIP).is_some());
}

fn torture(strip_ansi: bool) {
    let folder = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut custodian = Custodian::new(folder.path(), strip_ansi);
    let writers: Vec<_> = (0..STREAMS)
        .map(|number| custodian.start_writer(number, Arc::clone(&stop)))
        .collect();
    let mut logs = vec![Vec::new(); usize::try_from(STREAMS).unwrap()];
    let mut random = RandomState::new().hash_one(0) | 1;
    let mut in_rotation = 0;

    for kill in 0..KILLS {
        let changes = next(&mut random) % 40;
        match kill % 3 {
            0 => {
                let plane = custodian.start_plane(None);
                for _ in 0..changes {
                    assert!(custodian.take_into_custody(), "the plane ended by itself");
                }
                for turn in 0..next(&mut random) % 100_000 {
                    black_box(turn);
                }
                plane.kill();
                while custodian.take_into_custody() {}
            }
            when => {
                let _plane = custodian.start_plane(Some((changes, when == 1)));
                while custodian.take_into_custody() {}
            }
        }
        in_rotation += custodian.count_cut_off_rotations();
        for (number, log) in (0..).zip(&mut logs) {
            collect_backups(&log_path(folder.path(), number), log);
        }
    }

    stop.store(true, Ordering::Relaxed);
    let plane = custodian.start_plane(None);
    while custodian.take_into_custody() {}
    plane.succeed();
    for (number, writer) in (0..).zip(writers) {
        let lines = writer.join().unwrap();
        let log = &mut logs[usize::try_from(number).unwrap()];
        let path = log_path(folder.path(), number);
        collect_backups(&path, log);
        log.extend(fs::read(&path).unwrap());
        compare(log, number, lines);
    }
    assert!(
        in_rotation > KILLS / 10,
        "only {in_rotation} of {KILLS} kills left a rotation cut off"
    );
}

/// Says where the log of a stream first differs from what was written.
fn compare(log: &[u8], number: u64, lines: u64) {
    let mut rest = log;
    for line in 0..lines {
        let expected = text(number, line, "");
        assert!(
            rest.starts_with(expected.as_bytes()),
            "line {line} of {lines} of stream {number} is {:?}",
            String::from_utf8_lossy(&rest[..rest.len().min(200)])
        );
        rest = &rest[expected.len()..];
    }
    assert!(rest.is_empty(), "{} bytes too many", rest.len());
}

fn text(number: u64, line: u64, colour: &str) -> String {
    format!("stream {number} {colour}line {line:012} abcdefghijklmnopqrstuvwxyz\n")
}

fn log_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.log"))
}

/// Appends what was rotated away, oldest first, and removes it.
fn collect_backups(path: &Path, log: &mut Vec<u8>) {
    let backup = |number| PathBuf::from(format!("{}.{number}", path.display()));
    // A rotation that was cut off leaves at most one gap.
    let is_gone = |number: &u32| !backup(*number).exists() && !backup(*number + 1).exists();
    let end = (1..=BACKUPS).find(is_gone).unwrap();
    for number in (1..end).rev() {
        if let Ok(bytes) = fs::read(backup(number)) {
            log.extend(bytes);
            fs::remove_file(backup(number)).unwrap();
        }
    }
}

/// The next of a series of random numbers (xorshift).
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// Holds what must outlive the plane.
struct Custodian {
    folder: PathBuf,
    strip_ansi: bool,
    held: BTreeMap<Vec<u8>, OwnedFd>,
    socket: OwnedFd,
}

impl Custodian {
    fn new(folder: &Path, strip_ansi: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            strip_ansi,
            held: BTreeMap::new(),
            socket: socket_pair().0,
        }
    }

    /// Writes numbered lines as fast as they are taken, until told to stop. Says how many.
    fn start_writer(&mut self, number: u64, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        self.held.insert(pipe_name(number), ours);
        let colour = if self.strip_ansi { "\x1b[1;31m" } else { "" };
        thread::spawn(move || {
            let mut pipe = File::from(theirs);
            let mut line = 0;
            while !stop.load(Ordering::Relaxed) {
                let block = line..line + BLOCK;
                line = block.end;
                let block: String = block.map(|line| text(number, line, colour)).collect();
                pipe.write_all(block.as_bytes()).unwrap();
            }
            line
        })
    }

    /// Starts a process with a plane that takes over what is held, and that kills itself at the
    /// moment of a certain `death`, if any: at which file that it gives into custody, and whether
    /// before it has done so.
    fn start_plane(&mut self, death: Option<(u64, bool)>) -> Guard {
        let (ours, theirs) = socket_pair();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "plane_process", "--nocapture"])
            .env(FOLDER, &self.folder)
            .stdin(theirs)
            .stdout(Stdio::null());
        if self.strip_ansi {
            command.env(STRIP, "yes");
        }
        if let Some((hold, before)) = death {
            command.env(
                if before { DIE_BEFORE } else { DIE_AFTER },
                hold.to_string(),
            );
        }
        let plane = Guard(command.spawn().unwrap());
        for (name, file) in &self.held {
            send(ours.as_fd(), name, Some(file.as_fd())).unwrap();
        }
        send(ours.as_fd(), b"go", None).unwrap();
        self.socket = ours;
        plane
    }

    /// Does what the plane asks for next. False if it has ended.
    fn take_into_custody(&mut self) -> bool {
        match receive(self.socket.as_fd()) {
            Some((name, Some(file))) => {
                self.held.insert(name, file);
                true
            }
            Some((name, None)) => {
                self.held.remove(&name);
                true
            }
            None => false,
        }
    }

    fn count_cut_off_rotations(&self) -> usize {
        use std::os::unix::fs::MetadataExt;

        let is_cut_off = |number: u64| {
            let path = log_path(&self.folder, number);
            let held = self.held.get(format!("sink:{}", path.display()).as_bytes());
            held.is_some_and(|held| {
                let held = rustix::fs::fstat(held).unwrap();
                fs::metadata(path).map_or(true, |found| found.ino() != held.st_ino)
            })
        };
        (0..STREAMS).filter(|&number| is_cut_off(number)).count()
    }
}

/// A process that does not outlive the test.
struct Guard(Child);

impl Guard {
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn succeed(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Custody of the test, as seen by the plane.
#[derive(Default)]
struct Remote {
    holds: AtomicU64,
}

impl Custody for Remote {
    fn hold(&self, name: &[u8], fd: &Arc<OwnedFd>) -> io::Result<()> {
        let hold = self.holds.fetch_add(1, Ordering::Relaxed);
        die_if_told(DIE_BEFORE, hold);
        send(rustix::stdio::stdin(), name, Some(fd.as_fd()))?;
        die_if_told(DIE_AFTER, hold);
        Ok(())
    }

    fn release(&self, name: &[u8]) {
        send(rustix::stdio::stdin(), name, None).unwrap();
    }
}

fn die_if_told(when: &str, hold: u64) {
    if env::var(when).is_ok_and(|told| told == hold.to_string()) {
        rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
    }
}

/// Carries the output of all streams until they end.
fn run_plane(folder: &Path, strip_ansi: bool) {
    let (mut pipes, mut held) = (BTreeMap::new(), Vec::new());
    while let Some((name, Some(file))) = receive(rustix::stdio::stdin()) {
        if name.starts_with(b"pipe") {
            pipes.insert(name, file);
        } else {
            held.push((name, Arc::new(file)));
        }
    }
    let (say, notices) = mpsc::channel();
    let plane = Plane::start(Remote::default(), held, move |notice| {
        say.send(notice).unwrap();
    })
    .unwrap();
    for number in 0..STREAMS {
        let spec = SinkSpec {
            path: log_path(folder, number).into(),
            max_bytes: MAX_BYTES,
            backups: BACKUPS,
            mode: 0o644,
            strip_ansi,
        };
        let stream = StreamId {
            child: ChildId(number),
            channel: Channel::Stdout,
        };
        let pipe = pipes.remove(&pipe_name(number)).unwrap();
        plane.adopt(stream, pipe, Some(spec));
    }
    plane.adopted();
    for _ in 0..STREAMS {
        let notice = notices.recv().unwrap();
        assert!(matches!(notice, Notice::Closed(_)), "{notice:?}");
    }
    plane.shutdown();
}

fn pipe_name(number: u64) -> Vec<u8> {
    format!("pipe {number}").into_bytes()
}

fn socket_pair() -> (OwnedFd, OwnedFd) {
    rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap()
}

fn send(socket: BorrowedFd<'_>, name: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = fd.as_slice();
    if !fds.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
    }
    let name = [IoSlice::new(name)];
    rustix::net::sendmsg(socket, &name, &mut control, SendFlags::empty())?;
    Ok(())
}

/// One message: a name, and a file if it came with one. `None` once nobody can send any more.
fn receive(socket: BorrowedFd<'_>) -> Option<(Vec<u8>, Option<OwnedFd>)> {
    let mut name = vec![0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut name)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    );
    let bytes = received.map_or(0, |received| received.bytes);
    let mut file = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            file = fds.last();
        }
    }
    name.truncate(bytes);
    (bytes > 0).then_some((name, file))
}
