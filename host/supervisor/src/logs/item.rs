//! A line of output as it is handed to those who read it or follow it.

use std::sync::Arc;

use bytes::Bytes;

/// Which of a child's two outputs.
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
    /// The process.
    pub process: Arc<str>,
    /// Standard output or standard error.
    pub stream: LogStream,
    /// When it was read, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Its bytes, without the newline.
    pub text: Bytes,
    /// Its end has not come, or it is too long to be told at once: what comes next on the stream goes on with it.
    pub partial: bool,
}

/// What a follower receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines that the follower was too slow for; they are in the log file.
    Missed {
        /// Whose.
        process: Arc<str>,
        /// How many.
        lines: u64,
    },
    /// The log was cleared: what was told before is no longer in the files.
    Cleared {
        /// Whose.
        process: Arc<str>,
    },
}
