//! The limits of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A limit as [`Recipe::limits`](crate::spawn::Recipe::limits) takes it: resource number, soft,
/// hard. No limit is the highest number.
pub type Limit = (i32, u64, u64);

/// Lets this process open as many descriptors as it may, and returns the limit that was in force.
///
/// Programs expect the old limit: hand it to those that are started from here.
#[must_use]
pub fn raise_open_files() -> Limit {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        ..before
    };
    // If it is refused, it has to do as it is.
    let _ = setrlimit(Resource::Nofile, raised);
    (
        OPEN_FILES,
        before.current.unwrap_or(libc::RLIM_INFINITY),
        before.maximum.unwrap_or(libc::RLIM_INFINITY),
    )
}

/// The number of the resource, whose type differs between C libraries.
const OPEN_FILES: i32 = libc::RLIMIT_NOFILE.cast_signed();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one_and_the_old_one_is_known() {
        let before = getrlimit(Resource::Nofile);
        let (_, soft, hard) = raise_open_files();
        assert_eq!((Some(soft), Some(hard)), (before.current, before.maximum));
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    }
}
