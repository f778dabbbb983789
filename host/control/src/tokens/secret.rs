//! Secrets of tokens, and their digests.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::ring;

/// The beginning of every secret, by which scanners for leaked secrets can find one.
const PREFIX: &str = "pvt_";

/// The random part of a secret, in bytes.
const BYTES: usize = 32;

/// The secret of a token. It is shown once, when the token is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// Makes a secret of random bytes of the kernel; `None` if it gives none.
    pub(super) fn random() -> Option<Self> {
        let mut bytes = [0; BYTES];
        ring::default_provider().secure_random.fill(&mut bytes).ok()?;
        Some(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Returns the text of the secret, which a client sends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a secret. It needs no salt and no slow hash, because a secret has 256 random bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads the hexadecimal digits of a digest.
    pub(super) fn parse(digits: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Compares in a time that does not depend on where the two differ.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let differing = self.0.iter().zip(&other.0).fold(0, |all, (one, other)| all | (one ^ other));
        std::hint::black_box(differing) == 0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_differ_and_are_not_shown_by_accident() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, other);
        assert!(one.as_str().starts_with("pvt_") && one.as_str().len() == 4 + 43, "{}", one.as_str());
        assert_eq!(format!("{one:?}"), "Secret(hidden)");
    }

    #[test]
    fn a_digest_is_read_back_as_it_was_written() {
        let digest = Digest::of(b"x");
        let read = Digest::parse(&digest.to_string()).unwrap();
        assert!(read.equals(&digest) && !read.equals(&Digest::of(b"y")));
        for bad in ["", "zz", &"g".repeat(64), &"+1".repeat(32)[..63], &"é".repeat(32)] {
            assert!(Digest::parse(bad).is_none(), "{bad}");
        }
    }
}
