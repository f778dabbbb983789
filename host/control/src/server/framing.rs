//! The form of an answer, which the header `Accept` chooses: one reply, lines of JSON, or server-sent events.

use std::convert::Infallible;
use std::fmt::Display;
use std::io::Write;

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::refused::Refused;

/// The header with which a client of server-sent events says which message it received last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How messages are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One JSON object on each line.
    Lines,
    /// Server-sent events, each with an id from which the stream can be resumed.
    Events,
    /// One JSON object, which has all of them in a field of this name.
    List(&'static str),
}

impl Framing {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
            Self::List(_) => "application/json",
        }
    }

    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(self.media_type())
    }

    /// Appends a message that `line` writes without a line break. `id` is where the stream can be resumed after it.
    pub(super) fn push(self, to: &mut Vec<u8>, id: impl Display, line: impl FnOnce(&mut Vec<u8>)) {
        self.begin(to, id);
        line(to);
        self.end(to);
    }

    /// Begins a message after which the stream can be resumed at `id`. What follows is a line without its break, and
    /// [`Framing::end`].
    pub(super) fn begin(self, to: &mut Vec<u8>, id: impl Display) {
        if self == Self::Events {
            // Writing to memory does not fail.
            let _ = writeln!(to, "id: {id}");
        }
        self.begin_line(to);
    }

    /// Appends a value as a message after which the stream cannot be resumed.
    pub(super) fn push_json(self, to: &mut Vec<u8>, value: &impl Serialize) {
        // No type of the API has a map key that JSON cannot represent.
        self.begin_line(to);
        drop(serde_json::to_writer(&mut *to, value));
        self.end(to);
    }

    fn begin_line(self, to: &mut Vec<u8>) {
        match self {
            Self::Events => to.extend_from_slice(b"data: "),
            Self::List(_) if !to.is_empty() => to.push(b','),
            Self::Lines | Self::List(_) => {}
        }
    }

    /// Ends a message.
    pub(super) fn end(self, to: &mut Vec<u8>) {
        match self {
            Self::Lines => to.push(b'\n'),
            Self::Events => to.extend_from_slice(b"\n\n"),
            Self::List(_) => {}
        }
    }
}

/// The form that a request asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Accepted {
    /// The stream that the client prefers to one reply; `None` if it prefers one reply, or anything.
    pub(super) framing: Option<Framing>,
    /// Whether it prefers one reply in JSON.
    json: bool,
    /// The id of the last message that it received, if it resumes a stream of server-sent events.
    last_event_id: Option<HeaderValue>,
}

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let Some(first) = headers.get(ACCEPT).and_then(preferred) else { return Self::default() };
        let framing = match first {
            Preferred::Stream(framing) => Some(framing),
            Preferred::Json | Preferred::Anything => None,
        };
        let resumes = framing == Some(Framing::Events);
        let last_event_id = resumes.then(|| headers.get(LAST_EVENT_ID).cloned()).flatten();
        Self { framing, json: first == Preferred::Json, last_event_id }
    }

    /// Returns the form of a list, which is a stream of lines unless the client prefers another one. With `follow` it has no end.
    pub(super) fn of_list(&self, name: &'static str, follow: bool) -> Result<Framing, Refused> {
        match self.framing {
            Some(framing) => Ok(framing),
            None if !self.json => Ok(Framing::Lines),
            None if !follow => Ok(Framing::List(name)),
            None => {
                let what = "`follow` asks for a stream: say so with `Accept: application/x-ndjson` or \
                            `Accept: text/event-stream`";
                Err(Refused::bad_request(what.to_owned()))
            }
        }
    }

    /// Returns the id of the last message that the client received; `None` if it does not resume a stream.
    pub(super) fn last_event_id(&self) -> Option<&str> {
        // An id that is no text is none of ours, and is answered like one of another host.
        self.last_event_id.as_ref().map(|id| id.to_str().unwrap_or_default())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preferred {
    Stream(Framing),
    Json,
    Anything,
}

/// Returns the form with the highest weight in a header `Accept`, and the first of several; `None` if it names no form of ours.
fn preferred(accept: &HeaderValue) -> Option<Preferred> {
    let mut best: Option<(f32, Preferred)> = None;
    for range in accept.to_str().ok()?.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let form = match parts.next().unwrap_or_default() {
            "application/json" => Preferred::Json,
            "*/*" | "application/*" => Preferred::Anything,
            one if one == Framing::Lines.media_type() => Preferred::Stream(Framing::Lines),
            one if one == Framing::Events.media_type() => Preferred::Stream(Framing::Events),
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if weight > 0.0 && best.is_none_or(|(highest, _)| weight > highest) {
            best = Some((weight, form));
        }
    }
    best.map(|(_, form)| form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_with_the_highest_weight_is_chosen() {
        let (lines, events) = (Preferred::Stream(Framing::Lines), Preferred::Stream(Framing::Events));
        for (accept, expected) in [
            ("text/event-stream", Some(events)),
            ("application/x-ndjson, application/json;q=0.5", Some(lines)),
            ("application/json;q=0.5, text/event-stream; q=0.9", Some(events)),
            ("application/json, text/event-stream", Some(Preferred::Json)),
            ("text/event-stream;q=0, */*", Some(Preferred::Anything)),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Preferred::Anything)),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(preferred(&HeaderValue::from_static(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_message_is_a_line_or_an_event_with_an_id() {
        let sent = |framing: Framing| {
            let mut to = Vec::new();
            framing.push(&mut to, "b.7", |to| to.extend_from_slice(b"{}"));
            framing.push_json(&mut to, &1);
            String::from_utf8(to).unwrap()
        };
        assert_eq!(sent(Framing::Lines), "{}\n1\n");
        assert_eq!(sent(Framing::List("all")), "{},1");
        assert_eq!(sent(Framing::Events), "id: b.7\ndata: {}\n\ndata: 1\n\n");
    }
}
