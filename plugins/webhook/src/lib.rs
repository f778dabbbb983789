//! The bundled webhook: tells a server of each change of phase, as JSON by HTTP.
//!
//! It needs a grant: `allow = ["http-out:HOST:PORT"]`, and `env:NAME` for `bearer_from`. What cannot be delivered is tried
//! once more at once and then again with the next change; what does not fit into its memory by then is counted as missed.

use std::collections::{BTreeMap, VecDeque};

use provost_guest::http::{HttpError, Request, Url};
use provost_guest::{Batch, Event, Phase, StatusConsumer, World, env, log};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many changes wait for the next try at most.
const WAITING_MAX: usize = 1024;

/// The consumer and its settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    url: Url,
    /// Tell only of changes into these phases; of all, if it is not set.
    #[serde(default)]
    phases: Option<Vec<Phase>>,
    /// More headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The environment variable with the token for `authorization: Bearer …`.
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
        let told = batch.events.iter().filter(|event| self.tells(event)).map(change);
        let told: Vec<Value> = told.collect();
        self.waiting.extend(told);
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
                "{} changes wait because {} did not take them: {why}",
                self.waiting.len(),
                self.url.as_str()
            )),
        }
    }
}

impl Webhook {
    fn tells(&self, event: &Event) -> bool {
        let after = event.process.phase;
        event.before != after && self.phases.as_ref().is_none_or(|phases| phases.contains(&after))
    }

    fn deliver(&self, generation: u64) -> Result<(), String> {
        let body = json!({ "generation": generation, "missed": self.missed, "changes": self.waiting });
        let mut request = Request::post(self.url.as_str(), "application/json", body.to_string().as_bytes());
        for (name, value) in &self.headers {
            request = request.with_header(name, value);
        }
        if let Some(variable) = &self.bearer_from {
            let token = env::var(variable).ok_or_else(|| {
                format!("{variable} is not set, or not granted: allow = [\"env:{variable}\"]")
            })?;
            request = request.with_header("authorization", &format!("Bearer {token}"));
        }
        match taken(&request) {
            Err(Refused { finally: false, .. }) => taken(&request),
            answer => answer,
        }
        .map_err(|refused| refused.why)
    }
}

/// Why a server did not take it.
struct Refused {
    why: String,
    /// Is it no use to try again at once?
    finally: bool,
}

fn taken(request: &Request) -> Result<(), Refused> {
    match request.send() {
        Ok(response) if (200..300).contains(&response.status) => Ok(()),
        Ok(response) => {
            let finally = response.status < 500;
            Err(Refused { why: format!("it answered with status {}", response.status), finally })
        }
        Err(error) => {
            let finally = !matches!(error, HttpError::Failed(_));
            Err(Refused { why: error.to_string(), finally })
        }
    }
}

/// One change, as the server is told it.
fn change(event: &Event) -> Value {
    let process = &event.process;
    json!({
        "at": event.at,
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
