//! Lines of output as readers and followers receive them.

use std::sync::Arc;

use bytes::Bytes;

use super::position::Mark;

/// One of the two output streams of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The name of the process.
    pub process: Arc<str>,
    /// Standard output or standard error.
    pub stream: LogStream,
    /// The time at which it was read, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The bytes without the newline.
    pub text: Bytes,
    /// Whether the line continues in the next item of the stream: it has no end yet, or is too long for one item.
    pub partial: bool,
    /// The place in the log after this line, if the stream can be resumed there.
    pub mark: Option<Mark>,
}

/// What a follower receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines are left out: the follower was too slow, and they are in the log file; or a stream was resumed, and the
    /// files no longer have all lines since then.
    Missed {
        /// The name of the process.
        process: Arc<str>,
        /// The number of lines; `None` if it is not known.
        lines: Option<u64>,
    },
    /// The log was cleared: earlier lines are no longer in the files.
    Cleared {
        /// The name of the process.
        process: Arc<str>,
    },
}
