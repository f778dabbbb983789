//! What files hold that a config names. They are compared by their content, not by their path.

use std::path::PathBuf;

use provost_plugin_host::Source;
use sha2::{Digest, Sha256};

/// Where the digests of files come from.
pub(crate) trait Contents {
    /// Returns the digest of these environment files; `None` if it is not known.
    fn env_files(&self, files: &[PathBuf]) -> Option<String>;

    /// Returns the digest of this component; `None` if it is not known.
    fn component(&self, source: &Source) -> Option<String>;

    /// Returns the digest of these files of public keys; `None` if it is not known.
    fn keys(&self, files: &[PathBuf]) -> Option<String>;
}

/// Compares texts alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread;

impl Contents for Unread {
    fn env_files(&self, _: &[PathBuf]) -> Option<String> {
        None
    }

    fn component(&self, _: &Source) -> Option<String> {
        None
    }

    fn keys(&self, _: &[PathBuf]) -> Option<String> {
        None
    }
}
