//! Status over the control socket of the real host, idle and while real processes start, stop and crash, on each backend
//! of the state core: `cargo bench -p provost --bench status`.
//!
//! Each setting has one host. The backends are changed at run time and take turns, so that disturbances of the machine
//! affect all of them. A client asks every 2 ms; if it is still busy when a request is due, the wait counts (no coordinated
//! omission). Then it asks as fast as it can. `RATIO` is to `locked` in the same setting.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod figures;
mod socket;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provost_tests::{Host, eventually};
use serde_json::{Value, json};

use figures::{Latencies, now_ns, quick};
use socket::Socket;

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");
const PROCESSES: usize = 200;
/// The number of lasting processes that orders stop and start all the time.
const ORDERED: usize = 20;
/// The delays of the policies that restart crashing processes.
const DELAYS_MS: [u64; 5] = [210, 260, 310, 370, 430];
const BACKENDS: [&str; 3] = ["atomic", "locked", "dual"];
const EVERY_NS: u64 = 2_000_000;
/// The pause between two orders.
const ORDERS_EVERY: Duration = Duration::from_millis(50);
/// The unit of processor time in `/proc/PID/stat`.
const TICKS_PER_SECOND: u64 = 100;

/// The activity of the host during the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Idle,
    Storm,
}

/// The figures of one backend in one setting.
#[derive(Clone, Debug, Default)]
struct Measured {
    paced: Latencies,
    /// The latencies while one client asks as fast as it can.
    closed: Latencies,
    closed_ns: u64,
    closed_count: u64,
    closed_cpu_ms: u64,
    commits: u64,
    paced_ns: u64,
    paced_cpu_ms: u64,
    answer_bytes: usize,
}

/// The number of turns of each backend, and the lengths of their two phases.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    paced_ns: u64,
    closed_ns: u64,
}

fn plan() -> Plan {
    if quick() {
        Plan { rounds: 1, paced_ns: 300_000_000, closed_ns: 100_000_000 }
    } else {
        Plan { rounds: 6, paced_ns: 2_000_000_000, closed_ns: 1_000_000_000 }
    }
}

fn config(setting: Setting) -> String {
    // The storm is intended, so the restart budget must not limit it.
    let mut config = String::from("[host]\nrestart_budget = { restarts = 99, per = \"1ms\" }\n");
    // Different delays, so that the processes do not crash in step.
    for (policy, delay_ms) in DELAYS_MS.iter().enumerate() {
        config.push_str(&format!(
            "[plugins.backoff{policy}]\ncomponent = \"bundled:backoff\"\n\
             settings = {{ first = \"{delay_ms}ms\", max = \"{delay_ms}ms\", on = \"always\" }}\n"
        ));
    }
    for number in 0..PROCESSES {
        let crashes = setting == Setting::Storm && number % 2 == 1;
        let command = if crashes { "exit 1" } else { "exec sleep 1000" };
        let policy = number / 2 % DELAYS_MS.len();
        config.push_str(&format!(
            "[process.p{number}]\ncommand = \"{command}\"\npolicies = [\"backoff{policy}\"]\n"
        ));
    }
    config
}

/// One host, one client, and the generation of the last answer.
struct Bench {
    host: Host,
    socket: Socket,
    generation: u64,
    answer_bytes: usize,
}

impl Bench {
    /// Requests the status once, and checks that the generation does not decrease.
    fn ask(&mut self) {
        let body = self.socket.get("/v1/status");
        self.answer_bytes = body.len();
        let number = body.strip_prefix(b"{\"generation\":").unwrap();
        let digits = number.iter().take_while(|byte| byte.is_ascii_digit());
        let generation = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        assert!(generation >= self.generation, "{generation} after {}", self.generation);
        self.generation = generation;
    }

    /// Returns the processor time that the host itself has used, in milliseconds.
    fn cpu_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.host.pid())).unwrap();
        let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
        fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>() * 1_000 / TICKS_PER_SECOND
    }

    /// Measures one turn of a backend.
    fn turn(&mut self, backend: &str, plan: Plan, measured: &mut Measured) {
        self.socket.post("/v1/state", &json!({ "backend": backend }).to_string());
        (0..20).for_each(|_| self.ask());
        let (begun, cpu_ms, generation) = (now_ns(), self.cpu_ms(), self.generation);
        let mut due = begun;
        while due < begun + plan.paced_ns {
            due += EVERY_NS;
            let late = now_ns() >= due;
            while now_ns() < due {
                std::thread::park_timeout(Duration::from_nanos(due.saturating_sub(now_ns())));
            }
            // A late timer is not the fault of the host and does not count; a client that the host kept busy does.
            let from = if late { due } else { now_ns() };
            self.ask();
            measured.paced.record(now_ns() - from);
        }
        measured.paced_ns += now_ns() - begun;
        measured.paced_cpu_ms += self.cpu_ms() - cpu_ms;
        measured.commits += self.generation - generation;
        let (begun, cpu_ms) = (now_ns(), self.cpu_ms());
        let mut last = begun;
        while last < begun + plan.closed_ns {
            self.ask();
            let now = now_ns();
            measured.closed.record(now - last);
            measured.closed_count += 1;
            last = now;
        }
        measured.closed_ns += last - begun;
        measured.closed_cpu_ms += self.cpu_ms() - cpu_ms;
        measured.answer_bytes = self.answer_bytes;
    }
}

/// Stops and starts some of the lasting processes until `over` is set, and returns the number of orders.
fn give_orders(path: PathBuf, over: &AtomicBool) -> usize {
    let mut socket = Socket::connect(&path);
    let select: Vec<String> = (0..ORDERED).map(|number| format!("p{}", number * 2)).collect();
    let order = json!({ "select": select }).to_string();
    let mut orders = 0;
    while !over.load(Ordering::Acquire) {
        for action in ["stop", "start"] {
            socket.post(&format!("/v1/processes/{action}"), &order);
            std::thread::park_timeout(ORDERS_EVERY);
        }
        orders += 2;
    }
    orders
}

/// Measures all rounds in one setting. Returns the figures and the state core's own report about each backend.
fn measure(setting: Setting, plan: Plan) -> (Vec<Measured>, Value) {
    let host = Host::up(PROVOST, &config(setting));
    let lives = |status: &Value| {
        status["processes"].as_array().unwrap().iter().step_by(2).all(|it| it["pid"].is_u64())
    };
    let status = eventually("the lasting processes run", || host.status(), lives);
    let path = PathBuf::from(status["host"]["socket"].as_str().unwrap());
    let mut bench = Bench { host, socket: Socket::connect(&path), generation: 0, answer_bytes: 0 };
    let mut measured = vec![Measured::default(); BACKENDS.len()];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let orders = (setting == Setting::Storm).then(|| scope.spawn(|| give_orders(path, &over)));
        for round in 0..plan.rounds {
            for turn in 0..BACKENDS.len() {
                let at = (round + turn) % BACKENDS.len();
                bench.turn(BACKENDS[at], plan, &mut measured[at]);
            }
        }
        over.store(true, Ordering::Release);
        assert!(orders.is_none_or(|orders| orders.join().unwrap() > 0));
    });
    let core: Value = serde_json::from_slice(bench.socket.get("/v1/state")).unwrap();
    for backend in core["backends"].as_array().unwrap() {
        assert_eq!(backend["differences"], 0, "{backend}");
    }
    bench.host.down();
    (measured, core["backends"].clone())
}

fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to.max(1) as f64
}

impl Measured {
    fn per_second(&self) -> u64 {
        self.closed_count * 1_000_000_000 / self.closed_ns.max(1)
    }

    /// Returns the processor time of the host per status in the closed loop, in microseconds. In a storm it includes the
    /// cost of the storm.
    fn cpu_us(&self) -> u64 {
        self.closed_cpu_ms * 1_000 / self.closed_count.max(1)
    }

    /// Returns the processor time of the host during the paced phase, in percent of one core.
    fn paced_cpu_percent(&self) -> u64 {
        self.paced_cpu_ms * 100_000_000 / self.paced_ns.max(1)
    }

    fn commits_per_second(&self) -> u64 {
        self.commits * 1_000_000_000 / self.paced_ns.max(1)
    }

    fn json(&self, backend: &str, locked: &Self) -> Value {
        json!({
            "design": backend,
            "paced": self.paced.json(),
            "closed_loop": self.closed.json(),
            "per_second": self.per_second(),
            "ratio_to_locked": ratio(self.per_second(), locked.per_second()),
            "host_cpu_us_per_status": self.cpu_us(),
            "host_cpu_percent_paced": self.paced_cpu_percent(),
            "commits": self.commits,
            "commits_per_second": self.commits_per_second(),
            "answer_bytes": self.answer_bytes,
        })
    }
}

fn show(setting: Setting, measured: &[Measured]) {
    println!("\n{setting:?}: {PROCESSES} processes, GET /v1/status");
    let locked = &measured[1];
    for (backend, it) in BACKENDS.iter().zip(measured) {
        println!(
            "{backend:<7} paced   {}   {:>5} commits/s   host {:>3} % of a core",
            it.paced.words(),
            it.commits_per_second(),
            it.paced_cpu_percent()
        );
        println!(
            "{:<7} closed  {}   {:>5}/s   RATIO {:.2}   {} us CPU a status",
            "",
            it.closed.words(),
            it.per_second(),
            ratio(it.per_second(), locked.per_second()),
            it.cpu_us(),
        );
    }
}

fn main() {
    let plan = plan();
    let mut blocks = Vec::new();
    for setting in [Setting::Idle, Setting::Storm] {
        let (measured, core) = measure(setting, plan);
        show(setting, &measured);
        let designs = BACKENDS.iter().zip(&measured).map(|(backend, it)| it.json(backend, &measured[1]));
        blocks.push(json!({
            "setting": format!("{setting:?}").to_lowercase(),
            "processes": PROCESSES,
            "rounds": plan.rounds,
            "baseline": "locked",
            "designs": designs.collect::<Vec<_>>(),
            "state_core": core,
        }));
    }
    figures::write("status", blocks.into());
}
