//! Where memory of this process comes from.

/// From how many bytes on a piece of memory is returned to the system as soon as it is not used.
#[cfg(target_env = "gnu")]
const LARGE: i32 = 256 << 10;

/// Lets memory that was needed for a moment go back to the system, as far as the C library would
/// keep it.
///
/// The GNU C library gives each thread a place of its own, and keeps there what that thread has
/// returned: what one client's large answer took is then lost to everybody else. And once a large
/// piece has been returned, it takes the next of that size from where the small ones are, which it
/// can return only in part.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    for (setting, value) in [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, LARGE)] {
        // SAFETY: it takes two numbers, and locks what it changes. It cannot fail but by saying so,
        // and then everything works as before.
        unsafe { libc::mallopt(setting, value) };
    }
}
