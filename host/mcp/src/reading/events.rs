//! Changes of processes, newest first and by pages.

use std::collections::VecDeque;

use provost_api::client::{Client, EventsAsked};
use provost_api::{Event, EventKind};

use crate::fault::Fault;
use crate::page::{self, Page};

/// A request for changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsWanted {
    /// Names, `group:*`, also of processes that were removed; empty for all processes.
    pub(crate) names: Vec<String>,
    /// Only changes at or after this time (RFC 3339 with milliseconds in UTC).
    pub(crate) since: Option<String>,
    /// Only these kinds; empty for all.
    pub(crate) kinds: Vec<EventKind>,
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
    /// The number of changes that the host does not remember any more. Those of other processes count as well. It is known with the
    /// oldest page.
    pub(crate) forgotten: Option<u64>,
}

/// Reads the newest matching changes before the cursor.
///
/// # Errors
/// [`Fault`] of the API, or of a cursor that no page ended with.
pub(crate) async fn read(client: &Client, wanted: EventsWanted) -> Result<EventsFound, Fault> {
    let EventsWanted { names, since, kinds, limit, cursor } = wanted;
    let before = match &cursor {
        None => u64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| page::bad_cursor(cursor))?,
    };
    let fits = |event: &Event| event.generation < before && (kinds.is_empty() || kinds.contains(&event.kind));
    // The host chooses neither kinds nor what is before a change.
    let is_chosen_here = !kinds.is_empty() || cursor.is_some();
    let asked = EventsAsked {
        select: names,
        from: since,
        limit: (!is_chosen_here).then_some(limit + 1),
        ..EventsAsked::default()
    };
    let (mut newest, mut forgotten) = (VecDeque::new(), 0);
    let mut events = client.events_of(&asked).await?;
    while let Some(event) = events.next().await? {
        if event.kind == EventKind::Missed {
            forgotten += event.count.unwrap_or(0);
        } else if fits(&event) {
            newest.push_back(event);
            if newest.len() > limit + 1 {
                newest.pop_front();
            }
        }
    }
    let Page { items: events, more } = page::first(newest.into_iter().rev(), limit);
    let next_cursor = events.last().filter(|_| more).map(|event| event.generation.to_string());
    Ok(EventsFound { events, forgotten: next_cursor.is_none().then_some(forgotten), next_cursor })
}
