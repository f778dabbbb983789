//! Looks up names for checks. The C library's look-up blocks its thread, for half a minute and more if the name server
//! is dead, and cannot be cancelled. So look-ups have their own threads, of which there are few, and:
//!
//! - at most one look-up is in flight for each name; all callers for the same name wait for the same answer;
//! - names whose last look-up took long have separate turns, so that they keep no other name from a turn;
//! - a look-up that takes long gives its turn back, as long as enough threads are left;
//! - addresses and `localhost` are never looked up, and a good answer holds for a second.
//!
//! ```text
//!  (unknown) --ask--> Asked --answer--> Known --a second later, ask--> Asked
//!                       | '----failure--> Idle --ask--> Asked
//!                       '--nobody waits, and it has not begun--> Idle
//! ```

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::jobs::{NAMES_THREADS, Pool};

/// The number of look-ups at once of names that are looked up for the first time.
const TURNS_NEW: usize = 4;

/// The number of look-ups at once of names whose last answer came quickly, with addresses or not.
const TURNS_QUICK: usize = 4;

/// The number of look-ups at once of names whose last look-up took long.
const TURNS_SLOW: usize = 2;

/// The number of look-ups of the first two kinds that may go on beside these when they take long. All together are as
/// many as the pool has threads: a look-up that has its turn never waits for a thread.
const OVERDUE: usize = NAMES_THREADS - TURNS_NEW - TURNS_QUICK - TURNS_SLOW;

/// The time after which a look-up takes long, in production.
const LONG: Duration = Duration::from_secs(1);

/// How long a good answer is used.
const HOLDS: Duration = Duration::from_secs(1);

/// The maximum number of names that are remembered. They come from checks, whose variables a policy may set anew for
/// each life.
const NAMES_MAX: usize = 1_024;

/// The length of the longest valid name.
const NAME_BYTES_MAX: usize = 253;

/// The addresses of a name, in the order in which they are to be tried (their port is 0); or why there are none.
pub(crate) type Answer = Result<Arc<[SocketAddr]>, Arc<str>>;

/// The function that looks up a name; in production the C library's `getaddrinfo`.
type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Looks up names. Clones share threads, turns and answers.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Inner>);

struct Inner {
    pool: Pool,
    lookup: Lookup,
    /// The time after which a look-up takes long.
    long: Duration,
    new: Arc<Semaphore>,
    quick: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    overdue: Arc<Semaphore>,
    names: Mutex<HashMap<Arc<str>, Name>>,
}

/// What is known about a name.
struct Name {
    standing: Standing,
    stage: Stage,
}

/// How the last look-up of a name went, which decides the turns that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    New,
    Quick,
    Slow,
}

enum Stage {
    /// A look-up is in flight or waits for its turn; callers subscribe here to the answer.
    Asked(Arc<watch::Sender<Option<Answer>>>),
    /// It was answered with addresses at this time.
    Known(Instant, Arc<[SocketAddr]>),
    /// It was answered without addresses, or not at all.
    Idle,
}

impl Resolver {
    fn new(pool: Pool, lookup: Lookup, long: Duration) -> Self {
        let turns = |count| Arc::new(Semaphore::new(count));
        Self(Arc::new(Inner {
            pool,
            lookup,
            long,
            new: turns(TURNS_NEW),
            quick: turns(TURNS_QUICK),
            slow: turns(TURNS_SLOW),
            overdue: turns(OVERDUE),
            names: Mutex::default(),
        }))
    }

    /// Returns a resolver that asks the system.
    pub(crate) fn of_system(pool: Pool) -> Self {
        Self::new(pool, Arc::new(getaddrinfo), LONG)
    }

    /// Returns the addresses of `host`, which is a name or an address. Must be called under a time limit: a name server
    /// may take any time. A caller that stops waiting leaves a look-up in flight behind, which serves the next caller.
    pub(crate) async fn resolve(&self, host: &str) -> Answer {
        if let Some(addresses) = without_lookup(host) {
            return Ok(addresses);
        }
        if host.len() > NAME_BYTES_MAX || host.contains('\0') {
            return Err(Arc::from("this cannot be a host name"));
        }
        let mut answer = match self.0.ask(host) {
            Ok(known) => return Ok(known),
            Err(asked) => asked,
        };
        let answer = answer.wait_for(Option::is_some).await;
        answer.ok().and_then(|answer| answer.clone()).unwrap_or_else(|| Err(Arc::from("the host is ending")))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("pool", &self.0.pool).finish_non_exhaustive()
    }
}

impl Inner {
    fn names(&self) -> MutexGuard<'_, HashMap<Arc<str>, Name>> {
        self.names.lock()
    }

    /// Returns the addresses if they are known, and otherwise the receiver of the answer.
    fn ask(self: &Arc<Self>, host: &str) -> Result<Arc<[SocketAddr]>, watch::Receiver<Option<Answer>>> {
        let mut names = self.names();
        let standing = match names.get(host) {
            Some(Name { stage: Stage::Known(since, addresses), .. }) if since.elapsed() < HOLDS => {
                return Ok(addresses.clone());
            }
            Some(Name { stage: Stage::Asked(asked), .. }) => return Err(asked.subscribe()),
            Some(known) => known.standing,
            None => Standing::New,
        };
        let name: Arc<str> = Arc::from(host);
        let (asked, answer) = watch::channel(None);
        let asked = Arc::new(asked);
        if names.len() >= NAMES_MAX {
            names.retain(|_, name| matches!(name.stage, Stage::Asked(_)));
        }
        names.insert(name.clone(), Name { standing, stage: Stage::Asked(asked.clone()) });
        drop(names);
        tokio::spawn(self.clone().look_up(name, standing, asked));
        Err(answer)
    }

    async fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
        standing: Standing,
        asked: Arc<watch::Sender<Option<Answer>>>,
    ) {
        let Some(turn) = self.turn(&name, standing, &asked).await else { return };
        let (lookup, host) = (self.lookup.clone(), name.clone());
        let mut running = std::pin::pin!(self.pool.run(move || lookup(&host)));
        let (done, standing) = match tokio::time::timeout(self.long, &mut running).await {
            Ok(done) => (done, Standing::Quick),
            Err(_) => {
                let _place = self.overdue(turn, standing);
                (running.await, Standing::Slow)
            }
        };
        let answer: Answer = match done {
            Ok(Ok(addresses)) if addresses.is_empty() => Err(Arc::from("it has no address")),
            Ok(Ok(addresses)) => Ok(Arc::from(addresses)),
            Ok(Err(error)) => Err(Arc::from(told(&error))),
            Err(lost) => Err(Arc::from(lost.to_string())),
        };
        let stage = match &answer {
            Ok(addresses) => Stage::Known(Instant::now(), addresses.clone()),
            Err(_) => Stage::Idle,
        };
        self.names().insert(name, Name { standing, stage });
        asked.send_replace(Some(answer));
    }

    /// Waits for a turn; returns `None` if nobody waits for the answer any more.
    async fn turn(
        &self,
        name: &Arc<str>,
        standing: Standing,
        asked: &watch::Sender<Option<Answer>>,
    ) -> Option<OwnedSemaphorePermit> {
        let turns = match standing {
            Standing::New => &self.new,
            Standing::Quick => &self.quick,
            Standing::Slow => &self.slow,
        };
        let mut turn = std::pin::pin!(turns.clone().acquire_owned());
        loop {
            tokio::select! {
                turn = &mut turn => return turn.ok(),
                () = asked.closed() => {
                    let mut names = self.names();
                    // Somebody may have subscribed in the meantime, which happens under this lock.
                    if asked.receiver_count() == 0 {
                        match standing {
                            Standing::New => names.remove(name),
                            _ => names.insert(name.clone(), Name { standing, stage: Stage::Idle }),
                        };
                        return None;
                    }
                }
            }
        }
    }

    /// Returns what a look-up that takes long occupies until it ends: a place among the overdue, if there is one, or
    /// its turn.
    fn overdue(&self, turn: OwnedSemaphorePermit, standing: Standing) -> OwnedSemaphorePermit {
        match standing {
            Standing::New | Standing::Quick => self.overdue.clone().try_acquire_owned().unwrap_or(turn),
            Standing::Slow => turn,
        }
    }
}

/// Returns the addresses of a host that needs no look-up: an address, or `localhost` (as RFC 6761 defines it).
fn without_lookup(host: &str) -> Option<Arc<[SocketAddr]>> {
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(Arc::from([SocketAddr::new(address, 0)]));
    }
    let local = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    (local == "localhost" || local.ends_with(".localhost")).then(|| {
        Arc::from(
            [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]
                .map(|ip| SocketAddr::new(ip, 0)),
        )
    })
}

fn getaddrinfo(host: &str) -> io::Result<Vec<SocketAddr>> {
    fail::fail_point!("names.lookup", |reason| Err(io::Error::other(reason.unwrap_or_default())));
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    Ok((bare, 0).to_socket_addrs()?.collect())
}

/// Returns the text of an error, without the standard library's prefix.
fn told(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::degraded::Degraded;

    /// A look-up that counts, and that hangs for names of `.invalid` until its sender is dropped.
    fn hanging(long: Duration) -> (Resolver, Arc<AtomicUsize>, mpsc::Sender<()>) {
        let count = Arc::new(AtomicUsize::new(0));
        let (release, held) = mpsc::channel::<()>();
        let (held, counted) = (Arc::new(Mutex::new(held)), count.clone());
        let lookup = move |name: &str| {
            counted.fetch_add(1, Ordering::SeqCst);
            if name.ends_with(".invalid") {
                // The first waits for the sender to be dropped, the others for the first.
                let _ = held.lock().recv();
                return Err(io::Error::other("failed to lookup address information: no server"));
            }
            Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))])
        };
        let pool = Pool::start("names", 1, NAMES_THREADS, &Degraded::default());
        (Resolver::new(pool, Arc::new(lookup), long), count, release)
    }

    async fn until(so: impl Fn() -> bool) {
        while !so() {
            tokio::task::yield_now().await;
        }
    }

    fn waiting(resolver: &Resolver, name: &str) -> usize {
        match resolver.0.names().get(name).map(|name| &name.stage) {
            Some(Stage::Asked(asked)) => asked.receiver_count(),
            _ => 0,
        }
    }

    #[tokio::test]
    async fn all_callers_for_one_name_wait_for_one_look_up() {
        let (resolver, count, release) = hanging(LONG);
        let asking: Vec<_> = (0..40)
            .map(|_| {
                let resolver = resolver.clone();
                tokio::spawn(async move { resolver.resolve("db.invalid").await })
            })
            .collect();
        until(|| waiting(&resolver, "db.invalid") == 40).await;
        until(|| count.load(Ordering::SeqCst) == 1).await;
        drop(release);
        for one in asking {
            assert_eq!(one.await.unwrap(), Err(Arc::from("no server")));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_dead_name_server_keeps_nobody_from_an_answer_and_has_a_bound_of_threads() {
        let (resolver, count, release) = hanging(Duration::from_millis(1));
        assert!(resolver.resolve("known.example").await.is_ok());
        let asking: Vec<_> = (0..50)
            .map(|number| {
                let resolver = resolver.clone();
                tokio::spawn(async move { resolver.resolve(&format!("n{number}.invalid")).await })
            })
            .collect();
        until(|| count.load(Ordering::SeqCst) == 51).await;
        assert!(resolver.resolve("new.example").await.is_ok());
        tokio::time::timeout(HOLDS * 60, async {
            // The earlier answer is not used any more.
            while count.load(Ordering::SeqCst) < 53 {
                assert!(resolver.resolve("known.example").await.is_ok());
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        drop(release);
        for one in asking {
            assert!(one.await.unwrap().is_err());
        }
        let slow = |number| resolver.0.names().get(&*format!("n{number}.invalid")).unwrap().standing;
        assert!((0..50).all(|number| slow(number) == Standing::Slow));
    }

    #[tokio::test]
    async fn names_that_hung_last_take_no_turn_of_the_others() {
        let (resolver, count, release) = hanging(Duration::from_millis(1));
        for number in 0..20 {
            let slow = Name { standing: Standing::Slow, stage: Stage::Idle };
            resolver.0.names().insert(format!("n{number}.invalid").into(), slow);
        }
        let asking: Vec<_> = (0..20)
            .map(|number| {
                let resolver = resolver.clone();
                tokio::spawn(async move { resolver.resolve(&format!("n{number}.invalid")).await })
            })
            .collect();
        until(|| (0..20).all(|number| waiting(&resolver, &format!("n{number}.invalid")) == 1)).await;
        until(|| count.load(Ordering::SeqCst) == TURNS_SLOW).await;
        let free = (&resolver.0.new, &resolver.0.quick, &resolver.0.overdue);
        let free = (free.0.available_permits(), free.1.available_permits(), free.2.available_permits());
        assert_eq!(free, (TURNS_NEW, TURNS_QUICK, OVERDUE));
        drop(release);
        for one in asking {
            assert!(one.await.unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn a_look_up_that_nobody_waits_for_any_more_is_not_begun() {
        let (resolver, count, _release) = hanging(LONG);
        let turns = resolver.0.new.clone().acquire_many_owned(TURNS_NEW as u32).await.unwrap();
        {
            let mut asking = std::pin::pin!(resolver.resolve("late.example"));
            assert!(tokio::time::timeout(Duration::ZERO, &mut asking).await.is_err());
            assert_eq!(waiting(&resolver, "late.example"), 1);
        }
        until(|| resolver.0.names().is_empty()).await;
        drop(turns);
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_answer_holds_for_a_second_and_a_bad_one_not_at_all() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let lookup = move |name: &str| {
            counted.fetch_add(1, Ordering::SeqCst);
            match name {
                "good" => Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))]),
                _ => Ok(Vec::new()),
            }
        };
        let resolver = Resolver::new(Pool::virtual_time(), Arc::new(lookup), LONG);
        for (name, wait, lookups) in
            [("good", 0, 1), ("good", 900, 1), ("good", 200, 2), ("bad", 0, 3), ("bad", 0, 4)]
        {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            assert_eq!(resolver.resolve(name).await.is_ok(), name == "good");
            assert_eq!(count.load(Ordering::SeqCst), lookups, "{name} after {wait} ms");
        }
    }

    #[tokio::test]
    async fn addresses_localhost_and_invalid_names_are_not_looked_up() {
        let (resolver, count, _release) = hanging(LONG);
        for (host, first) in [
            ("127.0.0.1", "127.0.0.1:0"),
            ("::1", "[::1]:0"),
            ("[::1]", "[::1]:0"),
            ("LocalHost", "[::1]:0"),
            ("db.localhost.", "[::1]:0"),
        ] {
            let addresses = resolver.resolve(host).await.unwrap();
            assert_eq!(addresses[0].to_string(), first, "{host}");
        }
        assert!(resolver.resolve(&"x".repeat(300)).await.is_err());
        assert!(resolver.resolve("a\0b").await.is_err());
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }
}
