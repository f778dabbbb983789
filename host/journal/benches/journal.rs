//! What the journal costs: `cargo bench -p provost-journal`. Measures how many events are written in a second, how many bytes an
//! event has, what a note costs the task that gives it, and how fast everything is read back. `-- --quick` only shows that it
//! works. The disk is that of the directory for temporary files (`TMPDIR`).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_journal::{Bounds, Follow, History, Journal, Life, Sync, Wanted};
use provost_state::{
    Answer, Asked, At, Basis, Cause, Ended, Event, Exit, Generation, Identity, Incarnation, Judged,
    JudgedAction, Moment, Note, Noted, PolicySource, ProcessState, Reader, Recorder, Registry, RulingAction,
    Trigger, registry,
};
use provost_tests::bench::clock::now_ns;
use provost_tests::bench::results::{quick, write};
use serde_json::{Value, json};

/// The number of commits between two waits: the ring of changes has 8,192 places.
const BURST: u64 = 4_096;

fn main() {
    let bursts = if quick() { 2 } else { 100 };
    let synced =
        [("within 1 s", Sync::Within(Duration::from_secs(1))), ("each exit and decision", Sync::Decision)];
    let commits: Vec<Value> = synced.into_iter().map(|(name, sync)| commits(name, sync, bursts)).collect();
    let notes = if quick() { 1_000 } else { 100_000 };
    let blocks = vec![
        json!({ "setting": "commits", "designs": commits }),
        json!({ "setting": "decisions", "designs": [decisions(notes)] }),
    ];
    write("journal", blocks);
}

fn now() -> Moment {
    let ns = now_ns();
    Moment { wall_ms: 1_795_000_000_000 + ns / 1_000_000, mono_ns: ns }
}

/// A registry with a journal in a fresh directory.
struct Recorded {
    registry: Registry,
    reader: Reader,
    journal: Journal,
    dir: tempfile::TempDir,
}

impl Recorded {
    fn begin(sync: Sync) -> Self {
        let (registry, reader) = registry(|| 0);
        let (journal, dir) = (Journal::new(), tempfile::tempdir().unwrap());
        let follow = Follow {
            dir: dir.path().to_owned(),
            bounds: Bounds { bytes_max: 4 << 30, sync, ..Bounds::default() },
            life: Life::of("boot", "bench"),
            reader: reader.clone(),
            clock: Arc::new(now),
            on_trouble: Box::new(|_| {}),
        };
        journal.follow(follow).unwrap();
        Self { registry, reader, journal, dir }
    }

    fn written(&self, records: u64) {
        while self.journal.figures().records < records {
            std::thread::yield_now();
        }
    }

    /// Ends the journal, and returns the records and the bytes that it has written.
    fn end(&self) -> (u64, u64) {
        assert!(self.journal.end(Duration::from_secs(60)));
        let figures = self.journal.figures();
        (figures.records, figures.bytes)
    }
}

fn commit(registry: &Registry, state: &ProcessState, event: &Event) -> Arc<ProcessState> {
    let at = At { incarnation: state.incarnation, version: state.version };
    registry.commit(state.id, at, event, now()).unwrap()
}

/// Measures lives of a process: a start, a spawn and an exit each.
fn commits(name: &str, sync: Sync, bursts: u64) -> Value {
    let recorded = Recorded::begin(sync);
    let mut state = recorded.registry.add(Identity::new("web.1", "shop"), now()).unwrap();
    let (mut done, begun) = (1, now_ns());
    for _ in 0..bursts {
        for _ in 0..BURST / 3 {
            let start = Event::Start { cause: Cause::Api, reason: "asked for by the API".into() };
            state = commit(&recorded.registry, &state, &start);
            state =
                commit(&recorded.registry, &state, &Event::Spawned { pid: 4_711, reason: "at once".into() });
            state = commit(
                &recorded.registry,
                &state,
                &Event::Exited { exit: Exit::Code(1), out_of_memory: false },
            );
            done += 3;
        }
        recorded.journal.nudge();
        recorded.written(done);
    }
    let took_ns = now_ns() - begun;
    let (records, bytes) = recorded.end();
    let per_second = records as f64 * 1e9 / took_ns as f64;
    let (read, read_ns) = read(recorded.dir.path());
    println!(
        "commits, synced {name}: {per_second:.0} events/s, {} bytes each; read back {:.0} events/s",
        bytes / records,
        read as f64 * 1e9 / read_ns as f64
    );
    json!({
        "design": name, "events": records, "events_per_second": per_second, "bytes_per_event": bytes / records,
        "read_per_second": read as f64 * 1e9 / read_ns as f64,
    })
}

fn read(dir: &Path) -> (u64, u64) {
    let (mut count, begun) = (0, now_ns());
    let each = |_| {
        count += 1;
        ControlFlow::Continue(())
    };
    History::new(dir).read(&Wanted::default(), each).unwrap();
    (count, now_ns() - begun)
}

fn judged(source: &Arc<PolicySource>) -> Noted {
    let ended = Ended {
        name: "web.1".into(),
        group: "shop".into(),
        incarnation: Incarnation(3),
        exit: Exit::Code(1),
        uptime_ms: 1_500,
        was_ready: true,
        failures: 2,
        restarts: 2,
        now: now(),
        seed: 0x1234_5678_9abc_def0,
    };
    let action = JudgedAction::Exit(RulingAction::restart(400));
    let basis = Basis { source: source.clone(), memory_version: 0, fuel: 40_000 };
    let answer = Answer::Wanted(action.clone());
    Noted::Decision(Box::new(Judged {
        world: Generation(1),
        trigger: Trigger::Exit(ended),
        asked: vec![Asked { name: "backoff".into(), version: 1, basis: Some(basis), answer }],
        action,
        by: "backoff".into(),
        reason: "exited with code 1; restart 2 in a row, after 400 ms".into(),
        overruled: None,
    }))
}

/// Measures what it costs to make and to give a note, beside the same note that is made and dropped.
fn decisions(notes: u64) -> Value {
    let recorded = Recorded::begin(Sync::Within(Duration::from_secs(1)));
    let source = Arc::new(PolicySource { component: [1; 32], settings: [2; 32], engine: 3 });
    let after = recorded.reader.latest();
    let mut given_ns = 0;
    for number in 0..notes {
        let begun = now_ns();
        recorded.journal.record(Note { at: now(), after, what: judged(&source) });
        given_ns += now_ns() - begun;
        // The queue never fills, as with a host that asks a policy in between.
        if number % 1_000 == 999 {
            recorded.written(number + 1);
        }
    }
    let mut made_ns = 0;
    for _ in 0..notes {
        let begun = now_ns();
        drop(std::hint::black_box(Note { at: now(), after, what: judged(&source) }));
        made_ns += now_ns() - begun;
    }
    let (records, bytes) = recorded.end();
    println!(
        "decisions: {} ns to give one, of which {} ns to make it; {} bytes each; {} dropped",
        given_ns / notes,
        made_ns / notes,
        bytes / records.max(1),
        recorded.journal.figures().dropped
    );
    json!({
        "design": "a restart decision", "notes": notes, "ns_per_decision": given_ns / notes,
        "ns_to_make": made_ns / notes, "bytes_per_decision": bytes / records.max(1),
    })
}
