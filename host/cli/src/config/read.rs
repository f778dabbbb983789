//! Reads the file itself: a regular file of a bounded size, in UTF-8. Anything else is refused without waiting for it.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The largest config, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// Why the text of a config cannot be had.
#[derive(Debug)]
pub(super) enum Unread {
    Io(io::Error),
    /// It is there, but it is no config: what it is, and what to do about it.
    Unfit {
        what: String,
        hint: &'static str,
    },
}

/// The text of the file at `path`.
pub(super) fn read(path: &Path) -> Result<String, Unread> {
    // Without O_NONBLOCK the opening of a pipe waits for somebody who writes into it.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(Unread::Io)?;
    if !file.metadata().map_err(Unread::Io)?.is_file() {
        let hint = "a config is read more than once, by the host and by every command: name a file, not a pipe, a device or a directory";
        return Err(Unread::Unfit { what: "is not a regular file".into(), hint });
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Unread::Io)?;
    if bytes.len() as u64 > BYTES_MAX {
        let what = format!("is larger than {} MiB", BYTES_MAX >> 20);
        return Err(Unread::Unfit {
            what,
            hint: "this is hardly a config: name the right file with `-c FILE`",
        });
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// What a text in another encoding is told; `good` bytes of it are UTF-8.
fn not_utf8(bytes: &[u8], good: usize) -> Unread {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let hint = "save it as UTF-8, for example by `iconv -f UTF-16 -t UTF-8 OLD > NEW`";
        return Unread::Unfit { what: "is UTF-16, not UTF-8".into(), hint };
    }
    let before = String::from_utf8_lossy(bytes.get(..good).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let hint = "save it as UTF-8, for example by `iconv -f LATIN1 -t UTF-8 OLD > NEW`";
    Unread::Unfit { what: format!("is not UTF-8: the first byte that is none is at {line}:{column}"), hint }
}
