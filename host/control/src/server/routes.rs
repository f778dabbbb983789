//! The routes, and serving them until the host ends.

use std::future::Future;
use std::sync::Arc;

use axum::http::{Method, Uri};
use futures_util::future::join_all;
use provost_api::ErrorCode;
use provost_state::naming::shown;
use tokio::sync::{Semaphore, watch};

use super::answers::Answers;
use super::connections::{Connections, Entrance};
use super::context::{ApiContext, AppState};
use super::extract::PLUGIN_BODY_BYTES_MAX;
use super::guarded::Guarded;
use super::refused::Refused;
use super::socket::Listening;
use super::table::{Route, delete, get, post, routed};
use super::tcp::{Gate, TcpListening};
use super::{
    config, connections, dependencies, events, explain, host, logs, orders, plugins, probes, state_core,
    status, usage, views,
};
use crate::access::Scope;

/// Serves the API on the Unix socket, and over TCP if the config says so, until `until` resolves. Requests in progress are
/// finished, and streams end.
pub async fn serve(
    listening: Listening,
    tcp: Option<TcpListening>,
    context: ApiContext,
    until: impl Future<Output = ()> + Send + 'static,
) {
    let (ending, ended) = watch::channel(false);
    let (most, degraded) = (context.connections_max, context.supervisor.degraded().clone());
    let (rules, jobs) = (context.rules.clone(), context.supervisor.jobs().clone());
    let routes = routes(context, ended.clone());
    // Whatever clients over TCP do, half of all connections are left for the Unix socket.
    let most_tcp = if tcp.is_some() { most / 2 } else { 0 };
    let unix = Connections::new(Entrance::Unix(routes.clone()), most - most_tcp, ended.clone());
    let over_tcp = async {
        let Some(tcp) = tcp else { return };
        let scheme = tcp.scheme();
        let TcpListening { sockets, tls, keyring } = tcp;
        let gate = Arc::new(Gate::new(routes, rules, keyring, jobs, scheme));
        let connections = Connections::new(Entrance::Tcp(gate, tls), most_tcp, ended);
        join_all(sockets.into_iter().map(|one| connections::serve_tcp(one, connections.clone()))).await;
        connections.finished().await;
    };
    let until = async move {
        until.await;
        // Without this, followers would keep their connections open for ever.
        ending.send_replace(true);
    };
    tokio::join!(connections::serve(listening, unix, degraded), over_tcp, until);
}

/// Returns the routes of the API. Streams end when `ended` is true, or when its sender is gone.
pub fn routes(mut context: ApiContext, ended: watch::Receiver<bool>) -> Guarded {
    let most = context.connections_max;
    let answers = Arc::new(Answers::new(context.supervisor.now()));
    let lasting = Arc::new(Semaphore::new(most - most.div_ceil(8)));
    let mounts = std::mem::take(&mut context.mounts);
    let (router, scopes) = routed(all());
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(AppState { context: Arc::new(context), answers, ended, lasting });
    Guarded::new(router, scopes, mounts)
}

/// Returns all routes.
fn all() -> Vec<Route> {
    vec![
        get("/livez", probes::livez),
        get("/readyz", probes::readyz),
        get("/metrics", probes::metrics),
        get("/v1/ping", host::ping),
        get("/v1/status", status::status),
        get("/v1/usage", usage::usage),
        get("/v1/events", events::events),
        get("/v1/logs", logs::logs),
        delete("/v1/logs", Scope::Operate, orders::clear_logs),
        get("/v1/explain/{name}", explain::explain),
        get("/v1/dependencies", dependencies::dependencies),
        post("/v1/processes/{action}", Scope::Operate, orders::order),
        post("/v1/scale", Scope::Operate, config::scale),
        get("/v1/plugins", plugins::list),
        get("/v1/plugins/{name}/blame", plugins::blame),
        post("/v1/plugins/{name}/{action}", Scope::Admin, plugins::change).taking(PLUGIN_BODY_BYTES_MAX),
        get("/v1/config/difference", config::difference),
        post("/v1/config/reload", Scope::Admin, config::reload),
        get("/v1/state", state_core::show),
        post("/v1/state", Scope::Admin, state_core::change),
        get("/v1/views/{name}", views::view),
        get("/v1/views/{name}/", views::view),
        get("/v1/views/{name}/{*path}", views::view),
        post("/v1/shutdown", Scope::Admin, host::shutdown),
    ]
}

async fn not_found(uri: Uri) -> Refused {
    let hint = "the API is described in docs/api.md".to_owned();
    Refused::not_found(ErrorCode::UnknownPath, format!("there is nothing at {}", shown(uri.path())), hint)
}

/// Refuses a method; the router adds the allowed ones in the header `Allow`.
async fn method_not_allowed(method: Method, uri: Uri) -> Refused {
    Refused::method_not_allowed(format!("{} does not accept {method}", shown(uri.path())))
}
