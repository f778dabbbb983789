//! Changes of processes, newest first and by pages.

use std::collections::{BTreeSet, VecDeque};

use provost_api::client::Client;
use provost_api::{Event, EventKind};

use crate::fault::Fault;
use crate::page::{self, Page};
use crate::reading::processes;

/// A request for changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsWanted {
    /// Names, `group:*`; empty for all processes.
    pub(crate) names: Vec<String>,
    /// Only changes at or after this time (RFC 3339 with milliseconds in UTC).
    pub(crate) since: Option<String>,
    /// Only these kinds; empty for all.
    pub(crate) kinds: Vec<String>,
    /// The most changes of the answer.
    pub(crate) limit: usize,
    /// Where the former page ended.
    pub(crate) cursor: Option<String>,
}

/// The changes that were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsFound {
    /// The changes, newest first.
    pub(crate) events: Vec<Event>,
    /// Where the next page begins, if there are older ones.
    pub(crate) next_cursor: Option<String>,
    /// The number of changes that the host does not remember any more. Those of other processes count as well.
    pub(crate) forgotten: u64,
}

/// Reads the newest matching changes before the cursor.
///
/// # Errors
/// [`Fault`] of the API, or of a cursor that no page ended with.
pub(crate) async fn read(client: &Client, wanted: EventsWanted) -> Result<EventsFound, Fault> {
    let before = match &wanted.cursor {
        None => u64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| page::bad_cursor(cursor))?,
    };
    let names: BTreeSet<String> = match wanted.names.is_empty() {
        true => BTreeSet::new(),
        false => processes::names(client, &wanted.names).await?.into_iter().collect(),
    };
    let fits = |event: &Event| {
        event.generation < before
            && (names.is_empty() || names.contains(&event.process))
            && wanted.since.as_ref().is_none_or(|since| event.at >= *since)
            && (wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind == event.kind.as_str()))
    };
    let (mut newest, mut forgotten) = (VecDeque::new(), 0);
    let mut events = client.events(0, false).await?;
    while let Some(event) = events.next().await? {
        if event.kind == EventKind::Missed {
            forgotten += event.count.unwrap_or(0);
        } else if fits(&event) {
            newest.push_back(event);
            if newest.len() > wanted.limit + 1 {
                newest.pop_front();
            }
        }
    }
    let Page { items: events, more } = page::first(newest.into_iter().rev(), wanted.limit);
    let next_cursor = events.last().filter(|_| more).map(|event| event.generation.to_string());
    Ok(EventsFound { events, next_cursor, forgotten })
}
