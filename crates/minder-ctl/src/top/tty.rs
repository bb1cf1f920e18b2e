//! The terminal while `top` has it: its modes, its size, and getting out of it in every way.

use std::env;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;

use minder_top::Ability;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Another screen, no wrapping at its edge, pastes told from keys, no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?25l";

/// The opposite, and the end of an update that may have been begun.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?25h\x1b[?2004l\x1b[?7h\x1b[?1049l";

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// The terminal, in the modes that `top` needs. It is as it was before when this is dropped, and
/// before a panic is told.
pub(super) struct Tty {
    ends: Arc<Ends>,
    hook: Arc<Hook>,
    ability: Ability,
}

/// Where keys come from and pictures go to, and the modes that were there before.
struct Ends {
    keys: OwnedFd,
    screen: File,
    before: Termios,
}

impl Tty {
    /// Takes the terminal of standard input and output.
    pub(super) fn enter() -> io::Result<Self> {
        let keys = stdin().try_clone_to_owned()?;
        Self::on(keys, stdout().try_clone_to_owned()?.into())
    }

    fn on(keys: OwnedFd, screen: File) -> io::Result<Self> {
        let before = tcgetattr(&keys)?;
        let ends = Arc::new(Ends {
            keys,
            screen,
            before,
        });
        let hook: Arc<Hook> = panic::take_hook().into();
        let (at_panic, then) = (Arc::clone(&ends), Arc::clone(&hook));
        // In a release a panic ends the process at once, and nothing is dropped.
        panic::set_hook(Box::new(move |info| {
            at_panic.restore();
            then(info);
        }));
        let tty = Self {
            ends,
            hook,
            ability: Ability {
                colours: !is_set("NO_COLOR"),
                unicode: shows_unicode(),
            },
        };
        tty.come_back()?;
        Ok(tty)
    }

    /// Gives the terminal back for a while.
    pub(super) fn leave(&self) -> io::Result<()> {
        self.ends.leave()
    }

    /// Takes the terminal again, whatever has become of it meanwhile.
    pub(super) fn come_back(&self) -> io::Result<()> {
        let mut modes = self.ends.before.clone();
        modes.make_raw();
        tcsetattr(&self.ends.keys, OptionalActions::Now, &modes)?;
        self.write(ENTER)
    }

    pub(super) fn ability(&self) -> Ability {
        self.ability
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.ends.screen).write_all(bytes)
    }
}

impl Ends {
    fn leave(&self) -> io::Result<()> {
        (&self.screen).write_all(LEAVE)?;
        Ok(tcsetattr(&self.keys, OptionalActions::Drain, &self.before)?)
    }

    /// If it fails, the terminal has gone.
    fn restore(&self) {
        let _ = self.leave();
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        self.ends.restore();
        if !std::thread::panicking() {
            let hook = Arc::clone(&self.hook);
            panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

/// How many columns and lines the terminal has; an ordinary number if it does not say.
pub(super) fn size() -> (usize, usize) {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        Ok(_) | Err(_) => (80, 24),
    }
}

/// Why nothing can be drawn here, if that is so.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !crate::input::is_terminal() {
        return Some("top needs a terminal: use status, or --json status");
    }
    match env::var("TERM") {
        Ok(term) if term != "dumb" && !term.is_empty() => None,
        _ => Some(
            "top needs a terminal that can move its cursor (TERM says that it cannot): use status",
        ),
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether the environment says that text is UTF-8, the most telling variable first.
fn shows_unicode() -> bool {
    let mut said = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter(|name| is_set(name));
    let said = said
        .find_map(|name| env::var(name).ok())
        .unwrap_or_default();
    let said = said.to_lowercase();
    said.contains("utf-8") || said.contains("utf8")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::LocalModes;

    use super::*;

    /// Both ends of a new terminal.
    fn terminal() -> (File, OwnedFd) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY,
            Mode::empty(),
        )
        .unwrap();
        (near.into(), far)
    }

    fn is_ordinary(terminal: &OwnedFd) -> bool {
        let modes = tcgetattr(terminal).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    #[test]
    fn a_panic_finds_the_terminal_as_it_was() {
        let (mut near, far) = terminal();
        let tty = Tty::on(far.try_clone().unwrap(), far.try_clone().unwrap().into()).unwrap();
        assert!(!is_ordinary(&far));
        let panicked = panic::catch_unwind(|| panic!("as this test wants it"));
        assert!(panicked.is_err());
        // As a release would have it: nothing was dropped.
        assert!(is_ordinary(&far));
        let mut sent = vec![0; ENTER.len() + LEAVE.len()];
        near.read_exact(&mut sent).unwrap();
        assert_eq!(sent, [ENTER, LEAVE].concat());
        drop(tty);
    }
}
