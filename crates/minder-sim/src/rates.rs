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
    /// In a step of the driver: of what children have written it reads a part. No time waits for the
    /// rest.
    pub cuts: u32,
    /// In the end of a child: a descendant keeps a pipe open, so it stays in the inventory.
    pub pipe_lingers: u32,
    /// In a step of the world: the wall clock is set.
    pub wall_steps: u32,
    /// In a step of the world: somebody asks for something.
    pub requests: u32,
    /// In a process that is to be started on request: its command is found to be of no use.
    pub unrunnable: u32,
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
    /// In the death of a daemon: what it left is damaged or gone.
    pub losses: u32,
    /// In an adoption: ends that the keeper has seen are told with the inventory.
    pub told_at_once: u32,
    /// In a piece of news: it is told once more later.
    pub repeats: u32,
    /// In the death of a daemon: it was the keeper's, which this daemon outlived only in order to
    /// hand on what it knows of it.
    pub keeper_deaths: u32,
    /// In a step of the world: the machine sleeps, or stalls, for hours.
    pub sleeps: u32,
    /// In a step of the world: a program says something that listeners may be told.
    pub talk: u32,
    /// In a step of the world: a client says something to listeners.
    pub remarks: u32,
    /// What listeners do wrong.
    pub manners: Manners,
}

/// So many times in a thousand, each.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// A listener never says that it is ready.
    pub mute: u32,
    /// One that has said so, or is about to, says something else.
    pub blurts: u32,
    /// It closes its standard input.
    pub closes: u32,
    /// It never answers an event.
    pub hangs: u32,
    /// It ends instead of answering an event, or within its answer.
    pub dies: u32,
    /// Its answer makes no sense.
    pub nonsense: u32,
    /// It does not want an event.
    pub rejects: u32,
    /// It takes its time.
    pub slow: u32,
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
            cuts: 300,
            pipe_lingers: often(&[0, 100, 500]),
            wall_steps: often(&[0, 0, 10]),
            requests: often(&[20, 100, 300]),
            unrunnable: often(&[0, 0, 200]),
            endings: often(&[0, 0, 5, 30]),
            signals: often(&[0, 0, 3, 10]),
            murders: often(&[0, 10, 50]),
            orphans: often(&[0, 2]),
            quick_ends: often(&[0, 50, 300, 700]),
            late_ends: often(&[0, 100, 500]),
            deaf: often(&[0, 50, 300]),
            stuck: often(&[0, 0, 100]),
            losses: often(&[0, 0, 0, 300]),
            told_at_once: often(&[0, 300]),
            repeats: often(&[0, 0, 50, 300]),
            keeper_deaths: often(&[0, 0, 100, 500]),
            sleeps: often(&[0, 0, 5]),
            talk: often(&[0, 0, 20, 200]),
            remarks: often(&[0, 0, 20, 200]),
            manners: Manners {
                mute: often(&[0, 0, 100]),
                blurts: often(&[0, 0, 50]),
                closes: often(&[0, 0, 50]),
                hangs: often(&[0, 0, 50]),
                dies: often(&[0, 50, 300]),
                nonsense: often(&[0, 0, 50]),
                rejects: often(&[0, 50, 300]),
                slow: often(&[0, 200, 800]),
            },
        }
    }

    /// Nothing goes wrong, and nobody wants anything.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }
}
