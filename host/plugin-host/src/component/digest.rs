//! SHA-256 digests, and how they are written in hex.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of the component, in hex.
pub(crate) fn digest(bytes: &[u8]) -> Arc<str> {
    hex(&Sha256::digest(bytes)).into()
}

/// Whether this is a SHA-256 in hex.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
