//! HTTP's Basic authentication.

use std::fmt;

use hyper::header::HeaderValue;
use minder_rpc::base64_text;
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

/// Who may come in. Only digests are kept, so that how long a comparison takes says nothing
/// about the password, not even its length.
#[derive(Clone)]
pub struct Credentials {
    username: [u8; 20],
    /// `None` if it was configured as a digest that cannot be one: nobody comes in then.
    password: Option<[u8; 20]>,
}

/// What to make of what a client presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may come in.
    Granted,
    /// It presents nothing, or the wrong thing.
    Denied,
    /// It presents something that is no pair of name and password.
    Malformed,
}

impl Credentials {
    /// The name and password of the configuration. A password `{SHA}…` is the SHA-1 of the real
    /// one in hexadecimal digits.
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: digest(username.as_bytes()),
            password: match password.strip_prefix("{SHA}") {
                Some(hex) => from_hex(hex),
                None => Some(digest(password.as_bytes())),
            },
        }
    }

    /// Judges the `Authorization` line of a request.
    pub(super) fn judge(&self, authorization: Option<&HeaderValue>) -> Verdict {
        let Some(encoded) = encoded(authorization) else {
            return Verdict::Denied;
        };
        let Some(decoded) = base64_text(encoded) else {
            return Verdict::Malformed;
        };
        match decoded.split_once(':') {
            None => Verdict::Malformed,
            Some((username, password)) if self.match_pair(username, password) => Verdict::Granted,
            Some(_) => Verdict::Denied,
        }
    }

    fn match_pair(&self, username: &str, password: &str) -> bool {
        let username = self.username.ct_eq(&digest(username.as_bytes()));
        let stored = self.password.unwrap_or_default();
        let password = stored.ct_eq(&digest(password.as_bytes()));
        (username & password).into() && self.password.is_some()
    }
}

/// The name in the `Authorization` line of a request, whether or not it is known.
pub(super) fn username(authorization: Option<&HeaderValue>) -> Option<String> {
    let decoded = base64_text(encoded(authorization)?)?;
    let (username, _) = decoded.split_once(':')?;
    Some(username.to_owned())
}

/// Name and password, as they are encoded.
fn encoded(authorization: Option<&HeaderValue>) -> Option<&str> {
    let (scheme, encoded) = authorization?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(encoded)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

fn digest(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

fn from_hex(hex: &str) -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    if hex.len() != 2 * bytes.len() || !hex.is_ascii() {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn judged(credentials: &Credentials, authorization: &str) -> Verdict {
        credentials.judge(Some(&HeaderValue::from_str(authorization).unwrap()))
    }

    fn basic(pair: impl AsRef<[u8]>) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn the_right_pair_is_let_in() {
        let plain = Credentials::new("u", "p:w");
        assert_eq!(judged(&plain, &basic("u:p:w")), Verdict::Granted);
        let shouted = basic("u:p:w").replace("Basic", "bAsIC");
        assert_eq!(judged(&plain, &shouted), Verdict::Granted);
    }

    #[test]
    fn any_other_pair_is_not() {
        let plain = Credentials::new("u", "pw");
        for pair in [
            "u:", "u:p", "u:PW", "U:pw", ":pw", "u:pw ", "u:pwx", "pw:u", ":",
        ] {
            assert_eq!(judged(&plain, &basic(pair)), Verdict::Denied, "{pair}");
        }
        assert_eq!(plain.judge(None), Verdict::Denied);
        for other in ["Bearer x", "Basic", "", "Digest dTpwdw=="] {
            assert_eq!(judged(&plain, other), Verdict::Denied, "{other}");
        }
    }

    #[test]
    fn what_is_no_pair_is_malformed() {
        let plain = Credentials::new("u", "pw");
        for text in [
            basic("u"),
            basic([0xff, b':', 0xfe]),
            "Basic %%%".to_owned(),
        ] {
            assert_eq!(judged(&plain, &text), Verdict::Malformed, "{text}");
        }
    }

    #[test]
    fn a_password_may_be_configured_as_its_digest() {
        const STORED: &str = "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";
        for stored in [STORED.to_owned(), STORED.replace("82ab", "82AB")] {
            let hashed = Credentials::new("u", &stored);
            assert_eq!(judged(&hashed, &basic("u:thepassword")), Verdict::Granted);
            assert_eq!(
                judged(&hashed, &basic(format!("u:{stored}"))),
                Verdict::Denied
            );
        }
    }

    #[test]
    fn a_digest_that_is_none_lets_nobody_in() {
        for stored in [
            "{SHA}",
            "{SHA}82ab",
            "{SHA}zz",
            "{SHA}+2ab876d1387bfafe46cc1c8a2ef074eae50cb1d",
        ] {
            let broken = Credentials::new("u", stored);
            assert_eq!(judged(&broken, &basic("u:thepassword")), Verdict::Denied);
            assert_eq!(judged(&broken, &basic("u:")), Verdict::Denied);
        }
    }
}
