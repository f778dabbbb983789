//! What it costs a commit that the stash is written first: `cargo bench -p provost-supervisor --bench ahead`. One scripted process
//! ends at once and is started again, in virtual time, with a stash and without one in turn. `-- --quick` only shows that it
//! works. Each round is a host; the fastest of them is the least disturbed one.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use std::future::ready;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::Exit;
use provost_supervisor::{
    Adopted, CommandLine, Degraded, Manner, ProcessSpec, RestartBudget, Scripted, Settings, Stash,
    StashKeeper, StashKept, Supervisor,
};
use rustix::time::{ClockId, clock_gettime};

/// A keeper that holds the files.
#[derive(Debug, Default)]
struct Files(Mutex<Vec<(u64, OwnedFd)>>);

impl StashKeeper for Files {
    fn keep(&self, number: u64, file: OwnedFd) -> StashKept {
        self.0.lock().push((number, file));
        Box::pin(ready(Ok::<_, io::Error>(())))
    }

    fn drop_before(&self, number: u64) {
        self.0.lock().retain(|(other, _)| *other >= number);
    }
}

/// What a round has taken.
#[derive(Clone, Copy)]
struct Took {
    restarts: u64,
    commits: u64,
    ns: u64,
}

impl Took {
    fn ns_per_commit(self) -> u64 {
        self.ns / self.commits
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, restarts) = if quick { (1, 50) } else { (15, 3_000) };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut best: [Option<Took>; 2] = [None, None];
    for _ in 0..rounds {
        for (best, has_stash) in best.iter_mut().zip([false, true]) {
            let took = runtime.block_on(round(restarts, has_stash));
            if best.is_none_or(|best| took.ns < best.ns) {
                *best = Some(took);
            }
        }
    }
    let [Some(without), Some(with)] = best else { return };
    let per_restart = with.commits as f64 / with.restarts as f64;
    println!("{restarts} restarts, {per_restart:.2} commits each; the fastest of {rounds} rounds");
    println!("without a stash: {} ns for each commit with all that leads to it", without.ns_per_commit());
    println!("with a stash:    {} ns", with.ns_per_commit());
    println!("the stash:       {} ns", with.ns_per_commit().saturating_sub(without.ns_per_commit()));
}

/// Starts a host, and lets its process end this often.
async fn round(restarts: u64, has_stash: bool) -> Took {
    let (children, dir) = (Scripted::default(), tempfile::tempdir().unwrap());
    children.cast("web", Manner::Brief(Exit::Code(1)));
    let degraded = Degraded::default();
    let stash = has_stash.then(|| Stash::new(Arc::new(Files::default()), degraded.clone()));
    let settings = Settings {
        stash: stash.clone(),
        degraded,
        restart_budget: RestartBudget { restarts: RestartBudget::RESTARTS_MAX, per_ms: 0 },
        ..Settings::new(dir.path().join("logs"))
    };
    let spec = ProcessSpec::new("web", CommandLine::Argv(vec!["scripted".into()]));
    let prepared = children.prepare(settings, vec![spec], vec![], vec![], Adopted::default()).unwrap();
    prepared.kept().await;
    let host = prepared.start();
    let (begun, before) = (now_ns(), host.reader().latest());
    let restarted = until(&host, restarts).await;
    let ns = now_ns() - begun;
    assert!(stash.is_none_or(|stash| stash.lost() == 0), "everything is written down");
    Took { restarts: restarted, commits: host.reader().latest().0 - before.0, ns }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

async fn until(host: &Supervisor, restarts: u64) -> u64 {
    let mut changed = host.changed();
    loop {
        let restarted = host.reader().snapshot().by_name("web").unwrap().restarts;
        if restarted >= restarts {
            return restarted;
        }
        changed.changed().await.unwrap();
    }
}
