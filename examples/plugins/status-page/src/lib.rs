//! A view that renders the status as JSON for a status page: one word for all, and one line for each process. `provost view status-page`
//! prints it, `provost view status-page web` only the process `web`.

use provost_guest::{Phase, ProcessState, Request, Response, StatusView, World};
use serde::Deserialize;
use serde_json::{Value, json};

/// The number of processes that are read at a time.
const PAGE: u32 = 256;

/// The view and its settings.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StatusPage {
    /// Processes that are not shown.
    pub hidden: Vec<String>,
}

impl StatusView for StatusPage {
    fn render(&self, request: &Request, world: &dyn World) -> Response {
        let name = request.path.trim_matches('/');
        if !name.is_empty() {
            return match world.get(name).filter(|process| self.shows(process)) {
                Some(process) => page(&line(&process)),
                None => page(&json!({ "error": format!("there is no process {name}") })).with_status(404),
            };
        }
        let offsets = (0..world.size()).step_by(PAGE as usize);
        let all = offsets.flat_map(|offset| world.page(offset, PAGE));
        let shown: Vec<ProcessState> = all.filter(|process| self.shows(process)).collect();
        let lines: Vec<Value> = shown.iter().map(line).collect();
        page(&json!({ "status": overall(&shown), "processes": lines }))
    }
}

provost_guest::export!(StatusPage: StatusView);
provost_guest::settings_schema!(StatusPage);

impl StatusPage {
    fn shows(&self, process: &ProcessState) -> bool {
        !self.hidden.contains(&process.name)
    }
}

fn page(body: &Value) -> Response {
    Response::of("application/json", format!("{body}\n"))
}

fn line(process: &ProcessState) -> Value {
    json!({
        "name": process.name,
        "phase": process.phase.to_string(),
        "since": process.started_at,
        "restarts": process.restarts,
        "reason": process.reason,
    })
}

/// Returns one word for all: that of the process that is worst off.
fn overall(processes: &[ProcessState]) -> &'static str {
    let any = |phases: &[Phase]| processes.iter().any(|process| phases.contains(&process.phase));
    match () {
        () if any(&[Phase::Fatal]) => "down",
        () if any(&[Phase::Backoff, Phase::Waiting, Phase::Starting]) => "degraded",
        () => "up",
    }
}
