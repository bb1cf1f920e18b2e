//! How an outlet comes to write to another file: by rotation, reopening and clearing.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::{NAME, Outlet, Ties, Way};
use crate::plane::Notice;
use crate::rotate;
use crate::sink::{FileId, Kind, Opened};

impl Outlet {
    /// Finishes a rotation that was cut off: the file in custody is then no longer the one that
    /// its path leads to.
    pub(crate) fn finish_rotation(&mut self, ties: &Ties) {
        let is_elsewhere = |found| found != Some(self.id);
        if self.kind == Kind::File && FileId::of_path(self.path()).is_ok_and(is_elsewhere) {
            let result = self.reopen(ties);
            self.note_rotation(result, ties);
        }
    }

    /// Rotates a file that has reached its limit, by ending at `end`. Checked after a write, as
    /// Supervisor does, so that nothing that was written in one go is torn.
    pub(super) fn rotate_if_full(&mut self, end: u64, ties: &Ties) {
        let limit = self.spec.max_bytes;
        if limit > 0 && self.kind == Kind::File && end >= limit {
            let result = self.rotate(ties);
            self.note_rotation(result, ties);
        }
    }

    /// Rotates a file that has reached its limit, wherever it ends.
    pub(super) fn rotate_if_found_full(&mut self, ties: &Ties) {
        if self.spec.max_bytes > 0
            && let Ok(end) = self.end()
        {
            self.rotate_if_full(end, ties);
        }
    }

    fn note_rotation(&mut self, result: io::Result<()>, ties: &Ties) {
        let was_stuck = self.is_stuck;
        self.is_stuck = result.is_err();
        match result {
            Err(error) if !was_stuck => self.report_trouble(error, ties),
            Ok(()) if was_stuck => (ties.notices)(Notice::Recovered {
                path: Arc::clone(self.path()),
                lost: 0,
            }),
            Ok(()) | Err(_) => {}
        }
    }

    fn rotate(&mut self, ties: &Ties) -> io::Result<()> {
        if self.spec.backups == 0 {
            return Ok(rustix::fs::ftruncate(&self.file, 0)?);
        }
        // What somebody else has put in our file's place is not ours to move.
        if FileId::of_path(self.path())? != Some(self.id) {
            return self.reopen(ties);
        }
        let newest = rotate::make_room(self.path(), self.spec.backups)?;
        let opened = Opened::anew(&newest, self.mode()?)?;
        if rotate::exchange(self.path(), &newest)? {
            self.switch_to(opened, ties);
            return Ok(());
        }
        self.reopen(ties)
    }

    /// Continues in the file that the path leads to now, and makes it if there is none.
    pub(crate) fn reopen(&mut self, ties: &Ties) -> io::Result<()> {
        if self.kind != Kind::File {
            return Ok(());
        }
        let opened = Opened::by_name(self.path(), self.mode()?)?;
        if opened.id != self.id {
            self.switch_to(opened, ties);
        }
        Ok(())
    }

    /// The permissions of the file, which the next one gets too.
    fn mode(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.file)?.st_mode & 0o777)
    }

    /// Continues in the file that the path leads to now, because somebody asked for it.
    pub(crate) fn reopen_by_name(&mut self, ties: &Ties) {
        let result = self.reopen(ties);
        self.note_rotation(result, ties);
    }

    /// Begins the file anew.
    pub(crate) fn clear(&mut self, ties: &Ties) -> io::Result<()> {
        if self.kind != Kind::File {
            return Ok(());
        }
        if FileId::of_path(self.path())? == Some(self.id) {
            fs::remove_file(self.path())?;
        }
        self.reopen(ties)
    }

    pub(super) fn switch_to(&mut self, opened: Opened, ties: &Ties) {
        self.give_into_custody(&opened.file, ties);
        self.file = opened.file;
        self.id = opened.id;
        self.kind = opened.kind;
        self.way = Way::of(opened.kind);
        self.cut_line = None;
    }

    /// Must come before the first byte is written to `file`: whoever comes next tells by the file
    /// in custody whether a rotation was cut off.
    pub(super) fn give_into_custody(&self, file: &Arc<OwnedFd>, ties: &Ties) {
        if let Err(error) = ties.custody.hold(&self.name(), file) {
            self.report_trouble(error, ties);
        }
    }

    /// Ends the use of this sink.
    pub(crate) fn release(mut self, ties: &Ties) {
        self.heal(ties);
        ties.custody.release(&self.name());
    }

    /// The name under which the file is in custody.
    fn name(&self) -> Vec<u8> {
        [NAME, self.path().as_os_str().as_bytes()].concat()
    }
}
