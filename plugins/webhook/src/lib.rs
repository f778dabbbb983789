//! The bundled webhook: reports each change of phase and each removal to a server, as JSON over HTTP.
//!
//! It needs a grant: `allow = ["http-out:HOST:PORT"]`, and `env:NAME` for `bearer_from`. A failed delivery is retried once
//! immediately and then again with the next change; changes beyond the queue's limit are dropped and counted as missed.

use std::collections::{BTreeMap, VecDeque};

use provost_guest::http::{HttpError, Request, Url};
use provost_guest::{Batch, Event, EventKind, Phase, StatusConsumer, World, env, log};
use serde::Deserialize;
use serde_json::{Value, json};

/// The maximum number of changes that are queued for the next try; the oldest are dropped.
const WAITING_MAX: usize = 1024;

/// The consumer and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The destination.
    url: Url,
    /// The phases whose entry is reported, and the removal of a process in one of them; all, if it is not set.
    #[serde(default)]
    phases: Option<Vec<Phase>>,
    /// Additional headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The name of the environment variable that holds the token for `authorization: Bearer …`.
    #[serde(default)]
    bearer_from: Option<String>,
    #[serde(skip)]
    waiting: VecDeque<Value>,
    #[serde(skip)]
    missed: u64,
}

impl StatusConsumer for Webhook {
    fn on_change(&mut self, batch: &Batch, world: &dyn World) {
        self.missed += batch.missed;
        let changes = batch.events.iter().filter(|event| self.reports(event)).map(change);
        let changes: Vec<Value> = changes.collect();
        self.waiting.extend(changes);
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            self.missed += 1;
        }
        if self.waiting.is_empty() && self.missed == 0 {
            return;
        }
        match self.deliver(world.generation()) {
            Ok(()) => {
                self.waiting.clear();
                self.missed = 0;
            }
            Err(why) => log::error(format!(
                "{} changes wait because {} did not accept them: {why}",
                self.waiting.len(),
                self.url.as_str()
            )),
        }
    }
}

impl Webhook {
    fn reports(&self, event: &Event) -> bool {
        let after = event.process.phase;
        (event.before != after || event.kind == EventKind::Removed)
            && self.phases.as_ref().is_none_or(|phases| phases.contains(&after))
    }

    fn deliver(&self, generation: u64) -> Result<(), String> {
        let body = json!({ "generation": generation, "missed": self.missed, "changes": self.waiting });
        let mut request = Request::post(self.url.as_str(), "application/json", body.to_string().as_bytes());
        for (name, value) in &self.headers {
            request = request.with_header(name, value);
        }
        if let Some(variable) = &self.bearer_from {
            let token = env::var(variable).ok_or_else(|| {
                format!("{variable} is not set or not granted: allow = [\"env:{variable}\"]")
            })?;
            request = request.with_header("authorization", &format!("Bearer {token}"));
        }
        match post(&request) {
            Err(Refused { permanent: false, .. }) => post(&request),
            answer => answer,
        }
        .map_err(|refused| refused.why)
    }
}

/// Why a request was not accepted.
struct Refused {
    why: String,
    /// Whether an immediate retry would be useless.
    permanent: bool,
}

/// Sends a request; any status but 2xx is an error.
fn post(request: &Request) -> Result<(), Refused> {
    match request.send() {
        Ok(response) if (200..300).contains(&response.status) => Ok(()),
        Ok(response) => {
            let permanent = response.status < 500;
            Err(Refused { why: format!("it answered with status {}", response.status), permanent })
        }
        Err(error) => {
            let permanent = !matches!(error, HttpError::Failed(_));
            Err(Refused { why: error.to_string(), permanent })
        }
    }
}

/// Returns a change as it is sent to the server.
fn change(event: &Event) -> Value {
    let process = &event.process;
    json!({
        "at": event.at,
        "kind": event.kind.name(),
        "process": process.name,
        "group": process.group,
        "life": process.incarnation,
        "before": event.before.name(),
        "phase": process.phase.name(),
        "reason": process.reason,
        "restarts": process.restarts,
        "failures": process.failures,
    })
}

provost_guest::export!(Webhook: StatusConsumer);
provost_guest::settings_schema!(Webhook);
