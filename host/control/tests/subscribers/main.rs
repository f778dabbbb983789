//! Idle subscribers of events, and one that is stuck: what they cost the host, and that they cost others nothing.
//!
//! ```text
//! cargo test --release --locked --test subscribers -- 10000
//! ```
//!
//! Without a number there are 500. The host runs in another process, so that its memory is measured alone; the limit on its
//! connections is raised, and nothing else differs from the host of `provost up`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test prints, and fails by panicking")]

mod host;
#[path = "../../benches/instructions/ports.rs"]
mod ports;
mod stream;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use provost_api::ProcessOrder;
use provost_api::client::Client;
use provost_tests::eventually;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use host::{Host, PROCESSES};
use stream::Stream;

/// The number of subscribers without an argument.
const SUBSCRIBERS: usize = 500;

/// The memory that one idle subscriber may cost the host, in bytes.
const BYTES_MAX: u64 = 16 << 10;

/// The descriptors that each of the two processes needs beside those of the subscribers.
const FILES: u64 = 256;

/// The events that the stuck subscriber asks for are more than its socket holds.
const RESTARTS_BEFORE: usize = 30;

/// The number of connections that are opened at the same time.
const AT_ONCE: usize = 64;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|one| !one.starts_with("--"));
    let first = arguments.next();
    if first.as_deref() == Some("serve") {
        let (dir, most) = (arguments.next().unwrap(), arguments.next().unwrap().parse().unwrap());
        host::serve(dir.as_ref(), most);
        return ExitCode::SUCCESS;
    }
    // Another word is a filter of the names of tests, which chooses none of this.
    let Ok(count) = first.map_or(Ok(SUBSCRIBERS), |first| first.parse()) else { return ExitCode::SUCCESS };
    if let Err(why) = make_room(count as u64 + FILES) {
        println!("subscribers: FAILED: {why}");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(count));
    println!("subscribers: everything holds");
    ExitCode::SUCCESS
}

/// Raises the limit on open files, which the host inherits.
fn make_room(files: u64) -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    let enough = maximum.is_none_or(|maximum| maximum >= files);
    enough.then_some(()).ok_or_else(|| {
        let maximum = maximum.unwrap_or_default();
        format!("{files} open files are needed, and the hard limit is {maximum}: raise it (`ulimit -Hn`)")
    })?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum }).map_err(|error| error.to_string())
}

async fn run(count: usize) {
    let host = Host::start(count + 64);
    let client = Client::new(host.socket());
    for _ in 0..RESTARTS_BEFORE {
        restart(&client).await;
    }
    // What the first streams cost once is not the cost of a stream.
    let warm: Vec<Stream> = subscribe(&host, AT_ONCE, "limit=0").await;
    drop(warm);
    let mut stuck = Stream::open(&host.socket(), "since=0").await;
    let before = host.rss_settled();
    let mut idle = subscribe(&host, count, "limit=0").await;
    let after = host.rss_settled();
    let each = after.saturating_sub(before) / count as u64;
    println!(
        "subscribers: {count} cost {each} bytes each: {} KiB before, {} KiB after",
        before >> 10,
        after >> 10
    );
    assert!(each <= BYTES_MAX, "a subscriber costs {each} bytes, and may cost {BYTES_MAX}");

    let since = client.status(&[]).await.unwrap().generation;
    let over = Arc::new(AtomicBool::new(false));
    let pings = tokio::spawn(ping(client.clone(), over.clone()));
    restart(&client).await;
    let mut expected = BTreeSet::new();
    let mut events = client.events(since, false).await.unwrap();
    while let Some(event) = events.next().await.unwrap() {
        expected.insert(event.generation);
    }
    assert!(expected.len() >= 4 * PROCESSES, "{} events", expected.len());
    for one in &mut idle {
        let seen = one.until(*expected.last().unwrap()).await;
        assert_eq!(seen, expected, "a subscriber has other events");
    }
    over.store(true, Ordering::Release);
    let (answered, slowest) = pings.await.unwrap();
    assert!(answered > 0, "no ping was answered");
    let then = host.rss_settled();
    let each = then.saturating_sub(before) / count as u64;
    println!(
        "subscribers: each has got {} events beside one that reads nothing; {answered} pings were answered, the slowest in {slowest:?}; \
         {} KiB then",
        expected.len(),
        then >> 10
    );
    assert!(
        each <= BYTES_MAX,
        "a subscriber that has got events costs {each} bytes, and may cost {BYTES_MAX}"
    );
    // The stuck one is still connected, and gets everything when it reads.
    let seen = stuck.until(*expected.last().unwrap()).await;
    assert!(expected.is_subset(&seen) && seen.len() > expected.len(), "{} events", seen.len());
}

/// Restarts all processes, and waits until they run.
async fn restart(client: &Client) {
    let order = ProcessOrder { select: vec!["all".to_owned()], wait: true, ..ProcessOrder::default() };
    let outcome = client.order("restart", &order).await.unwrap();
    assert!(outcome.results.iter().all(|one| one.ok), "{outcome:?}");
}

async fn subscribe(host: &Host, count: usize, query: &str) -> Vec<Stream> {
    let socket = host.socket();
    let opened = iter(0..count).map(|_| Stream::open(&socket, query)).buffer_unordered(AT_ONCE);
    opened.collect().await
}

/// Pings until it is over. Returns the number of answers, and how long the slowest took.
async fn ping(client: Client, over: Arc<AtomicBool>) -> (u64, Duration) {
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    while !over.load(Ordering::Acquire) {
        let begun = tokio::time::Instant::now();
        client.ping().await.unwrap();
        slowest = slowest.max(begun.elapsed());
        answered += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (answered, slowest)
}

impl Host {
    /// Returns the resident memory of the host once it does not grow any more, in bytes.
    fn rss_settled(&self) -> u64 {
        let mut last = 0;
        let mut same = 0;
        eventually(
            "the memory of the host stays the same",
            || {
                let rss = self.rss();
                same = if rss == last { same + 1 } else { 0 };
                last = rss;
                (rss, same)
            },
            |(_, same)| *same >= 40,
        )
        .0
    }
}
