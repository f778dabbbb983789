//! All connections: how many there may be, which give way, and how long each may take. Whatever clients do or leave undone,
//! the next one is answered, and processes keep the descriptors that they need.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Request, server::conn::http1};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::{Mutex, MutexGuard};
use provost_supervisor::Degraded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore, watch};

use super::patient::{Answer, Patient, Standing};
use super::socket::Listening;
use super::spare;

/// How much of a request's head is held. A longer one is refused.
const HEAD_BYTES_MAX: usize = 128 << 10;

/// How long to wait before what failed for a lack of the whole machine is tried again.
const A_WHILE: Duration = Duration::from_millis(50);

/// Who has connected so lately is about to ask.
const JUST_NOW: Duration = Duration::from_secs(1);

/// How many are told at once that there are too many.
const TURNED_AWAY: usize = 16;

/// How long that may take.
const TURNING_AWAY: Duration = Duration::from_secs(1);

const TOO_MANY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 135\r\n\r\n\
    {\"error\":{\"code\":\"busy\",\"message\":\"there are too many connections\",\"hint\":\"all of them are being answered: \
    close some of the streams\"}}";

/// All connections of a host.
#[derive(Clone, Debug)]
struct Connections {
    router: TowerToHyperService<Router>,
    ending: watch::Receiver<bool>,
    most: usize,
    open: Arc<Mutex<Open>>,
    /// Rung when one has ended.
    freed: Arc<Notify>,
    turned_away: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, Arc<Standing>>,
}

/// Serves whoever connects until `ending` says so; then those that are connected, to the end of their requests.
pub(super) async fn serve(
    mut listening: Listening,
    router: Router,
    most: usize,
    degraded: Degraded,
    mut ending: watch::Receiver<bool>,
) {
    let connections = Connections {
        router: TowerToHyperService::new(router),
        ending: ending.clone(),
        most: most.max(1),
        open: Arc::default(),
        freed: Arc::default(),
        turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
    };
    let mut spare = std::mem::take(&mut listening.spare);
    spare.tell(degraded);
    let mut given_up = false;
    loop {
        // What was given up is for the next connection.
        if !std::mem::take(&mut given_up) {
            spare.refill();
        }
        tokio::select! {
            accepted = listening.accept() => match accepted {
                Ok(stream) => connections.admit(stream),
                // The kernel says so even if nobody wants to connect.
                Err(error) if spare::is_out_of_descriptors(&error) && !listening.is_awaited() => {
                    let _ = tokio::time::timeout(A_WHILE, connections.freed.notified()).await;
                }
                Err(error) if spare::is_out_of_descriptors(&error) => {
                    spare.is_needed(&error);
                    if connections.close_longest_idle(JUST_NOW) {
                        let _ = tokio::time::timeout(A_WHILE, connections.freed.notified()).await;
                    } else {
                        given_up = spare.give_up();
                        if !given_up {
                            tokio::time::sleep(A_WHILE).await;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(A_WHILE).await;
                }
            },
            () = connections.freed.notified() => {}
            () = spare.may_be_over() => {}
            () = has_ended(&mut ending) => break,
        }
    }
    drop(listening);
    while !connections.open().all.is_empty() {
        connections.freed.notified().await;
    }
}

async fn has_ended(ending: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that is an end, too.
    let _ = ending.wait_for(|ending| *ending).await;
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }

    /// Serves one more, if need be in the place of the one that has been idle the longest.
    fn admit(&self, stream: UnixStream) {
        if self.open().all.len() >= self.most && !self.close_longest_idle(Duration::ZERO) {
            self.turn_away(stream);
            return;
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
            entered.connections.answer(stream, standing).await;
            drop(entered);
        });
    }

    /// True if there was one that has been idle for so long.
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

    async fn answer(&self, stream: UnixStream, standing: Arc<Standing>) {
        let io = TokioIo::new(Patient::new(stream, standing.clone()));
        let service = service_fn(|request: Request<Incoming>| {
            let answering = standing.answering();
            let answer = self.router.call(request);
            async move {
                let Ok(answer) = answer.await;
                Ok::<_, std::convert::Infallible>(answer.map(|body| Answer { body, _answering: answering }))
            }
        });
        let mut http = http1::Builder::new();
        // Whether a head is late is known better by `Standing`, which tells it from an idle connection.
        http.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
        let mut connection = std::pin::pin!(http.serve_connection(io, service));
        let mut ending = self.ending.clone();
        tokio::select! {
            // Whatever went wrong is the affair of the client that is gone.
            _ = connection.as_mut() => return,
            () = standing.ended.notified() => return,
            () = standing.is_overdue() => return,
            () = has_ended(&mut ending) => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = connection => {}
            () = standing.is_overdue() => {}
        }
    }

    /// Tells it why, if that can be done soon.
    fn turn_away(&self, mut stream: UnixStream) {
        let Ok(turn) = self.turned_away.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            let told = async {
                stream.write_all(TOO_MANY.as_bytes()).await?;
                stream.shutdown().await?;
                // A connection with unread bytes would be reset before the other side has read why.
                let mut rest = [0; 1_024];
                while stream.read(&mut rest).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = tokio::time::timeout(TURNING_AWAY, told).await;
            drop(turn);
        });
    }
}

/// A connection in the list, until it ends in whatever way.
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
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use tokio::time::Instant;

    use super::*;

    /// One connection to a host that has nothing to say at `/`, and says it without end at `/endless`. The clock is the
    /// test's: it goes on by itself whenever everybody waits.
    fn connected() -> (UnixStream, tokio::task::JoinHandle<()>) {
        let endless = || async {
            let bytes = Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 10_000]));
            Body::from_stream(futures_util::stream::repeat(bytes))
        };
        let router = Router::new().route("/", get(|| async {})).route("/endless", get(endless));
        let (sender, ending) = watch::channel(false);
        let connections = Connections {
            router: TowerToHyperService::new(router),
            ending,
            most: 1,
            open: Arc::default(),
            freed: Arc::default(),
            turned_away: Arc::new(Semaphore::new(1)),
        };
        let (client, stream) = UnixStream::pair().unwrap();
        let app = tokio::spawn(async move {
            connections.answer(stream, Arc::new(Standing::new())).await;
            drop(sender);
        });
        (client, app)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_nothing_is_closed() {
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
    async fn a_reader_that_does_not_take_its_answer_is_given_up() {
        let (mut client, app) = connected();
        let begun = Instant::now();
        client.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        app.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 300);
    }

    #[test]
    fn who_is_turned_away_is_told_in_json() {
        let (head, body) = TOO_MANY.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        let failure: provost_api::Failure = serde_json::from_str(body).unwrap();
        assert_eq!(failure.error.code, provost_api::ErrorCode::Busy);
    }
}
