use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use rustix::pipe::PipeFlags;
use tempfile::TempDir;

use super::*;

/// A custodian that keeps nothing.
struct Nobody;

impl Custody for Nobody {
    fn hold(&self, _: &[u8], _: BorrowedFd<'_>) -> io::Result<()> {
        Ok(())
    }

    fn release(&self, _: &[u8]) {}
}

/// A plane, what it says, and a folder for its logs.
struct Bench {
    plane: Plane,
    notices: Receiver<Notice>,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let (say, notices) = channel();
        let plane = Plane::start(Nobody, Vec::new(), move |notice| {
            // A test that has seen enough no longer listens.
            let _ = say.send(notice);
        })
        .unwrap();
        Self {
            plane,
            notices,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn spec(&self, name: &str) -> SinkSpec {
        spec(&self.path(name))
    }

    fn open(&self, name: &str) -> Sink {
        self.plane.open(&self.spec(name)).unwrap()
    }

    /// Attaches the standard output of child `number`, and returns the end that it writes to.
    fn attach(&self, number: u64, to: Option<Sink>) -> fs::File {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        self.plane.attach(stdout(number), ours, to);
        theirs.into()
    }

    /// Waits until what child `number` has written is in its sink.
    fn drain(&self, number: u64) {
        self.plane.finish(ChildId(number));
        self.wait(|notice| matches!(notice, Notice::Drained(child) if child.0 == number));
    }

    /// Waits for a notice, and skips what comes before.
    fn wait(&self, is_wanted: impl Fn(&Notice) -> bool) -> Notice {
        self.notices
            .iter()
            .find(is_wanted)
            .expect("the plane says it")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn spec(path: &Path) -> SinkSpec {
    SinkSpec {
        path: path.to_owned(),
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
    let mut child = bench.attach(1, Some(bench.open("log")));
    child.write_all(b"one\ntwo").unwrap();
    bench.drain(1);
    assert_eq!(bench.read("log"), "one\ntwo");
    child.write_all(b", three\n").unwrap();
    drop(child);
    bench.wait(|notice| matches!(notice, Notice::Closed(stream) if *stream == stdout(1)));
    assert_eq!(bench.read("log"), "one\ntwo, three\n");
    bench.plane.shutdown();
}

#[test]
fn a_stream_without_a_sink_is_read_and_forgotten() {
    let bench = Bench::new();
    let mut child = bench.attach(1, None);
    // More than a pipe holds: somebody must read.
    child.write_all(&vec![b'x'; 1 << 20]).unwrap();
    drop(child);
    bench.wait(|notice| matches!(notice, Notice::Closed(_)));
}
