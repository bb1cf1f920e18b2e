use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use tempfile::TempDir;

use super::*;

mod devices;
mod files;

/// A custodian whose books can be read.
#[derive(Clone, Default)]
struct Books(Arc<Mutex<BTreeMap<Vec<u8>, Arc<OwnedFd>>>>);

impl Books {
    fn names(&self) -> Vec<String> {
        let books = self.0.lock().unwrap();
        let text = |name: &Vec<u8>| String::from_utf8(name.clone()).unwrap();
        books.keys().map(text).collect()
    }

    /// Hands out what is in custody, as to a new daemon.
    fn inventory(&self) -> Vec<(Vec<u8>, Arc<OwnedFd>)> {
        let books = self.0.lock().unwrap();
        let books = books.iter();
        books
            .map(|(name, file)| (name.clone(), Arc::clone(file)))
            .collect()
    }
}

impl Custody for Books {
    fn hold(&self, name: &[u8], fd: &Arc<OwnedFd>) -> io::Result<()> {
        let mut books = self.0.lock().unwrap();
        books.insert(name.to_vec(), Arc::clone(fd));
        Ok(())
    }

    fn release(&self, name: &[u8]) {
        self.0.lock().unwrap().remove(name);
    }
}

/// A plane, what it says, and a folder for its logs.
struct Bench {
    plane: Plane,
    notices: Receiver<Notice>,
    books: Books,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let books = Books::default();
        let (plane, notices) = start(&books);
        Self {
            plane,
            notices,
            books,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Ends the plane, and starts another that takes over what is in custody.
    fn start_anew(&mut self) {
        let (plane, notices) = start(&self.books);
        std::mem::replace(&mut self.plane, plane).shutdown();
        self.notices = notices;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn spec(&self, name: &str) -> SinkSpec {
        spec(&self.path(name))
    }

    /// Attaches the standard output of child `number`, and returns the end that it writes to.
    fn attach(&self, number: u64, to: Option<&SinkSpec>) -> File {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        self.attach_pipe(number, ours, to);
        theirs.into()
    }

    fn attach_pipe(&self, number: u64, pipe: OwnedFd, to: Option<&SinkSpec>) {
        let sink = to.map(|spec| self.plane.open(spec).unwrap());
        self.plane.attach(stdout(number), pipe, sink);
    }

    /// Waits until what child `number` has written is in its sink.
    fn drain(&self, number: u64) {
        self.plane.finish(ChildId(number));
        self.wait(|notice| matches!(notice, Notice::Drained(child) if child.0 == number));
    }

    /// Lets every log be opened again, and waits until that is done.
    fn reopen(&self) {
        const NOBODY: u64 = 0;
        self.plane.reopen();
        // What is asked for is done in that order.
        self.drain(NOBODY);
    }

    /// Waits until a stream is closed.
    fn wait_for_end(&self, number: u64) {
        self.wait(|notice| matches!(notice, Notice::Closed(stream) if *stream == stdout(number)));
    }

    /// Waits for trouble with a sink, or its end.
    fn wait_for_trouble(&self) -> io::Error {
        match self.wait(|notice| matches!(notice, Notice::Trouble { .. })) {
            Notice::Trouble { error, .. } => error,
            other => panic!("{other:?} is no trouble"),
        }
    }

    /// Waits for a sink to work again, and says how much was lost.
    fn wait_for_recovery(&self) -> u64 {
        match self.wait(|notice| matches!(notice, Notice::Recovered { .. })) {
            Notice::Recovered { lost, .. } => lost,
            other => panic!("{other:?} is no recovery"),
        }
    }

    /// Waits for a notice, and skips what comes before.
    fn wait(&self, is_wanted: impl Fn(&Notice) -> bool) -> Notice {
        self.notices
            .iter()
            .find(is_wanted)
            .expect("the plane says it")
    }

    fn clear(&self, names: &[&str]) -> io::Result<()> {
        let (say, result) = channel();
        let paths = names.iter().map(|name| self.path(name)).collect();
        let reply = Box::new(move |cleared| say.send(cleared).unwrap());
        self.plane.clear(paths, reply);
        result.recv().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn start(books: &Books) -> (Plane, Receiver<Notice>) {
    let (say, notices) = channel();
    // A test that has seen enough no longer listens.
    let notice = move |notice| drop(say.send(notice));
    let plane = Plane::start(books.clone(), books.inventory(), notice).unwrap();
    (plane, notices)
}

fn spec(path: &Path) -> SinkSpec {
    SinkSpec {
        path: path.into(),
        max_bytes: 0,
        backups: 0,
        mode: 0o666,
        strip_ansi: false,
    }
}

fn stdout(number: u64) -> StreamId {
    StreamId {
        child: ChildId(number),
        channel: Channel::Stdout,
    }
}

#[test]
fn what_a_child_wrote_is_in_its_log_when_it_is_drained() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.spec("log")));
    child.write_all(b"one\ntwo").unwrap();
    bench.drain(1);
    assert_eq!(bench.read("log"), "one\ntwo");
    child.write_all(b", three\n").unwrap();
    drop(child);
    bench.wait_for_end(1);
    assert_eq!(bench.read("log"), "one\ntwo, three\n");
    bench.plane.shutdown();
}

#[test]
fn a_child_without_streams_is_drained_at_once() {
    Bench::new().drain(1);
}

/// Whoever hears that a child is drained starts another, which needs what it had open.
#[test]
fn a_pipe_that_nobody_writes_to_is_closed_before_its_child_is_drained() {
    let bench = Bench::new();
    // Both are asked for while the plane looks elsewhere: the end of the pipe is not waited for before.
    let (go_on, wait) = channel::<()>();
    let reply = Box::new(move |_| {
        // It ends with the sender, below.
        let _ = wait.recv();
    });
    bench.plane.clear(Vec::new(), reply);
    bench.attach(1, None).write_all(b"last words").unwrap();
    bench.plane.finish(ChildId(1));
    drop(go_on);
    let first = bench.notices.recv().unwrap();
    assert!(matches!(first, Notice::Closed(stream) if stream == stdout(1)));
    let second = bench.notices.recv().unwrap();
    assert!(matches!(second, Notice::Drained(ChildId(1))));
}

#[test]
fn a_stream_without_a_sink_is_read_and_forgotten() {
    let bench = Bench::new();
    let mut child = bench.attach(1, None);
    // More than a pipe holds: somebody must read.
    child.write_all(&vec![b'x'; 1 << 20]).unwrap();
    drop(child);
    bench.wait_for_end(1);
}

#[test]
fn both_streams_of_a_child_are_drained() {
    let bench = Bench::new();
    let mut out = bench.attach(1, Some(&bench.spec("out")));
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
    let stderr = StreamId {
        channel: Channel::Stderr,
        ..stdout(1)
    };
    let sink = bench.plane.open(&bench.spec("err")).unwrap();
    bench.plane.attach(stderr, ours, Some(sink));
    out.write_all(b"out").unwrap();
    File::from(theirs).write_all(b"err").unwrap();
    bench.drain(1);
    assert_eq!(
        (bench.read("out"), bench.read("err")),
        ("out".into(), "err".into())
    );
}

/// Whoever still has the pipe of a child that has ended writes on without end.
#[test]
fn a_flood_delays_neither_its_own_draining_nor_that_of_others() {
    let bench = Bench::new();
    let mut flood = bench.attach(1, Some(&bench.spec("flood")));
    let mut quiet = bench.attach(2, Some(&bench.spec("quiet")));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while !stop.load(Ordering::Relaxed) {
                flood.write_all(&[b'x'; 4096]).unwrap();
            }
        }
    });
    quiet.write_all(b"last words").unwrap();
    bench.drain(2);
    assert_eq!(bench.read("quiet"), "last words");
    bench.drain(1);
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    bench.wait_for_end(1);
}

#[test]
fn a_gigantic_line_with_any_bytes_arrives_as_it_is() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.spec("log")));
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(5 << 20).collect();
    child.write_all(&bytes).unwrap();
    drop(child);
    bench.wait_for_end(1);
    assert!(fs::read(bench.path("log")).unwrap() == bytes);
}

#[test]
fn escape_sequences_are_left_out_even_when_they_are_cut() {
    let bench = Bench::new();
    let mut spec = bench.spec("log");
    spec.strip_ansi = true;
    let mut child = bench.attach(1, Some(&spec));
    for part in ["a\x1b", "[3", "1mb", "\x1b[0", "", "Kc\x1b"] {
        child.write_all(part.as_bytes()).unwrap();
        bench.drain(1);
    }
    assert_eq!(bench.read("log"), "abc");
    drop(child);
    bench.wait_for_end(1);
    assert_eq!(bench.read("log"), "abc\x1b");
}

#[test]
fn a_new_daemon_goes_on_in_the_middle_of_an_escape_sequence() {
    let mut bench = Bench::new();
    let mut spec = bench.spec("log");
    spec.strip_ansi = true;
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
    bench.attach_pipe(1, ours.try_clone().unwrap(), Some(&spec));
    let mut child = File::from(theirs);
    child.write_all(b"a\x1b[3").unwrap();
    bench.drain(1);
    bench.start_anew();
    bench.plane.adopt(stdout(1), ours, Some(spec));
    bench.plane.adopted();
    child.write_all(b"1mb").unwrap();
    bench.drain(1);
    assert_eq!(bench.read("log"), "ab");
}

#[test]
fn sinks_are_in_custody_for_as_long_as_they_are_in_use() {
    let bench = Bench::new();
    let name = |name| format!("sink:{}", bench.path(name).display());
    let first = bench.attach(1, Some(&bench.spec("one")));
    let _second = bench.attach(2, Some(&bench.spec("two")));
    bench.drain(2);
    assert_eq!(bench.books.names(), [name("one"), name("two")]);
    drop(first);
    bench.wait_for_end(1);
    assert_eq!(bench.books.names(), [name("two")]);
}

#[test]
fn a_new_daemon_releases_what_nobody_writes_to_any_more() {
    let mut bench = Bench::new();
    let _one = bench.attach(1, Some(&bench.spec("one")));
    let _two = bench.attach(2, Some(&bench.spec("two")));
    bench.drain(2);
    bench.start_anew();
    let _two = bench.attach(2, Some(&bench.spec("two")));
    bench.plane.adopted();
    bench.drain(2);
    let two = format!("sink:{}", bench.path("two").display());
    assert_eq!(bench.books.names(), [two]);
}
