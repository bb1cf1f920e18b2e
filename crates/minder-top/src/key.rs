//! Keys, read from the bytes that a terminal sends for them.

/// The longest text that is taken from a paste, in bytes: it can only become a filter.
const MAX_PASTE_BYTES: usize = 4096;

/// The longest sequence that may be one key's, in bytes. What is longer is none.
const MAX_SEQUENCE_BYTES: usize = 32;

const ESC: u8 = 0x1b;

/// Something that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl, in lower case.
    Ctrl(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab, with or without Shift.
    Tab,
    /// Backspace.
    Backspace,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key, from 1.
    Function(u8),
    /// Text that was not typed but pasted.
    Paste(String),
}

/// Makes keys of bytes, wherever these are cut.
#[derive(Debug, Default)]
pub struct Keys {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the bytes at hand begin with.
enum Found {
    Key(Key, usize),
    /// So many bytes that mean nothing here.
    Nothing(usize),
    /// The beginning of something.
    More,
    PasteBegins(usize),
}

impl Keys {
    /// The keys that are complete with `bytes`.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.pending.extend_from_slice(bytes);
        let mut keys = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(key) => keys.push(key),
                    None => return keys,
                }
            }
            let used = match find(&self.pending) {
                Found::Key(key, used) => {
                    keys.push(key);
                    used
                }
                Found::Nothing(used) => used,
                Found::PasteBegins(used) => {
                    self.paste = Some(Vec::new());
                    used
                }
                Found::More => return keys,
            };
            self.pending.drain(..used);
        }
    }

    /// Whether there is the beginning of something that a moment's silence would decide: Escape sends
    /// what the sequences of other keys begin with.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.paste.is_none() && !self.pending.is_empty()
    }

    /// What the bytes at hand mean, if no more come.
    pub fn decide(&mut self) -> Option<Key> {
        let pending = std::mem::take(&mut self.pending);
        (pending.first() == Some(&ESC)).then_some(Key::Esc)
    }

    /// Takes what belongs to a paste, and returns it at its end.
    fn pasted(&mut self) -> Option<Key> {
        const END: &[u8] = b"\x1b[201~";
        let paste = self.paste.as_mut()?;
        let end = self.pending.windows(END.len()).position(|it| it == END);
        let kept = self.pending.len().saturating_sub(END.len() - 1);
        let text = self.pending.drain(..end.unwrap_or(kept));
        let room = MAX_PASTE_BYTES.saturating_sub(paste.len());
        paste.extend(text.take(room));
        end?;
        self.pending.drain(..END.len());
        let text = self.paste.take().unwrap_or_default();
        Some(Key::Paste(String::from_utf8_lossy(&text).into_owned()))
    }
}

fn find(bytes: &[u8]) -> Found {
    let Some(&first) = bytes.first() else {
        return Found::More;
    };
    let one = |key| Found::Key(key, 1);
    match first {
        ESC => escaped(bytes),
        b'\r' | b'\n' => one(Key::Enter),
        b'\t' => one(Key::Tab),
        0x08 | 0x7f => one(Key::Backspace),
        1..=26 => one(Key::Ctrl(char::from(first - 1 + b'a'))),
        0..0x20 => Found::Nothing(1),
        _ => character(bytes),
    }
}

fn character(bytes: &[u8]) -> Found {
    let most = &bytes[..bytes.len().min(4)];
    match std::str::from_utf8(most) {
        Ok(text) => decoded(text),
        Err(error) if error.valid_up_to() > 0 => {
            let text = str::from_utf8(&most[..error.valid_up_to()]).unwrap_or_default();
            decoded(text)
        }
        Err(error) => error.error_len().map_or(Found::More, Found::Nothing),
    }
}

fn decoded(text: &str) -> Found {
    match text.chars().next() {
        Some(c) if c.is_control() => Found::Nothing(c.len_utf8()),
        Some(c) => Found::Key(Key::Char(c), c.len_utf8()),
        None => Found::More,
    }
}

fn escaped(bytes: &[u8]) -> Found {
    match bytes.get(1) {
        None => Found::More,
        // What follows may be the beginning of another sequence.
        Some(&ESC) => Found::Key(Key::Esc, 1),
        Some(b'O') => match bytes.get(2) {
            None => Found::More,
            Some(&last) => known(letter(last), 3),
        },
        Some(b'[') => control(bytes),
        // Alt and a key, which nothing is bound to.
        Some(_) => Found::Nothing(2),
    }
}

fn control(bytes: &[u8]) -> Found {
    // The Linux console's F1 to F5.
    if bytes.get(2) == Some(&b'[') {
        return match bytes.get(3) {
            None => Found::More,
            Some(&last @ b'A'..=b'E') => Found::Key(Key::Function(last - b'A' + 1), 4),
            Some(_) => Found::Nothing(4),
        };
    }
    let is_last = |byte: &u8| (0x40..0x7f).contains(byte);
    let Some(length) = bytes[2..].iter().position(is_last) else {
        if bytes.len() > MAX_SEQUENCE_BYTES {
            return Found::Nothing(bytes.len());
        }
        return Found::More;
    };
    let (parameters, last, used) = (&bytes[2..2 + length], bytes[2 + length], length + 3);
    if last != b'~' {
        return known(letter(last), used);
    }
    let digits = parameters.iter().take_while(|it| it.is_ascii_digit());
    let number = digits.fold(0_u32, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u32::from(digit - b'0'))
    });
    let key = match number {
        1 | 7 => Key::Home,
        4 | 8 => Key::End,
        5 => Key::PageUp,
        6 => Key::PageDown,
        11 => Key::Function(1),
        21 => Key::Function(10),
        200 => return Found::PasteBegins(used),
        _ => return Found::Nothing(used),
    };
    Found::Key(key, used)
}

fn letter(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'P' => Key::Function(1),
        b'Z' => Key::Tab,
        b'M' => Key::Enter,
        _ => return None,
    })
}

fn known(key: Option<Key>, used: usize) -> Found {
    key.map_or(Found::Nothing(used), |key| Found::Key(key, used))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Key> {
        Keys::default().take(bytes)
    }

    #[test]
    fn each_key_is_known_by_what_terminals_send() {
        for (bytes, key) in [
            (&b"a"[..], Key::Char('a')),
            ("漢".as_bytes(), Key::Char('漢')),
            (b"\x03", Key::Ctrl('c')),
            (b"\r", Key::Enter),
            (b"\t", Key::Tab),
            (b"\x7f", Key::Backspace),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;5C", Key::Right),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[1~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1bOP", Key::Function(1)),
            (b"\x1b[[A", Key::Function(1)),
            (b"\x1b[21~", Key::Function(10)),
        ] {
            assert_eq!(read(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn escape_is_a_key_once_nothing_follows() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"\x1b"), []);
        assert!(keys.is_undecided());
        assert_eq!(keys.decide(), Some(Key::Esc));
        assert!(!keys.is_undecided());
        assert_eq!(read(b"\x1b\x1b[A"), [Key::Esc, Key::Up]);
    }

    #[test]
    fn what_nothing_is_bound_to_does_nothing() {
        assert_eq!(read(b"\x1bx\x1b[99~\x1b[?1;2c\x00q"), [Key::Char('q')]);
        assert_eq!(read(b"\xff\xfeq"), [Key::Char('q')]);
    }

    #[test]
    fn what_is_pasted_is_no_command() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"\x1b[200~xy\rz\x1b[20"), []);
        assert!(!keys.is_undecided());
        let pasted = Key::Paste("xy\rz".to_owned());
        assert_eq!(keys.take(b"1~q"), [pasted, Key::Char('q')]);
    }

    #[test]
    fn a_paste_without_an_end_stays_within_its_bound() {
        let mut keys = Keys::default();
        keys.take(b"\x1b[200~");
        for _ in 0..10 {
            keys.take(&[b'x'; 4096]);
        }
        assert!(keys.paste.as_ref().unwrap().len() <= MAX_PASTE_BYTES);
        assert!(keys.pending.len() < 10);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_bytes_are_cut(bytes in proptest::collection::vec(
            prop_oneof![Just(ESC), Just(b'['), Just(b'~'), Just(b'2'), Just(b'0'), any::<u8>()], 0..64,
        ), cut in 0_usize..64) {
            let cut = cut.min(bytes.len());
            let mut keys = Keys::default();
            let mut read_in_two = keys.take(&bytes[..cut]);
            read_in_two.extend(keys.take(&bytes[cut..]));
            // A sequence that is too long is given up as far as it is at hand.
            if bytes.len() <= MAX_SEQUENCE_BYTES {
                prop_assert_eq!(read_in_two, read(&bytes));
            }
        }
    }
}
