//! The bundled consumer: writes one readable line into the host's log for each change of phase and each removal, and
//! one for missed changes.

use provost_guest::{Batch, Event, EventKind, Phase, StatusConsumer, World, log};
use serde::Deserialize;

/// The consumer and its settings.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// The phases whose entry is reported, and the removal of a process in one of them; all, if it is not set.
    pub phases: Option<Vec<Phase>>,
}

impl StatusConsumer for Notify {
    fn on_change(&mut self, batch: &Batch, _world: &dyn World) {
        if batch.missed > 0 {
            let changes = if batch.missed == 1 { "change" } else { "changes" };
            log::warn(format!("missed {} {changes}: too many came at once", batch.missed));
        }
        for event in batch.events.iter().filter(|event| self.reports(event)) {
            log::write(level(event), &line(event));
        }
    }
}

impl Notify {
    fn reports(&self, event: &Event) -> bool {
        let after = event.process.phase;
        (event.before != after || event.kind == EventKind::Removed)
            && self.phases.as_ref().is_none_or(|phases| phases.contains(&after))
    }
}

/// Returns the severity of entering a phase; a removal is ordinary in any.
fn level(event: &Event) -> log::Level {
    match event.process.phase {
        _ if event.kind == EventKind::Removed => log::Level::Info,
        Phase::Fatal => log::Level::Error,
        Phase::Backoff => log::Level::Warn,
        Phase::Stopped
        | Phase::Waiting
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Exited => log::Level::Info,
    }
}

/// Returns a line such as `web (life 3): running -> backoff: exited with code 3: failure 2 of 10, restart in 200 ms`,
/// or `web (life 3): removed while stopped`.
fn line(event: &Event) -> String {
    let process = &event.process;
    let life = match process.incarnation {
        0 => String::new(),
        incarnation => format!(" (life {incarnation})"),
    };
    if event.kind == EventKind::Removed {
        return format!("{}{life}: removed while {}", process.name, process.phase);
    }
    let reason = if process.reason.is_empty() { String::new() } else { format!(": {}", process.reason) };
    format!("{}{life}: {} -> {}{reason}", process.name, event.before, process.phase)
}

provost_guest::export!(Notify: StatusConsumer);
provost_guest::settings_schema!(Notify);
