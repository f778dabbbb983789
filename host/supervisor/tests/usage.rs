//! What real children use, compared with what the kernel says.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use provost_state::{PhaseKind, ProcessId, Usage};
use provost_supervisor::{CommandLine, ProcessSpec, Settings, Supervisor};

/// How long a condition may take.
const LONG: Duration = Duration::from_secs(60);

struct Bench {
    supervisor: Supervisor,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn of(processes: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::new(dir.path().join("logs"));
        let spec =
            |(name, line): &(&str, &str)| ProcessSpec::new(*name, CommandLine::Shell((*line).to_owned()));
        let specs = processes.iter().map(spec).collect();
        let supervisor = Supervisor::boot(settings, specs, Vec::new(), Vec::new()).unwrap();
        Self { supervisor, _dir: dir }
    }

    fn id(&self, name: &str) -> ProcessId {
        self.supervisor.reader().snapshot().id(name).unwrap()
    }

    /// Waits for a sample that meets a condition.
    async fn until(&self, name: &str, what: &str, condition: impl Fn(&Usage) -> bool) -> Usage {
        let id = self.id(name);
        let mut revision = self.supervisor.usage_revision();
        let wait = async {
            loop {
                let last = self.supervisor.usages();
                if let Some(usage) = last.of(id).map(|one| one.usage).filter(&condition) {
                    return usage;
                }
                revision.changed().await.unwrap();
            }
        };
        let found = tokio::time::timeout(LONG, wait).await;
        found.unwrap_or_else(|_| panic!("{name}: {what}: {:?}", self.supervisor.usages().of(id)))
    }

    fn pid(&self, name: &str) -> u32 {
        self.supervisor.reader().state(self.id(name)).unwrap().pid().unwrap()
    }

    async fn down(self) {
        self.supervisor.shutdown(provost_state::Cause::Shutdown).await;
    }
}

/// Returns the resident memory of a process, as `/proc/PID/status` says.
fn rss_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn cpu_memory_threads_and_descriptors_are_those_that_the_kernel_counts() {
    let bench = Bench::of(&[
        ("burning", "while :; do :; done"),
        ("idle", "exec 7</dev/null 8</dev/null 9</dev/null; exec sleep 1000"),
        ("holding", "exec dd if=/dev/zero of=/dev/null bs=64M count=1000000 2>/dev/null"),
    ]);
    let burning = bench.until("burning", "burns", |usage| usage.cpu_millis > 100 && usage.cpu_ms > 500).await;
    assert_eq!((burning.threads, burning.members), (1, 1));
    let held = bench.until("holding", "holds its buffer", |usage| usage.rss_bytes > 64 << 20).await;
    let seen = rss_bytes(bench.pid("holding"));
    assert!(held.rss_bytes.abs_diff(seen) < 8 << 20, "{} and {seen}", held.rss_bytes);
    let detailed = bench.until("idle", "is read in detail", |usage| usage.fds.is_some()).await;
    assert_eq!(detailed.fds, Some(6), "three standard streams and three more");
    assert!(detailed.pss_bytes.is_some_and(|pss| pss > 0 && pss <= detailed.rss_bytes + (1 << 20)));
    assert!(detailed.cpu_millis < 100 && detailed.cpu_ms < 1_000, "{detailed:?}");
    assert!(bench.supervisor.usages().host.is_some_and(|host| host.rss_bytes > 0 && host.threads > 1));
    bench.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descendants_count_also_in_another_group_and_what_has_ended_stays_counted() {
    let burn = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done";
    let bench = Bench::of(&[
        ("parent", "sleep 1000 & setsid sleep 1000 & sh -c 'sleep 1000; :' & wait"),
        ("brief", &format!("sh -c '{burn}'; exec sleep 1000")),
    ]);
    let parent = bench.until("parent", "has all descendants", |usage| usage.members == 5).await;
    assert_eq!(parent.threads, 5);
    let reaped = bench.until("brief", "has the time of its child", |usage| usage.cpu_ms >= 50).await;
    let later = bench.until("brief", "is read again", |usage| usage.at.mono_ns > reaped.at.mono_ns).await;
    let last = bench.until("brief", "and again", |usage| usage.at.mono_ns > later.at.mono_ns).await;
    assert!(last.cpu_ms >= reaped.cpu_ms, "CPU time never decreases: {reaped:?} {last:?}");
    bench.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_incarnation_starts_anew_and_a_process_without_a_child_has_no_usage() {
    let burn =
        "[ $PROVOST_INCARNATION = 1 ] && while [ $((i=i+1)) -lt 2000000 ]; do :; done; exec sleep 1000";
    let bench = Bench::of(&[("web", burn)]);
    let first = bench.until("web", "has burnt", |usage| usage.cpu_ms > 500).await;
    let id = bench.id("web");
    bench.supervisor.restart(id, provost_state::Cause::User).await.unwrap();
    let is_second =
        |supervisor: &Supervisor| supervisor.usages().of(id).map(|one| one.incarnation.0) == Some(2);
    let second = bench.until("web", "is another life", |usage| {
        is_second(&bench.supervisor) && usage.at.mono_ns > first.at.mono_ns
    });
    let second = second.await;
    assert!(second.cpu_ms < 500, "{first:?} {second:?}");
    bench.supervisor.stop(id, provost_state::Cause::User).await.unwrap();
    let gone = async {
        let mut revision = bench.supervisor.usage_revision();
        while bench.supervisor.usages().of(id).is_some() {
            revision.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
    assert_eq!(bench.supervisor.reader().state(id).unwrap().phase.kind(), PhaseKind::Stopped);
    bench.down().await;
}
