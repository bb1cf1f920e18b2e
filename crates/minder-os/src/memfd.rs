//! Bytes in an anonymous file, to be handed to another process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

/// A new anonymous file with this content, which nobody can change any more. Closed on exec.
pub fn sealed(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    let file = sealable(name)?;
    fill(&file, content)?;
    Ok(file)
}

/// A new anonymous file that is yet to be [filled](fill). Closed on exec.
pub fn sealable(name: &str) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(memfd_create(name, flags)?)
}

/// Writes the content of a [`sealable`] file, which nobody can change any more after that.
pub fn fill(file: impl AsFd, content: &[u8]) -> io::Result<()> {
    write(&file, content, 0)?;
    Ok(fcntl_add_seals(&file, SEALS)?)
}

/// A new anonymous file without content, to be written to by whoever has it. Closed on exec.
pub fn open(name: &str) -> io::Result<OwnedFd> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?)
}

/// Writes all of `content` at `offset`, a byte count from the beginning. After an error, or if we
/// are killed, the file may have got the beginning of it.
pub fn write(file: impl AsFd, content: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = content.get(done..).filter(|rest| !rest.is_empty()) {
        done += retry_on_intr(|| pwrite(&file, rest, offset + done as u64))?;
    }
    Ok(())
}

/// The whole content of what [`sealed`] made, if it is at most `limit` bytes.
///
/// A file that is not sealed is refused: whoever sent it could change it under the reader.
pub fn read_sealed(file: impl AsFd, limit: usize) -> io::Result<Vec<u8>> {
    if !fcntl_get_seals(&file)?.contains(SEALS) {
        return Err(Errno::PERM.into());
    }
    read(file, limit)
}

/// The whole content of a file, if it is at most `limit` bytes. For what nobody writes to any more.
pub fn read(file: impl AsFd, limit: usize) -> io::Result<Vec<u8>> {
    let size = match usize::try_from(fstat(&file)?.st_size) {
        Ok(size) if size <= limit => size,
        Ok(_) | Err(_) => return Err(Errno::FBIG.into()),
    };
    let mut content = vec![0; size];
    let mut done = 0;
    while let Some(rest) = content.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match retry_on_intr(|| pread(&file, &mut *rest, done as u64))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => done += some,
        }
    }
    Ok(content)
}

const SEALS: SealFlags = SealFlags::SEAL
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_read_back_and_cannot_change() {
        let content = vec![42; 100_000];
        let file = sealed("test", &content).unwrap();
        assert_eq!(pwrite(&file, b"x", 0), Err(Errno::PERM));
        assert_eq!(read_sealed(&file, content.len()).unwrap(), content);
    }

    #[test]
    fn what_is_open_grows() {
        let file = open("test").unwrap();
        write(&file, b"one", 0).unwrap();
        write(&file, b" two", 3).unwrap();
        assert_eq!(read(&file, 7).unwrap(), b"one two");
    }

    #[test]
    fn more_than_the_limit_is_not_read() {
        let file = sealed("test", b"four").unwrap();
        let refused = read_sealed(&file, 3).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EFBIG));
    }

    #[test]
    fn what_is_not_sealed_is_not_read() {
        let file = memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
        let refused = read_sealed(&file, 100).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
        let (pipe, _other) = rustix::pipe::pipe().unwrap();
        read_sealed(&pipe, 100).unwrap_err();
    }
}
