//! What callers may do by their scope, the API within the process, and services beside the API.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use provost_api as api;
use provost_api::client::{Client, ClientError, StatusAsked};
use provost_control::{Access, Caller, Guarded, Mount, Mounted, Scope};
use provost_state::Cause;
use tokio::sync::watch;

use crate::harness::{FOREVER, Host, shell};
use crate::http::ask;

/// A service that answers with the path and with the number of processes, which it asks the API for. One path it leaves to the API.
#[derive(Debug)]
struct Counter;

impl Mounted for Counter {
    fn answer(
        &self,
        request: Request<Body>,
        api: Caller,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        Box::pin(async move {
            if request.uri().path() == "/left" {
                return api.answer(request).await;
            }
            let status = Client::over(Arc::new(api)).status(&[]).await;
            let count = status.map(|status| status.processes.len()).map_err(|error| error.to_string());
            format!("{} {count:?}", request.uri().path()).into_response()
        })
    }
}

/// The services beside the API of every host of these tests.
pub(crate) fn mounts() -> Vec<Mount> {
    let mount = |path, scope| Mount { path, scope, service: Arc::new(Counter) };
    vec![mount("/count", Some(Scope::Operate)), mount("/", None)]
}

pub(crate) fn routes(host: &Host) -> (Guarded, watch::Sender<bool>) {
    let (ending, ended) = watch::channel(false);
    (provost_control::routes(host.context.clone(), ended), ending)
}

async fn answer(routes: &Guarded, method: &str, path: &str, access: Access) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = routes.answer(request, access).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_is_refused_without_the_scope_that_it_takes() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let (routes, _ending) = routes(&host);
    let (read, operate, admin) = (Scope::Read, Scope::Operate, Scope::Admin);
    for (method, path, scope) in [
        ("GET", "/v1/status", read),
        ("HEAD", "/v1/status", read),
        ("GET", "/v1/logs", read),
        ("GET", "/v1/plugins/painter/blame", read),
        ("GET", "/nowhere/at/all", read),
        ("DELETE", "/v1/logs", operate),
        ("POST", "/v1/processes/start", operate),
        ("POST", "/v1/processes/dance", read),
        ("POST", "/v1/processes/%73tart", read),
        ("POST", "/v1/plugins/painter/unload", admin),
        ("POST", "/v1/config/reload", admin),
        ("POST", "/v1/state", admin),
        ("GET", "/v1/config/difference", read),
        ("GET", "/v1/config/difference?config=/etc/hosts", admin),
        ("GET", "/v1/plugins/painter/blame?reproduction=1", admin),
        ("POST", "/v1/shutdown", admin),
        ("POST", "/v1/host/upgrade", admin),
        ("POST", "/v1/host/upgrade-keeper", admin),
        ("GET", "/count", operate),
    ] {
        // The service at `/` is public, and has what nobody else has.
        if !path.starts_with("/nowhere") {
            let (status, body) = answer(&routes, method, path, Access::NOBODY).await;
            assert!(
                status == 401 && (method == "HEAD" || body.contains("\"unauthorized\"")),
                "{path}: {body}"
            );
        }
        for caller in Scope::ALL {
            let (status, body) = answer(&routes, method, path, Access::of(caller)).await;
            assert_eq!(status == 403, caller < scope, "{method} {path} {caller:?}: {status} {body}");
            assert_eq!(body.contains("\"forbidden\""), caller < scope, "{body}");
            assert_ne!(status, 401);
        }
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_client_within_the_process_has_the_scope_of_its_caller() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let (routes, _ending) = routes(&host);
    let client = |scope| Client::over(Arc::new(Caller::new(routes.clone(), Access::of(scope))));
    let reading = client(Scope::Read);
    assert_eq!(reading.ping().await.unwrap().pid, 1);
    let mut stream = reading.watch_status(&StatusAsked::default()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().processes[0].name, "web");
    let order = api::ProcessOrder { select: vec!["web".to_owned()], ..Default::default() };
    let refused = reading.order("restart", &order).await.unwrap_err();
    let ClientError::Refused { status, error } = refused else { panic!("{refused}") };
    assert_eq!((status, error.code), (403, api::ErrorCode::Forbidden));
    let done = client(Scope::Operate).order("restart", &order).await.unwrap();
    assert!(done.results[0].ok, "{done:?}");
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_service_beside_the_api_has_its_path_and_the_one_at_the_root_has_the_rest() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    for path in ["/count", "/count/x", "/counted", "/", "/index.html"] {
        assert_eq!(ask(&host, "GET", path, "").await.body, format!("{path} Ok(1)"));
    }
    assert_eq!(ask(&host, "GET", "/v1/nothing", "").await.status, 404);
    let left = ask(&host, "GET", "/left", "").await;
    assert!(left.status == 404 && left.body.contains("unknown_path"), "{}", left.body);
    // It may do what its caller may.
    let (routes, _ending) = routes(&host);
    let (status, body) = answer(&routes, "GET", "/", Access::NOBODY).await;
    assert!(status == 200 && body.contains("takes the scope `read`"), "{body}");
    host.supervisor.shutdown(Cause::Shutdown).await;
}
