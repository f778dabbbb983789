//! Changes of processes, and why a process is in its state.

use provost_api::{Event, EventKind, Process};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, ToolEntry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::page::{self, Page};
use crate::reading::events::{EventsFound, EventsWanted, read};
use crate::time;

/// Arguments of `events`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Names of processes, also of those that were removed, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// Only these kinds: `added`, `removed`, `start`, `stop`, `waiting`, `spawned`, `spawn_failed`, `not_ready`, `overdue`, `ready`,
    /// `exited`, `decided`, `refused`, `health`, `taken_over`; all if it is left out.
    #[serde(default)]
    kinds: Vec<String>,
    /// Only changes of this time or later: a span before now such as `15m`, or RFC 3339.
    #[serde(default)]
    since: Option<String>,
    /// The most changes of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page, for older changes.
    #[serde(default)]
    cursor: Option<String>,
}

/// The result of `events`.
#[derive(Debug, Serialize, JsonSchema)]
struct Events {
    /// The changes, newest first.
    events: Vec<Event>,
    /// The cursor of the page with older changes, if there is one.
    next_cursor: Option<String>,
    /// The number of older changes, of all processes, that the host does not remember any more; only on the last page.
    forgotten: Option<u64>,
}

/// Arguments of `explain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// The name of the process.
    name: String,
}

/// The result of `explain`.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    /// Why the process is in its phase, in one sentence.
    sentence: String,
    /// The process.
    process: Process,
    /// The changes that led there, newest first.
    history: Vec<Event>,
    /// The number of older changes that are left out or not remembered any more.
    forgotten: u64,
}

async fn events(caller: Caller, asked: Asked) -> Result<Events, Fault> {
    let since = asked.since.map(|since| time::read("since", &since, time::now())).transpose()?;
    let kinds = asked.kinds.iter().map(|word| kind(word)).collect::<Result<_, _>>()?;
    let limit = page::limit(asked.limit)?;
    let wanted = EventsWanted { names: asked.names, since, kinds, limit, cursor: asked.cursor };
    let EventsFound { events, next_cursor, forgotten } = read(&caller.client, wanted).await?;
    Ok(Events { events, next_cursor, forgotten })
}

/// Returns the kinds that a change may have. What is missed is no change.
fn kinds() -> impl Iterator<Item = &'static EventKind> {
    EventKind::ALL.iter().filter(|kind| **kind != EventKind::Missed)
}

fn kind(word: &str) -> Result<EventKind, Fault> {
    kinds().find(|kind| kind.as_str() == word).cloned().ok_or_else(|| {
        let known: Vec<_> = kinds().map(|kind| format!("`{kind}`")).collect();
        let message = format!("`kinds` has the unknown word `{}`", page::shown(word));
        Fault::bad_request(message, format!("the kinds are {}", known.join(", ")))
    })
}

async fn explain(caller: Caller, asked: Name) -> Result<Explained, Fault> {
    let explanation = caller.client.explain(&asked.name).await?;
    let total = explanation.history.len();
    let newest = explanation.history.into_iter().rev();
    let Page { items: history, .. } = page::first(newest, page::ITEMS);
    let left_out = u64::try_from(total - history.len()).unwrap_or(u64::MAX);
    Ok(Explained {
        sentence: explanation.sentence,
        process: explanation.process,
        history,
        forgotten: explanation.forgotten.saturating_add(left_out),
    })
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "events",
                "What happened",
                "Returns what happened to processes: starts, exits, decisions of policies, health. The newest change comes first.",
            ),
            events,
        ),
        ToolEntry::new(
            About::reading(
                "explain",
                "Explain a process",
                "Says why a process is in its state: one sentence, and the chain of exits and decisions that led there.",
            ),
            explain,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::*;

    #[test]
    fn the_schema_names_every_kind() {
        let schema = schema_for!(Asked).to_value();
        let said = schema["properties"]["kinds"]["description"].as_str().unwrap();
        for kind in kinds() {
            assert!(said.contains(&format!("`{kind}`")), "{kind} is not in: {said}");
        }
        assert_eq!(said.matches('`').count(), 2 * kinds().count(), "{said}");
    }
}
