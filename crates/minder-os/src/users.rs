//! Users and groups, as the name service knows them, and becoming another user.
//!
//! The name service may load modules and ask servers: none of this may be called between clone
//! and exec. The keeper never calls it; it is handed numbers.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

/// A user, as far as starting programs needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
}

/// The user of this login name, if there is one.
pub fn user_by_name(name: &str) -> io::Result<Option<User>> {
    let Ok(name) = CString::new(name) else {
        return Ok(None);
    };
    look_up(
        |entry, buffer, size, found| {
            // SAFETY: `name` ends in NUL, and `look_up` hands out a writable entry, a writable
            // buffer of `size` bytes and a writable place for the result.
            unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, size, found) }
        },
        user_from,
    )
}

/// The user of this number, if there is one.
pub fn user_by_uid(uid: u32) -> io::Result<Option<User>> {
    look_up(
        |entry, buffer, size, found| {
            // SAFETY: `look_up` hands out a writable entry, a writable buffer of `size` bytes and
            // a writable place for the result.
            unsafe { libc::getpwuid_r(uid, entry, buffer, size, found) }
        },
        user_from,
    )
}

/// The number of the group of this name, if there is one.
pub fn group_by_name(name: &str) -> io::Result<Option<u32>> {
    let Ok(name) = CString::new(name) else {
        return Ok(None);
    };
    look_up(
        |entry, buffer, size, found| {
            // SAFETY: `name` ends in NUL, and `look_up` hands out a writable entry, a writable
            // buffer of `size` bytes and a writable place for the result.
            unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer, size, found) }
        },
        |group: &libc::group| group.gr_gid,
    )
}

/// Whether there is a group of this number.
pub fn group_exists(gid: u32) -> io::Result<bool> {
    let found = look_up(
        |entry, buffer, size, found| {
            // SAFETY: `look_up` hands out a writable entry, a writable buffer of `size` bytes and
            // a writable place for the result.
            unsafe { libc::getgrgid_r(gid, entry, buffer, size, found) }
        },
        |_: &libc::group| (),
    )?;
    Ok(found.is_some())
}

/// All groups of this user, the primary one first.
pub fn groups_of(user: &User) -> io::Result<Vec<u32>> {
    let name = CString::new(user.name.as_str())?;
    let mut groups = vec![0; FIRST_GROUPS];
    loop {
        let room = c_int::try_from(groups.len()).unwrap_or(c_int::MAX);
        let mut count = room;
        // SAFETY: `name` ends in NUL, and `groups` has room for the `count` entries announced.
        let answer = unsafe {
            libc::getgrouplist(name.as_ptr(), user.gid, groups.as_mut_ptr(), &raw mut count)
        };
        if answer >= 0 {
            groups.truncate(usize::try_from(count).unwrap_or(0));
            return Ok(groups);
        }
        if groups.len() >= MAX_GROUPS {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        // The count that came back is what is needed, but not every C library tells.
        let wanted = usize::try_from(count).unwrap_or(0).max(groups.len() * 2);
        groups.resize(wanted.min(MAX_GROUPS), 0);
    }
}

/// Makes the whole process, all of its threads, run as this user with exactly these groups.
///
/// There is no way back. A failure may leave the groups changed and the user not; the caller is
/// expected to give up.
pub fn drop_privileges(user: &User, groups: &[u32]) -> io::Result<()> {
    // SAFETY: the pointer and the length describe one slice, which is only read.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    // SAFETY: takes a number.
    check(unsafe { libc::setgid(user.gid) })?;
    // SAFETY: takes a number.
    check(unsafe { libc::setuid(user.uid) })
}

fn check(answer: c_int) -> io::Result<()> {
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Runs one of the `get…_r` family with a buffer that grows until the entry fits.
fn look_up<Entry, Found>(
    ask: impl Fn(*mut Entry, *mut c_char, usize, *mut *mut Entry) -> c_int,
    read: impl Fn(&Entry) -> Found,
) -> io::Result<Option<Found>> {
    let mut buffer: Vec<c_char> = vec![0; FIRST_BUFFER];
    loop {
        let mut entry = MaybeUninit::<Entry>::uninit();
        let mut found = ptr::null_mut();
        let answer = ask(
            entry.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut found,
        );
        match answer {
            0 => {
                // SAFETY: after success `found` is null or points to `entry`, which the call has
                // filled in; `entry` and `buffer`, which it points into, live until `read` is done.
                let entry = unsafe { found.as_ref() };
                return Ok(entry.map(read));
            }
            // Some modules of the name service answer so instead of with nothing.
            libc::ENOENT | libc::ESRCH => return Ok(None),
            libc::EINTR => {}
            libc::ERANGE if buffer.len() < MAX_BUFFER => buffer.resize(buffer.len() * 4, 0),
            errno => return Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

fn user_from(entry: &libc::passwd) -> User {
    User {
        name: String::from_utf8_lossy(text(&entry.pw_name)).into_owned(),
        uid: entry.pw_uid,
        gid: entry.pw_gid,
        home: PathBuf::from(std::ffi::OsStr::from_bytes(text(&entry.pw_dir))),
    }
}

/// The bytes of a string field of an entry that the name service filled in.
fn text(field: &*mut c_char) -> &[u8] {
    if field.is_null() {
        return &[];
    }
    // SAFETY: a field that is not null is a NUL-terminated string in the buffer of the look-up,
    // which outlives the entry that `field` is borrowed from.
    let text = unsafe { CStr::from_ptr(*field) };
    text.to_bytes()
}

/// Fits an entry of `/etc/passwd`, and most of `/etc/group`.
const FIRST_BUFFER: usize = 1024;

/// A group of a directory server may have tens of thousands of members, each named in the entry.
const MAX_BUFFER: usize = 4 << 20;

/// More groups than most users have.
const FIRST_GROUPS: usize = 32;

/// Linux lets no process be in more groups (`NGROUPS_MAX`).
const MAX_GROUPS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_number() {
        let by_name = user_by_name("root").unwrap().unwrap();
        assert_eq!((by_name.uid, by_name.gid), (0, 0));
        assert!(by_name.home.is_absolute());
        assert_eq!(user_by_uid(0).unwrap(), Some(by_name));
    }

    #[test]
    fn a_name_nobody_has_is_nobody() {
        assert_eq!(user_by_name("no-such-user-here").unwrap(), None);
        assert_eq!(user_by_name("nul\0inside").unwrap(), None);
        assert_eq!(group_by_name("no-such-group-here").unwrap(), None);
        assert_eq!(group_by_name("nul\0inside").unwrap(), None);
    }

    #[test]
    fn a_group_is_found_by_name_and_by_number() {
        assert_eq!(group_by_name("root").unwrap(), Some(0));
        assert!(group_exists(0).unwrap());
        assert!(!group_exists(4_123_456_789).unwrap());
    }

    #[test]
    fn the_primary_group_comes_first() {
        let root = user_by_name("root").unwrap().unwrap();
        let odd = User { gid: 4711, ..root };
        assert_eq!(groups_of(&odd).unwrap().first(), Some(&4711));
    }

    #[test]
    fn the_buffer_grows_until_the_entry_fits_and_no_further_than_its_bound() {
        let asked = std::cell::RefCell::new(Vec::new());
        let answer: io::Result<Option<()>> = look_up(
            |_: *mut libc::group, _, size, _| {
                asked.borrow_mut().push(size);
                libc::ERANGE
            },
            |_| (),
        );
        assert_eq!(answer.unwrap_err().raw_os_error(), Some(libc::ERANGE));
        assert_eq!(asked.borrow().last(), Some(&MAX_BUFFER));
    }
}
