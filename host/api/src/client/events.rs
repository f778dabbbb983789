//! A request for changes, and its path.

use super::path::push_values;

/// A request for changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsAsked {
    /// The processes: names, `group:*` or `all`, also of those that were removed; empty for all.
    pub select: Vec<String>,
    /// Only changes after this generation.
    pub since: u64,
    /// Only changes at or after this time (RFC 3339).
    pub from: Option<String>,
    /// At most this many past changes: the last ones.
    pub limit: Option<usize>,
    /// Whether to continue with new changes.
    pub follow: bool,
}

impl EventsAsked {
    /// Returns the path and query of the request.
    pub(super) fn path(&self) -> String {
        let Self { select, since, from, limit, follow } = self;
        let mut path = format!("/v1/events?since={since}&follow={}", u8::from(*follow));
        let select = (!select.is_empty()).then(|| select.join(","));
        let limit = limit.map(|limit| limit.to_string());
        let values = [("select", select.as_deref()), ("from", from.as_deref()), ("limit", limit.as_deref())];
        push_values(&mut path, values);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_what_is_asked_for() {
        assert_eq!(EventsAsked::default().path(), "/v1/events?since=0&follow=0");
        let asked = EventsAsked {
            select: vec!["web:*".into(), "db".into()],
            since: 7,
            from: Some("2026-11-26T11:00:00Z".into()),
            limit: Some(5),
            follow: true,
        };
        let path = "/v1/events?since=7&follow=1&select=web%3A%2A%2Cdb&from=2026-11-26T11%3A00%3A00Z&limit=5";
        assert_eq!(asked.path(), path);
    }
}
