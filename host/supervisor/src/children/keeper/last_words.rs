//! The last words of a host: a file in memory that the keeper keeps, into which a host writes why it fails.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

/// The key of the file.
pub(super) const LAST_WORDS_KEY: u32 = 2;

/// The longest words, in bytes.
const BYTES_MAX: usize = 4 << 10;

/// Where a host writes why it fails, for the next one to read. Clones share it.
#[derive(Clone, Debug)]
pub struct LastWords(Arc<File>);

impl LastWords {
    /// Makes an empty file; returns another descriptor of it, too, for the keeper.
    pub(super) fn new() -> io::Result<(Self, OwnedFd)> {
        let file = File::from(memfd_create("provost-last-words", MemfdFlags::CLOEXEC)?);
        let kept = file.try_clone()?.into();
        Ok((Self(Arc::new(file)), kept))
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.0.metadata().is_ok_and(|file| file.len() == 0)
    }

    /// Writes these words in the place of earlier ones. What is too long is cut.
    pub fn say(&self, text: &str) {
        let bytes = text.get(..text.floor_char_boundary(BYTES_MAX)).unwrap_or_default().as_bytes();
        // Without them, the next host knows how this one has ended and not why.
        let _ = self.0.set_len(bytes.len() as u64).and_then(|()| self.0.write_all_at(bytes, 0));
    }
}

/// Returns the words of a former host, if there are any.
pub(super) fn said(file: OwnedFd) -> Option<String> {
    let (mut file, mut bytes) = (File::from(file), Vec::new());
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(BYTES_MAX as u64).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_host_reads_the_last_words_and_no_others() {
        let (words, kept) = LastWords::new().unwrap();
        assert_eq!(said(kept.try_clone().unwrap()), None);
        assert!(words.is_silent());
        words.say("a long reason");
        assert!(!words.is_silent());
        words.say("short");
        assert_eq!(said(kept.try_clone().unwrap()).as_deref(), Some("short"));
        words.say(&"é".repeat(BYTES_MAX));
        assert_eq!(said(kept).unwrap(), "é".repeat(BYTES_MAX / 2));
    }
}
