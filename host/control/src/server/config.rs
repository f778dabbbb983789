//! The config: what differs from it, reloading it step by step, and scaling.

use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_api::{self as api, ErrorCode, ReloadStepKind};
use provost_state::Generation;
use provost_supervisor::Supervisor;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::context::AppState;
use super::extract::Body;
use super::framing::Framing;
use super::orders::{TIMEOUT_MS, Waits, cause_of};
use super::refused::Refused;
use super::streaming::{Source, lasting_body};
use crate::access::{Access, Scope};
use crate::reloading::{ConfigRefusal, Step};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DifferenceQuery {
    /// The absolute path of another config. It takes the scope `admin`.
    #[schemars(extend("pattern" = "^/"))]
    config: Option<String>,
}

pub(super) async fn difference(
    State(app): State<AppState>,
    Extension(access): Extension<Access>,
    Query(query): Query<DifferenceQuery>,
) -> Result<Json<api::Difference>, Refused> {
    // The report about a config says what is in it, whatever file that is.
    if query.config.is_some() && !access.allows(Scope::Admin) {
        return Err(Refused::forbidden(
            "`config` names a file of the host, which takes the scope `admin`".to_owned(),
        ));
    }
    let _lasting = app.lasting()?;
    let path = absolute(query.config.as_deref())?;
    let compared = app.context.config.difference(path).await;
    // A config has secrets, which the scope `read` does not show anywhere else either.
    Ok(Json(compared.map_err(|refusal| match access.allows(Scope::Admin) {
        true => refusal,
        false => refusal.without_lines(),
    })?))
}

/// Returns the path, which must be absolute: the host has another working directory than its clients.
fn absolute(path: Option<&str>) -> Result<Option<PathBuf>, Refused> {
    match path.map(PathBuf::from) {
        Some(path) if !path.is_absolute() => {
            Err(Refused::bad_request("`config` must be an absolute path".to_owned()))
        }
        path => Ok(path),
    }
}

pub(super) async fn reload(
    State(app): State<AppState>,
    Body(order): Body<api::ReloadOrder>,
) -> Result<Response, Refused> {
    absolute(order.config.as_deref())?;
    // Before anything is begun, so that a refusal has changed nothing.
    let lasting = app.lasting()?;
    let supervisor = app.context.supervisor.clone();
    let since = supervisor.reader().look().generation();
    let timeout = Duration::from_millis(order.timeout_ms.unwrap_or(TIMEOUT_MS));
    let wait = order.wait.then_some(timeout);
    // Everything is checked before this returns, so that a refusal has a status and a code.
    let steps = app.context.config.reload(order).await?;
    let waits = Waits::of_restarts();
    let steps = Steps { steps, supervisor, since, wait, waits, last: None, ended: false };
    // A wait for what was started cannot be interrupted by comments, so that these are no server-sent events.
    Ok(lasting_body(steps, Framing::Lines, app, lasting))
}

/// The steps of a reload and, if that was asked for, what has become of the processes that it started.
struct Steps {
    steps: mpsc::UnboundedReceiver<Step>,
    supervisor: Supervisor,
    /// The generation before the reload.
    since: Generation,
    /// How long to wait for processes to be up; `None` for not at all.
    wait: Option<Duration>,
    waits: Waits,
    /// The last step, which is sent after everything else.
    last: Option<api::ReloadStep>,
    ended: bool,
}

impl Steps {
    /// Waits for the processes that were started, and returns the lines about them and the last one.
    async fn finished(&mut self) -> Bytes {
        let mut bytes = Vec::new();
        let mut summary = self.last.as_ref().and_then(|last| last.summary);
        if let Some(timeout) = self.wait {
            let waits = std::mem::replace(&mut self.waits, Waits::of_restarts());
            let settled = waits.settle(&self.supervisor, self.since, timeout).await;
            let world = self.supervisor.reader().snapshot();
            let named = settled
                .into_iter()
                .map(|(id, outcome)| (world.get(id).map(|state| state.name().to_string()), outcome));
            let mut named: Vec<_> = named.collect();
            named.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (name, outcome) in named {
                let step = of_outcome(name, outcome);
                if let Some(summary) = summary.as_mut().filter(|_| step.error.is_some()) {
                    summary.failed += 1;
                }
                Framing::Lines.push_json(&mut bytes, &step);
            }
        }
        // Taken at the end only, because this future may be dropped and begun anew.
        let last = self.last.take().unwrap_or_default();
        Framing::Lines.push_json(&mut bytes, &api::ReloadStep { summary, ..last });
        bytes.into()
    }
}

/// Describes what has become of a process that was started.
fn of_outcome(process: Option<String>, outcome: Result<(), Refused>) -> api::ReloadStep {
    let (kind, message, error) = match outcome {
        Ok(()) => (ReloadStepKind::Up, "it is up".to_owned(), None),
        Err(refused) => {
            let error = refused.into_error();
            (ReloadStepKind::Failed, "it is not up".to_owned(), Some(error))
        }
    };
    api::ReloadStep { kind, process, message, error, ..api::ReloadStep::default() }
}

impl Source for Steps {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        while let Some(Step { step, awaited }) = self.steps.recv().await {
            if self.wait.is_some()
                && let Some(awaited) = awaited
            {
                self.waits.add(awaited.id, awaited.incarnation, awaited.version);
            }
            if step.kind != ReloadStepKind::Done {
                let mut bytes = Vec::new();
                Framing::Lines.push_json(&mut bytes, &step);
                return Some(bytes.into());
            }
            self.last = Some(step);
        }
        let bytes = self.finished().await;
        self.ended = true;
        Some(bytes)
    }

    fn finish(&mut self) {
        self.wait = None;
    }
}

pub(super) async fn scale(
    State(app): State<AppState>,
    Body(order): Body<api::ScaleOrder>,
) -> Result<Json<api::Scaled>, Refused> {
    if order.replicas.is_empty() {
        return Err(Refused::bad_request("`replicas` is empty: name a process and a number".to_owned()));
    }
    let _lasting = app.lasting()?;
    let cause = cause_of(order.cause);
    let mut results = Vec::with_capacity(order.replicas.len());
    for (name, count) in order.replicas {
        let scaled = app.context.config.scale(name.clone(), count, cause).await;
        results.push(match scaled {
            Ok(done) => api::ScaleOutcome {
                name,
                ok: true,
                before: Some(done.before),
                wanted: Some(done.wanted),
                error: None,
            },
            Err(refusal) => api::ScaleOutcome {
                name,
                error: Some(Refused::from(refusal).into_error()),
                ..api::ScaleOutcome::default()
            },
        });
    }
    Ok(Json(api::Scaled { results }))
}

impl From<ConfigRefusal> for Refused {
    fn from(refusal: ConfigRefusal) -> Self {
        match refusal {
            ConfigRefusal::BadConfig(report) => Self::of_config(ErrorCode::BadConfig, report.whole),
            ConfigRefusal::NeedsNewHost(report) => Self::of_config(ErrorCode::NeedsNewHost, report.whole),
            ConfigRefusal::NotScalable { message, hint } => {
                Self::not_found(ErrorCode::NotScalable, message, hint)
            }
            ConfigRefusal::BadRequest(message) => Self::bad_request(message),
            ConfigRefusal::ShuttingDown => Self::from(provost_supervisor::Refusal::ShuttingDown),
            ConfigRefusal::Internal(message) => Self::internal(message),
        }
    }
}
