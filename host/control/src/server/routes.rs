//! The routes, and serving them until the host ends.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::routing::{delete, get, post};
use provost_api::ErrorCode;
use provost_state::naming::shown;
use tokio::sync::{Semaphore, watch};

use super::answers::Answers;
use super::context::{ApiContext, AppState};
use super::extract::{BODY_BYTES_MAX, PLUGIN_BODY_BYTES_MAX};
use super::guarded::Guarded;
use super::refused::Refused;
use super::socket::Listening;
use super::{
    config, connections, dependencies, events, explain, host, logs, orders, plugins, state_core, status, usage,
    views,
};

/// Serves the API until `until` resolves. Requests in progress are finished, and streams end.
pub async fn serve(
    listening: Listening,
    context: ApiContext,
    until: impl Future<Output = ()> + Send + 'static,
) {
    let (ending, ended) = watch::channel(false);
    let (most, degraded) = (context.connections_max, context.supervisor.degraded().clone());
    let routes = routes(context, ended.clone());
    let serving = connections::serve(listening, routes, most, degraded, ended);
    let until = async move {
        until.await;
        // Without this, followers would keep their connections open for ever.
        ending.send_replace(true);
    };
    tokio::join!(serving, until);
}

/// Returns the routes of the API. Streams end when `ended` is true, or when its sender is gone.
pub fn routes(context: ApiContext, ended: watch::Receiver<bool>) -> Guarded {
    let most = context.connections_max;
    let answers = Arc::new(Answers::new(context.supervisor.now()));
    let lasting = Arc::new(Semaphore::new(most - most.div_ceil(8)));
    let orders = Router::new()
        .route("/v1/logs", delete(orders::clear_logs))
        .route("/v1/processes/{action}", post(orders::order))
        .route(
            "/v1/plugins/{name}/{action}",
            post(plugins::change).layer(DefaultBodyLimit::max(PLUGIN_BODY_BYTES_MAX)),
        )
        .route("/v1/config/reload", post(config::reload))
        .route("/v1/scale", post(config::scale))
        .route("/v1/state", post(state_core::change))
        .route("/v1/shutdown", post(host::shutdown))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let router = Router::new()
        .route("/v1/ping", get(host::ping))
        .route("/v1/status", get(status::status))
        .route("/v1/usage", get(usage::usage))
        .route("/v1/events", get(events::events))
        .route("/v1/logs", get(logs::logs))
        .route("/v1/explain/{name}", get(explain::explain))
        .route("/v1/dependencies", get(dependencies::dependencies))
        .route("/v1/plugins", get(plugins::list))
        .route("/v1/plugins/{name}/blame", get(plugins::blame))
        .route("/v1/config/difference", get(config::difference))
        .route("/v1/state", get(state_core::show))
        .route("/v1/views/{name}", get(views::view))
        .route("/v1/views/{name}/", get(views::view))
        .route("/v1/views/{name}/{*path}", get(views::view))
        // Only these have a body; a layer would cost the others several allocations for each request.
        .merge(orders)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(AppState { context: Arc::new(context), answers, ended, lasting });
    Guarded::new(router)
}

async fn not_found(uri: Uri) -> Refused {
    let hint = "the API is described in docs/api.md".to_owned();
    Refused::not_found(ErrorCode::UnknownPath, format!("there is nothing at {}", shown(uri.path())), hint)
}

/// Refuses a method; the router adds the allowed ones in the header `Allow`.
async fn method_not_allowed(method: Method, uri: Uri) -> Refused {
    Refused::method_not_allowed(format!("{} does not accept {method}", shown(uri.path())))
}
