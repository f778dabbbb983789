//! Streams the changes of processes as they happen.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_state::{Change, Generation, Reader};
use provost_supervisor::Supervisor;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;

use super::answers::Answers;
use super::context::AppState;
use super::extract::{Flag, is_on, targets, time_ms};
use super::framing::{Accepted, Framing};
use super::refused::Refused;
use super::select::{Matching, absent, select};
use super::streaming::{Source, body_of};
use crate::convert;

/// The number of changes read at once.
const PAGE: usize = 512;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// Targets, separated by commas; none mean all processes.
    #[serde(default)]
    select: String,
    /// Whether to continue with new changes.
    #[serde(default)]
    follow: Option<Flag>,
    /// Only changes after this generation.
    #[serde(default)]
    since: u64,
    /// The life of the host that counted `since`.
    boot: Option<String>,
    /// Only changes at or after this time (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// At most this many past changes: the last ones.
    limit: Option<usize>,
}

/// The most targets of a request that are not there at present, and may have been removed.
const ABSENT_MAX: usize = 16;

/// The choice of changes.
#[derive(Debug)]
struct Chosen {
    matching: Option<Matching>,
    from_ms: u64,
}

impl Chosen {
    fn has(&self, change: &Change) -> bool {
        let matches = self.matching.as_ref().is_none_or(|matching| matching.has(&change.state));
        matches && change.state.changed_at.wall_ms >= self.from_ms
    }

    /// Calls `each` with each remembered change after `since` that is chosen.
    fn each(&self, reader: &Reader, since: Generation, mut each: impl FnMut(&Change)) {
        let mut cursor = since;
        loop {
            let page = reader.changes_since(cursor, PAGE);
            if page.changes.is_empty() {
                return;
            }
            cursor = page.cursor;
            page.changes.iter().filter(|change| self.has(change)).for_each(&mut each);
        }
    }
}

/// The chosen changes after a cursor, and with `follow` all later ones.
struct Events {
    supervisor: Supervisor,
    answers: Arc<Answers>,
    framing: Framing,
    chosen: Chosen,
    changed: watch::Receiver<Generation>,
    cursor: Generation,
    /// Whether the client knows changes of another host: those in between are not known.
    is_other_host: bool,
    follow: bool,
}

impl Source for Events {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.is_other_host) {
            self.framing.push_json(&mut bytes, &convert::missed(None));
            return Some(bytes.into());
        }
        loop {
            self.changed.mark_unchanged();
            let page = self.supervisor.reader().changes_since(self.cursor, PAGE);
            self.cursor = page.cursor;
            if page.missed > 0 {
                self.framing.push_json(&mut bytes, &convert::missed(Some(page.missed)));
            }
            let wall = self.answers.anchor.at(self.supervisor.now());
            for change in page.changes.iter().filter(|change| self.chosen.has(change)) {
                let id = self.answers.id(change.generation);
                self.framing.push(&mut bytes, id, |to| self.answers.lines.push(change, wall, to));
            }
            if !bytes.is_empty() {
                return Some(bytes.into());
            }
            if !page.changes.is_empty() {
                // None of them is chosen.
                tokio::task::yield_now().await;
            } else if self.follow {
                self.changed.changed().await.ok()?;
            } else {
                return None;
            }
        }
    }

    fn finish(&mut self) {
        self.follow = false;
    }
}

pub(super) async fn events(
    State(app): State<AppState>,
    accepted: Accepted,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Refused> {
    let supervisor = &app.context.supervisor;
    let reader = supervisor.reader();
    let follow = is_on(query.follow);
    let framing = accepted.of_list("events", follow)?;
    let known = match (accepted.last_event_id(), &query.boot) {
        (Some(id), _) => app.answers.generation(id).filter(|known| *known <= reader.latest()),
        (None, Some(boot)) => app.answers.is_ours(boot).then_some(Generation(query.since)),
        (None, None) => Some(Generation(query.since)),
    };
    let chosen = chosen(&query, reader)?;
    let mut cursor = known.unwrap_or(Generation(0));
    if let Some(limit) = query.limit {
        cursor = before_the_last(limit, &chosen, reader, cursor);
    }
    let events = Events {
        supervisor: supervisor.clone(),
        answers: app.answers.clone(),
        framing,
        chosen,
        changed: supervisor.changed(),
        cursor,
        is_other_host: known.is_none(),
        follow,
    };
    body_of(events, framing, app)
}

fn chosen(query: &EventsQuery, reader: &Reader) -> Result<Chosen, Refused> {
    let targets = targets(&query.select);
    let from_ms = time_ms("from", query.from.as_deref())?.unwrap_or(0);
    let matching = (!targets.is_empty()).then(|| Matching::of(&targets));
    let chosen = Chosen { matching, from_ms };
    let world = reader.snapshot();
    let Err(refused) = select(&world, &targets) else { return Ok(chosen) };
    // Processes that were removed still have changes.
    let absent = absent(&world, &targets);
    // Each of them is compared with all remembered changes.
    if absent.len() > ABSENT_MAX {
        return Err(refused);
    }
    let mut unseen: Vec<Matching> =
        absent.into_iter().map(|target| Matching::of(std::slice::from_ref(target))).collect();
    let everything = Chosen { matching: None, from_ms: 0 };
    everything.each(reader, Generation(0), |change| unseen.retain(|one| !one.has(&change.state)));
    if unseen.is_empty() { Ok(chosen) } else { Err(refused) }
}

/// Returns the cursor after which only the last `limit` of the chosen changes are left.
fn before_the_last(limit: usize, chosen: &Chosen, reader: &Reader, since: Generation) -> Generation {
    let mut last = VecDeque::new();
    let mut end = since;
    chosen.each(reader, since, |change| {
        end = change.generation;
        last.push_back(change.generation);
        if last.len() > limit {
            last.pop_front();
        }
    });
    match last.front() {
        Some(first) if last.len() == limit => Generation(first.0 - 1),
        Some(_) => since,
        None => end,
    }
}
