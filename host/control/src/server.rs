//! The routes.

mod connections;
mod extract;
mod patient;

use std::collections::HashSet;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, RawQuery, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::FutureExt;
use provost_state::naming::shown;
use provost_state::{Plugins, ViewRequest};
use provost_supervisor::Supervisor;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use self::extract::{BODY_BYTES_MAX, PLUGIN_BODY_BYTES_MAX};
pub(crate) use self::extract::{Body, Select, targets};
use crate::peer::Listening;
use crate::refused::{Refused, in_json};
use crate::select::{base_of, select_or_all};
use crate::{convert, history, orders, plugins, state_core, streams, wire};

/// What the API speaks for.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The processes.
    pub supervisor: Supervisor,
    /// The plugins.
    pub plugins: Arc<dyn Plugins>,
    /// The host itself.
    pub host: wire::Host,
    /// Told when somebody asks the host to stop.
    pub shutdown: mpsc::Sender<()>,
    /// How many connections there may be at once: [`CONNECTIONS_MAX`], or fewer where descriptors are few.
    pub connections_max: usize,
    /// How the host ends, as soon as everything that can be ended has ended.
    pub ended: watch::Receiver<Option<wire::Ended>>,
}

/// How many connections there are at most, unless descriptors are few.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Serves the API until `until` resolves; requests under way are finished, streams end.
///
/// # Errors
/// What the socket says.
pub async fn serve(
    listening: Listening,
    desk: Desk,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (ending, ended) = watch::channel(false);
    let (most, degraded) = (desk.connections_max, desk.supervisor.degraded().clone());
    let router = routes(desk, ended.clone());
    let serving = connections::serve(listening, router, most, degraded, ended);
    let until = async move {
        until.await;
        // Streams that follow would keep their connections open for ever.
        ending.send_replace(true);
    };
    tokio::join!(serving, until);
    Ok(())
}

/// A desk, and the end of it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) desk: Desk,
    pub(crate) ended: watch::Receiver<bool>,
    lasting: Arc<Semaphore>,
}

impl Served {
    /// The right to be answered for long: to follow, or to wait. Not all connections may do so at once, because those
    /// that do cannot give way to others.
    pub(crate) fn lasting(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.lasting.clone().try_acquire_owned().map_err(|_| Refused::busy())
    }
}

fn routes(desk: Desk, ended: watch::Receiver<bool>) -> Router {
    let most = desk.connections_max;
    let lasting = Arc::new(Semaphore::new(most - most.div_ceil(8).min(most)));
    Router::new()
        .route("/v1/ping", get(ping))
        .route("/v1/status", get(status))
        .route("/v1/events", get(streams::events))
        .route("/v1/logs", get(streams::logs).delete(clear_logs))
        .route("/v1/processes/{action}", post(order))
        .route("/v1/explain/{name}", get(explain))
        .route("/v1/plugins", get(plugins::list))
        .route("/v1/plugins/{name}/blame", get(plugins::blame))
        .route(
            "/v1/plugins/{name}/{action}",
            post(plugins::change).layer(DefaultBodyLimit::max(PLUGIN_BODY_BYTES_MAX)),
        )
        .route("/v1/state", get(state_core::show).post(state_core::change))
        .route("/v1/views/{name}", get(view))
        .route("/v1/views/{name}/", get(view))
        .route("/v1/views/{name}/{*path}", get(view))
        .route("/v1/shutdown", post(shutdown))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(in_json))
        .layer(from_fn(caught))
        .with_state(Served { desk, ended, lasting })
}

/// A defect of ours ends the request that it befell, and nothing else.
async fn caught(request: Request, next: Next) -> Response {
    let what = format!("{} {}", request.method(), shown(request.uri().path()));
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let said = panic.downcast_ref::<&str>().copied();
            let said =
                said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
            tracing::error!("a defect while answering {what}: {said}");
            Refused::internal(format!("a defect while answering {what}")).into_response()
        }
    }
}

async fn ping(State(served): State<Served>) -> Json<wire::Ping> {
    let host = &served.desk.host;
    Json(wire::Ping { pid: host.pid, version: host.version.clone() })
}

/// One snapshot, one generation; no lock is taken and nothing is waited for.
async fn status(
    State(served): State<Served>,
    Query(query): Query<Select>,
) -> Result<Json<wire::Status>, Refused> {
    let world = served.desk.supervisor.reader().snapshot();
    let chosen = select_or_all(&world, &targets(&query.select))?;
    let now = served.desk.supervisor.now();
    let names = chosen.iter().filter_map(|id| world.get(*id)).map(|state| &**state.name());
    let sets: HashSet<&str> = names.filter_map(base_of).collect();
    Ok(Json(wire::Status {
        generation: world.generation().0,
        taken_at: convert::time_at(world.taken_at(), now),
        processes: chosen
            .iter()
            .filter_map(|id| world.get(*id))
            .map(|state| convert::process(state, now))
            .collect(),
        replicas: served
            .desk
            .supervisor
            .replica_sets()
            .iter()
            .filter(|set| sets.contains(&*set.name))
            .map(|set| convert::replicas(set, &world))
            .collect(),
        plugins: plugins::reports(&served.desk),
        host: host(&served.desk),
    }))
}

/// The host itself, with what it lacks and what is left of its processes at this moment.
fn host(desk: &Desk) -> wire::Host {
    wire::Host {
        degraded: desk.supervisor.degraded().list().iter().map(convert::lack).collect(),
        left: desk.supervisor.left().iter().map(convert::left).collect(),
        ..desk.host.clone()
    }
}

async fn order(
    State(served): State<Served>,
    Path(action): Path<String>,
    Body(order): Body<wire::Order>,
) -> Result<Json<wire::Outcome>, Refused> {
    let _lasting = order.wait.then(|| served.lasting()).transpose()?;
    orders::carry_out(&served.desk.supervisor, &action, order).await.map(Json)
}

async fn clear_logs(
    State(served): State<Served>,
    Query(query): Query<Select>,
) -> Result<Json<wire::Outcome>, Refused> {
    let _lasting = served.lasting()?;
    orders::clear_logs(&served.desk.supervisor, &targets(&query.select)).await.map(Json)
}

async fn explain(
    State(served): State<Served>,
    Path(name): Path<String>,
) -> Result<Json<wire::Explanation>, Refused> {
    history::explain(&served.desk.supervisor, name).map(Json)
}

/// What follows the name of a view in its path.
#[derive(Debug, Deserialize)]
struct ViewPath {
    name: String,
    #[serde(default)]
    path: String,
}

async fn view(
    State(served): State<Served>,
    Path(at): Path<ViewPath>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let view = served.desk.plugins.view(&at.name).ok_or_else(|| {
        let message = format!("there is no active plugin called `{}` that renders a view", shown(&at.name));
        Refused::not_found(
            "unknown_view",
            message,
            "`provost plugin list` shows the roles of each".to_owned(),
        )
    })?;
    let world = served.desk.supervisor.reader().snapshot();
    let request = ViewRequest { path: at.path, query: query.unwrap_or_default() };
    let failed = |what: &dyn Display| Refused::plugin_failed(format!("plugin {}: {what}", at.name));
    let rendered = served.desk.supervisor.jobs().views.run(move || view.render(&request, &world)).await;
    let response = rendered.map_err(|lost| failed(&lost))?.map_err(|fault| failed(&fault))?;
    let content_type = HeaderValue::try_from(&response.content_type)
        .map_err(|_| failed(&format!("{:?} is no content type", response.content_type)))?;
    Ok(([(CONTENT_TYPE, content_type)], response.body).into_response())
}

/// Asks the host to stop. An empty body is one without `wait`.
async fn shutdown(State(served): State<Served>, body: Bytes) -> Result<Response, Refused> {
    let body = if body.is_empty() { b"{}" } else { &*body };
    let wire::Shutdown { wait } =
        serde_json::from_slice(body).map_err(|error| Refused::bad_request(error.to_string()))?;
    // A full channel means that it was told already.
    let _ = served.desk.shutdown.try_send(());
    if !wait {
        return Ok(ping(State(served)).await.into_response());
    }
    let mut ended = served.desk.ended;
    let report = ended.wait_for(Option::is_some).await.map(|report| report.clone());
    match report {
        Ok(Some(report)) => Ok(Json(report).into_response()),
        _ => Err(Refused::internal("the host ends without a report".to_owned())),
    }
}

async fn nowhere(uri: axum::http::Uri) -> Refused {
    let hint = "the API is described in docs/api.md".to_owned();
    Refused::not_found("unknown_path", format!("there is nothing at {}", shown(uri.path())), hint)
}

/// The router adds which methods are allowed, as the header `Allow`.
async fn not_so(method: axum::http::Method, uri: axum::http::Uri) -> Refused {
    Refused::method_not_allowed(format!("{} does not take {method}", shown(uri.path())))
}
