//! Waiting for a condition, under a deadline.
//!
//! Nothing in the tests sleeps and hopes: a test names what must come true. The deadline
//! only bounds how long a broken subject can hold a test up, so it is generous.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take. Supervisor itself needs two or three seconds for some;
/// the rest is room for a busy machine, on which a step may take twenty times as long.
pub const PATIENCE: Duration = Duration::from_secs(90);

thread_local! {
    static PATIENCE_HERE: Cell<Duration> = const { Cell::new(PATIENCE) };
}

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(15);

/// Waits until `probe` yields something, and returns it.
///
/// # Panics
///
/// If it has not after [`PATIENCE`] (or what [`with_patience`] has set); `what` names it in the
/// message.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let patience = PATIENCE_HERE.get();
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not so after {patience:?}"
        );
        thread::sleep(PAUSE);
    }
}

/// Waits until `condition` is true.
///
/// # Panics
///
/// As [`wait_for`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Runs `action` with another patience than [`PATIENCE`] for what is waited for in this thread.
pub fn with_patience<T>(patience: Duration, action: impl FnOnce() -> T) -> T {
    let before = PATIENCE_HERE.replace(patience);
    let done = action();
    PATIENCE_HERE.set(before);
    done
}
