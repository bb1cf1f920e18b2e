//! Texts in base64, read as leniently as Supervisor reads them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The text that `encoded` stands for, if it is one in UTF-8. What is not of the alphabet is
/// skipped; the padding must be there.
#[must_use]
pub fn base64_text(encoded: &str) -> Option<String> {
    let digits: Vec<u8> = encoded
        .bytes()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
        .collect();
    String::from_utf8(LENIENT.decode(digits).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_alphabet_is_skipped() {
        assert_eq!(base64_text(" d8\nOk*cnQ= ").as_deref(), Some("w\u{e4}rt"));
        assert_eq!(base64_text("dTpw").as_deref(), Some("u:p"));
        assert_eq!(base64_text("%%%").as_deref(), Some(""));
        assert_eq!(base64_text("//79"), None);
        assert_eq!(base64_text("eB=="), Some("x".to_owned()));
        assert_eq!(base64_text("eA"), None);
    }
}
