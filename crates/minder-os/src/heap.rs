//! Where memory of this process comes from.

/// Lets all threads take memory from one place, as far as the C library has several.
///
/// The GNU C library gives each thread a place of its own, and keeps there what that thread has
/// returned: what one client's large answer took is then lost to everybody else.
pub fn share() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it takes two numbers, and locks what it changes. It cannot fail but by saying so,
        // and then everything works as before.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
