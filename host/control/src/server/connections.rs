//! Accepts connections and bounds their number and duration. No client can keep the next one from being answered or take the
//! descriptors that processes need.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn::http1};
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use provost_supervisor::Degraded;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, Semaphore, watch};

use super::guarded::Guarded;
use super::patient::{Answer, Patient, Standing};
use super::socket::Listening;
use super::spare;
use super::tcp::{Accepting, Gate, Peer, Tls};
use super::wire::Wire;
use crate::access::Access;

/// The longest head of a request. A longer one is refused.
const HEAD_BYTES_MAX: usize = 128 << 10;

/// The delay before the next attempt after `accept` failed.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// A connection that has been idle for less than this is about to send a request.
const RECENT: Duration = Duration::from_secs(1);

/// At most this many connections are answered with [`TOO_MANY`] at the same time; any others are dropped.
const TURNED_AWAY_MAX: usize = 16;

/// The time limit of such an answer.
const TURNING_AWAY: Duration = Duration::from_secs(1);

const TOO_MANY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nconnection: close\r\n\
    content-length: 188\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"busy\",\"detail\":\"there are too many connections\",\
    \"hint\":\"all of them are being answered: close some of the streams\"}";

/// Where connections come from, which decides how their requests are answered.
#[derive(Clone, Debug)]
pub(super) enum Entrance {
    /// The Unix socket.
    Unix(Guarded),
    /// TCP, with TLS if there is a certificate.
    Tcp(Arc<Gate>, Option<Arc<Tls>>),
}

/// All connections of one entrance.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    entrance: Entrance,
    ending: watch::Receiver<bool>,
    most: usize,
    open: Arc<Mutex<Open>>,
    /// Notified when a connection has ended.
    freed: Arc<Notify>,
    turned_away: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, Arc<Standing>>,
}

/// Serves the connections of the Unix socket until the API ends, and then finishes the requests of the open ones.
pub(super) async fn serve(mut listening: Listening, connections: Connections, degraded: Degraded) {
    let mut ending = connections.ending.clone();
    let mut spare = std::mem::take(&mut listening.spare);
    spare.report_to(degraded);
    let mut given_up = false;
    loop {
        // A descriptor that was given up is for the next connection.
        if !std::mem::take(&mut given_up) {
            spare.refill();
        }
        tokio::select! {
            accepted = listening.accept() => match accepted {
                Ok(socket) => if connections.admit(socket, None) {
                    connections.one_is_freed().await;
                },
                // The kernel reports this error even if no client is waiting.
                Err(error) if spare::is_out_of_descriptors(&error) && !listening.is_awaited() => {
                    connections.one_is_freed().await;
                }
                Err(error) if spare::is_out_of_descriptors(&error) => {
                    spare.report(&error);
                    if connections.close_longest_idle(RECENT) {
                        connections.one_is_freed().await;
                    } else {
                        given_up = spare.give_up();
                        if !given_up {
                            tokio::time::sleep(RETRY_DELAY).await;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            },
            () = connections.freed.notified() => {}
            () = spare.may_be_over() => {}
            () = has_ended(&mut ending) => break,
        }
    }
    drop(listening);
    connections.finished().await;
}

/// Serves the connections of one TCP socket until the API ends. No descriptor is kept back for them: when none is left, the Unix
/// socket reports that, and still answers.
pub(super) async fn serve_tcp(accepting: Accepting, connections: Connections) {
    let mut ending = connections.ending.clone();
    loop {
        tokio::select! {
            accepted = accepting.accept() => match accepted {
                Ok((socket, peer)) => if connections.admit(socket, Some(peer)) {
                    connections.one_is_freed().await;
                },
                Err(error) => {
                    tracing::debug!(%error, "a TCP connection could not be accepted");
                    connections.close_longest_idle(RECENT);
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            },
            () = has_ended(&mut ending) => break,
        }
    }
}

async fn has_ended(ending: &mut watch::Receiver<bool>) {
    // If the sender is gone, the API has ended, too.
    let _ = ending.wait_for(|ending| *ending).await;
}

impl Connections {
    /// Creates the connections of an entrance: at most `most`, until `ending` is true.
    pub(super) fn new(entrance: Entrance, most: usize, ending: watch::Receiver<bool>) -> Self {
        Self {
            entrance,
            ending,
            most: most.max(1),
            open: Arc::default(),
            freed: Arc::default(),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
        }
    }

    /// Waits until a connection has ended. Its task runs on this thread, perhaps: without a pause here it would not close its
    /// descriptor.
    async fn one_is_freed(&self) {
        let _ = tokio::time::timeout(RETRY_DELAY, self.freed.notified()).await;
    }

    /// Resolves when no connection is open.
    pub(super) async fn finished(&self) {
        while !self.open().all.is_empty() {
            self.freed.notified().await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }

    /// Serves one more connection; if there are too many, it replaces the one that has been idle the longest.
    /// Returns true if that one is being closed now.
    fn admit(&self, socket: OwnedFd, peer: Option<Peer>) -> bool {
        let is_full = self.open().all.len() >= self.most;
        if is_full && !self.close_longest_idle(Duration::ZERO) {
            self.turn_away(socket);
            return false;
        }
        let standing = Arc::new(Standing::new());
        let number = {
            let mut open = self.open();
            open.next += 1;
            let number = open.next;
            open.all.insert(number, standing.clone());
            number
        };
        let entered = Entered { number, connections: self.clone() };
        tokio::spawn(async move {
            entered.connections.welcome(socket, peer, standing).await;
            drop(entered);
        });
        is_full
    }

    /// Closes the connection that has been idle the longest, if that is at least `least`. Returns true if it closed one.
    fn close_longest_idle(&self, least: Duration) -> bool {
        let mut open = self.open();
        let idle = open.all.iter().filter_map(|(number, it)| Some((it.idle_since()?, *number)));
        let Some((_, number)) = idle.min().filter(|(since, _)| since.elapsed() >= least) else {
            return false;
        };
        if let Some(standing) = open.all.remove(&number) {
            standing.ended.notify_one();
        }
        true
    }

    /// Serves one connection to its end.
    async fn welcome(&self, socket: OwnedFd, peer: Option<Peer>, standing: Arc<Standing>) {
        // A connection that the kernel does not watch is closed.
        let Ok(wire) = Wire::new(socket) else { return };
        let stream = Patient::new(wire, standing.clone());
        match (&self.entrance, peer) {
            (Entrance::Tcp(gate, tls), Some(peer)) => {
                let answer = |request| gate.answer(request, peer);
                let Some(tls) = tls else { return self.converse(stream, &standing, answer).await };
                // On the heap, because most connections have no TLS and would hold room for it all the same.
                let encrypted = Box::pin(async {
                    let shaken = tokio::select! {
                        shaken = tls.accept(stream, &gate.jobs) => shaken,
                        () = standing.ended.notified() => None,
                    };
                    if let Some(stream) = shaken {
                        standing.settled();
                        self.converse(stream, &standing, answer).await;
                    }
                });
                encrypted.await;
            }
            (Entrance::Unix(routes), None) => {
                self.converse(stream, &standing, |request| routes.answer(request, Access::ADMIN)).await;
            }
            // An entrance has connections of its own kind only.
            (Entrance::Tcp(..), None) | (Entrance::Unix(_), Some(_)) => {}
        }
    }

    /// Answers the requests of one connection, one after the other.
    async fn converse<S, A, F>(&self, stream: S, standing: &Arc<Standing>, answer: A)
    where
        S: AsyncRead + AsyncWrite + Unpin,
        A: Fn(Request<Incoming>) -> F,
        F: Future<Output = Response>,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let answering = standing.answering();
            let answered = answer(request);
            // On the heap, because the library keeps the room for it as long as the connection, also during a stream.
            Box::pin(async move {
                let answer = answered.await;
                Ok::<_, std::convert::Infallible>(answer.map(|body| Answer { body, _answering: answering }))
            })
        });
        let io = TokioIo::new(stream);
        let mut http = http1::Builder::new();
        // `Standing` limits the time of a head, because it can tell a late head from an idle connection.
        http.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
        let mut connection = std::pin::pin!(http.serve_connection(io, service));
        let mut ending = self.ending.clone();
        tokio::select! {
            // The connection is polled before the check of its time limits, which depend on what it has just done.
            biased;
            // An error concerns only the client, which is gone.
            _ = connection.as_mut() => return,
            () = standing.ended.notified() => return,
            () = standing.is_overdue() => return,
            () = has_ended(&mut ending) => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            biased;
            _ = connection => {}
            () = standing.is_overdue() => {}
        }
    }

    /// Answers with [`TOO_MANY`], unless that takes too long or too many others are being turned away.
    fn turn_away(&self, socket: OwnedFd) {
        // A client that wants TLS would not understand it.
        if matches!(self.entrance, Entrance::Tcp(_, Some(_))) {
            return;
        }
        let Ok(turn) = self.turned_away.clone().try_acquire_owned() else { return };
        let Ok(mut stream) = Wire::new(socket) else { return };
        tokio::spawn(async move {
            let answered = async {
                stream.write_all(TOO_MANY.as_bytes()).await?;
                stream.shutdown().await?;
                // Closing a connection with unread bytes would reset it before the client has read the answer.
                let mut rest = [0; 1_024];
                while stream.read(&mut rest).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = tokio::time::timeout(TURNING_AWAY, answered).await;
            drop(turn);
        });
    }
}

/// The entry of a connection in the list; dropping it removes the entry.
struct Entered {
    number: u64,
    connections: Connections,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.open().all.remove(&self.number);
        self.connections.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use provost_supervisor::Jobs;
    use tokio::net::UnixStream;
    use tokio::time::Instant;

    use super::super::rules::RulesInForce;
    use super::super::scopes::Scopes;
    use super::super::tcp::CertificateFiles;
    use super::*;
    use crate::tokens::Keyring;

    /// Opens one connection to a host with an empty answer at `/` and an endless one at `/endless`. Time is virtual: it
    /// advances whenever every task waits.
    fn connected() -> (UnixStream, tokio::task::JoinHandle<()>) {
        let endless = || async {
            let bytes = Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 10_000]));
            Body::from_stream(futures_util::stream::repeat(bytes))
        };
        let router = Router::new().route("/", get(|| async {})).route("/endless", get(endless));
        let (sender, ending) = watch::channel(false);
        let routes = Guarded::new(router, Scopes::default(), Vec::new());
        let connections = Connections::new(Entrance::Unix(routes), 1, ending);
        let (client, stream) = UnixStream::pair().unwrap();
        let app = tokio::spawn(async move {
            let socket = stream.into_std().unwrap().into();
            connections.welcome(socket, None, Arc::new(Standing::new())).await;
            drop(sender);
        });
        (client, app)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_closed() {
        let (mut client, app) = connected();
        app.await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_of_a_request_has_to_arrive_soon() {
        let (mut client, app) = connected();
        let begun = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        app.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_has_to_end_soon_whatever_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let certificates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/certificates");
        let file = |name: &str| certificates.join(name);
        let files = CertificateFiles { cert: file("localhost.crt"), key: file("localhost.key") };
        let (_sender, ending) = watch::channel(false);
        let routes = Guarded::new(Router::new(), Scopes::default(), Vec::new());
        let keyring = Arc::new(Keyring::open(dir.path()).unwrap());
        let jobs = Jobs::start(&Degraded::default());
        let gate = Gate::new(routes, RulesInForce::default(), keyring, jobs, "https");
        let entrance = Entrance::Tcp(Arc::new(gate), Some(Arc::new(Tls::open(files).unwrap())));
        let connections = Connections::new(entrance, 1, ending);
        let (mut client, stream) = UnixStream::pair().unwrap();
        let local = std::net::Ipv4Addr::LOCALHOST.into();
        let peer = Peer { remote: local, local };
        let begun = Instant::now();
        let socket = stream.into_std().unwrap().into();
        let served = connections.welcome(socket, Some(peer), Arc::new(Standing::new()));
        let slow = async {
            // The head of a record of 512 bytes, and then a byte every two seconds.
            client.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
            while client.write_all(&[1]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        };
        tokio::select! {
            () = served => {}
            () = slow => panic!("the connection was closed by its client"),
        }
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_kept_for_a_while_between_two_requests() {
        let (mut client, app) = connected();
        for _ in 0..3 {
            client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = [0; 1_024];
            assert!(client.read(&mut answer).await.unwrap() > 0 && answer.starts_with(b"HTTP/1.1 200"));
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
        app.await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_its_answer_is_disconnected() {
        let (mut client, app) = connected();
        let begun = Instant::now();
        client.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        app.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 300);
    }

    #[test]
    fn a_client_that_is_turned_away_gets_a_json_error() {
        let (head, body) = TOO_MANY.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        let problem: provost_api::Problem = serde_json::from_str(body).unwrap();
        assert_eq!((problem.status, problem.code), (503, provost_api::ErrorCode::Busy));
    }
}
