//! The guarded requests: each is answered by the routes of the API, from the request to the last piece of the body, among 500
//! running processes. The socket, the parsing of HTTP and the kernel are not counted.
//!
//! The processes are scripted, and time is virtual: nothing else happens while an answer is counted.
#![expect(clippy::unwrap_used, reason = "a world that cannot be set up has nothing to count")]

use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::response::Response;
use futures_util::FutureExt;
use hyper::body::Body as _;
use provost_api as api;
use provost_control::{Access, ApiContext, CONNECTIONS_MAX, Guarded, RulesInForce};
use provost_state::{Cause, PhaseKind, ProcessId};
use provost_supervisor::{CommandLine, Manner, ProcessSpec, Scripted, Settings, Supervisor};
use provost_tests::instructions::{Path, counted};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use super::ports::{OnePlugin, Unchanging};

const SIZE: u32 = 500;
const REQUESTS: u32 = 64;

/// All paths, in the order in which they are shown.
pub(crate) const PATHS: [Path; 7] = [
    Path { key: "render", call: "one process, from scratch", operations: SIZE, run: render },
    Path { key: "all", call: "all of 500, nothing new", operations: REQUESTS, run: || repeated("", false) },
    Path { key: "all-after-one", call: "all of 500, one has changed", operations: REQUESTS, run: after_one },
    Path {
        key: "fields",
        call: "three fields of 500, nothing new",
        operations: REQUESTS,
        run: || repeated("?fields=name,phase,pid", false),
    },
    Path {
        key: "unchanged",
        call: "unchanged, by its tag",
        operations: REQUESTS,
        run: || repeated("", true),
    },
    Path {
        key: "processes-unchanged",
        call: "processes unchanged, by their tag",
        operations: REQUESTS,
        run: || repeated("?parts=processes", true),
    },
    Path { key: "since", call: "since=, one of 500 has changed", operations: REQUESTS, run: since },
];

/// A supervisor with processes that run.
struct World {
    runtime: Runtime,
    supervisor: Supervisor,
    _logs: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let logs = tempfile::tempdir().unwrap();
        let names = (0..SIZE).map(|number| format!("service-{number:03}"));
        let specs: Vec<_> =
            names.map(|name| ProcessSpec::new(name, CommandLine::Shell("x".to_owned()))).collect();
        let supervisor = runtime.block_on(async {
            let children = Scripted::default();
            specs.iter().for_each(|spec| children.cast(&spec.name, Manner::Obedient));
            children.boot(Settings::new(logs.path().join("logs")), specs, Vec::new(), Vec::new()).unwrap()
        });
        let world = Self { runtime, supervisor, _logs: logs };
        world.until_all_run();
        world
    }

    fn until_all_run(&self) {
        let mut changed = self.supervisor.changed();
        self.runtime.block_on(async {
            let run =
                || self.supervisor.reader().snapshot().iter().all(|it| it.phase.kind() == PhaseKind::Running);
            while !run() {
                changed.changed().await.unwrap();
            }
        });
    }

    /// Restarts one process.
    fn restart(&self, number: usize) {
        let id: ProcessId = self.supervisor.reader().snapshot().iter().nth(number).unwrap().id;
        self.runtime.block_on(self.supervisor.restart(id, Cause::User)).unwrap();
        let restarted = |it: &provost_state::ProcessState| it.incarnation.0 > 1;
        let mut changed = self.supervisor.changed();
        self.runtime.block_on(async {
            while !self.supervisor.reader().state(id).is_some_and(|it| restarted(&it)) {
                changed.changed().await.unwrap();
            }
        });
        self.until_all_run();
    }

    /// Returns routes that have rendered nothing yet.
    fn routes(&self) -> Guarded {
        let (shutdown, _) = mpsc::channel(1);
        let context = ApiContext {
            past: None,
            supervisor: self.supervisor.clone(),
            plugins: Arc::new(OnePlugin),
            config: Arc::new(Unchanging),
            rules: RulesInForce::default(),
            host: api::Host { pid: 1, version: "0".to_owned(), ..api::Host::default() },
            shutdown,
            connections_max: CONNECTIONS_MAX,
            place: None,
            mounts: Vec::new(),
            ended: watch::channel(None).1,
        };
        provost_control::routes(context, watch::channel(false).1)
    }
}

fn request(query: &str, tag: Option<&str>) -> Request<Body> {
    let mut request = Request::get(format!("/v1/status{query}"));
    if let Some(tag) = tag {
        request = request.header(IF_NONE_MATCH, tag);
    }
    request.body(Body::empty()).unwrap()
}

/// Answers a request, which nothing may delay, and takes its body piece by piece, as the server does.
fn answer(routes: &Guarded, request: Request<Body>) -> (Response, usize) {
    let mut response = routes.answer(request, Access::ADMIN).now_or_never().unwrap();
    let (mut context, mut bytes) = (Context::from_waker(Waker::noop()), 0);
    while let Poll::Ready(Some(piece)) = Pin::new(response.body_mut()).poll_frame(&mut context) {
        bytes += black_box(piece.unwrap().into_data().unwrap()).len();
    }
    (response, bytes)
}

/// Counts the first answer of routes that have rendered nothing.
fn render() {
    let world = World::new();
    let _within = world.runtime.enter();
    let ask = || request("?parts=processes", None);
    answer(&world.routes(), ask());
    let (routes, request) = (world.routes(), ask());
    counted(|| assert!(answer(&routes, request).1 > 100 * SIZE as usize));
}

/// Counts answers to the same request; `known` if the client has the answer.
fn repeated(query: &str, known: bool) {
    repeated_in(&World::new(), query, known);
}

fn repeated_in(world: &World, query: &str, known: bool) {
    let _within = world.runtime.enter();
    let routes = world.routes();
    let (first, bytes) = answer(&routes, request(query, None));
    let tag = known.then(|| first.headers()[ETAG].to_str().unwrap());
    let expected = if known { 0 } else { bytes };
    for number in 0..2 * REQUESTS {
        let request = request(query, tag);
        // The first ones leave the heap as it is from then on.
        match number < REQUESTS {
            true => assert_eq!(answer(&routes, request).1, expected),
            false => counted(|| assert_eq!(answer(&routes, request).1, expected)),
        }
    }
}

/// Counts answers with all processes, one of which has changed each time.
fn after_one() {
    let world = World::new();
    let routes = world.routes();
    let ask = || request("", None);
    for number in 0..2 * REQUESTS {
        world.restart(number as usize);
        let (request, _within) = (ask(), world.runtime.enter());
        match number < REQUESTS {
            true => drop(answer(&routes, request)),
            false => counted(|| drop(black_box(answer(&routes, request)))),
        }
    }
}

/// Counts answers with the only process that has changed, which another client has asked for already.
fn since() {
    let world = World::new();
    let before = world.supervisor.reader().snapshot().generation();
    world.restart(17);
    repeated_in(&world, &format!("?parts=processes&since={before}"), false);
}
