//! Status over the control socket of a host that is idle, or whose processes crash and are restarted all the time, on each
//! backend of the state core, by this binary and by a former one.
//!
//! In each round each binary has one host after the other, and the ways of asking take turns, so that disturbances of the
//! machine affect all of them. A client asks every 2 ms; if it is still busy when a request is due, the wait counts (no
//! coordinated omission). Then it asks as fast as it can.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provost_tests::{Host, eventually};
use serde_json::{Value, json};

use super::PROVOST;
use super::counting::{Bare, Counting};
use super::cpu::cpu_ms;
use super::figures::{Latencies, now_ns, quick};
use super::socket::Socket;

/// The number of processes.
const PROCESSES: usize = 500;
/// In a storm, the first of each of as many processes exits as soon as it runs: 50 of 500.
const CRASHES_EVERY: usize = 10;
/// The number of lasting processes that orders stop and start all the time in a storm.
const ORDERED: usize = 10;
/// The delays of the policies that restart crashing processes: together about 1,000 restarts per second.
const DELAYS_MS: [u64; 5] = [30, 35, 40, 45, 50];
const EVERYTHING: &[u8] = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
const EVERY_NS: u64 = 2_000_000;
/// The pause between two orders.
const ORDERS_EVERY: Duration = Duration::from_millis(50);

/// The activity of the host during the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Idle,
    Storm,
}

/// What is requested each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Everything,
    /// The processes that have changed since the last answer.
    Changes,
    /// The bytes of an earlier answer, by a bare loop on the same machine.
    Bare,
}

/// One way of asking.
struct Way {
    name: &'static str,
    is_former: bool,
    backend: &'static str,
    request: Request,
}

const fn way(name: &'static str, is_former: bool, backend: &'static str, request: Request) -> Way {
    Way { name, is_former, backend, request }
}

const WAYS: [Way; 7] = [
    way("bare loop", false, "atomic", Request::Bare),
    way("atomic", false, "atomic", Request::Everything),
    way("locked", false, "locked", Request::Everything),
    way("dual", false, "dual", Request::Everything),
    way("`?since=`, atomic", false, "atomic", Request::Changes),
    way("former binary, atomic", true, "atomic", Request::Everything),
    way("former binary, locked", true, "locked", Request::Everything),
];

/// The figures of one way of asking in one setting.
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

/// The number of turns of each way, and the lengths of their two phases.
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
        Plan { rounds: 4, paced_ns: 1_000_000_000, closed_ns: 500_000_000 }
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
        let crashes = setting == Setting::Storm && number % CRASHES_EVERY == 0;
        let command = if crashes { "exit 1" } else { "exec sleep 1000" };
        let policy = number / CRASHES_EVERY % DELAYS_MS.len();
        config.push_str(&format!(
            "[process.p{number}]\ncommand = \"{command}\"\npolicies = [\"backoff{policy}\"]\n"
        ));
    }
    config
}

/// One host, one client, and the generation of the last answer.
struct Bench {
    host: Host,
    path: PathBuf,
    core: Socket,
    client: Counting,
    /// A client of a bare loop, which has recorded an answer of the host.
    bare: (Counting, Bare),
    generation: u64,
    answer_bytes: usize,
}

impl Bench {
    fn start(binary: &str, setting: Setting) -> Self {
        let host = Host::up(binary, &config(setting));
        let lives = |status: &Value| {
            let all = status["processes"].as_array().unwrap();
            let lasting = all.iter().enumerate().filter(|(number, _)| number % CRASHES_EVERY != 0);
            lasting.into_iter().all(|(_, it)| it["pid"].is_u64())
        };
        let status = eventually("the lasting processes run", || host.status(), lives);
        let path = PathBuf::from(status["host"]["socket"].as_str().unwrap());
        let (core, client) = (Socket::connect(&path), Counting::connect(&path));
        let bare = Bare::recorded(&path, EVERYTHING);
        Self {
            host,
            path,
            core,
            client,
            bare: (Counting::connect(&bare.path), bare),
            generation: 0,
            answer_bytes: 0,
        }
    }

    /// Requests the status once, and checks that the generation does not decrease.
    fn ask(&mut self, request: Request) {
        let query = match request {
            Request::Bare => {
                self.answer_bytes = self.bare.0.ask(EVERYTHING).body_bytes;
                return;
            }
            Request::Everything => String::new(),
            Request::Changes => format!("?parts=processes&since={}", self.generation),
        };
        let request = format!("GET /v1/status{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = self.client.ask(request.as_bytes());
        assert_eq!(answer.status, 200);
        self.answer_bytes = answer.body_bytes;
        let number = self.client.body_begins().strip_prefix(b"{\"generation\":").unwrap();
        let digits = number.iter().take_while(|byte| byte.is_ascii_digit());
        let generation = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        assert!(generation >= self.generation, "{generation} after {}", self.generation);
        self.generation = generation;
    }

    /// Returns the processor time that the host itself has used, in milliseconds.
    fn cpu_ms(&self) -> u64 {
        cpu_ms(self.host.pid())
    }

    /// Measures one turn of a way of asking.
    fn turn(&mut self, way: &Way, plan: Plan, measured: &mut Measured) {
        self.core.post("/v1/state", "", &json!({ "backend": way.backend }).to_string());
        (0..20).for_each(|_| self.ask(way.request));
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
            self.ask(way.request);
            measured.paced.record(now_ns() - from);
        }
        measured.paced_ns += now_ns() - begun;
        measured.paced_cpu_ms += self.cpu_ms() - cpu_ms;
        measured.commits += self.generation - generation;
        let (begun, cpu_ms) = (now_ns(), self.cpu_ms());
        let mut last = begun;
        while last < begun + plan.closed_ns {
            self.ask(way.request);
            let now = now_ns();
            measured.closed.record(now - last);
            measured.closed_count += 1;
            last = now;
        }
        measured.closed_ns += last - begun;
        measured.closed_cpu_ms += self.cpu_ms() - cpu_ms;
        measured.answer_bytes = self.answer_bytes;
    }

    /// Checks that the backends agreed, and ends the host.
    fn end(mut self) {
        let core: Value = serde_json::from_slice(self.core.get("/v1/state")).unwrap();
        for backend in core["backends"].as_array().unwrap() {
            assert_eq!(backend["differences"], 0, "{backend}");
        }
        self.host.down();
    }
}

/// Stops and starts some of the lasting processes until `over` is set, and returns the number of orders.
fn give_orders(path: &Path, over: &AtomicBool) -> usize {
    let mut socket = Socket::connect(path);
    let select: Vec<String> = (0..ORDERED).map(|number| format!("p{}", number * CRASHES_EVERY + 1)).collect();
    let order = json!({ "select": select }).to_string();
    let mut orders = 0;
    while !over.load(Ordering::Acquire) {
        for action in ["stop", "start"] {
            socket.post(&format!("/v1/processes/{action}"), "", &order);
            std::thread::park_timeout(ORDERS_EVERY);
        }
        orders += 2;
    }
    orders
}

/// Measures one round of one binary.
fn round(binary: &str, is_former: bool, setting: Setting, number: usize, measured: &mut [Measured]) {
    let mut bench = Bench::start(binary, setting);
    let path = bench.path.clone();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let orders = (setting == Setting::Storm).then(|| scope.spawn(|| give_orders(&path, &over)));
        let ways: Vec<usize> = (0..WAYS.len()).filter(|way| WAYS[*way].is_former == is_former).collect();
        for turn in 0..ways.len() {
            let way = ways[(number + turn) % ways.len()];
            bench.turn(&WAYS[way], plan(), &mut measured[way]);
        }
        over.store(true, Ordering::Release);
        assert!(orders.is_none_or(|orders| orders.join().unwrap() > 0));
    });
    bench.end();
}

/// Measures all rounds in one setting. `former` is the binary of an earlier state.
pub(crate) fn measure(setting: Setting, former: Option<&str>) -> Value {
    let mut measured = vec![Measured::default(); WAYS.len()];
    let rounds = plan().rounds;
    for number in 0..rounds {
        round(PROVOST, false, setting, number, &mut measured);
        if let Some(former) = former {
            round(former, true, setting, number, &mut measured);
        }
    }
    let there: Vec<_> =
        WAYS.iter().zip(&measured).filter(|(way, _)| former.is_some() || !way.is_former).collect();
    let locked = &measured[2];
    show(setting, &there, locked);
    json!({
        "setting": format!("{setting:?}").to_lowercase(),
        "processes": PROCESSES,
        "rounds": rounds,
        "baseline": "locked",
        "designs": there.iter().map(|(way, it)| it.json(way.name, locked)).collect::<Vec<_>>(),
    })
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

    fn json(&self, name: &str, locked: &Self) -> Value {
        json!({
            "design": name,
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

fn show(setting: Setting, measured: &[(&Way, &Measured)], locked: &Measured) {
    println!("\n{setting:?}: {PROCESSES} processes, GET /v1/status");
    for (way, it) in measured {
        println!(
            "{:<22} paced   {}   {:>5} commits/s   host {:>3} % of a core",
            way.name,
            it.paced.words(),
            it.commits_per_second(),
            it.paced_cpu_percent()
        );
        println!(
            "{:<22} closed  {}   {:>5}/s   RATIO {:.2}   {} us CPU a status",
            "",
            it.closed.words(),
            it.per_second(),
            ratio(it.per_second(), locked.per_second()),
            it.cpu_us(),
        );
    }
}
