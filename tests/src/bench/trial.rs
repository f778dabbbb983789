//! One design in one round: several threads repeat an operation for a given time, while a writer may run.
//!
//! They first run untimed, in batches, for throughput, processor time and allocations; then one operation in [`TIMED`] is
//! timed. So reading the clock does not distort the throughput, even for operations that take a nanosecond.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::allocations::allocated;
use super::clock::{cost_ns, now_ns, thread_cpu_ns};
use super::op::Op;

/// The number of operations of which one is timed; fewer if a single one takes long.
pub const TIMED: u32 = 32;
/// The most operations between two checks of the phase of the trial, and about how long they take together.
const BATCH: u32 = 64;
const BATCH_NS: u64 = 20_000;
/// The longest latency that the histogram distinguishes: a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// The implementation that a design uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The backend `atomic`.
    Atomic,
    /// The backend `locked`.
    Locked,
    /// The backend `dual`.
    Dual,
    /// A plain mutex, written only for the benchmark: the baseline.
    Plain,
}

impl Side {
    /// Returns its word in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atomic => "atomic",
            Self::Locked => "locked",
            Self::Dual => "dual",
            Self::Plain => "plain",
        }
    }
}

/// The load of the writer, which is one more thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// No writer.
    None,
    /// A thousand writes a second.
    Paced,
    /// As many writes as possible.
    FlatOut,
}

impl Load {
    /// Returns the words for it in the report.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "no writer",
            Self::Paced => "writer at 1 kHz",
            Self::FlatOut => "writer flat out",
        }
    }
}

/// The lengths of the two phases of a trial, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The phase without timing.
    pub throughput_ms: u64,
    /// The phase in which one operation in [`TIMED`] is timed.
    pub latency_ms: u64,
}

type Make<'a> = Box<dyn Fn(usize) -> Box<dyn Op + 'a> + Sync + 'a>;

/// One of the compared ways to do an operation.
pub struct Design<'a> {
    /// Its name in the report.
    pub name: &'static str,
    /// The implementation that it uses.
    pub side: Side,
    make: Make<'a>,
    writer: Option<Make<'a>>,
}

impl<'a> Design<'a> {
    /// Makes a design without a writer. `make` is called in each thread with its number, and returns its operation.
    pub fn new<O: Op + 'a>(name: &'static str, side: Side, make: impl Fn(usize) -> O + Sync + 'a) -> Self {
        Self { name, side, make: Box::new(move |thread| Box::new(make(thread))), writer: None }
    }

    /// Adds a writer, which runs if the load asks for one.
    #[must_use]
    pub fn beside<O: Op + 'a>(self, make: impl Fn() -> O + Sync + 'a) -> Self {
        Self { writer: Some(Box::new(move |_| Box::new(make()))), ..self }
    }
}

/// The figures of one trial.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Operations per second, of all threads together.
    pub per_second: f64,
    /// Processor time per operation.
    pub cpu_ns: f64,
    /// Allocations per operation.
    pub allocations: f64,
    /// Bytes allocated per operation.
    pub bytes: f64,
    /// Operations of the writer per second.
    pub writes_per_second: f64,
    /// Durations of single operations in nanoseconds, minus the cost of the clock.
    pub latencies: Histogram<u64>,
}

/// The phase of the trial, which all threads check between two batches.
struct Phase(AtomicU8);

const THROUGHPUT: u8 = 0;
const LATENCY: u8 = 1;
const OVER: u8 = 2;

impl Phase {
    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

#[derive(Clone, Debug)]
struct Done {
    count: u64,
    took_ns: u64,
    cpu_ns: u64,
    allocations: u64,
    bytes: u64,
    latencies: Histogram<u64>,
}

/// Makes an empty histogram of latencies in nanoseconds.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 2).unwrap()
}

/// Waits for `ms` milliseconds without using a core.
pub fn pass(ms: u64) {
    let until = now_ns() + ms * 1_000_000;
    loop {
        match until.checked_sub(now_ns()) {
            Some(left) if left > 0 => std::thread::park_timeout(Duration::from_nanos(left)),
            _ => return,
        }
    }
}

/// Returns how many operations fit into [`BATCH_NS`], from 1 to [`BATCH`].
fn batch(op: &mut dyn Op) -> u32 {
    op.many(1);
    let begun = now_ns();
    op.many(1);
    let fit = BATCH_NS / (now_ns() - begun).max(1);
    u32::try_from(fit).unwrap_or(BATCH).clamp(1, BATCH)
}

fn work(op: &mut dyn Op, start: &Barrier, phase: &Phase) -> Done {
    let (batch, cost_ns, mut latencies) = (batch(op), cost_ns(), histogram());
    start.wait();
    let (begun, cpu, (allocations, bytes)) = (now_ns(), thread_cpu_ns(), allocated());
    let mut count = 0;
    while phase.is(THROUGHPUT) {
        op.many(batch);
        count += u64::from(batch);
    }
    let (now, now_cpu, (now_allocations, now_bytes)) = (now_ns(), thread_cpu_ns(), allocated());
    while phase.is(LATENCY) {
        let begun = now_ns();
        op.many(1);
        let took_ns = now_ns() - begun;
        latencies.saturating_record(took_ns.saturating_sub(cost_ns).max(1));
        op.many((batch - 1).min(TIMED - 1));
    }
    Done {
        count,
        took_ns: now - begun,
        cpu_ns: now_cpu - cpu,
        allocations: now_allocations - allocations,
        bytes: now_bytes - bytes,
        latencies,
    }
}

/// Runs the writer until the trial is over, and returns its operations per second.
fn write(op: &mut dyn Op, load: Load, start: &Barrier, phase: &Phase) -> f64 {
    start.wait();
    let (begun, mut count) = (now_ns(), 0_u64);
    while !phase.is(OVER) {
        op.many(1);
        count += 1;
        if load == Load::Paced {
            // Missed writes are not caught up.
            std::thread::park_timeout(Duration::from_millis(1).saturating_sub(Duration::from_micros(60)));
        }
    }
    count as f64 * 1e9 / (now_ns() - begun) as f64
}

/// Runs one trial of `design`.
#[must_use]
pub fn trial(design: &Design<'_>, threads: usize, load: Load, times: Times) -> Trial {
    let writer = design.writer.as_ref().filter(|_| load != Load::None);
    let start = &Barrier::new(threads + 1 + usize::from(writer.is_some()));
    let phase = &Phase(AtomicU8::new(THROUGHPUT));
    let (done, writes_per_second) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(&mut *(design.make)(thread), start, phase)))
            .collect();
        let writer = writer.map(|make| scope.spawn(move || write(&mut *make(0), load, start, phase)));
        start.wait();
        pass(times.throughput_ms);
        phase.0.store(LATENCY, Ordering::Relaxed);
        pass(times.latency_ms);
        phase.0.store(OVER, Ordering::Relaxed);
        let done: Vec<Done> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (done, writer.map_or(0.0, |writer| writer.join().unwrap()))
    });
    let count = done.iter().map(|done| done.count).sum::<u64>().max(1) as f64;
    let each = |of: fn(&Done) -> u64| done.iter().map(of).sum::<u64>() as f64 / count;
    let took_ns = done.iter().map(|done| done.took_ns).max().unwrap_or(1);
    let mut latencies = histogram();
    done.iter().for_each(|done| latencies.add(&done.latencies).unwrap());
    Trial {
        per_second: count * 1e9 / took_ns as f64,
        cpu_ns: each(|done| done.cpu_ns),
        allocations: each(|done| done.allocations),
        bytes: each(|done| done.bytes),
        writes_per_second,
        latencies,
    }
}
