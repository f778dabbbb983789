//! The threads for blocking work, and the port to them. Spawning, judging, reaping, handing over, name look-ups, file reads, log
//! writes, usage, views, fetches, plugin loads and plugin changes each have their own [`Pool`], so that none of them waits for another.
//! The first threads of a pool start with the host; more are started while all of them are busy, up to a bound, and end
//! when they have been idle for a while.
//!
//! A thread that cannot be started is not an error of the job: the job waits, and a task retries the start for as long as a thread
//! is missing, which is shown as [`Degraded`] until then. A job that panics loses only its own answer.
//!
//! Under tokio's paused clock, the same jobs run on tokio's own blocking threads, for which virtual time waits, or at once
//! on the task that asks, so that a simulation needs no other thread and is the same every time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::degraded::Degraded;
use crate::panics::said;
use crate::slots::Slots;

/// How long a surplus thread waits for another job before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// The interval at which a failed start of a thread is retried while one is missing.
const RETRY: Duration = Duration::from_millis(200);

/// The number of threads that are started together at the end of a shortage, which shall not bring it back.
const TOGETHER: usize = 8;

/// How long a job counts against the limit of its lane. A job that takes longer is taken to hang and must not keep
/// others from their turn; it still occupies its own thread.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(1);

/// The maximum number of threads for name look-ups.
pub(crate) const NAMES_THREADS: usize = 64;

/// Why a job did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It panicked, with this message.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// The host is ending.
    #[error("the host is ending")]
    Ending,
}

type Job = Box<dyn FnOnce() + Send>;

/// Some threads, and the jobs that wait for them. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool(Kind);

#[derive(Clone)]
enum Kind {
    Threads(Arc<Threads>),
    /// Tokio's blocking threads: virtual time waits for what runs on them.
    #[cfg(any(test, feature = "scripted"))]
    Tokio,
    /// The task that asks.
    #[cfg(any(test, feature = "scripted"))]
    AtOnce,
}

struct Threads {
    /// The purpose of the threads, such as `spawning`.
    name: &'static str,
    /// The minimum number of threads, as far as they can be started.
    base: usize,
    /// The maximum number of threads.
    most: usize,
    degraded: Degraded,
    /// Has the task that retries.
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// The condition variable of each idle thread, the longest idle one first. The last one is woken first, so that
    /// surplus threads stay idle and end.
    idle: Vec<Arc<Condvar>>,
    /// Whether a task retries the start of threads that are missing.
    retrying: bool,
}

impl Pool {
    /// Starts `base` threads. A failed start is retried by a task of the runtime that calls this.
    pub(crate) fn start(name: &'static str, base: usize, most: usize, degraded: &Degraded) -> Self {
        let threads = Arc::new(Threads {
            name,
            base,
            most: most.max(base),
            degraded: degraded.clone(),
            runtime: Handle::current(),
            state: Mutex::default(),
        });
        for _ in 0..base {
            let mut state = threads.state();
            threads.grow(&mut state);
        }
        Self(Kind::Threads(threads))
    }

    /// Returns a pool for which tokio's paused clock waits.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn virtual_time() -> Self {
        Self(Kind::Tokio)
    }

    /// Returns a pool without threads: a job runs when it is asked for.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn at_once() -> Self {
        Self(Kind::AtOnce)
    }

    /// Runs `job` on one of the threads. Once the future has been polled, the job runs even if the future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Lost> {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(|panic| Lost::Panicked(said(&*panic)));
            // The caller may be gone.
            let _ = done.send(result);
        });
        match &self.0 {
            Kind::Threads(threads) => threads.submit(job),
            #[cfg(any(test, feature = "scripted"))]
            Kind::Tokio => drop(tokio::task::spawn_blocking(job)),
            #[cfg(any(test, feature = "scripted"))]
            Kind::AtOnce => job(),
        }
        outcome.await.unwrap_or(Err(Lost::Ending))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Threads(threads) => {
                write!(f, "Pool({}, {} to {})", threads.name, threads.base, threads.most)
            }
            #[cfg(any(test, feature = "scripted"))]
            Kind::Tokio => f.write_str("Pool(virtual time)"),
            #[cfg(any(test, feature = "scripted"))]
            Kind::AtOnce => f.write_str("Pool(at once)"),
        }
    }
}

impl Threads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Queues a job, and wakes or starts a thread for it.
    fn submit(self: &Arc<Self>, job: Job) {
        let mut state = self.state();
        state.queue.push_back(job);
        if let Some(next) = state.idle.len().checked_sub(state.queue.len()) {
            // The threads behind it have been woken for the jobs before this one.
            if let Some(thread) = state.idle.get(next) {
                thread.notify_one();
            }
        } else if state.threads < self.most {
            self.grow(&mut state);
        }
    }

    /// Starts one more thread. If the kernel refuses it, returns false and has a task retry it.
    fn grow(self: &Arc<Self>, state: &mut State) -> bool {
        let shared = self.clone();
        match start_thread(self.name, move || shared.work()) {
            Ok(()) => {
                state.threads += 1;
                true
            }
            Err(error) => {
                let reason = format!("a thread cannot be started: {error}; it is tried again");
                self.degraded.set(&self.lack(), reason);
                if !std::mem::replace(&mut state.retrying, true) {
                    drop(self.runtime.spawn(self.clone().retry()));
                }
                false
            }
        }
    }

    /// Starts the missing threads as soon as that is possible. The jobs may have found another thread meanwhile.
    async fn retry(self: Arc<Self>) {
        loop {
            sleep(RETRY).await;
            let mut state = self.state();
            let missing = self.missing(&state);
            if (0..missing.min(TOGETHER)).all(|_| self.grow(&mut state)) && missing <= TOGETHER {
                state.retrying = false;
                return self.degraded.clear(&self.lack());
            }
        }
    }

    /// Returns how many threads could be started for the queued jobs and the base.
    fn missing(&self, state: &State) -> usize {
        let waiting = state.queue.len().saturating_sub(state.idle.len());
        waiting.min(self.most.saturating_sub(state.threads)).max(self.base.saturating_sub(state.threads))
    }

    fn lack(&self) -> String {
        format!("threads for {}", self.name)
    }

    /// Runs jobs until the thread is surplus and has been idle for [`IDLE`].
    fn work(&self) {
        let bell = Arc::new(Condvar::new());
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                job();
                state = self.state();
                continue;
            }
            state.idle.push(bell.clone());
            let waited = bell.wait_while_for(&mut state, |state| state.queue.is_empty(), IDLE);
            state.idle.retain(|other| !Arc::ptr_eq(other, &bell));
            if waited.timed_out() && state.queue.is_empty() && state.threads > self.base {
                state.threads -= 1;
                return;
            }
        }
    }
}

fn start_thread(name: &str, life: impl FnOnce() + Send + 'static) -> io::Result<()> {
    fail::fail_point!("thread.start", |_| Err(io::Error::from(io::ErrorKind::WouldBlock)));
    std::thread::Builder::new().name(format!("provost-{name}")).spawn(life).map(drop)
}

/// A pool with a limit on how many jobs run at once.
#[derive(Clone, Debug)]
pub struct Lane {
    pool: Pool,
    slots: Arc<Slots>,
    /// The time after which a job no longer counts against the limit.
    patience: Option<Duration>,
}

impl Lane {
    pub(crate) fn new(pool: Pool, at_once: usize, patience: Option<Duration>) -> Self {
        Self { pool, slots: Arc::new(Slots::new(at_once)), patience }
    }

    /// Returns true if a job waits for its turn: a running job that could go on for longer should then end.
    pub(crate) fn is_wanted(&self) -> bool {
        self.slots.is_wanted()
    }

    /// Runs `job` when its turn comes. Dropping the future before then withdraws the job; after that the job runs to
    /// its end all the same.
    ///
    /// # Errors
    /// [`Lost`] if the job panicked or the host is ending.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Lost> {
        let turn = self.slots.take().await.ok_or(Lost::Ending)?;
        let Some(patience) = self.patience else {
            // The turn belongs to the job and not to the caller.
            return self.pool.run(move || (job(), drop(turn)).0).await;
        };
        let mut running = std::pin::pin!(self.pool.run(job));
        match timeout(patience, &mut running).await {
            Ok(done) => done,
            Err(_) => {
                drop(turn);
                running.await
            }
        }
    }
}

/// All threads of a host for blocking work.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// For starting children: eight at once, and one more thread for each that hangs.
    pub(crate) spawning: Lane,
    /// For asking policies; the decider limits the calls of each policy.
    pub(crate) judging: Pool,
    /// For reaping orphans.
    pub(crate) reaping: Lane,
    /// For looking up names; the resolver limits the look-ups.
    pub(crate) names: Pool,
    /// For writing log files: two at once, and one more thread for each that hangs.
    pub(crate) logging: Lane,
    /// For giving everything to another keeper: nothing that reads or looks for processes delays it.
    pub handing: Lane,
    /// For reading files, except what clients read of logs.
    pub reading: Lane,
    /// For what clients read of logs and of the journal: no number of them delays a check or a stop.
    pub log_reading: Lane,
    /// For reading the resources that processes use.
    pub(crate) metering: Lane,
    /// For reading what is slow to read of them. A read that hangs keeps its turn, so that few threads can hang.
    pub(crate) inspecting: Lane,
    /// For rendering views.
    pub views: Lane,
    /// For fetching components from elsewhere: nothing else waits for a server that is slow.
    pub fetches: Lane,
    /// For loading plugins: compilation may take minutes, and unloading one must not wait for that.
    pub loads: Lane,
    /// For all other changes of plugins.
    pub changes: Lane,
}

impl Jobs {
    /// Starts the first threads of each pool. What is short is entered in `degraded`.
    ///
    /// # Panics
    /// If this is not called within a tokio runtime: one of its tasks starts the threads that could not be started.
    #[must_use]
    pub fn start(degraded: &Degraded) -> Self {
        Self::of(|name, base, most| Pool::start(name, base, most, degraded))
    }

    /// Returns the same jobs under tokio's paused clock.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn virtual_time() -> Self {
        Self::of(|_, _, _| Pool::virtual_time())
    }

    /// Returns jobs that run when they are asked for, for a simulation.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn at_once() -> Self {
        Self::of(|_, _, _| Pool::at_once())
    }

    /// Creates all lanes; the numbers of a pool are its threads at the start and at most.
    fn of(pool: impl Fn(&'static str, usize, usize) -> Pool) -> Self {
        let usage = pool("usage", 1, 5);
        let reading = pool("reading", 1, 32);
        Self {
            spawning: Lane::new(pool("spawning", 2, 1_024), 8, Some(HANGS_AFTER)),
            judging: pool("judging", 2, 256),
            reaping: Lane::new(pool("reaping", 1, 2), 1, Some(HANGS_AFTER)),
            names: pool("names", 1, NAMES_THREADS),
            logging: Lane::new(pool("logging", 1, 1_024), 2, Some(HANGS_AFTER)),
            handing: Lane::new(pool("handing", 1, 4), 4, None),
            reading: Lane::new(reading.clone(), 4, Some(HANGS_AFTER)),
            log_reading: Lane::new(reading, 4, Some(HANGS_AFTER)),
            metering: Lane::new(usage.clone(), 1, None),
            inspecting: Lane::new(usage, 3, None),
            views: Lane::new(pool("views", 1, 4), 4, None),
            fetches: Lane::new(pool("fetching", 0, 2), 2, None),
            loads: Lane::new(pool("loads", 1, 8), 8, None),
            changes: Lane::new(pool("changes", 1, 4), 4, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn threads(pool: &Pool) -> Arc<Threads> {
        match &pool.0 {
            Kind::Threads(threads) => threads.clone(),
            Kind::Tokio | Kind::AtOnce => unreachable!("made by `start`"),
        }
    }

    #[tokio::test]
    async fn a_job_without_a_thread_runs_when_it_is_asked_for_and_may_panic() {
        let pool = Pool::at_once();
        let caller = std::thread::current().id();
        assert_eq!(pool.run(|| std::thread::current().id()).await, Ok(caller));
        let lost = pool.run(|| panic!("on purpose")).await;
        assert_eq!(lost, Err::<(), _>(Lost::Panicked("on purpose".to_owned())));
    }

    #[tokio::test]
    async fn a_job_that_panics_loses_its_answer_and_not_its_thread() {
        let pool = Pool::start("test", 1, 1, &Degraded::default());
        let lost = pool.run(|| panic!("on purpose")).await;
        assert_eq!(lost, Err::<(), _>(Lost::Panicked("on purpose".to_owned())));
        assert_eq!(pool.run(|| 7).await, Ok(7));
        assert_eq!(threads(&pool).state().threads, 1);
    }

    #[tokio::test]
    async fn a_job_that_hangs_gives_its_turn_back_and_holds_nobody_up() {
        let pool = Pool::start("test", 1, 8, &Degraded::default());
        let lane = Lane::new(pool.clone(), 2, Some(Duration::from_millis(1)));
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let hanging: Vec<_> = (0..4)
            .map(|_| {
                let (lane, held) = (lane.clone(), held.clone());
                tokio::spawn(async move { lane.run(move || held.lock().recv().is_ok()).await.is_ok() })
            })
            .collect();
        assert_eq!(lane.run(|| 7).await, Ok(7));
        drop(release);
        for one in hanging {
            assert!(one.await.unwrap());
        }
    }

    #[tokio::test]
    async fn threads_that_are_not_needed_stay_idle_although_there_are_jobs_all_the_time() {
        let pool = Pool::start("test", 1, 8, &Degraded::default());
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let all: Vec<_> = (0..8)
            .map(|_| {
                let (pool, held) = (pool.clone(), held.clone());
                tokio::spawn(async move { pool.run(move || held.lock().recv().is_ok()).await })
            })
            .collect();
        while threads(&pool).state().threads < 8 {
            tokio::task::yield_now().await;
        }
        drop(release);
        for one in all {
            one.await.unwrap().unwrap();
        }
        while threads(&pool).state().idle.len() < 8 {
            tokio::task::yield_now().await;
        }
        let longest: Vec<_> = threads(&pool).state().idle[..4].to_vec();
        for _ in 0..100 {
            pool.run(|| ()).await.unwrap();
        }
        let now: Vec<_> = threads(&pool).state().idle[..4].to_vec();
        assert!(longest.iter().zip(&now).all(|(before, now)| Arc::ptr_eq(before, now)));
    }

    #[tokio::test]
    async fn jobs_beyond_the_bound_wait_for_a_thread_and_are_all_carried_out() {
        let pool = Pool::start("test", 1, 2, &Degraded::default());
        let jobs = (0..100).map(|number| pool.run(move || number));
        let done: u32 = futures(jobs).await.into_iter().sum();
        assert_eq!(done, 4_950);
        assert!(threads(&pool).state().threads <= 2);
    }

    async fn futures(jobs: impl Iterator<Item = impl Future<Output = Result<u32, Lost>>>) -> Vec<u32> {
        let mut all = Vec::new();
        for job in jobs {
            all.push(job.await.unwrap());
        }
        all
    }
}
