//! The cost of each kind of answer on a quiet host, in units of a bare loop that writes the same bytes to the same client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_tests::{Host, eventually};
use serde_json::{Value, json};

use super::PROVOST;
use super::counting::{Bare, Counting};
use super::figures::{Latencies, now_ns, quick};

/// The numbers of processes.
pub(crate) const SIZES: [usize; 2] = [100, 500];

/// The number of clients that ask at the same time.
const CLIENTS: usize = 16;

/// The kinds of answers. All are to one client that asks as fast as it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ping,
    /// Everything.
    All,
    /// Everything, by the former binary.
    Former,
    /// Everything, while the state core is on `locked`.
    Locked,
    /// The client has the answer.
    Unchanged,
    Processes,
    ProcessesUnchanged,
    /// Three fields of all processes.
    Fields,
    /// The changes since the last one.
    Since,
    /// The bytes of `All` by a bare loop.
    Bare,
    /// The bytes of `Ping` by a bare loop.
    BarePing,
}

const KINDS: [(Kind, &str); 11] = [
    (Kind::Bare, "bare loop"),
    (Kind::All, "all"),
    (Kind::Former, "all, former binary"),
    (Kind::Locked, "all, on `locked`"),
    (Kind::Processes, "`?parts=processes`"),
    (Kind::Fields, "`?fields=name,phase,pid`"),
    (Kind::Since, "`?since=`, nothing new"),
    (Kind::BarePing, "bare loop of a ping"),
    (Kind::Ping, "ping"),
    (Kind::Unchanged, "unchanged"),
    (Kind::ProcessesUnchanged, "`?parts=processes`, unchanged"),
];

/// One kind of request, and what was measured of it.
struct Asked {
    kind: Kind,
    name: &'static str,
    client: Counting,
    path: PathBuf,
    request: Vec<u8>,
    status: u16,
    bytes: usize,
    one: Latencies,
    /// The answers per second to [`CLIENTS`] clients, one number for each round.
    many: Vec<u64>,
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

fn config(processes: usize) -> String {
    (0..processes).map(|number| format!("[process.p{number}]\ncommand = \"exec sleep 1000\"\n")).collect()
}

/// Starts a host whose processes run, and returns the path of its socket.
fn quiet(binary: &str, processes: usize) -> (Host, PathBuf) {
    let host = Host::up(binary, &config(processes));
    let runs =
        |status: &Value| status["processes"].as_array().unwrap().iter().all(|one| one["phase"] == "running");
    let status = eventually("all processes run", || host.status(), runs);
    let path = PathBuf::from(status["host"]["socket"].as_str().unwrap());
    (host, path)
}

impl Asked {
    fn new(kind: Kind, name: &'static str, path: &Path, request: Vec<u8>) -> Self {
        let mut client = Counting::connect(path);
        let answer = client.ask(&request);
        Self {
            kind,
            name,
            client,
            path: path.to_owned(),
            request,
            status: answer.status,
            bytes: answer.body_bytes,
            one: Latencies::default(),
            many: Vec::new(),
        }
    }

    /// Asks as fast as one client can.
    fn alone(&mut self, for_ns: u64) {
        for _ in 0..20 {
            self.client.ask(&self.request);
        }
        let begun = now_ns();
        let mut last = begun;
        while last < begun + for_ns {
            let answer = self.client.ask(&self.request);
            let now = now_ns();
            assert_eq!(answer.status, self.status);
            self.one.record(now - last);
            last = now;
        }
    }

    /// Asks with many clients at the same time.
    fn crowded(&mut self, for_ns: u64) {
        let begun = now_ns();
        let counts = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut client = Counting::connect(&self.path);
                        let mut count = 0;
                        while now_ns() < begun + for_ns {
                            assert_eq!(client.ask(&self.request).status, self.status);
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().unwrap()).sum::<u64>()
        });
        self.many.push(counts * 1_000_000_000 / (now_ns() - begun).max(1));
    }

    fn crowded_per_second(&self) -> Option<u64> {
        let mut all = self.many.clone();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }
}

/// Measures all kinds of answers with this number of processes. `former` is the binary of an earlier state.
pub(crate) fn measure(processes: usize, former: Option<&str>) -> Value {
    let (host, path) = quiet(PROVOST, processes);
    let old = former.map(|binary| quiet(binary, processes));
    let tag_of = |path: &Path, of: &str| {
        let mut client = Counting::connect(path);
        client.ask(&get(of, ""));
        format!("If-None-Match: {}\r\n", client.header("etag"))
    };
    let (all, only, ping) = ("/v1/status", "/v1/status?parts=processes", "/v1/ping");
    let status = host.status();
    let since = format!(
        "/v1/status?parts=processes&since={}&boot={}",
        status["generation"],
        status["boot"].as_str().unwrap()
    );
    let (bare, bare_ping) = (Bare::recorded(&path, &get(all, "")), Bare::recorded(&path, &get(ping, "")));
    let asked = KINDS.into_iter().filter_map(|(kind, name)| {
        let request = match kind {
            Kind::Ping | Kind::BarePing => get(ping, ""),
            Kind::All | Kind::Bare | Kind::Locked | Kind::Former => get(all, ""),
            Kind::Unchanged => get(all, &tag_of(&path, all)),
            Kind::Processes => get(only, ""),
            Kind::ProcessesUnchanged => get(only, &tag_of(&path, only)),
            Kind::Fields => get("/v1/status?fields=name,phase,pid", ""),
            Kind::Since => get(&since, ""),
        };
        let path = match kind {
            Kind::Former => &old.as_ref()?.1,
            Kind::Bare => &bare.path,
            Kind::BarePing => &bare_ping.path,
            _ => &path,
        };
        Some(Asked::new(kind, name, path, request))
    });
    let mut asked: Vec<Asked> = asked.collect();
    let (rounds, for_ns) = if quick() { (1, 50_000_000) } else { (10, 200_000_000) };
    let mut core = super::socket::Socket::connect(&path);
    for _ in 0..rounds {
        for one in &mut asked {
            let on = |backend: &str| json!({ "backend": backend }).to_string();
            if one.kind == Kind::Locked {
                core.post("/v1/state", "", &on("locked"));
            }
            one.alone(for_ns);
            if matches!(one.kind, Kind::All | Kind::Bare | Kind::Former | Kind::Locked) {
                one.crowded(for_ns);
            }
            if one.kind == Kind::Locked {
                core.post("/v1/state", "", &on("atomic"));
            }
            // Others on the machine get their turn before the next measurement.
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    host.down();
    if let Some((old, _)) = old {
        old.down();
    }
    let designs: Vec<Value> = asked.iter().map(Asked::json).collect();
    show(processes, &asked);
    json!({ "setting": "replies", "processes": processes, "rounds": rounds, "clients": CLIENTS, "designs": designs })
}

impl Asked {
    fn json(&self) -> Value {
        json!({
            "design": self.name,
            "status": self.status,
            "body_bytes": self.bytes,
            "one": self.one.json(),
            "many_per_second": self.crowded_per_second(),
        })
    }
}

fn show(processes: usize, asked: &[Asked]) {
    println!("\n{processes} processes that run, no changes");
    for one in asked {
        let many = one
            .crowded_per_second()
            .map_or_else(String::new, |many| format!("   {CLIENTS} clients {many}/s"));
        println!("{:<30} {:>7} B   {}{many}", one.name, one.bytes, one.one.words());
    }
}
