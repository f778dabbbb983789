//! A request for a status, and its path.

use super::path::escaped;
use crate::status::StatusPart;

/// A request for a status. An empty list means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusAsked {
    /// The processes: names, `group:*` or `all`.
    pub select: Vec<String>,
    /// The parts of the answer.
    pub parts: Vec<StatusPart>,
    /// The fields of each process. The name is always among them.
    pub fields: Vec<String>,
    /// What the client knows already, so that it gets only what has changed since.
    pub since: Option<Known>,
    /// For a stream: the shortest time between two messages, in milliseconds, from 50 to 60,000; 1,000 by default.
    pub every_ms: Option<u64>,
}

/// The last status that a client has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its generation.
    pub generation: u64,
    /// The life of the host in which it was counted.
    pub boot: String,
}

impl StatusAsked {
    /// Returns the path and query of the request; `is_stream` if it asks for a stream.
    pub(super) fn path(&self, is_stream: bool) -> String {
        let Self { select, parts, fields, since, every_ms } = self;
        let parts: Vec<&str> = parts.iter().map(StatusPart::as_str).collect();
        let mut names: Vec<&str> = fields.iter().map(String::as_str).collect();
        if !names.is_empty() && !names.contains(&"name") {
            names.push("name");
        }
        let mut path = "/v1/status".to_owned();
        let mut push = |key: &str, value: &str| {
            path.push(if path.ends_with("/status") { '?' } else { '&' });
            path.push_str(&format!("{key}={}", escaped(value)));
        };
        for (key, list) in
            [("select", select.join(",")), ("parts", parts.join(",")), ("fields", names.join(","))]
        {
            if !list.is_empty() {
                push(key, &list);
            }
        }
        if let Some(Known { generation, boot }) = since {
            push("since", &generation.to_string());
            push("boot", boot);
        }
        if let Some(ms) = every_ms.filter(|_| is_stream) {
            push("every_ms", &ms.to_string());
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_what_is_asked_for_and_the_name_among_the_fields() {
        assert_eq!(StatusAsked::default().path(true), "/v1/status");
        let asked = StatusAsked {
            select: vec!["web:*".into(), "db".into()],
            parts: vec![StatusPart::Processes, StatusPart::Host],
            fields: vec!["phase".into()],
            since: Some(Known { generation: 7, boot: "b".into() }),
            every_ms: Some(100),
        };
        let path =
            "/v1/status?select=web%3A%2A%2Cdb&parts=processes%2Chost&fields=phase%2Cname&since=7&boot=b";
        assert_eq!(asked.path(false), path);
        assert_eq!(asked.path(true), format!("{path}&every_ms=100"));
    }
}
