//! Streams the changes of processes as they happen.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_state::Generation;
use provost_supervisor::Supervisor;
use serde::Deserialize;
use tokio::sync::watch;

use super::answers::Answers;
use super::context::AppState;
use super::extract::{Flag, is_on};
use super::framing::{Accepted, Framing};
use super::refused::Refused;
use super::streaming::{Source, body_of};
use crate::convert;

/// The number of changes read at once.
const PAGE: usize = 512;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    #[serde(default)]
    follow: Option<Flag>,
    /// Only changes after this generation.
    #[serde(default)]
    since: u64,
}

/// The changes after a cursor, and with `follow` all later ones.
struct Events {
    supervisor: Supervisor,
    answers: Arc<Answers>,
    framing: Framing,
    changed: watch::Receiver<Generation>,
    cursor: Generation,
    follow: bool,
}

impl Source for Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changed.mark_unchanged();
            let page = self.supervisor.reader().changes_since(self.cursor, PAGE);
            self.cursor = page.cursor;
            let mut bytes = Vec::new();
            if page.missed > 0 {
                self.framing.push_json(&mut bytes, &convert::missed(page.missed));
            }
            let wall = self.answers.anchor.at(self.supervisor.now());
            for change in &page.changes {
                let id = self.answers.id(change.generation);
                self.framing.push(&mut bytes, id, |to| self.answers.lines.push(change, wall, to));
            }
            if !bytes.is_empty() {
                return Some(bytes.into());
            }
            if !self.follow {
                return None;
            }
            self.changed.changed().await.ok()?;
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
    let framing = accepted.framing.unwrap_or(Framing::Lines);
    let events = Events {
        supervisor: supervisor.clone(),
        answers: app.answers.clone(),
        framing,
        changed: supervisor.changed(),
        cursor: Generation(query.since),
        follow: is_on(query.follow),
    };
    body_of(events, framing, app)
}
