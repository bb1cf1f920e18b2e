//! The files and devices that output goes to, and what may be done to which of them.
//!
//! Opening one is all that happens here, in the thread of whoever starts a child, so that a path
//! that cannot be opened is an error of that start. Writing is [`crate::plane`]'s business.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

/// How many symbolic links are followed when asking whether a path leads to a descriptor; the
/// kernel's own limit.
const MAX_LINKS: usize = 40;

/// The permissions of whoever does not own a file.
const OTHERS: u32 = 0o077;

/// What a sink is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkSpec {
    /// The file or device. There are thousands, and each is known in several places.
    pub path: Arc<Path>,
    /// From how many bytes on a regular file is rotated; 0 is never.
    pub max_bytes: u64,
    /// How many rotated files are kept; with none the file is emptied instead.
    pub backups: u32,
    /// The permissions a new file gets, before the umask.
    pub mode: u32,
    /// Whether ANSI escape sequences are left out.
    pub strip_ansi: bool,
}

/// A sink that has been opened, to be handed to [`Plane::attach`](crate::plane::Plane::attach).
#[derive(Debug)]
pub struct Sink {
    pub(crate) spec: SinkSpec,
    pub(crate) opened: Opened,
}

impl Sink {
    /// Opens what `spec` asks for, and makes the file if there is none.
    ///
    /// Never blocks: a pipe that nobody reads is an error.
    pub(crate) fn open(spec: &SinkSpec) -> io::Result<Self> {
        let opened = if leads_to_descriptor(&spec.path) {
            Opened::by_descriptor(&spec.path)?
        } else {
            Opened::by_name(&spec.path, spec.mode)?
        };
        Ok(Self {
            spec: spec.clone(),
            opened,
        })
    }
}

/// What a sink turned out to be, which decides what may be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file of its own name: rotated, reopened and cleared.
    File,
    /// A regular file behind a descriptor of somebody (`/dev/stdout`, say): others write to it as
    /// well, so each write is an append, and its name is not ours to change.
    Borrowed,
    /// A pipe, terminal or other device.
    Device,
    /// A socket, whose descriptor is shared: only its single writes can be kept from blocking.
    Socket,
    /// A pipe or device whose descriptor is shared, because it may not be opened by its name.
    Shared,
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    /// The file that `path` leads to now, if any.
    pub(crate) fn of_path(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self {
                device: found.dev(),
                inode: found.ino(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// An open file, and what it is.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) id: FileId,
    pub(crate) kind: Kind,
}

impl Opened {
    /// Opens the file or device of this name; a file is made with `mode` less the umask.
    pub(crate) fn by_name(path: &Path, mode: u32) -> io::Result<Self> {
        let is_regular = match fs::metadata(path) {
            Ok(found) => found.is_file(),
            Err(_) => true,
        };
        let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file = if is_regular {
            let mut flags = flags | OFlags::CREATE;
            if mode & OTHERS == 0 {
                // A file of our own naming, in a directory that may be everybody's: where it leads is
                // not for others to say.
                flags |= OFlags::NOFOLLOW;
            }
            let mode = Mode::from_raw_mode(mode);
            // Reading is needed only to see whether the last line is complete.
            match open(path, flags | OFlags::RDWR, mode) {
                Err(Errno::ACCESS) => open(path, flags | OFlags::WRONLY, mode)?,
                other => other?,
            }
        } else {
            open(path, flags | OFlags::WRONLY, Mode::empty())?
        };
        Self::examine(file, Kind::File)
    }

    /// Makes a file of this name, with `mode` less the umask. There must be none.
    pub(crate) fn anew(path: &Path, mode: u32) -> io::Result<Self> {
        let flags = OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL | OFlags::RDWR;
        let file = open(path, flags, Mode::from_raw_mode(mode))?;
        Self::examine(file, Kind::File)
    }

    /// Opens what a descriptor of some process refers to, by its link below `/proc`.
    fn by_descriptor(path: &Path) -> io::Result<Self> {
        let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::WRONLY;
        let open = |flags| open(path, flags, Mode::empty());
        let file = match open(flags | OFlags::APPEND) {
            // Sockets cannot be opened by name; those of ours need not be.
            Err(Errno::NXIO) => own_standard_output(path)?,
            // Some devices refuse to be appended to.
            Err(Errno::SPIPE) => open(flags)?,
            other => other?,
        };
        Self::examine(file, Kind::Borrowed)
    }

    /// What our own standard output refers to, by a duplicate of its descriptor. Needs no
    /// permission, unlike opening it by name: it may belong to whoever we were before privileges
    /// were dropped.
    pub(crate) fn own_output() -> io::Result<Self> {
        let opened = Self::examine(io::stdout().as_fd().try_clone_to_owned()?, Kind::Borrowed)?;
        let kind = match opened.kind {
            Kind::Device => Kind::Shared,
            other => other,
        };
        Ok(Self { kind, ..opened })
    }

    /// Says what `file` is; a regular one is of the kind `regular`.
    pub(crate) fn examine(file: impl Into<Arc<OwnedFd>>, regular: Kind) -> io::Result<Self> {
        let file = file.into();
        let found = rustix::fs::fstat(&file)?;
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => regular,
            FileType::Socket => Kind::Socket,
            FileType::Directory => return Err(Errno::ISDIR.into()),
            FileType::Fifo
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Symlink
            | FileType::Unknown => Kind::Device,
        };
        let id = FileId {
            device: found.st_dev,
            inode: found.st_ino,
        };
        Ok(Self { file, id, kind })
    }
}

/// Opens what lies on a disk of another machine, perhaps: that may be interrupted.
fn open(path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| rustix::fs::open(path, flags, mode))
}

/// Whether `path` is, or links to, an entry of some process's list of descriptors.
pub(crate) fn leads_to_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return false;
        };
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let Ok(folder) = folder.canonicalize() else {
            return false;
        };
        if folder.starts_with("/proc") && folder.ends_with("fd") {
            return true;
        }
        match fs::read_link(folder.join(name)) {
            Ok(target) => path = folder.join(target),
            Err(_) => return false,
        }
    }
    false
}

/// A duplicate of our own standard output or standard error, if that is what `path` means.
fn own_standard_output(path: &Path) -> io::Result<OwnedFd> {
    let wanted = fs::metadata(path)?;
    for own in [io::stdout().as_fd(), io::stderr().as_fd()] {
        let found = rustix::fs::fstat(own)?;
        if (found.st_dev, found.st_ino) == (wanted.dev(), wanted.ino()) {
            return own.try_clone_to_owned();
        }
    }
    Err(Errno::NXIO.into())
}
