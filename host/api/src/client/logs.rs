//! A request for log lines, and its path.

use super::path::{escaped, push_values};

/// A request for log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsAsked {
    /// The logs to read.
    pub of: LogsOf,
    /// The number of past lines of each process, counted after filtering; 0 for no past lines.
    pub lines: usize,
    /// Whether to continue with new lines.
    pub follow: bool,
    /// Only lines at or after this time (RFC 3339).
    pub since: Option<String>,
    /// Only lines before this time (RFC 3339).
    pub until: Option<String>,
    /// Only lines that match this regular expression.
    pub grep: Option<String>,
}

/// The logs that a request reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsOf {
    /// The logs of processes: names, `group:*` or `all`.
    Processes(Vec<String>),
    /// The host's own log.
    Host,
    /// The lines of a plugin in the host's own log.
    Plugin(String),
}

impl LogsAsked {
    /// Returns the path and query of the request.
    pub(super) fn path(&self) -> String {
        let Self { of, lines, follow, since, until, grep } = self;
        let of = match of {
            LogsOf::Processes(targets) => format!("select={}", escaped(&targets.join(","))),
            LogsOf::Host => "host=1".to_owned(),
            LogsOf::Plugin(name) => format!("plugin={}", escaped(name)),
        };
        let mut path = format!("/v1/logs?{of}&n={lines}&follow={}", u8::from(*follow));
        let values = [("since", since.as_deref()), ("until", until.as_deref()), ("grep", grep.as_deref())];
        push_values(&mut path, values);
        path
    }
}
