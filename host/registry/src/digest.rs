//! SHA-256 digests, as registries write them: `sha256:` and 64 hexadecimal digits in lower case.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// What stands before the digits.
const ALGORITHM: &str = "sha256:";

/// The number of hexadecimal digits.
const DIGITS: usize = 64;

/// A SHA-256 digest. It is shown as `sha256:` and its digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Returns the digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digits = Sha256::digest(bytes).iter().fold(String::with_capacity(DIGITS), |mut digits, byte| {
            digits.push(char::from(HEX[usize::from(byte >> 4)]));
            digits.push(char::from(HEX[usize::from(byte & 15)]));
            digits
        });
        Self(digits)
    }

    /// Parses the digits alone, in upper or lower case; `None` if these are not 64 hexadecimal digits.
    #[must_use]
    pub fn from_digits(text: &str) -> Option<Self> {
        let is_one = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Parses `sha256:` and the digits; `None` if this is anything else, such as a digest of another kind.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix(ALGORITHM).and_then(Self::from_digits)
    }

    /// Returns the digits alone, in lower case.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// The hexadecimal digits.
const HEX: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").digits(), empty);
        assert_eq!(Digest::parse(&format!("sha256:{empty}")), Some(Digest::of(b"")));
        assert_eq!(Digest::from_digits(&empty.to_uppercase()), Some(Digest::of(b"")));
        for wrong in [empty, "sha512:00", "sha256:00", ""] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
    }
}
