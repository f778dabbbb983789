//! Converts the checks of a process and their last results.

use std::sync::Arc;

use provost_api as api;
use provost_supervisor::{Check, CommandLine, ProcessSpec, Tried};

use super::time::{Wall, time_at};

/// Converts the checks of a process: that of its readiness, and that of its health.
pub(crate) fn checks(
    spec: &ProcessSpec,
    (readiness, health): (Option<Arc<Tried>>, Option<Arc<Tried>>),
    wall: Wall,
) -> api::Checks {
    let result = |last: Option<Arc<Tried>>| last.map(|last| tried(&last, wall));
    api::Checks {
        readiness: spec.ready.as_ref().map(|ready| api::Check {
            within_ms: ready.within_ms,
            last: result(readiness),
            ..check(&ready.check, ready.every_ms, ready.timeout_ms)
        }),
        health: spec.health.as_ref().map(|health_check| api::Check {
            failures: Some(health_check.failures),
            last: result(health),
            ..check(&health_check.check, health_check.every_ms, health_check.timeout_ms)
        }),
    }
}

fn check(from: &Check, every_ms: u64, timeout_ms: u64) -> api::Check {
    let (kind, target) = match from {
        Check::Tcp(address) => (api::CheckKind::Tcp, address.clone()),
        Check::Http(url) => (api::CheckKind::Http, url.clone()),
        Check::Exec(command) => (api::CheckKind::Exec, line(command)),
        Check::LogLine(text) => (api::CheckKind::Log, text.clone()),
        Check::Notified => (api::CheckKind::Notify, "READY=1".to_owned()),
        Check::Descriptor(number) => (api::CheckKind::Fd, number.to_string()),
    };
    // What a process says is waited for: there are no tries.
    let is_tried = matches!(kind, api::CheckKind::Tcp | api::CheckKind::Http | api::CheckKind::Exec);
    let timed = |ms| is_tried.then_some(ms);
    let (every_ms, timeout_ms) = (timed(every_ms), timed(timeout_ms));
    api::Check { kind, target, every_ms, timeout_ms, ..api::Check::default() }
}

fn line(command: &CommandLine) -> String {
    match command {
        CommandLine::Shell(line) => line.clone(),
        // A list of texts is always JSON.
        CommandLine::Argv(words) => serde_json::to_string(words).unwrap_or_default(),
    }
}

fn tried(from: &Tried, wall: Wall) -> api::CheckResult {
    let Tried { passed, found, at } = from;
    api::CheckResult { passed: *passed, found: found.to_string(), at: time_at(*at, wall).to_string() }
}
