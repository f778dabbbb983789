//! The memory of a plugin on disk: one file for each plugin, which is replaced as a whole.
//!
//! Layout: a header line, the version of the memory (64 bits, little endian), then each key and value preceded by its length
//! (32 bits, little endian), then the SHA-256 of everything before it. Files of the first layout have no version and are read
//! as version 0. A file that cannot be used (it is damaged, too large, a link, a pipe, owned by somebody else,
//! or writable by others) is put aside as `NAME.memory.damaged`, and the plugin starts with an empty memory: it keeps
//! no host from starting.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_files::{Access, FileError};
use sha2::{Digest, Sha256};

use crate::lacks::Lacks;

use super::values::{Values, Versioned};

const HEADER: &[u8] = b"provost-memory-2\n";

/// The header of a file without a version.
const HEADER_1: &[u8] = b"provost-memory-1\n";

const DIGEST_BYTES: usize = 32;

/// The largest file that is read, in bytes: more than the largest store with a length before each key and value.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The number of files of one plugin that are kept aside; the next one replaces the last.
const ASIDE_MAX: usize = 8;

/// The file of one plugin.
#[derive(Debug)]
pub(super) struct MemoryFile {
    path: PathBuf,
    /// The name under which a lack is reported.
    what: String,
    lacks: Lacks,
}

impl MemoryFile {
    pub(super) fn new(path: PathBuf, plugin: &str, lacks: Lacks) -> Self {
        Self { path, what: format!("the memory of {plugin}"), lacks }
    }

    /// Writes the file. Returns false, and reports a lack, if that fails.
    pub(super) fn write(&self, values: &Versioned) -> bool {
        match self.replace(&encode(values)) {
            Ok(()) => {
                self.lacks.clear(&self.what);
                true
            }
            Err(error) => {
                let reason = format!("it could not be written to disk, and is tried again: {error}");
                self.lacks.set(&self.what, reason);
                false
            }
        }
    }

    fn replace(&self, text: &[u8]) -> Result<(), FileError> {
        fail::fail_point!("memory.write", |number| Err(FileError {
            path: self.path.clone(),
            problem: io::Error::from_raw_os_error(
                number.and_then(|number| number.parse().ok()).unwrap_or_default()
            )
            .into(),
        }));
        match provost_files::replace(&self.path, Access::Private, &[text]) {
            // The whole directory may have been removed.
            Err(error) if error.is_missing() => {
                provost_files::own_dir(self.path.parent().unwrap_or(Path::new(".")))?;
                provost_files::replace(&self.path, Access::Private, &[text])
            }
            replaced => replaced,
        }
    }

    /// Logs that the host ends and the last changes were not written.
    pub(super) fn tell_lost(&self) {
        tracing::error!(
            file = %self.path.display(),
            "the last changes to {} are lost: its file has an older state", self.what
        );
    }

    /// Reads the file. Returns an empty memory if there is none, or one that cannot be used.
    pub(super) fn read(&self) -> Versioned {
        let why = match provost_files::read_own(&self.path, FILE_BYTES_MAX) {
            Ok(text) => match decode(&text) {
                Some(values) => return values,
                None => "it is damaged, or was not written by Provost".to_owned(),
            },
            Err(error) if error.is_missing() => return Versioned::default(),
            Err(error) => error.problem.to_string(),
        };
        let file = self.path.display();
        match self.put_aside() {
            Ok(aside) => tracing::warn!(
                "the memory of a plugin cannot be used: {file}: {why}. It is put aside as {}, and the plugin starts with none",
                aside.display()
            ),
            Err(error) => tracing::warn!(
                "the memory of a plugin cannot be used: {file}: {why}. The plugin starts with none, and its first write \
                 replaces the file, since it cannot be put aside: {error}"
            ),
        }
        Versioned::default()
    }

    /// Renames the file, whatever it is. Returns its new name.
    fn put_aside(&self) -> io::Result<PathBuf> {
        let named = |number: usize| {
            let mut name = self.path.clone().into_os_string();
            name.push(".damaged");
            if number > 1 {
                name.push(format!("-{number}"));
            }
            PathBuf::from(name)
        };
        let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
        let aside = (1..=ASIDE_MAX).map(named).find(is_free).unwrap_or_else(|| named(ASIDE_MAX));
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }
}

/// Converts the name of a plugin into a file name: other characters than letters, digits, `-` and `_` become `%` and
/// their hex.
pub(super) fn file_name(plugin: &str) -> String {
    plugin
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}

fn encode(Versioned { values, version }: &Versioned) -> Vec<u8> {
    let mut text = HEADER.to_vec();
    text.extend(version.to_le_bytes());
    let mut put = |part: &[u8]| {
        // The limits keep each length far below 32 bits.
        text.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        text.extend(part);
    };
    for (key, value) in &**values {
        put(key.as_bytes());
        put(value);
    }
    let digest = Sha256::digest(&text);
    text.extend(digest);
    text
}

fn decode(text: &[u8]) -> Option<Versioned> {
    let (text, digest) = text.split_at_checked(text.len().checked_sub(DIGEST_BYTES)?)?;
    if Sha256::digest(text)[..] != *digest {
        return None;
    }
    let (version, mut rest) = match text.strip_prefix(HEADER_1) {
        Some(rest) => (0, rest),
        None => {
            let (version, rest) = text.strip_prefix(HEADER)?.split_first_chunk()?;
            (u64::from_le_bytes(*version), rest)
        }
    };
    let mut values = Values::new();
    while !rest.is_empty() {
        let key = std::str::from_utf8(part(&mut rest)?).ok()?;
        values.insert(key.into(), part(&mut rest)?.into());
    }
    Some(Versioned { values: Arc::new(values), version })
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (part, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = behind;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_reads_back_as_it_was_written_and_no_damaged_one_is_read() {
        let values = Arc::new(Values::from([("a".into(), [1_u8, 2].into()), ("bé".into(), [].into())]));
        let memory = Versioned { values, version: 7 };
        let text = encode(&memory);
        assert_eq!(decode(&text), Some(memory));
        for end in 0..text.len() {
            assert_eq!(decode(&text[..end]), None, "cut at {end}");
        }
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] ^= 1;
            assert_eq!(decode(&damaged), None, "changed at {at}");
        }
        assert_eq!(decode(&encode(&Versioned::default())), Some(Versioned::default()));
    }

    #[test]
    fn a_file_of_the_first_layout_is_read_as_version_0() {
        let mut text = b"provost-memory-1\n\x01\0\0\0a\x02\0\0\0\x01\x02".to_vec();
        let digest = Sha256::digest(&text);
        text.extend(digest);
        let values = Arc::new(Values::from([("a".into(), [1_u8, 2].into())]));
        assert_eq!(decode(&text), Some(Versioned { values, version: 0 }));
    }

    #[test]
    fn no_name_of_a_plugin_leaves_the_directory() {
        assert_eq!(file_name("back_off-2"), "back_off-2");
        assert_eq!(file_name("../x"), "%2e%2e%2fx");
    }
}
