//! What happens when memory runs out: how ready the system is to kill this process then, and whom
//! it has killed.

mod victims;

use std::fs;
use std::io;

pub use self::victims::Victims;

const FILE: &str = "/proc/self/oom_score_adj";

/// Our `oom_score_adj`, if the system tells.
#[must_use]
pub fn score() -> Option<i32> {
    fs::read_to_string(FILE).ok()?.trim().parse().ok()
}

/// Asks for another one. To lower it takes a privilege (`CAP_SYS_RESOURCE`) that many do not have,
/// not even root in most containers.
pub fn set_score(score: i32) -> io::Result<()> {
    fs::write(FILE, score.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_can_be_asked_for_and_set_to_what_it_is() {
        let before = score().unwrap();
        set_score(before).unwrap();
        assert_eq!(score(), Some(before));
    }
}
