//! What a call of a plugin is for.

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its answer counts, and what it writes into its memory stays.
    Answer {
        /// Who asks waits no longer than this, in milliseconds, whatever the plugin's own limit is.
        within_ms: Option<u64>,
    },
    /// To see what it would answer: nothing is counted, and nothing stays.
    Trial,
}
