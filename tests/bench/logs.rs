//! The cost of capturing the output of a child, compared with a bare loop of read and write with the same pause, and with
//! `s6-log` where it is installed: `cargo bench -p provost --bench logs`.
//!
//! A real child writes as fast as it can, a line of 100 bytes at a time or many lines at once, and everything that it wrote
//! is in a file at the end of a round. Four designs write the file: the unchanged supervisor (which frames, rotates and
//! publishes), the same as the host of a keeper (which has made the pipe, and for which the host says what it is writing), one
//! thread that reads and writes and pauses for 200 us after a short read, and `s6-log` with time stamps and
//! rotation. Each child has its own session, like the children of the supervisor, because a kernel with
//! `sched_autogroup_enabled` divides the processor time of a busy machine by session. The processor time is that of the
//! capturing process, without the child. The designs take turns, so that disturbances of the machine affect all of them.
//! `RATIO` is to the loop.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

#[expect(dead_code, reason = "only the benchmark of the live view looks at threads")]
mod cpu;
#[expect(dead_code, reason = "only the other benchmarks use the latencies")]
mod figures;

use std::fs::File;
use std::io::Write;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use provost_state::Incarnation;
use provost_supervisor::{CommandLine, Greeting, Keeper, ProcessSpec, Settings, Supervisor};
use serde_json::{Value, json};

use cpu::cpu_ms;
use figures::{now_ns, quick};

const LINE_BYTES: usize = 100;
/// The first argument that makes this program the child.
const WRITE: &str = "--write";
/// The first argument that makes this program the host of a keeper.
const HOST: &str = "--host";
/// The program of the keeper, which the build script of `provost` has built.
const KEEPER: &str = env!("PROVOST_KEEPER_PROGRAM");
/// The number of the descriptor by which a host reaches its keeper.
const KEEPER_DESCRIPTOR: i32 = 3;
/// The pause of the loop after a short read; the supervisor makes the same.
const PAUSE: Duration = Duration::from_micros(200);
/// The greatest read of the loop, in bytes; less than half of it is a short read.
const READ_BYTES: usize = 64 << 10;
const S6_LOG: &str = "/usr/bin/s6-log";

/// How the child writes.
#[derive(Clone, Copy, Debug)]
struct Load {
    name: &'static str,
    lines_at_once: usize,
    bytes: usize,
}

/// The program that captures the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Design {
    Provost,
    Kept,
    Loop,
    S6Log,
}

/// The figures of one design, one value per round.
#[derive(Clone, Debug, Default)]
struct Measured {
    mb_per_second: Vec<f64>,
    cpu_seconds_per_gb: Vec<f64>,
}

fn loads() -> [Load; 2] {
    let bytes = if quick() { 5_000_000 } else { 300_000_000 };
    [
        Load { name: "a line at a time", lines_at_once: 1, bytes },
        Load { name: "655 lines at once", lines_at_once: 655, bytes: 2 * bytes },
    ]
}

/// Runs as the child: writes `bytes` bytes, `lines_at_once` lines with each call.
fn write(bytes: usize, lines_at_once: usize) {
    // This fails under the supervisor, which has already made a session.
    let _ = rustix::process::setsid();
    let mut line = [b'x'; LINE_BYTES];
    line[LINE_BYTES - 1] = b'\n';
    let piece = line.repeat(lines_at_once);
    // Standard output without a buffer, so that each piece is one system call.
    let mut out = File::from(rustix::io::dup(rustix::stdio::stdout()).unwrap());
    for _ in 0..bytes / piece.len() {
        out.write_all(&piece).unwrap();
    }
}

fn child(load: Load) -> Vec<String> {
    let program = std::env::current_exe().unwrap().into_os_string().into_string().unwrap();
    vec![program, WRITE.to_owned(), load.bytes.to_string(), load.lines_at_once.to_string()]
}

fn spawn(load: Load, output: OwnedFd) -> Child {
    let command = child(load);
    Command::new(&command[0]).args(&command[1..]).stdout(output).spawn().unwrap()
}

/// Captures with the supervisor. Returns the elapsed nanoseconds and the milliseconds of processor time, like the other two.
fn provost(load: Load, settings: Settings, runtime: &tokio::runtime::Runtime) -> (u64, u64) {
    let spec = ProcessSpec { autostart: false, ..ProcessSpec::new("child", CommandLine::Argv(child(load))) };
    runtime.block_on(async {
        let supervisor = Supervisor::boot(settings, vec![spec], Vec::new(), Vec::new()).unwrap();
        let id = supervisor.reader().snapshot().id("child").unwrap();
        let (begun, cpu) = (now_ns(), cpu_ms(std::process::id()));
        supervisor.start(id, provost_state::Cause::User).await.unwrap();
        let mut changed = supervisor.changed();
        while supervisor.reader().snapshot().get(id).unwrap().incarnation == Incarnation(0) {
            changed.changed().await.unwrap();
        }
        supervisor.logs().told_to_its_end(id, Incarnation(1)).await;
        let took = (now_ns() - begun, cpu_ms(std::process::id()) - cpu);
        supervisor.shutdown(provost_state::Cause::Shutdown).await;
        took
    })
}

/// Captures with the supervisor as the host of a keeper.
fn kept(load: Load, dir: &Path) -> (u64, u64) {
    let result = dir.join("result");
    let mut keeper = Command::new(KEEPER);
    keeper.arg("--").arg(std::env::current_exe().unwrap()).args(["logs", HOST]).arg(&result);
    let (lines, bytes) = (load.lines_at_once.to_string(), load.bytes.to_string());
    assert!(keeper.args([lines, bytes]).status().unwrap().success());
    let result = std::fs::read_to_string(result).unwrap();
    let mut numbers = result.split(' ').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Runs as the host of a keeper: captures once, and writes the figures into a file.
#[expect(unsafe_code, reason = "the descriptor is ours by the contract with the keeper")]
fn host(load: Load, result: &Path, runtime: tokio::runtime::Runtime) {
    // SAFETY: the keeper has opened it, and nothing here has closed it.
    let keeper = unsafe { BorrowedFd::borrow_raw(KEEPER_DESCRIPTOR) }.try_clone_to_owned().unwrap();
    let greeting = Greeting::exchange(keeper, "bench").unwrap();
    let farewell = greeting.farewell();
    let keeper = runtime.block_on(async { Keeper::serve(greeting).unwrap().keeper });
    let settings = Settings { keeper: Some(keeper), ..Settings::new(result.with_file_name("logs")) };
    let (ns, cpu_ms) = provost(load, settings, &runtime);
    // Nobody else may read what the keeper says when this host leaves.
    runtime.shutdown_background();
    std::fs::write(result, format!("{ns} {cpu_ms}")).unwrap();
    farewell.leave(0);
}

/// Captures with a bare loop.
fn bare_loop(load: Load, dir: &Path) -> (u64, u64) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut file = File::create(dir.join("log")).unwrap();
    let (begun, cpu) = (now_ns(), cpu_ms(std::process::id()));
    let mut child = spawn(load, writer.into());
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = rustix::io::read(&reader, &mut buffer).unwrap();
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).unwrap();
        if read < READ_BYTES / 2 {
            // Nothing unparks this thread, so this waits for the whole pause.
            std::thread::park_timeout(PAUSE);
        }
    }
    let took = (now_ns() - begun, cpu_ms(std::process::id()) - cpu);
    child.wait().unwrap();
    took
}

/// Captures with `s6-log`, configured as for a service: time stamps and four files of 16 MB.
fn s6_log(load: Load, dir: &Path) -> (u64, u64) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(S6_LOG);
    command.args(["T", "n3", "s16777215"]).arg(dir).stdin(reader);
    let mut log = command.stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    let begun = now_ns();
    let mut child = spawn(load, writer.try_clone().unwrap().into());
    child.wait().unwrap();
    // Waits until the pipe is empty; its write end shows that, too.
    while rustix::io::ioctl_fionread(&writer).unwrap() > 0 {
        std::thread::yield_now();
    }
    // Waits until the last write is over: `s6-log` then sleeps, because there is nothing more to read.
    while !std::fs::read_to_string(format!("/proc/{}/stat", log.id())).unwrap().contains(") S ") {
        std::thread::yield_now();
    }
    let took = (now_ns() - begun, cpu_ms(log.id()));
    drop(writer);
    log.wait().unwrap();
    took
}

fn measure(design: Design, load: Load, runtime: &tokio::runtime::Runtime) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    match design {
        Design::Provost => provost(load, Settings::new(dir.path().to_owned()), runtime),
        Design::Kept => kept(load, dir.path()),
        Design::Loop => bare_loop(load, dir.path()),
        Design::S6Log => s6_log(load, dir.path()),
    }
}

fn quantile(values: &[f64], of_100: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * of_100).div_ceil(100).clamp(1, sorted.len()) - 1]
}

impl Measured {
    fn take(&mut self, load: Load, (ns, cpu_ms): (u64, u64)) {
        self.mb_per_second.push(load.bytes as f64 * 1_000.0 / ns as f64);
        self.cpu_seconds_per_gb.push(cpu_ms as f64 * 1_000_000.0 / load.bytes as f64);
    }

    fn json(&self, design: Design, bare: &Self) -> Value {
        let of = |values: &[f64]| json!({ "p50": quantile(values, 50), "p95": quantile(values, 95), "p99": quantile(values, 99) });
        json!({
            "design": format!("{design:?}").to_lowercase(),
            "mb_per_second": of(&self.mb_per_second),
            "cpu_seconds_per_gb": of(&self.cpu_seconds_per_gb),
            "ratio_to_loop": quantile(&self.mb_per_second, 50) / quantile(&bare.mb_per_second, 50),
            "cpu_ratio_to_loop": quantile(&self.cpu_seconds_per_gb, 50) / quantile(&bare.cpu_seconds_per_gb, 50),
        })
    }

    fn show(&self, design: Design, bare: &Self) {
        let at = |values: &[f64]| [50, 95, 99].map(|of_100| quantile(values, of_100));
        let ([p50, p95, p99], [cpu50, cpu95, cpu99]) =
            (at(&self.mb_per_second), at(&self.cpu_seconds_per_gb));
        println!(
            "{:<8} MB/s p50 {p50:>6.1} p95 {p95:>6.1} p99 {p99:>6.1}   CPU s/GB p50 {cpu50:>5.2} p95 {cpu95:>5.2} p99 {cpu99:>5.2}   RATIO {:.2}",
            format!("{design:?}"),
            p50 / quantile(&bare.mb_per_second, 50)
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, bytes, lines_at_once] = &*arguments
        && first == WRITE
    {
        return write(bytes.parse().unwrap(), lines_at_once.parse().unwrap());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let [first, result, lines_at_once, bytes] = &*arguments
        && first == HOST
    {
        let (lines_at_once, bytes) = (lines_at_once.parse().unwrap(), bytes.parse().unwrap());
        let load = Load { name: "of the keeper", lines_at_once, bytes };
        return host(load, Path::new(result), runtime);
    }
    let mut designs = vec![Design::Loop, Design::Provost, Design::Kept];
    if Path::new(S6_LOG).exists() {
        designs.push(Design::S6Log);
    } else {
        println!("{S6_LOG} is not installed (Debian's package s6) and is left out");
    }
    let rounds = if quick() { 1 } else { 7 };
    let mut blocks = Vec::new();
    for load in loads() {
        let mut measured = vec![Measured::default(); designs.len()];
        for round in 0..rounds {
            for turn in 0..designs.len() {
                let at = (round + turn) % designs.len();
                measured[at].take(load, measure(designs[at], load, &runtime));
            }
        }
        println!(
            "\n{}, {LINE_BYTES} bytes each, {} MB a round, {rounds} rounds",
            load.name,
            load.bytes / 1_000_000
        );
        let of = designs.iter().zip(&measured);
        of.clone().for_each(|(design, it)| it.show(*design, &measured[0]));
        blocks.push(json!({
            "setting": load.name,
            "bytes": load.bytes,
            "rounds": rounds,
            "baseline": "loop",
            "designs": of.map(|(design, it)| it.json(*design, &measured[0])).collect::<Vec<_>>(),
        }));
    }
    figures::write("logs", blocks.into());
}
