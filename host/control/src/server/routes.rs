//! The routes, and serving them until the host ends.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Uri};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::future::join_all;
use provost_api::{self as api, ErrorCode};
use provost_state::naming::shown;
use tokio::sync::watch;

use super::answers::Answers;
use super::connections::{Connections, Entrance};
use super::context::{ApiContext, AppState, lasting};
use super::extract::{PLUGIN_BODY_BYTES_MAX, Select};
use super::guarded::{Guarded, Mount};
use super::refused::Refused;
use super::socket::Listening;
use super::table::{Route, delete, get, post, routed};
use super::tcp::{Gate, TcpListening};
use super::{
    config, connections, dependencies, described, events, explain, host, logs, orders, plugins, probes,
    processes, state_core, status, usage, views,
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
    // Whatever clients over TCP do, half of all connections are left for the Unix socket, and half of the requests that follow or wait.
    let most_tcp = if tcp.is_some() { most / 2 } else { 0 };
    let (app, mounts) = parts(context, ended.clone());
    let unix = guarded(app.with_lasting(most - most_tcp), mounts.clone());
    let unix = Connections::new(Entrance::Unix(unix), most - most_tcp, ended.clone());
    let over_tcp = async {
        let Some(tcp) = tcp else { return };
        let scheme = tcp.scheme();
        let TcpListening { sockets, tls, keyring, runtime } = tcp;
        let routes = guarded(app.with_lasting(most_tcp), mounts);
        let gate = Arc::new(Gate::new(routes, rules, keyring.clone(), jobs.clone(), scheme));
        let connections = Connections::new(Entrance::Tcp(gate, tls), most_tcp, ended);
        let served = runtime.spawn(async move {
            join_all(sockets.into_iter().map(|one| connections::serve_tcp(one, connections.clone()))).await;
            connections.finished().await;
        });
        let served = async {
            // If the runtime has ended, so has everything over TCP.
            if let Err(error) = served.await
                && let Ok(panic) = error.try_into_panic()
            {
                resume_unwind(panic);
            }
        };
        tokio::select! {
            () = served => {}
            () = keyring.watch(jobs) => {}
        }
    };
    let until = async move {
        until.await;
        // Without this, followers would keep their connections open for ever.
        ending.send_replace(true);
    };
    tokio::join!(connections::serve(listening, unix, degraded), over_tcp, until);
}

/// Returns the routes of the API. Streams end when `ended` is true, or when its sender is gone.
pub fn routes(context: ApiContext, ended: watch::Receiver<bool>) -> Guarded {
    let (app, mounts) = parts(context, ended);
    guarded(app, mounts)
}

/// Returns what all entrances share, and the services beside the API.
fn parts(mut context: ApiContext, ended: watch::Receiver<bool>) -> (AppState, Vec<Mount>) {
    let mounts = std::mem::take(&mut context.mounts);
    let answers = Arc::new(Answers::new(context.supervisor.now()));
    let lasting = lasting(context.connections_max);
    (AppState { context: Arc::new(context), answers, ended, lasting }, mounts)
}

/// Returns the routes of one entrance.
fn guarded(app: AppState, mounts: Vec<Mount>) -> Guarded {
    let (router, scopes, _) = routed(all());
    let router = router.fallback(not_found).method_not_allowed_fallback(method_not_allowed).with_state(app);
    Guarded::new(router, scopes, mounts)
}

/// Returns all routes. Whatever a process is called, its own path is there beside those of the orders.
fn all() -> Vec<Route> {
    let mut all = of_processes();
    all.extend(of_orders());
    all.extend(of_the_rest());
    all
}

fn of_processes() -> Vec<Route> {
    let operate = Scope::Operate;
    vec![
        get(
            "/v1/status",
            status::status,
            "Returns the state of everything at one generation, or streams its changes",
        )
        .query::<status::Asked>()
        .gives_or_streams::<api::Status>(),
        get("/v1/processes", processes::list, "Returns the processes alone, or streams their changes")
            .query::<status::ProcessesQuery>()
            .gives_or_streams::<api::Status>(),
        get(
            "/v1/processes/{name}",
            processes::one,
            "Returns one process, with the names of its variables and its checks",
        )
        .gives::<api::ProcessDetail>(),
        get("/v1/processes/{name}/explain", explain::explain, "Explains why a process is in its state")
            .gives::<api::Explanation>(),
        get("/v1/groups", processes::groups, "Returns the groups of processes").gives::<api::GroupList>(),
        get(
            "/v1/dependencies",
            dependencies::dependencies,
            "Returns what processes wait for before they are started",
        )
        .gives::<api::Dependencies>(),
        get("/v1/usage", usage::usage, "Returns the resources that the host and processes use")
            .query::<usage::UsageQuery>()
            .gives::<api::UsageList>(),
        get("/v1/events", events::events, "Streams changes of processes")
            .query::<events::EventsQuery>()
            .lists_or_streams::<api::EventList, api::Event>(),
        get(
            "/v1/logs",
            logs::logs,
            "Streams lines that processes have written, or those of the host's own log",
        )
        .query::<logs::LogsQuery>()
        .lists_or_streams::<api::LogList, api::LogItem>(),
        delete("/v1/logs", operate, orders::clear_logs, "Deletes the logged lines of processes")
            .query::<Select>()
            .gives::<api::Outcome>(),
    ]
}

fn of_orders() -> Vec<Route> {
    const ORDER: &[&str] = &["select", "cause", "wait", "timeout_ms"];
    let order = |path| {
        get(path, processes::one_of_order, "Returns the process that is called like an order")
            .gives::<api::ProcessDetail>()
    };
    let operate = Scope::Operate;
    vec![
        post("/v1/processes/start", operate, orders::start, "Starts processes")
            .takes::<api::ProcessOrder>()
            .fields(ORDER, &[])
            .gives::<api::Outcome>(),
        post("/v1/processes/stop", operate, orders::stop, "Stops processes")
            .takes::<api::ProcessOrder>()
            .fields(ORDER, &[])
            .gives::<api::Outcome>(),
        post("/v1/processes/restart", operate, orders::restart, "Restarts processes")
            .takes::<api::ProcessOrder>()
            .fields(ORDER, &[])
            .gives::<api::Outcome>(),
        post("/v1/processes/signal", operate, orders::signal, "Sends a signal to processes")
            .takes::<api::ProcessOrder>()
            .fields(&["select", "cause", "wait", "timeout_ms", "signal"], &["signal"])
            .gives::<api::Outcome>(),
        post("/v1/processes/scale", operate, config::scale, "Sets numbers of replicas until the next reload")
            .takes::<api::ScaleOrder>()
            .gives::<api::Scaled>(),
        order("/v1/processes/start"),
        order("/v1/processes/stop"),
        order("/v1/processes/restart"),
        order("/v1/processes/signal"),
        order("/v1/processes/scale"),
    ]
}

fn of_the_rest() -> Vec<Route> {
    let admin = Scope::Admin;
    let mut all = vec![
        get("/openapi.json", openapi, "Returns this document").hidden(),
        get("/livez", probes::livez, "Says that the host is alive").gives::<api::Liveness>(),
        get(
            "/readyz",
            probes::readyz,
            "Says whether the processes of the host are ready; if not, the status is 503",
        )
        .gives::<api::Readiness>(),
        get("/metrics", probes::metrics, "Returns what the plugin `prometheus` renders"),
        get("/v1/ping", host::ping, "Returns the process id and the version of the host")
            .gives::<api::Ping>(),
        get("/v1/plugins", plugins::list, "Returns all plugins").gives::<api::PluginList>(),
        get("/v1/plugins/{name}", plugins::one, "Returns one plugin").gives::<api::Plugin>(),
        get(
            "/v1/plugins/{name}/blame",
            plugins::blame,
            "Tries the last input again on which a plugin failed",
        )
        .query::<plugins::BlameQuery>()
        .gives::<api::Blame>(),
        get("/v1/config/difference", config::difference, "Returns what a reload would change")
            .query::<config::DifferenceQuery>()
            .gives::<api::Difference>(),
        post("/v1/config/reload", admin, config::reload, "Reloads the config, and streams the steps")
            .takes::<api::ReloadOrder>()
            .streams::<api::ReloadStep>(),
        get(
            "/v1/state",
            state_core::show,
            "Returns the backend of the state core, and the figures of all backends",
        )
        .gives::<api::StateCore>(),
        post("/v1/state", admin, state_core::change, "Changes the backend of the state core")
            .takes::<api::StateChange>()
            .gives::<api::StateCore>(),
        get("/v1/views", views::list, "Returns the plugins that render a view").gives::<api::ViewList>(),
        get("/v1/views/{name}", views::view, "Renders the view of a plugin").hidden(),
        get("/v1/views/{name}/", views::view, "Renders the view of a plugin"),
        get("/v1/views/{name}/{*path}", views::view, "Renders the view of a plugin at a path"),
        post("/v1/shutdown", admin, host::shutdown, "Stops all processes and the host")
            .takes_maybe::<api::Shutdown>()
            .gives::<host::Stopping>(),
        post("/v1/host/upgrade", admin, host::upgrade, "Gives the place of the host to another program")
            .takes::<api::UpgradeOrder>()
            .gives::<api::Upgrading>(),
        post(
            "/v1/host/upgrade-keeper",
            admin,
            host::upgrade_keeper,
            "Replaces the program of the keeper by the one that the host carries",
        )
        .gives::<api::KeeperUpgraded>(),
        post("/v1/plugins/{name}/{action}", admin, plugins::unknown, "Refuses an unknown change").hidden(),
    ];
    for (action, path, summary) in plugins::CHANGES {
        let (fields, needs) = action.fields();
        let change = move |app, name, order| plugins::change(app, name, order, action);
        let route = post(path, admin, change, summary).up_to(PLUGIN_BODY_BYTES_MAX);
        all.push(route.takes::<api::PluginOrder>().fields(fields, needs).gives::<api::PluginChanged>());
    }
    all
}

/// Returns the OpenAPI document of the API, indented.
#[must_use]
pub fn openapi_document() -> String {
    let (_, _, described) = routed(all());
    format!("{:#}\n", described::document(&described))
}

async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi_document().into());
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

async fn not_found(uri: Uri) -> Refused {
    let hint = "the API is described in docs/api.md".to_owned();
    Refused::not_found(ErrorCode::UnknownPath, format!("there is nothing at {}", shown(uri.path())), hint)
}

/// Refuses a method; the router adds the allowed ones in the header `Allow`.
async fn method_not_allowed(method: Method, uri: Uri) -> Refused {
    if let Some(order) = uri.path().strip_prefix("/v1/processes/").filter(|_| method == Method::POST) {
        return orders::unknown(order);
    }
    Refused::method_not_allowed(format!("{} does not accept {method}", shown(uri.path())))
}
