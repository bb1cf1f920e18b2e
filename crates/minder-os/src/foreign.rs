//! Processes that are not our children: signalling them, seeing that they end, and learning how.
//!
//! Whoever is not a process's parent is not told how it ended. Linux tells all the same: while it
//! has ended and has not been reaped, `/proc/PID/stat` has its wait status; from Linux 6.15 on its
//! pidfd has it afterwards. Both are asked, and where neither can tell, that is the answer.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::signals::{self, Target};
use crate::stat::{STARTED, Stat, ticks_per_second};

/// A process that somebody else reaps, by a pidfd: whatever happens to its pid, this stays the
/// same process.
#[derive(Debug)]
pub struct Foreign {
    pidfd: OwnedFd,
    pid: u32,
}

/// Whether and how a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Running,
    /// It has, with this wait status.
    Status(i32),
    /// It has, and its status cannot be seen before it is reaped: its pidfd hangs up then.
    Hidden,
    /// It has, and nobody can tell how.
    Unknown,
}

impl Foreign {
    /// The process that has this pid now.
    pub fn open(pid: u32) -> io::Result<Self> {
        let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pidfd = pidfd_open(known.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
        Ok(Self { pidfd, pid })
    }

    /// The process that `pidfd`, which may have come from elsewhere, stands for.
    #[must_use]
    pub fn new(pidfd: OwnedFd, pid: u32) -> Self {
        Self { pidfd, pid }
    }

    /// Its pid, as long as it has not been reaped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it ended, and how.
    ///
    /// The order matters. A status in `/proc` is believed only if the process turns out to be
    /// unreaped *after* it was read: the pid was its own then. And once it is reaped, its pidfd
    /// tells whatever there is to be told.
    #[must_use]
    pub fn end(&self) -> End {
        if !self.has_ended() {
            return End::Running;
        }
        if let Some(status) = exit_info(&self.pidfd) {
            return End::Status(status);
        }
        let seen = status_of_zombie(self.pid);
        if self.is_unreaped() {
            return match seen {
                Some(status) => End::Status(status),
                None if tells_when_reaped() => End::Hidden,
                None => End::Unknown,
            };
        }
        exit_info(&self.pidfd).map_or(End::Unknown, End::Status)
    }

    /// Waits until it ends; false if it does not within `at_most`.
    pub fn wait(&self, at_most: Duration) -> io::Result<bool> {
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        let mut waited_for = [PollFd::new(&self.pidfd, PollFlags::IN)];
        match poll(&mut waited_for, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(self.has_ended()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends it a signal, or every process of the group that it leads.
    pub fn signal(&self, signal: i32, group: bool) -> io::Result<()> {
        if !group {
            return send_by_pidfd(&self.pidfd, signal, 0);
        }
        match send_by_pidfd(&self.pidfd, signal, SIGNAL_PROCESS_GROUP) {
            // Before Linux 6.9 only its number names a group. That is the right one as long as
            // its leader has not been reaped; between the look and the deed lies a moment in
            // which the whole group would have to end and another process to get its number.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                if self.is_unreaped() {
                    signals::send(Target::Group(self.pid), signal)
                } else {
                    Err(Errno::SRCH.into())
                }
            }
            sent => sent,
        }
    }

    /// Whether it was there already at this time since boot: then it is the process that had its
    /// pid at that time, for any other would have had to start later.
    ///
    /// `boot_nanos` is as [`boot_nanos`] counts. The system counts starts by hundredths of a
    /// second; within one, a pid is not used anew.
    #[must_use]
    pub fn was_there_at(&self, boot_nanos: u64) -> bool {
        let stat = Stat::of(self.pid).ok();
        let started = stat.and_then(|stat| stat.number(STARTED));
        // Its pid was its own when the start was read.
        let started = started.filter(|_| self.is_unreaped());
        started.is_some_and(|ticks| ticks <= ticks_at(boot_nanos))
    }

    fn has_ended(&self) -> bool {
        let mut looked_at = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut looked_at, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Whether its pid is its own: it runs, or has not been reaped.
    #[must_use]
    pub fn is_unreaped(&self) -> bool {
        match send_by_pidfd(&self.pidfd, 0, 0) {
            Ok(()) => true,
            Err(error) => error.raw_os_error() == Some(libc::EPERM),
        }
    }
}

impl AsFd for Foreign {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl From<Foreign> for OwnedFd {
    fn from(foreign: Foreign) -> Self {
        foreign.pidfd
    }
}

/// Nanoseconds since boot, counted also while the machine sleeps.
///
/// Allocates nothing: also called between clone and exec.
#[must_use]
pub fn boot_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    secs.saturating_mul(NANOS).saturating_add(nanos)
}

/// Where a pid means anything: this boot of this machine, and this namespace of pids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The number that the system has drawn for this boot.
    pub boot: [u8; 16],
    /// The inode of the namespace.
    pub pid_namespace: u64,
}

/// The world that this process is in.
pub fn world() -> io::Result<World> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits = text.trim().replace('-', "");
    let boot = u128::from_str_radix(&digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
    let namespace = rustix::fs::stat("/proc/self/ns/pid")?;
    Ok(World {
        boot: boot.to_be_bytes(),
        pid_namespace: namespace.st_ino,
    })
}

fn ticks_at(boot_nanos: u64) -> u64 {
    let ticks = u128::from(boot_nanos) * u128::from(ticks_per_second()) / u128::from(NANOS);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

fn send_by_pidfd(pidfd: &OwnedFd, signal: i32, flags: u32) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::siginfo_t>();
    // SAFETY: takes numbers, and no further information about the signal.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            none,
            flags,
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What the system tells of a process by its pidfd, in the first layout of it.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    /// Its pids, then its user and group ids.
    ids: [u32; 11],
    exit_code: c_int,
}

/// The wait status of a process that has been reaped, if the system has kept it.
fn exit_info(pidfd: &OwnedFd) -> Option<i32> {
    let mut info = PidfdInfo {
        mask: INFO_EXIT,
        ..PidfdInfo::default()
    };
    // SAFETY: the request's number tells the size of the structure, which the system fills in;
    // any bytes are a valid value of it.
    let answer = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO, &raw mut info) };
    (answer == 0 && info.mask & INFO_EXIT != 0).then_some(info.exit_code)
}

/// The wait status of a process that has ended and has not been reaped, if we may see it.
fn status_of_zombie(pid: u32) -> Option<i32> {
    // The system shows a 0 to who may not look into the process, and this link to nobody else.
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()?;
    let stat = Stat::of(pid).ok()?;
    let mut fields = stat.fields();
    match fields.next() {
        Some("Z") => fields.next_back()?.parse().ok(),
        _ => None,
    }
}

/// Whether the system keeps the status of a process that has been reaped for who has its pidfd.
fn tells_when_reaped() -> bool {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    let version = (next().unwrap_or(0), next().unwrap_or(0));
    version >= FIRST_TO_TELL
}

/// Linux 6.15.
const FIRST_TO_TELL: (u32, u32) = (6, 15);
const NANOS: u64 = 1_000_000_000;
/// `PIDFD_SIGNAL_PROCESS_GROUP`.
const SIGNAL_PROCESS_GROUP: u32 = 4;
/// `PIDFD_GET_INFO`, for a structure of this size.
const GET_INFO: libc::Ioctl = 0xc000_ff0b | ((size_of::<PidfdInfo>() as libc::Ioctl) << 16);
/// `PIDFD_INFO_EXIT`.
const INFO_EXIT: u64 = 8;

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell that ends when its standard input does; killed when dropped.
    struct Shell(Child);

    impl Shell {
        fn new(script: &str) -> Self {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stdin(Stdio::piped());
            Self(command.spawn().unwrap())
        }

        fn foreign(&self) -> Foreign {
            Foreign::open(self.0.id()).unwrap()
        }

        /// Lets it end, and waits for that without reaping it.
        fn end(&mut self, foreign: &Foreign) {
            drop(self.0.stdin.take());
            assert!(foreign.wait(PATIENCE).unwrap());
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            // Has been waited for if that fails.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn the_status_is_seen_before_and_after_it_is_reaped() {
        for (script, status) in [("read x; exit 7", 0x700), ("read x; kill -9 $$", 9)] {
            let mut shell = Shell::new(script);
            let foreign = shell.foreign();
            assert_eq!(foreign.end(), End::Running);
            shell.end(&foreign);
            assert_eq!(foreign.end(), End::Status(status));
            assert!(foreign.is_unreaped());
            shell.0.wait().unwrap();
            let after = if tells_when_reaped() {
                End::Status(status)
            } else {
                End::Unknown
            };
            assert_eq!(foreign.end(), after);
            assert!(!foreign.is_unreaped());
        }
    }

    #[test]
    fn a_process_was_there_at_any_time_after_its_start_and_at_none_before() {
        let before = boot_nanos().saturating_sub(NANOS);
        let shell = Shell::new("read x");
        let foreign = shell.foreign();
        assert!(foreign.was_there_at(boot_nanos()));
        assert!(!foreign.was_there_at(before));
    }

    #[test]
    fn who_has_been_reaped_was_never_there_and_gets_no_signal() {
        let mut shell = Shell::new("exit 0");
        let foreign = shell.foreign();
        shell.0.wait().unwrap();
        assert!(!foreign.was_there_at(boot_nanos()));
        for group in [false, true] {
            let refused = foreign.signal(libc::SIGTERM, group).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::ESRCH));
        }
    }

    #[test]
    fn a_signal_ends_it() {
        let mut shell = Shell::new("read x");
        let foreign = shell.foreign();
        foreign.signal(libc::SIGKILL, false).unwrap();
        assert!(foreign.wait(PATIENCE).unwrap());
        assert_eq!(foreign.end(), End::Status(libc::SIGKILL));
        shell.0.wait().unwrap();
    }

    #[test]
    fn a_signal_to_a_group_reaches_all_of_it_and_nobody_else() {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "sh -c 'echo up; sleep 60' & wait"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut leader = Shell(command.spawn().unwrap());
        let mut output = leader.0.stdout.take().unwrap();
        io::Read::read_exact(&mut output, &mut [0; 3]).unwrap();
        let foreign = leader.foreign();
        foreign.signal(libc::SIGKILL, true).unwrap();
        // Ends once nobody of the group has it any more.
        io::Read::read_to_end(&mut output, &mut Vec::new()).unwrap();
        assert!(foreign.wait(PATIENCE).unwrap());
    }

    #[test]
    fn the_world_is_the_same_whoever_asks() {
        assert_eq!(world().unwrap(), world().unwrap());
    }
}
