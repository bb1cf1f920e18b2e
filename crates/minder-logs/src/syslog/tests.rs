use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

use super::*;

/// A log daemon that reads when it is told to.
struct Reader {
    syslog: Syslog,
    socket: UnixDatagram,
    notices: Receiver<SyslogNotice>,
    folder: TempDir,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (sender, notices) = channel();
        let syslog = Syslog::at(path, move |notice| {
            let _ = sender.send(notice);
        });
        Self {
            syslog,
            socket,
            notices,
            folder,
        }
    }

    /// The next message without its date.
    fn read(&self) -> String {
        self.try_read().unwrap()
    }

    /// The same, unless nothing comes for as long as the socket waits.
    fn try_read(&self) -> Option<String> {
        let mut buffer = vec![0; 1 << 16];
        let length = self.socket.recv(&mut buffer).ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let date = "<14>Nov 27 10:03:10 ".len();
        Some(format!("{}DATE {}", &text[..4], &text[date..]))
    }

    fn stop(&mut self) {
        std::fs::remove_file(self.folder.path().join("log")).unwrap();
        self.socket = UnixDatagram::unbound().unwrap();
    }

    fn start(&mut self) {
        self.socket = UnixDatagram::bind(self.folder.path().join("log")).unwrap();
    }
}

#[test]
fn each_line_of_each_chunk_is_a_message_as_supervisor_sends_it() {
    let reader = Reader::new();
    let mut tap = reader.syslog.tap("p", false);
    for (chunk, lines) in [
        (
            &b"one\ntwo\n\nthree\n\n\n"[..],
            &["one", "two", "", "three"][..],
        ),
        (b"part", &["part"]),
        (b"ial\n", &["ial"]),
        ("h\u{e9} %s\n".as_bytes(), &["h\u{e9} %s"]),
        (b"\n", &[""]),
        (b"cr\r\n", &["cr\r"]),
        (b"a\x1b[31mred\x1b[0m\n", &["a\x1b[31mred\x1b[0m"]),
        (b"\xffbad\n", &["\u{fffd}bad"]),
    ] {
        tap(chunk);
        for line in lines {
            assert_eq!(reader.read(), format!("<14>DATE supervisord: p {line}"));
        }
    }
}

#[test]
fn escape_sequences_are_left_out_if_that_is_asked_for() {
    let reader = Reader::new();
    let mut tap = reader.syslog.tap("p", true);
    for chunk in [&b"a\x1b[31mred\x1b[0m\n"[..], b"\x1b[", b"1mbold\n"] {
        tap(chunk);
    }
    for line in ["ared", "bold"] {
        assert_eq!(reader.read(), format!("<14>DATE supervisord: p {line}"));
    }
}

#[test]
fn what_comes_faster_than_it_is_taken_follows_in_order() {
    let reader = Reader::new();
    let mut tap = reader.syslog.tap("p", false);
    // More than the socket of any log daemon holds.
    let count = 5000;
    for number in 0..count {
        tap(format!("{number}\n").as_bytes());
    }
    for number in 0..count {
        assert_eq!(reader.read(), format!("<14>DATE supervisord: p {number}"));
    }
    reader.syslog.finish();
    assert!(reader.notices.try_recv().is_err());
}

#[test]
fn what_is_too_much_is_counted_and_told_of_once() {
    let reader = Reader::new();
    let mut tap = reader.syslog.tap("p", false);
    let line = "x".repeat(8000);
    let count = 2 * MAX_WAITING / line.len();
    for _ in 0..count {
        tap(line.as_bytes());
    }
    let notice = reader.notices.recv().unwrap();
    assert!(matches!(notice, SyslogNotice::Trouble(_)), "{notice:?}");
    // Everything else is still there.
    let pause = Some(Duration::from_millis(10));
    reader.socket.set_read_timeout(pause).unwrap();
    let mut read = 0;
    let lost = loop {
        match reader.notices.try_recv() {
            Ok(SyslogNotice::Recovered { lost }) => break lost,
            Ok(notice) => panic!("{notice:?}"),
            Err(_) => read += usize::from(reader.try_read().is_some()),
        }
    };
    assert!(lost > 0);
    while reader.try_read().is_some() {
        read += 1;
    }
    assert_eq!(read + usize::try_from(lost).unwrap(), count);
}

#[test]
fn a_log_daemon_that_is_missing_harms_nobody_and_is_found_again() {
    let mut reader = Reader::new();
    let mut tap = reader.syslog.tap("p", false);
    tap(b"one\n");
    assert_eq!(reader.read(), "<14>DATE supervisord: p one");
    reader.stop();
    for _ in 0..3 {
        tap(b"lost\n");
    }
    let notice = reader.notices.recv().unwrap();
    assert!(matches!(notice, SyslogNotice::Trouble(_)), "{notice:?}");
    reader.start();
    tap(b"two\n");
    assert_eq!(reader.read(), "<14>DATE supervisord: p two");
    let notice = reader.notices.recv().unwrap();
    assert!(
        matches!(notice, SyslogNotice::Recovered { lost: 3 }),
        "{notice:?}"
    );
}
