//! The purpose of a call of a plugin.

/// The purpose of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The answer is used, and what the call writes into the plugin's memory is kept.
    Answer {
        /// The time that the caller waits at most, in milliseconds, regardless of the plugin's own limit.
        within_ms: Option<u64>,
    },
    /// To see what it would answer: nothing is counted, and nothing is kept.
    Trial,
}
