//! Reads the file itself: a regular file of bounded size in UTF-8. Anything else is refused without blocking.

use std::io;
use std::path::Path;

use provost_files::{FileError, Problem, Writers};

/// The largest config, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// The reason why a config cannot be read.
#[derive(Debug)]
pub(super) enum Unread {
    Io(io::Error),
    /// The file exists but is not a config: what it is, and what to do about it.
    Unfit {
        what: String,
        hint: String,
    },
}

/// Returns the text of the file at `path`, and who may write the very file that was read. Lines end with a line feed alone, so
/// that a command of several lines is the same on every machine, and positions in the text are those of the file.
pub(super) fn read(path: &Path) -> Result<(String, Writers), Unread> {
    let unfit = |what: String, hint: &str| Unread::Unfit { what, hint: hint.to_owned() };
    let read = || {
        let file = provost_files::open_named(path)?;
        let writers = Writers::of(path, &file)?;
        Ok((provost_files::read_open_text(path, file, BYTES_MAX)?, writers))
    };
    read().map_err(|error: FileError| match error.problem {
        Problem::Kind { found, .. } => unfit(
            format!("is {found}, not a regular file"),
            "a config is read more than once, by the host and by every command: name a file, not a pipe, a device or a directory",
        ),
        Problem::TooLarge { .. } => unfit(
            format!("is larger than {} MiB", BYTES_MAX >> 20),
            "this is hardly a config: name the right file with `-c FILE`",
        ),
        Problem::Encoding(name) => Unread::Unfit {
            what: format!("is {name}, not UTF-8"),
            hint: format!("save it as UTF-8, for example by `iconv -f {name} -t UTF-8 OLD > NEW`"),
        },
        Problem::NotUtf8 { line, column } => unfit(
            format!("is not UTF-8: the first invalid byte is at {line}:{column}"),
            "save it as UTF-8, for example by `iconv -f LATIN1 -t UTF-8 OLD > NEW`",
        ),
        problem => Unread::Io(io::Error::new(problem.kind(), problem)),
    })
}

/// Returns the text alone, if it can be read.
pub(super) fn text_if_any(path: &Path) -> Option<String> {
    read(path).ok().map(|(text, _)| text)
}

/// Returns the text alone; an empty one if it cannot be read.
pub(super) fn text(path: &Path) -> String {
    read(path).map(|(text, _)| text).unwrap_or_default()
}
