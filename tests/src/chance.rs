//! What a run of a test is told by its environment: how long it is to be, and its seed.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

/// Numbers that are as good as random, from a seed that is shown.
pub struct Moments(u64);

impl Moments {
    /// Those of the seed in `MINDER_SEED`, or of another each time.
    ///
    /// # Panics
    ///
    /// If the variable holds no number.
    #[must_use]
    pub fn from_environment() -> Self {
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("it is later than 1970");
        let seed = setting("MINDER_SEED", u64::from(now.subsec_nanos()));
        eprintln!("MINDER_SEED={seed}");
        Self(seed)
    }

    /// `SplitMix64`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    pub fn next_below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The number in the variable `name`, or `otherwise`.
///
/// # Panics
///
/// If the variable holds something else.
pub fn setting<T: FromStr<Err: Display>>(name: &str, otherwise: T) -> T {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
        Err(_) => otherwise,
    }
}
