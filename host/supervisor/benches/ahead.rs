//! What the stash adds to a commit that is written ahead: `cargo bench -p provost-supervisor --bench ahead`. A scripted process ends
//! at once and is started again, in virtual time, which tells how many bytes a commit has in the stash; then records of that
//! size are written, as a commit does it. `-- --quick` only shows that it works.
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
use rustix::fs::fstat;
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

/// Returns the number of bytes in all files.
fn bytes(files: &Files) -> u64 {
    files.0.lock().iter().map(|(_, file)| u64::try_from(fstat(file).unwrap().st_size).unwrap()).sum()
}

/// The number of records that are written between two yields, during which a file that has grown is replaced.
const BLOCK: u64 = 200;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (restarts, blocks) = if quick { (10, 10) } else { (100, 2_000) };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(measure(restarts, blocks));
}

/// Starts a host, lets its process end this often, and then writes records of the size that its commits have.
async fn measure(restarts: u64, blocks: usize) {
    let (children, dir) = (Scripted::default(), tempfile::tempdir().unwrap());
    children.cast("web", Manner::Brief(Exit::Code(1)));
    let (files, degraded) = (Arc::<Files>::default(), Degraded::default());
    let stash = Stash::new(files.clone(), degraded.clone());
    let settings = Settings {
        stash: Some(stash.clone()),
        degraded,
        restart_budget: RestartBudget { restarts: RestartBudget::RESTARTS_MAX, per_ms: 0 },
        ..Settings::new(dir.path().join("logs"))
    };
    let spec = ProcessSpec::new("web", CommandLine::Argv(vec!["scripted".into()]));
    let prepared = children.prepare(settings, vec![spec], vec![], vec![], Adopted::default()).unwrap();
    prepared.kept().await;
    let host = prepared.start();
    let (commits, written) = (host.reader().latest().0, bytes(&files));
    until(&host, restarts).await;
    let (commits, written) = (host.reader().latest().0 - commits, bytes(&files) - written);
    let per_commit = written / commits;
    println!("{restarts} restarts: {commits} commits, {per_commit} bytes each in the stash");

    let (key, text) = (Arc::from("key"), vec![b'x'; usize::try_from(per_commit).unwrap()]);
    let mut ns = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let begun = now_ns();
        for _ in 0..BLOCK {
            stash.note(&key, &text);
        }
        ns.push((now_ns() - begun) / BLOCK);
        tokio::task::yield_now().await;
    }
    ns.sort_unstable();
    assert_eq!(stash.lost(), 0, "everything is written down");
    println!(
        "a record of that size: {} ns at the median of {blocks} blocks of {BLOCK}, {} ns at the least disturbed",
        ns[blocks / 2],
        ns[0]
    );
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

async fn until(host: &Supervisor, restarts: u64) {
    let mut changed = host.changed();
    while host.reader().snapshot().by_name("web").unwrap().restarts < restarts {
        changed.changed().await.unwrap();
    }
}
