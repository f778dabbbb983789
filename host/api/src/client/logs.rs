//! Which lines of logs a client asks for, as the path of the request.

use super::path::escaped;

/// Which lines of logs are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsAsked {
    /// Whose lines they are.
    pub of: LogsOf,
    /// How many of the last lines of each process, of those that pass; none means none of the past.
    pub lines: usize,
    /// Also what comes from then on.
    pub follow: bool,
    /// Only lines of this time (RFC 3339) or later.
    pub since: Option<String>,
    /// Only lines of before this time (RFC 3339).
    pub until: Option<String>,
    /// Only lines in which this regular expression is found.
    pub grep: Option<String>,
}

/// Whose lines are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsOf {
    /// Those of processes: names, `group:*` or `all`.
    Processes(Vec<String>),
    /// The host's own log.
    Host,
    /// What a plugin said in the host's own log.
    Plugin(String),
}

impl LogsAsked {
    /// The path of the request.
    pub(super) fn path(&self) -> String {
        let Self { of, lines, follow, since, until, grep } = self;
        let of = match of {
            LogsOf::Processes(targets) => format!("select={}", escaped(&targets.join(","))),
            LogsOf::Host => "host=1".to_owned(),
            LogsOf::Plugin(name) => format!("plugin={}", escaped(name)),
        };
        let mut path = format!("/v1/logs?{of}&n={lines}&follow={}", u8::from(*follow));
        for (key, value) in [("since", since), ("until", until), ("grep", grep)] {
            if let Some(value) = value {
                path.push_str(&format!("&{key}={}", escaped(value)));
            }
        }
        path
    }
}
