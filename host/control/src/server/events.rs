//! Streams the changes of processes as they happen.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::vec;

use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_state::{Change, Generation, ProcessState, Reader};
use provost_supervisor::Supervisor;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use super::answers::Answers;
use super::context::AppState;
use super::extract::{Flag, is_on, targets, time_ms};
use super::framing::{Accepted, Framing};
use super::refused::Refused;
use super::select::{Matching, absent, select};
use super::streaming::{Source, body_of};
use crate::convert;
use crate::past::{Past, PastAsked, past_event};

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
    /// Only changes at or after this time (RFC 3339). Those that are no longer remembered are read from the journal.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// At most this many past changes: the last ones.
    limit: Option<usize>,
}

/// The most changes of the past in one answer: the last ones, and before them how many were left out.
const PAST_MAX: usize = 20_000;

/// How long an answer waits for the past.
const PAST_WITHIN: Duration = Duration::from_secs(10);

/// The most targets of a request that are not there at present, and may have been removed.
const ABSENT_MAX: usize = 16;

/// The choice of changes.
#[derive(Clone, Debug)]
struct Chosen {
    matching: Option<Matching>,
    /// The only process or replica set that is chosen, if it is one.
    name: Option<String>,
    from_ms: u64,
}

impl Chosen {
    fn has(&self, change: &Change) -> bool {
        self.has_state(&change.state) && change.state.changed_at.wall_ms >= self.from_ms
    }

    /// Whether changes of this process are chosen.
    fn has_state(&self, state: &ProcessState) -> bool {
        self.matching.as_ref().is_none_or(|matching| matching.has(state))
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
    /// What happened before the remembered changes.
    past: vec::IntoIter<Past>,
    follow: bool,
}

impl Events {
    /// Returns the next messages of the past; empty at its end. They have no id, because no stream resumes from there.
    fn next_of_the_past(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for past in self.past.by_ref().take(PAGE) {
            let event = match past {
                Past::Event { kind, from, state } => past_event(kind, from, &state),
                Past::Missed(count) => convert::missed(count),
            };
            self.framing.push_json(&mut bytes, &event);
        }
        bytes
    }
}

impl Source for Events {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if std::mem::take(&mut self.is_other_host) {
            self.framing.push_json(&mut bytes, &convert::missed(None));
            return Some(bytes.into());
        }
        let past = self.next_of_the_past();
        if !past.is_empty() {
            return Some(past.into());
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
    let chosen = chosen(&query, &app)?;
    let mut cursor = known.unwrap_or(Generation(0));
    if let Some(limit) = query.limit {
        cursor = before_the_last(limit, &chosen, reader, cursor);
    }
    let past = match known {
        Some(Generation(0)) => past(&app, &chosen, &query, &mut cursor).await?,
        _ => Vec::new(),
    };
    let events = Events {
        past: past.into_iter(),
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

/// Reads what is chosen of the time before the remembered changes, if the client asks for an earlier time than theirs. Then
/// `cursor` is put before the remembered ones, so that those before them are not reported as missed.
async fn past(
    app: &AppState,
    chosen: &Chosen,
    query: &EventsQuery,
    cursor: &mut Generation,
) -> Result<Vec<Past>, Refused> {
    let (Some(port), Some(_)) = (app.context.past.clone(), &query.from) else { return Ok(Vec::new()) };
    let reader = app.context.supervisor.reader();
    let remembered = reader.changes_since(Generation(0), 1);
    let oldest = remembered.changes.first();
    if oldest.is_some_and(|oldest| oldest.state.changed_at.wall_ms < chosen.from_ms) {
        return Ok(Vec::new());
    }
    let before = oldest.map_or_else(|| reader.latest().next(), |oldest| oldest.generation);
    let most = match query.limit {
        // The remembered changes are enough.
        Some(_) if *cursor >= before => return Ok(Vec::new()),
        Some(limit) => {
            let mut remembered = 0;
            chosen.each(reader, Generation(0), |_| remembered += 1);
            limit.saturating_sub(remembered).min(PAST_MAX)
        }
        None => PAST_MAX,
    };
    *cursor = Generation(before.0.saturating_sub(1)).max(*cursor);
    let is_abandoned = Arc::new(AtomicBool::new(false));
    let (abandoned, chosen) = (is_abandoned.clone(), chosen.clone());
    let read = app.context.supervisor.jobs().log_reading.run(move || {
        let name = chosen.name.as_deref();
        let asked = PastAsked { from_ms: chosen.from_ms, name, before, most, is_abandoned: &abandoned };
        port.events(&asked, &|state| chosen.has_state(state))
    });
    match timeout(PAST_WITHIN, read).await {
        Ok(Ok(Ok(past))) => Ok(past),
        Ok(Ok(Err(why))) => {
            tracing::warn!("the journal cannot be read: {why}");
            Ok(vec![Past::Missed(None)])
        }
        Ok(Err(lost)) => Err(Refused::internal(lost.to_string())),
        Err(_) => {
            is_abandoned.store(true, Ordering::Relaxed);
            // What it would have said is not known.
            Ok(vec![Past::Missed(None)])
        }
    }
}

fn chosen(query: &EventsQuery, app: &AppState) -> Result<Chosen, Refused> {
    let reader = app.context.supervisor.reader();
    let targets = targets(&query.select);
    let from_ms = time_ms("from", query.from.as_deref())?.unwrap_or(0);
    let matching = (!targets.is_empty()).then(|| Matching::of(&targets));
    let name = match &targets[..] {
        [name] if Matching::is_name(name) => Some((*name).to_owned()),
        _ => None,
    };
    let chosen = Chosen { matching, name, from_ms };
    let world = reader.snapshot();
    let Err(refused) = select(&world, &targets) else { return Ok(chosen) };
    // The journal knows the processes of earlier times.
    if query.from.is_some() && app.context.past.is_some() {
        return Ok(chosen);
    }
    // Processes that were removed still have changes.
    let absent = absent(&world, &targets);
    // Each of them is compared with all remembered changes.
    if absent.len() > ABSENT_MAX {
        return Err(refused);
    }
    let mut unseen: Vec<Matching> =
        absent.into_iter().map(|target| Matching::of(std::slice::from_ref(target))).collect();
    let everything = Chosen { matching: None, name: None, from_ms: 0 };
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
