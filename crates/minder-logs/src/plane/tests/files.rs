//! Regular files: sharing, rotation, and what others do to them.

use std::sync::atomic::AtomicU64;

use super::*;

impl Bench {
    fn rotating(&self, max_bytes: u64, backups: u32) -> SinkSpec {
        SinkSpec {
            max_bytes,
            backups,
            ..self.spec("log")
        }
    }

    /// Lets child 1 write something, and waits until it is where it belongs.
    fn write(&self, child: &mut File, text: &str) {
        child.write_all(text.as_bytes()).unwrap();
        self.drain(1);
    }

    fn files(&self) -> Vec<(String, u64)> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        files.sort();
        files
    }

    fn expect_files(&self, expected: &[(&str, u64)]) {
        let own = |&(name, size): &(&str, u64)| (name.to_owned(), size);
        let expected: Vec<_> = expected.iter().map(own).collect();
        assert_eq!(self.files(), expected);
    }
}

#[test]
fn a_file_is_rotated_after_the_write_that_reaches_its_limit() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.rotating(60, 2)));
    for _ in 0..10 {
        bench.write(&mut child, &"x".repeat(29));
    }
    bench.expect_files(&[("log", 29), ("log.1", 87), ("log.2", 87)]);
}

#[test]
fn what_goes_to_a_log_is_counted_over_rotations_and_children() {
    let bench = Bench::new();
    let counter = Arc::new(AtomicU64::new(0));
    let mut spec = bench.rotating(4, 1);
    spec.strip_ansi = true;
    let write = |number, child: &mut File, text: &str| {
        child.write_all(text.as_bytes()).unwrap();
        bench.drain(number);
    };
    for number in 1..3 {
        bench.plane.count(stdout(number), Arc::clone(&counter));
        let mut child = bench.attach(number, Some(&spec));
        write(number, &mut child, "\x1b[1mabcd");
        write(number, &mut child, "e");
    }
    assert_eq!(counter.load(Ordering::Relaxed), 2 * 9);
    // What leads nowhere is not logged.
    bench.plane.count(stdout(3), Arc::clone(&counter));
    let mut child = bench.attach(3, None);
    write(3, &mut child, "f");
    assert_eq!(counter.load(Ordering::Relaxed), 2 * 9);
}

#[test]
fn without_backups_a_full_file_is_emptied() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.rotating(10, 0)));
    bench.write(&mut child, "0123456789");
    bench.write(&mut child, "new");
    bench.expect_files(&[("log", 3)]);
}

#[test]
fn a_file_that_is_too_large_already_is_rotated_after_the_next_write_only() {
    let bench = Bench::new();
    fs::write(bench.path("log"), "x".repeat(100)).unwrap();
    let mut child = bench.attach(1, Some(&bench.rotating(10, 1)));
    bench.drain(1);
    bench.expect_files(&[("log", 100)]);
    bench.write(&mut child, "y");
    bench.expect_files(&[("log", 0), ("log.1", 101)]);
}

#[test]
fn a_rotated_file_keeps_its_permissions() {
    let bench = Bench::new();
    let mut spec = bench.rotating(1, 1);
    spec.mode = 0o600;
    let mut child = bench.attach(1, Some(&spec));
    bench.write(&mut child, "x");
    let mode = fs::metadata(bench.path("log"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn edited_output_is_rotated_too() {
    let bench = Bench::new();
    let mut spec = bench.rotating(4, 1);
    spec.strip_ansi = true;
    let mut child = bench.attach(1, Some(&spec));
    bench.write(&mut child, "\x1b[1mabcd");
    bench.write(&mut child, "e");
    bench.expect_files(&[("log", 1), ("log.1", 4)]);
}

#[test]
fn streams_that_lead_to_one_file_by_different_names_do_not_overwrite_each_other() {
    let bench = Bench::new();
    fs::write(bench.path("log"), "").unwrap();
    symlink(bench.path("log"), bench.path("link")).unwrap();
    fs::hard_link(bench.path("log"), bench.path("hard")).unwrap();
    let names = ["log", "link", "hard", "log"];
    let mut children: Vec<_> = (0..)
        .zip(names)
        .map(|(number, name)| bench.attach(number, Some(&bench.spec(name))))
        .collect();
    for round in 0..3 {
        for (number, child) in (0..).zip(&mut children) {
            writeln!(child, "{number} {round}").unwrap();
            bench.drain(number);
        }
    }
    let text = bench.read("log");
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), text.len()), (12, 48));
}

/// The plane says something and waits until the test has heard it: time to prepare what it will
/// find.
#[test]
fn a_line_that_was_cut_is_finished_before_another_stream_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (say, notices) = std::sync::mpsc::sync_channel(0);
    let notice = move |notice| drop(say.send(notice));
    let plane = Plane::start(Books::default(), Vec::new(), notice).unwrap();
    let attach = |number| {
        let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        let sink = plane.open(&spec(&folder.path().join("log"))).unwrap();
        plane.attach(stdout(number), ours, Some(sink));
        File::from(theirs)
    };
    let (mut first, mut second) = (attach(1), attach(2));
    first.write_all(b"first").unwrap();
    plane.finish(ChildId(1));
    plane.finish(ChildId(3));
    assert!(matches!(notices.recv(), Ok(Notice::Drained(ChildId(1)))));
    // It waits to say that child 3 is drained.
    second.write_all(b"second line\n").unwrap();
    first.write_all(b" line\n").unwrap();
    assert!(matches!(notices.recv(), Ok(Notice::Drained(ChildId(3)))));
    plane.finish(ChildId(2));
    assert!(matches!(notices.recv(), Ok(Notice::Drained(ChildId(2)))));
    let text = fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(text, "first line\nsecond line\n");
}

#[test]
fn a_file_that_others_truncate_is_continued_at_its_new_end() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.spec("log")));
    bench.write(&mut child, "copied away");
    fs::write(bench.path("log"), "").unwrap();
    bench.write(&mut child, "new");
    assert_eq!(bench.read("log"), "new");
}

#[test]
fn a_file_that_was_moved_is_written_to_until_it_is_reopened() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.spec("log")));
    bench.write(&mut child, "1");
    fs::rename(bench.path("log"), bench.path("moved")).unwrap();
    bench.write(&mut child, "2");
    bench.reopen();
    bench.write(&mut child, "3");
    assert_eq!(
        (bench.read("moved"), bench.read("log")),
        ("12".into(), "3".into())
    );
}

#[test]
fn a_file_in_the_place_of_ours_is_not_rotated_but_continued() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.rotating(4, 2)));
    bench.write(&mut child, "1");
    fs::rename(bench.path("log"), bench.path("moved")).unwrap();
    fs::write(bench.path("log"), "theirs").unwrap();
    bench.write(&mut child, "234");
    assert_eq!(bench.read("moved"), "1234");
    assert_eq!(bench.read("log"), "theirs");
    bench.write(&mut child, "5");
    bench.expect_files(&[("log", 0), ("log.1", 7), ("moved", 4)]);
}

#[test]
fn a_removed_file_is_made_anew_when_it_is_rotated() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.rotating(4, 2)));
    fs::write(bench.path("log.1"), "old").unwrap();
    bench.write(&mut child, "1");
    fs::remove_file(bench.path("log")).unwrap();
    bench.write(&mut child, "2345");
    bench.write(&mut child, "6");
    bench.expect_files(&[("log", 1), ("log.1", 3)]);
}

#[test]
fn a_folder_that_is_gone_is_told_once_and_heals() {
    let bench = Bench::new();
    let (folder, log) = (bench.path("logs"), "logs/log");
    fs::create_dir(&folder).unwrap();
    let spec = SinkSpec {
        max_bytes: 4,
        backups: 2,
        ..bench.spec(log)
    };
    let mut child = bench.attach(1, Some(&spec));
    bench.write(&mut child, "1");
    fs::remove_dir_all(&folder).unwrap();
    child.write_all(b"2345").unwrap();
    assert_eq!(bench.wait_for_trouble().kind(), io::ErrorKind::NotFound);
    bench.write(&mut child, "6");
    fs::create_dir(&folder).unwrap();
    child.write_all(b"7").unwrap();
    assert_eq!(bench.wait_for_recovery(), 0);
    bench.write(&mut child, "8");
    assert_eq!(bench.read(log), "8");
}

#[test]
fn a_path_that_cannot_be_opened_is_told_to_whoever_starts_the_child() {
    let bench = Bench::new();
    let error = bench.plane.open(&bench.spec("missing/log")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let error = bench.plane.open(&spec(bench.folder.path())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
}

#[test]
fn a_log_is_cleared_whether_it_is_in_use_or_not() {
    let bench = Bench::new();
    let mut child = bench.attach(1, Some(&bench.spec("used")));
    bench.write(&mut child, "old");
    fs::write(bench.path("used.1"), "backup").unwrap();
    fs::write(bench.path("unused"), "old").unwrap();
    bench.clear(&["used", "unused", "missing"]).unwrap();
    bench.write(&mut child, "new");
    bench.expect_files(&[("unused", 0), ("used", 3), ("used.1", 6)]);
}

#[test]
fn a_rotation_that_was_cut_off_is_finished_by_the_next_daemon() {
    let mut bench = Bench::new();
    let spec = bench.rotating(100, 5);
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
    bench.attach_pipe(1, ours.try_clone().unwrap(), Some(&spec));
    let mut child = File::from(theirs);
    bench.write(&mut child, "old");
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    bench.start_anew();
    bench.plane.adopt(stdout(1), ours, Some(spec));
    bench.plane.adopted();
    bench.write(&mut child, "new");
    assert_eq!(
        (bench.read("log.1"), bench.read("log")),
        ("old".into(), "new".into())
    );
}

#[test]
fn a_new_daemon_goes_on_in_a_file_that_cannot_be_opened_any_more() {
    let mut bench = Bench::new();
    let folder = bench.path("logs");
    fs::create_dir(&folder).unwrap();
    let spec = bench.spec("logs/log");
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
    bench.attach_pipe(1, ours.try_clone().unwrap(), Some(&spec));
    let mut child = File::from(theirs);
    bench.write(&mut child, "old ");
    fs::hard_link(folder.join("log"), bench.path("kept")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    bench.start_anew();
    bench.wait_for_trouble();
    bench.plane.adopt(stdout(1), ours, Some(spec));
    bench.plane.adopted();
    bench.write(&mut child, "and new");
    assert_eq!(bench.read("kept"), "old and new");
}

#[test]
fn a_stream_that_leads_nowhere_after_an_adoption_is_told_and_read() {
    let bench = Bench::new();
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
    let spec = bench.spec("missing/log");
    bench.plane.adopt(stdout(1), ours, Some(spec));
    assert_eq!(bench.wait_for_trouble().kind(), io::ErrorKind::NotFound);
    drop(File::from(theirs));
    bench.wait_for_end(1);
}

#[test]
fn every_tap_is_shown_all_that_comes_and_the_file_gets_it_too() {
    let bench = Bench::new();
    let stream = StreamId {
        child: ChildId(1),
        channel: Channel::Stdout,
    };
    let seen = [(); 2].map(|()| {
        let (shown, seen) = std::sync::mpsc::channel();
        let tap = move |bytes: &[u8]| shown.send(bytes.to_vec()).unwrap();
        bench.plane.tap(stream, Box::new(tap));
        seen
    });
    let mut child = bench.attach(1, Some(&bench.spec("log")));
    bench.write(&mut child, "hello\n");
    bench.write(&mut child, &"x".repeat(60_000));
    drop(child);
    let expected = format!("hello\n{}", "x".repeat(60_000));
    for seen in seen {
        // Whoever is shown the bytes is let go when the stream ends.
        let all: Vec<u8> = seen.iter().flatten().collect();
        assert!(all == expected.as_bytes());
    }
    assert_eq!(bench.read("log"), expected);
}
