//! What is no regular file: pipes that are full or broken, and the devices that must survive us.

use super::*;

impl Bench {
    /// Makes a named pipe, and opens its reading end.
    fn make_fifo(&self) -> File {
        let kind = rustix::fs::FileType::Fifo;
        let path = self.path("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, Mode::RUSR | Mode::WUSR, 0).unwrap();
        self.open_reader()
    }

    fn open_reader(&self) -> File {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let reader = rustix::fs::open(self.path("fifo"), flags, Mode::empty()).unwrap();
        // From now on reading waits.
        rustix::fs::fcntl_setfl(&reader, OFlags::empty()).unwrap();
        reader.into()
    }
}

fn read_exactly(reader: &mut File, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    bytes
}

/// Writes numbered lines, more than all pipes on the way can hold, in a thread of its own.
fn write_much(mut child: File) -> (thread::JoinHandle<()>, Vec<u8>) {
    use std::fmt::Write as _;

    let mut text = String::new();
    for line in 0..400_000 {
        writeln!(text, "line {line}").unwrap();
    }
    let bytes = text.clone().into_bytes();
    let writer = thread::spawn(move || child.write_all(text.as_bytes()).unwrap());
    (writer, bytes)
}

#[test]
fn a_reader_that_is_stuck_blocks_its_own_writer_only() {
    for strip_ansi in [false, true] {
        let bench = Bench::new();
        let mut reader = bench.make_fifo();
        let spec = SinkSpec {
            strip_ansi,
            max_bytes: 1,
            ..bench.spec("fifo")
        };
        let (writer, bytes) = write_much(bench.attach(1, Some(&spec)));
        let mut other = bench.attach(2, Some(&bench.spec("log")));
        // The first byte can be read as soon as the plane has begun to fill the pipe.
        assert_eq!(read_exactly(&mut reader, 1), bytes[..1]);
        other.write_all(b"unharmed").unwrap();
        bench.drain(2);
        assert_eq!(bench.read("log"), "unharmed");
        // Even the stuck child is declared drained: nobody waits for its reader.
        bench.drain(1);
        assert!(read_exactly(&mut reader, bytes.len() - 1) == bytes[1..]);
        writer.join().unwrap();
        bench.wait_for_end(1);
    }
}

#[test]
fn busy_writers_to_one_reader_that_is_slower_lose_nothing() {
    let bench = Bench::new();
    let mut reader = bench.make_fifo();
    let spec = bench.spec("fifo");
    let written = [1, 2].map(|number| write_much(bench.attach(number, Some(&spec))));
    let mut left: usize = written.iter().map(|(_, bytes)| bytes.len()).sum();
    // Less at a time than its pipe holds: that is full again and again.
    while left > 0 {
        left -= read_exactly(&mut reader, left.min(1000)).len();
    }
    for (writer, _) in written {
        writer.join().unwrap();
        bench.wait(|notice| matches!(notice, Notice::Closed(_)));
    }
}

#[test]
fn what_a_reader_that_is_gone_has_missed_is_counted() {
    let bench = Bench::new();
    let mut reader = bench.make_fifo();
    let mut child = bench.attach(1, Some(&bench.spec("fifo")));
    child.write_all(b"one\n").unwrap();
    assert_eq!(read_exactly(&mut reader, 4), b"one\n");
    drop(reader);
    child.write_all(b"two\n").unwrap();
    assert_eq!(bench.wait_for_trouble().kind(), io::ErrorKind::BrokenPipe);
    child.write_all(b"three\n").unwrap();
    bench.drain(1);
    let mut reader = bench.open_reader();
    child.write_all(b"four\n").unwrap();
    assert_eq!(bench.wait_for_recovery(), 10);
    let expected = b"[minder: 10 bytes of output were lost: Broken pipe]\nfour\n";
    assert_eq!(read_exactly(&mut reader, expected.len()), expected);
}

#[test]
fn a_full_device_costs_its_program_nothing_but_the_output() {
    for strip_ansi in [false, true] {
        let bench = Bench::new();
        let spec = SinkSpec {
            strip_ansi,
            max_bytes: 1,
            ..spec(Path::new("/dev/full"))
        };
        let (writer, _) = write_much(bench.attach(1, Some(&spec)));
        assert_eq!(bench.wait_for_trouble().kind(), io::ErrorKind::StorageFull);
        writer.join().unwrap();
        let next = bench.notices.recv().unwrap();
        assert!(matches!(next, Notice::Closed(_)), "{next:?}");
    }
}

#[test]
fn a_pipe_that_nobody_reads_cannot_be_opened() {
    let bench = Bench::new();
    drop(bench.make_fifo());
    let error = bench.plane.open(&bench.spec("fifo")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(6));
}

#[test]
fn devices_are_neither_rotated_nor_cleared_nor_reopened() {
    let bench = Bench::new();
    symlink("/dev/null", bench.path("log")).unwrap();
    let spec = SinkSpec {
        max_bytes: 1,
        backups: 2,
        ..bench.spec("log")
    };
    let mut child = bench.attach(1, Some(&spec));
    child.write_all(b"away with it").unwrap();
    bench.drain(1);
    bench.reopen();
    bench.clear(&["log"]).unwrap();
    assert!(
        fs::symlink_metadata(bench.path("log"))
            .unwrap()
            .is_symlink()
    );
    assert!(!bench.path("log.1").exists());
}

/// As when standard output was redirected to a file and a program's log is `/dev/stdout`.
#[test]
fn a_file_behind_a_descriptor_is_appended_to_and_otherwise_left_alone() {
    use std::os::fd::AsRawFd;

    let bench = Bench::new();
    let mut redirected = File::create(bench.path("target")).unwrap();
    symlink(
        format!("/proc/self/fd/{}", redirected.as_raw_fd()),
        bench.path("log"),
    )
    .unwrap();
    let spec = SinkSpec {
        max_bytes: 1,
        backups: 2,
        ..bench.spec("log")
    };
    let mut child = bench.attach(1, Some(&spec));
    redirected.write_all(b"ours ").unwrap();
    child.write_all(b"and the child's ").unwrap();
    bench.drain(1);
    bench.clear(&["log"]).unwrap();
    bench.reopen();
    child.write_all(b"and more").unwrap();
    bench.drain(1);
    assert_eq!(bench.read("target"), "ours and the child's and more");
    assert!(
        fs::symlink_metadata(bench.path("log"))
            .unwrap()
            .is_symlink()
    );
    assert!(!bench.path("log.1").exists());
}
