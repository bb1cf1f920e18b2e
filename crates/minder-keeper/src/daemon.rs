//! One daemon after the other: starting it, and how long to wait before the next.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use minder_os::frames;
use minder_os::limits::Limit;
use minder_os::signals::SignalSet;
use minder_os::spawn::{Identity, ProcessGroup, Recipe, Spawner};
use minder_wire::Daemons;

use crate::DAEMON_ARGV0;
use crate::keeper::FORWARDED;

/// The daemon, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// It has been started and has not been reaped.
    Alive {
        pid: u32,
        /// On the monotonic clock.
        since_nanos: u64,
    },
    /// The next one is to be started at this time of the monotonic clock.
    Due { at_nanos: u64 },
}

/// Starts a daemon, with our own standard streams and its socket behind them: its pid, and our
/// end of the socket.
pub(crate) fn start(
    spawner: &mut Spawner,
    open_files: Limit,
    oom_score_adj: Option<i32>,
    environment: &[CString],
) -> io::Result<(u32, OwnedFd)> {
    let (ours, theirs) = frames::pair()?;
    let recipe = Recipe {
        file: c"/proc/self/exe".to_owned(),
        argv: vec![CString::new(DAEMON_ARGV0)?],
        envp: environment.to_vec(),
        descriptors: vec![
            rustix::stdio::stdin(),
            rustix::stdio::stdout(),
            rustix::stdio::stderr(),
            theirs.as_fd(),
        ],
        // A terminal's signals reach it too, and are held back: it acts on those we forward.
        group: ProcessGroup::Ours,
        blocked_signals: SignalSet::of(&FORWARDED),
        identity: Identity::Keep,
        directory: None,
        umask: None,
        default_signals: Vec::new(),
        ignored_signals: Vec::new(),
        oom_score_adj,
        limits: vec![open_files],
        mark: None,
    };
    Ok((spawner.spawn(&recipe)?, ours))
}

/// A wait status in words, as far as the keeper needs any.
pub(crate) fn describe(status: i32) -> String {
    match status & 0x7f {
        0 => format!("exit status {}", status >> 8 & 0xff),
        signal => format!("terminated by signal {signal}"),
    }
}

/// How the daemons before this one fared.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// How many there were since the start or the last restart.
    pub(crate) generation: u32,
    /// How often one has left to begin anew.
    pub(crate) restarts: u32,
    /// How the last one ended, if not on purpose.
    pub(crate) last_end: Option<i32>,
    /// How many in a row died young.
    died_young: u32,
    /// Whether the present one has said that it is ready.
    ready: bool,
}

impl History {
    /// What is told to the next keeper, while there is no daemon.
    pub(crate) fn hand_over(&self) -> Daemons {
        Daemons {
            generation: self.generation,
            restarts: self.restarts,
            last_end: self.last_end,
            died_young: self.died_young,
        }
    }

    /// Goes on after another keeper.
    pub(crate) fn take_over(told: Daemons) -> Self {
        Self {
            generation: told.generation,
            restarts: told.restarts,
            last_end: told.last_end,
            died_young: told.died_young,
            ready: false,
        }
    }

    /// Takes note that a daemon has left to make room for another program.
    pub(crate) fn made_room(&mut self) {
        self.generation = self.generation.saturating_add(1);
        self.last_end = None;
    }

    /// Another program is tried, whose daemons have not failed yet.
    pub(crate) fn begin_afresh(&mut self) {
        self.died_young = 0;
    }

    /// Whether daemons do not stay up.
    pub(crate) fn is_failing(&self) -> bool {
        self.died_young >= FAILING
    }

    /// What is known after a daemon has left to begin anew.
    pub(crate) fn restarted(&self) -> Self {
        Self {
            restarts: self.restarts.saturating_add(1),
            ..Self::default()
        }
    }

    /// Takes note that a daemon has ended without having said that it would.
    pub(crate) fn crashed(&mut self, status: i32) {
        self.generation = self.generation.saturating_add(1);
        self.last_end = Some(status);
    }

    /// Takes note that the daemon is ready.
    pub(crate) fn is_ready(&mut self) {
        self.ready = true;
    }

    /// Whether the daemon that has just ended, or still runs, has said that it is ready.
    pub(crate) fn is_ready_now(&self) -> bool {
        self.ready
    }

    /// How long to wait before the next daemon after one that lived so long.
    pub(crate) fn delay_after(&mut self, lived: Duration) -> Duration {
        let was_ready = std::mem::take(&mut self.ready);
        if lived >= YOUNG {
            self.died_young = 0;
            return Duration::ZERO;
        }
        let delay = match self.died_young {
            0 => Duration::ZERO,
            before => FIRST_DELAY.saturating_mul(1 << (before - 1).min(16)),
        };
        self.died_young = self.died_young.saturating_add(1);
        delay.min(if was_ready {
            LONGEST_DELAY_OF_READY
        } else {
            LONGEST_DELAY
        })
    }
}

/// So many in a row die young for a reason that lies in the program.
const FAILING: u32 = 3;

/// A daemon that ends sooner than this will hardly do better at once.
const YOUNG: Duration = Duration::from_secs(1);

/// How long to wait when two in a row died young; doubled for each further one.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The same after one that was ready: somebody kills it, and wants to be answered within a second
/// all the same.
const LONGEST_DELAY_OF_READY: Duration = Duration::from_millis(200);

/// Programs run unattended while there is no daemon: never wait longer than this.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn delays_after(lives_millis: &[u64]) -> Vec<u128> {
        delays(lives_millis, false)
    }

    fn delays(lives_millis: &[u64], ready: bool) -> Vec<u128> {
        let mut history = History::default();
        let lives = lives_millis.iter().copied().map(Duration::from_millis);
        lives
            .map(|lived| {
                if ready {
                    history.is_ready();
                }
                history.delay_after(lived).as_millis()
            })
            .collect()
    }

    #[test]
    fn one_that_was_ready_is_not_waited_for_long_however_young_it_died() {
        let delays = delays(&[0; 99], true);
        assert_eq!(delays[..5], [0, 100, 200, 200, 200]);
        assert_eq!(delays.last(), Some(&200));
    }

    #[test]
    fn a_daemon_that_dies_is_replaced_at_once() {
        assert_eq!(delays_after(&[5000, 2000, 1000]), [0, 0, 0]);
        assert_eq!(delays_after(&[10]), [0]);
    }

    #[test]
    fn daemons_that_die_young_are_replaced_ever_more_slowly_up_to_a_limit() {
        let delays = delays_after(&[0; 9]);
        assert_eq!(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(delays_after(&[0; 99]).last(), Some(&5000));
    }

    #[test]
    fn one_that_lived_ends_the_waiting() {
        assert_eq!(
            delays_after(&[0, 0, 0, 1000, 0, 0]),
            [0, 100, 200, 0, 0, 100]
        );
    }
}
