//! Status of Provost beside supervisord's XML-RPC and circus's ZeroMQ.
//!
//! Each supervisor has the same processes, one supervisor after the other in each round, and each is asked for everything that it says of
//! all processes: by one client and by sixteen, while the processes sleep, while four of them flood their logs, and in a storm of restarts.

use std::path::Path;

use serde_json::{Value, json};

use super::cpu::cpu_ms;
use super::figures::{Latencies, now_ns, quick};
use super::peer_daemons::{Daemon, Kind, Setting};

const SETTINGS: [Setting; 3] = [Setting::Quiet, Setting::Flood, Setting::Storm];

/// The number of clients that ask at the same time.
const CLIENTS: [usize; 2] = [1, 16];

/// What was measured of one supervisor with one number of clients.
#[derive(Clone, Debug, Default)]
struct Measured {
    latencies: Latencies,
    answers: u64,
    ns: u64,
    cpu_ms: u64,
    answer_bytes: usize,
}

/// Measures all settings. `peers` is the folder of the peers' programs.
pub(crate) fn measure(peers: &Path) -> Value {
    let (sizes, rounds, ns): (&[usize], _, _) =
        if quick() { (&[10], 1, 200_000_000) } else { (&[10, 100, 500, 1_000], 3, 2_000_000_000) };
    let mut blocks = Vec::new();
    for setting in SETTINGS {
        for &size in sizes {
            let mut measured = vec![[Measured::default(), Measured::default()]; Kind::ALL.len()];
            for _ in 0..rounds {
                for (kind, measured) in Kind::ALL.into_iter().zip(&mut measured) {
                    let daemon = Daemon::start(kind, setting, size, peers);
                    for (clients, measured) in CLIENTS.into_iter().zip(measured) {
                        ask(&daemon, clients, ns, measured);
                    }
                    daemon.end();
                }
            }
            blocks.push(block(setting, size, rounds, &measured));
        }
    }
    blocks.into()
}

/// Lets clients ask as fast as they are answered.
fn ask(daemon: &Daemon, clients: usize, ns: u64, measured: &mut Measured) {
    let cpu_before = cpu_ms(daemon.pid());
    let begun = now_ns();
    let all: Vec<(Vec<u64>, usize)> = std::thread::scope(|scope| {
        let one = || {
            let (mut client, mut latencies, mut bytes) = (daemon.client(), Vec::new(), 0);
            while now_ns() < begun + ns || latencies.is_empty() {
                let asked = now_ns();
                bytes = client.ask();
                latencies.push(now_ns() - asked);
            }
            (latencies, bytes)
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    measured.ns += now_ns() - begun;
    measured.cpu_ms += cpu_ms(daemon.pid()) - cpu_before;
    for (latencies, bytes) in all {
        measured.answers += latencies.len() as u64;
        latencies.into_iter().for_each(|ns| measured.latencies.record(ns));
        measured.answer_bytes = bytes;
    }
}

fn block(setting: Setting, processes: usize, rounds: usize, measured: &[[Measured; 2]]) -> Value {
    println!("\n{setting:?}: {processes} processes");
    let mut designs = Vec::new();
    for (at, clients) in CLIENTS.into_iter().enumerate() {
        let ours = &measured[0][at];
        for (kind, measured) in Kind::ALL.into_iter().zip(measured) {
            let it = &measured[at];
            println!(
                "{:<12} {clients:>2} clients   {}   {:>7.0}/s   RATIO {:>7.4}   {:>7.0} us CPU   {} B",
                kind.name(),
                it.latencies.words(),
                it.per_second(),
                it.per_second() / ours.per_second(),
                it.cpu_us(),
                it.answer_bytes
            );
            designs.push(json!({
                "design": kind.name(),
                "clients": clients,
                "latency": it.latencies.json(),
                "per_second": it.per_second(),
                "ratio_to_provost": it.per_second() / ours.per_second(),
                "cpu_us_per_answer": it.cpu_us(),
                "answer_bytes": it.answer_bytes,
            }));
        }
    }
    let setting = format!("{setting:?}").to_lowercase();
    json!({ "setting": setting, "processes": processes, "rounds": rounds, "designs": designs })
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.answers as f64 * 1e9 / self.ns.max(1) as f64
    }

    /// Returns the processor time of the supervisor for each answer, in microseconds. In a storm or a flood it includes its cost.
    fn cpu_us(&self) -> f64 {
        self.cpu_ms as f64 * 1_000.0 / self.answers.max(1) as f64
    }
}
