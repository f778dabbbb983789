//! The digest of the text of a config, to notice that the file has changed.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::read::text_if_any;

/// Returns the digest of a text.
pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Returns the digest of the text of the file at `path`; `None` if it cannot be read.
pub(crate) fn digest_of_file(path: &Path) -> Option<[u8; 32]> {
    text_if_any(path).map(|text| digest(&text))
}
