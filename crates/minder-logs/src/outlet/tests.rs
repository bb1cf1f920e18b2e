use std::fs;
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::rotate;

fn open(path: PathBuf, max_bytes: u64, backups: u32, ties: &Ties) -> Outlet {
    let sink = Sink::open(&SinkSpec {
        path: path.into(),
        max_bytes,
        backups,
        mode: 0o666,
        strip_ansi: false,
    });
    Outlet::new(sink.unwrap(), ties)
}

proptest! {
    /// The model is Supervisor's rotation: a list of files, the current one first.
    #[test]
    fn rotation_loses_nothing_but_the_oldest_and_tears_no_record(
        records in proptest::collection::vec(1usize..60, 0..40),
        max_bytes in 0u64..120,
        backups in 0u32..4,
        is_spliced: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut ties = Ties::none();
        ties.scratch = vec![0; 100].into();
        let mut outlet = open(path.clone(), max_bytes, backups, &ties);
        let (reader, mut writer) = io::pipe().unwrap();
        let mut model: Vec<Vec<u8>> = vec![Vec::new()];

        for (letter, length) in (b'a'..=b'z').cycle().zip(records) {
            let record = vec![letter; length];
            if is_spliced {
                writer.write_all(&record).unwrap();
                let taken = outlet.take(reader.as_fd(), CHUNK, Treatment::Raw, &mut ties);
                prop_assert_eq!(taken, Taken::Some(length));
            } else {
                outlet.write(&record, &ties);
            }
            model[0].extend(record);
            if max_bytes > 0 && model[0].len() as u64 >= max_bytes {
                if backups > 0 {
                    model.insert(0, Vec::new());
                    model.truncate(backups as usize + 1);
                } else {
                    model[0].clear();
                }
            }
        }

        for (number, expected) in (0..).zip(&model) {
            let path = match number {
                0 => path.clone(),
                _ => rotate::backup(&path, number),
            };
            prop_assert_eq!(&fs::read(path).unwrap(), expected);
        }
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), model.len());
    }
}

#[test]
fn what_a_sink_does_not_take_waits_in_order_up_to_a_bound() {
    let (mut reader, writer) = io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
    let ties = Ties::none();
    let mut outlet = open(path.into(), 0, 0, &ties);
    drop(writer);
    let letters = || b'a'..=b'z';
    // One pipe full and one backlog full, and then some.
    for letter in letters() {
        outlet.write(&vec![letter; MAX_BACKLOG / 16], &ties);
    }
    assert!(!outlet.flush(&ties));
    assert!(outlet.loss.is_some());
    let received = std::thread::spawn(move || {
        let mut received = Vec::new();
        io::Read::read_to_end(&mut reader, &mut received).unwrap();
        received
    });
    while outlet.prepare(&ties) != Readiness::Ready {
        let mut fds = [rustix::event::PollFd::new(
            &outlet.file,
            rustix::event::PollFlags::OUT,
        )];
        rustix::event::poll(&mut fds, None).unwrap();
    }
    outlet.release(&ties);
    let received = received.join().unwrap();
    let end = received.iter().position(|&byte| byte == b'[').unwrap();
    assert!(received[..end].is_sorted());
    assert!(received[end..].starts_with(b"[minder: "));
}
