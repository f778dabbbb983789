//! The corpora of the fuzzers: small inputs, one a file, in `corpus/TARGET`. What a fuzzer has found and what was wrong once
//! stays there.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of a target's corpus.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The inputs of a target, by name.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn corpus(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder(target))? {
        let entry = entry?;
        inputs.push((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?));
    }
    inputs.sort();
    Ok(inputs)
}
