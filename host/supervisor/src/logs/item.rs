//! Lines of output as readers and followers receive them.

use std::sync::Arc;

use bytes::Bytes;

/// One of the two output streams of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// What a follower receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines were dropped because the follower was too slow; they are in the log file.
    Missed {
        /// The name of the process.
        process: Arc<str>,
        /// The number of dropped lines.
        lines: u64,
    },
    /// The log was cleared: earlier lines are no longer in the files.
    Cleared {
        /// The name of the process.
        process: Arc<str>,
    },
}
