//! The steps of a reload, as they are reported to the client and to the log of the host, and counted.

use provost_api::{self as api, ErrorCode, ReloadStepKind as Kind};
use provost_control::{Awaited, Step};
use tokio::sync::mpsc::UnboundedSender;

/// Reports steps. The client may be gone; the counts go on.
#[derive(Debug)]
pub(super) struct Steps {
    client: UnboundedSender<Step>,
    summary: api::ReloadSummary,
}

impl Steps {
    pub(super) fn new(client: UnboundedSender<Step>) -> Self {
        Self { client, summary: api::ReloadSummary::default() }
    }

    /// Whether a step has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.summary.failed > 0
    }

    /// Reports that everything was checked.
    pub(super) fn checked(&self, message: String) {
        self.send(api::ReloadStep { kind: Kind::Checked, message, ..api::ReloadStep::default() }, None);
    }

    /// Reports a change of a setting of the host.
    pub(super) fn host(&mut self, message: String) {
        self.summary.host += 1;
        self.send(api::ReloadStep { kind: Kind::Host, message, ..api::ReloadStep::default() }, None);
    }

    /// Reports a change of a plugin.
    pub(super) fn plugin(&mut self, name: &str, message: String) {
        self.summary.plugins += 1;
        let plugin = Some(name.to_owned());
        self.send(
            api::ReloadStep { kind: Kind::Plugin, plugin, message, ..api::ReloadStep::default() },
            None,
        );
    }

    /// Reports what was done to a process.
    pub(super) fn process(&mut self, kind: Kind, name: &str, message: String) {
        self.count(&kind);
        self.send(of_process(kind, name, message), None);
    }

    /// Reports that a process was started or restarted, which was like `awaited` before.
    pub(super) fn started(&mut self, kind: Kind, name: &str, message: String, awaited: Awaited) {
        self.count(&kind);
        self.send(of_process(kind, name, message), Some(awaited));
    }

    /// Reports a step that has failed.
    pub(super) fn failed(&mut self, process: Option<&str>, plugin: Option<&str>, message: &str, why: String) {
        self.summary.failed += 1;
        let hint =
            "what was done stays done: `provost diff` shows what remains, and `provost reload` does it";
        let error = api::Error { code: ErrorCode::NotReached, message: why, hint: Some(hint.to_owned()) };
        let step = api::ReloadStep {
            kind: Kind::Failed,
            process: process.map(str::to_owned),
            plugin: plugin.map(str::to_owned),
            message: message.to_owned(),
            error: Some(error),
            summary: None,
        };
        self.send(step, None);
    }

    /// Returns whether everything was done, in words for people.
    pub(super) fn outcome(&self) -> String {
        match self.summary.failed {
            0 => "the config is in force".to_owned(),
            1 => "1 step has failed".to_owned(),
            failed => format!("{failed} steps have failed"),
        }
    }

    /// Reports the end.
    pub(super) fn done(self) {
        let message = self.outcome();
        let summary = Some(self.summary);
        let step = api::ReloadStep { kind: Kind::Done, message, summary, ..api::ReloadStep::default() };
        self.send(step, None);
    }

    fn count(&mut self, kind: &Kind) {
        let summary = &mut self.summary;
        let counter = match kind {
            Kind::Added => &mut summary.added,
            Kind::Removed => &mut summary.removed,
            Kind::Changed => &mut summary.changed,
            Kind::Restarted => {
                summary.changed += 1;
                &mut summary.restarted
            }
            Kind::Postponed => {
                summary.changed += 1;
                &mut summary.postponed
            }
            _ => return,
        };
        *counter += 1;
    }

    fn send(&self, step: api::ReloadStep, awaited: Option<Awaited>) {
        let of = step.process.as_deref().or(step.plugin.as_deref()).unwrap_or("the config");
        match &step.error {
            Some(error) => tracing::error!("reload: {of}: {}: {}", step.message, error.message),
            None => tracing::info!("reload: {of}: {}", step.message),
        }
        // The client may be gone.
        let _ = self.client.send(Step { step, awaited });
    }
}

fn of_process(kind: Kind, name: &str, message: String) -> api::ReloadStep {
    api::ReloadStep { kind, process: Some(name.to_owned()), message, ..api::ReloadStep::default() }
}
