//! What files hold that a config names. They are compared by their content, not by their path.

use std::path::PathBuf;

use provost_plugin_host::{Source, hex};
use sha2::{Digest, Sha256};

/// Where the digests of files come from.
pub(crate) trait Contents {
    /// Returns the digest of this component; `None` if it is not known.
    fn component(&self, source: &Source) -> Option<String>;

    /// Returns the digest of these files of public keys; `None` if it is not known.
    fn keys(&self, files: &[PathBuf]) -> Option<String>;
}

/// Compares texts alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread;

impl Contents for Unread {
    fn component(&self, _: &Source) -> Option<String> {
        None
    }

    fn keys(&self, _: &[PathBuf]) -> Option<String> {
        None
    }
}

/// Reads the files; they are small, or components, which have a bound. It may wait for a disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read;

/// The largest file of a key that is read, in bytes.
const KEY_BYTES_MAX: u64 = 64 << 10;

impl Contents for Read {
    fn component(&self, source: &Source) -> Option<String> {
        source.digest().ok().map(|digest| digest.to_string())
    }

    fn keys(&self, files: &[PathBuf]) -> Option<String> {
        let mut digest = Sha256::new();
        for file in files {
            let held = provost_files::read_named(file, KEY_BYTES_MAX).ok()?;
            // The length separates the files.
            digest.update(held.len().to_be_bytes());
            digest.update(held);
        }
        Some(hex(&digest.finalize()))
    }
}
