//! SHA-256 digests, and how they are written in hex; the number of an engine.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::Engine;

/// Returns the SHA-256 of the component, in hex.
pub(crate) fn digest(bytes: &[u8]) -> Arc<str> {
    hex(&sha256(bytes)).into()
}

/// Returns the SHA-256 of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A hasher of SHA-256: the compatibility hash of an engine can only be fed to a `Hasher`.
pub(super) struct Sha(pub(super) Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// Returns a number that differs between engines whose code differs: by their settings, the target or the version of
/// wasmtime. It is the same in every run of this program.
pub(crate) fn engine_number(engine: &Engine) -> u64 {
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.finish()
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
