//! How often what goes wrong, in one history.
//!
//! The rates are themselves drawn from the seed, and each is often zero. A history with every
//! fault at once would seldom get far enough for a rare one to matter, and one with the same
//! small rate for each would seldom see two of a kind meet; so some histories know no crash at
//! all, and some know little else.

use crate::random::Random;

/// So many times in a thousand, each.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// In a step of the driver: the daemon dies within it.
    pub crash: u32,
    /// In a spawn: the child cannot be made.
    pub spawn_fails: u32,
    /// In a signal to a child: it cannot be sent.
    pub signal_fails: u32,
    /// In a turn of the keeper: it leaves the rest of what it was asked for to later.
    pub keeper_lags: u32,
    /// In a step of the driver: it leaves some of the news to later.
    pub driver_lags: u32,
    /// In the end of a child: a descendant keeps a pipe open, so it stays in the inventory.
    pub pipe_lingers: u32,
    /// In a step of the world: the wall clock is set.
    pub wall_steps: u32,
    /// In a step of the world: somebody asks for something.
    pub requests: u32,
    /// In a request: it is to end or to begin anew.
    pub endings: u32,
    /// In a step of the world: somebody sends the daemon a signal.
    pub signals: u32,
    /// In a step of the world: somebody else kills a child.
    pub murders: u32,
    /// In a step of the world: some process that is no child of ours ends below the keeper.
    pub orphans: u32,
    /// In a child: it ends within the first two seconds.
    pub quick_ends: u32,
    /// In a child: it ends some time later.
    pub late_ends: u32,
    /// In a child: no signal but SIGKILL ends it.
    pub deaf: u32,
    /// In a child: the kernel takes its time even with SIGKILL.
    pub stuck: u32,
}

impl Rates {
    /// The rates of one history.
    pub fn draw(random: &mut Random) -> Self {
        let mut often = |choice: &[u32]| *random.pick(choice);
        Self {
            crash: often(&[0, 0, 5, 20, 100]),
            spawn_fails: often(&[0, 0, 20, 200, 600]),
            signal_fails: often(&[0, 0, 0, 20, 300]),
            keeper_lags: often(&[0, 0, 100, 600]),
            driver_lags: often(&[0, 100, 500]),
            pipe_lingers: often(&[0, 100, 500]),
            wall_steps: often(&[0, 0, 10]),
            requests: often(&[20, 100, 300]),
            endings: often(&[0, 0, 5, 30]),
            signals: often(&[0, 0, 3, 10]),
            murders: often(&[0, 10, 50]),
            orphans: often(&[0, 2]),
            quick_ends: often(&[0, 50, 300, 700]),
            late_ends: often(&[0, 100, 500]),
            deaf: often(&[0, 50, 300]),
            stuck: often(&[0, 0, 100]),
        }
    }

    /// Nothing goes wrong, and nobody wants anything.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }
}
