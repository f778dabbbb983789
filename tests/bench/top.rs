//! What the live view costs: the CPU of `provost top` and of the host, with 1,000 processes that are quiet, restart 100 times a second
//! or 1,000 times a second, at 10 Hz: `cargo bench -p provost --bench top`. It takes about four minutes.
//!
//! The view runs in a pseudo-terminal that is read all the time (by `script`), as by a terminal emulator. The CPU of the host for the view is the
//! difference between a host that is watched and the same host before and afterwards, which in a storm is smaller than its changes from
//! one moment to the next; so the threads that answer requests are shown by themselves, as is the thread that reads the use of resources.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod cpu;
#[expect(dead_code, reason = "only the other benchmarks use the latencies")]
mod figures;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cpu::{cpu_ms, thread_cpu_ms};
use figures::{now_ns, quick};
use provost_tests::{Host, eventually};
use serde_json::{Value, json};

const PROVOST: &str = env!("CARGO_BIN_EXE_provost");

const PROCESSES: usize = 1_000;

/// The name of the thread of the host that reads what processes use.
const USAGE_THREAD: &str = "provost-usage";

/// The name of the threads of the host that answer requests on the Unix socket. Only the view sends any.
const API_THREAD: &str = "provost-api";

/// The settings: the restarts per second that are wanted, the number of processes that exit as soon as they run, and the milliseconds
/// after which each of them is started again.
const SETTINGS: [(&str, usize, u64); 3] =
    [("quiet", 0, 100), ("100 restarts/s", 11, 100), ("1,000 restarts/s", 60, 40)];

fn config(crashing: usize, delay_ms: u64) -> String {
    // The storm is intended, so the restart budget must not limit it.
    let mut config = format!(
        "[host]\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n[plugins.again]\ncomponent = \"bundled:backoff\"\n\
         settings = {{ first = \"{delay_ms}ms\", max = \"{delay_ms}ms\", on = \"always\" }}\n"
    );
    for number in 0..PROCESSES {
        // Those that crash are among the first rows, which are on the screen.
        let command = if number < crashing { "exit 1" } else { "exec sleep 1000" };
        config.push_str(&format!("[process.p{number}]\ncommand = \"{command}\"\npolicies = [\"again\"]\n"));
    }
    config
}

fn wait(ns: u64) {
    let until = now_ns() + ns;
    while now_ns() < until {
        std::thread::park_timeout(Duration::from_nanos(until.saturating_sub(now_ns())));
    }
}

/// The view in a pseudo-terminal of 50 rows and 160 columns.
struct View {
    script: Child,
    pid: u32,
}

impl View {
    fn open(host: &Host) -> Self {
        let line = format!("stty rows 50 cols 160; exec {PROVOST} top");
        let script = Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .current_dir(host.setup().dir())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = eventually("the view runs", || Self::pid(script.id()), Option::is_some).unwrap();
        Self { script, pid }
    }

    /// Returns the child of `script`, once it is the view.
    fn pid(script: u32) -> Option<u32> {
        let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children")).ok()?;
        let pid = children.split_whitespace().next()?.parse().ok()?;
        let is_view = std::fs::read_link(format!("/proc/{pid}/exe")).ok()? == Path::new(PROVOST);
        is_view.then_some(pid)
    }

    fn close(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.script.wait().unwrap();
    }
}

/// Returns the restarts of all processes, and the generation.
fn progress(host: &Host) -> (u64, u64) {
    let status = host.status();
    let restarts =
        status["processes"].as_array().unwrap().iter().map(|it| it["restarts"].as_u64().unwrap()).sum();
    (restarts, status["generation"].as_u64().unwrap())
}

fn measure(name: &str, crashing: usize, delay_ms: u64, ns: u64) -> Value {
    let host = Host::up(PROVOST, &config(crashing, delay_ms));
    let all_run = |status: &Value| {
        let all = status["processes"].as_array().unwrap();
        all.iter().skip(crashing).all(|it| it["pid"].is_u64())
    };
    eventually("the lasting processes run", || host.status(), all_run);
    wait(ns / 4);
    let seconds = ns as f64 / 1e9;
    let percent = |used_ms: u64| used_ms as f64 / 10.0 / seconds;
    let bare = || {
        let before = cpu_ms(host.pid());
        wait(ns);
        percent(cpu_ms(host.pid()) - before)
    };
    let usage_before = thread_cpu_ms(host.pid(), USAGE_THREAD);
    let first = bare();
    let usage = percent(thread_cpu_ms(host.pid(), USAGE_THREAD) - usage_before);
    let view = View::open(&host);
    wait(ns / 4);
    let begun = progress(&host);
    let used = || (cpu_ms(host.pid()), cpu_ms(view.pid), thread_cpu_ms(host.pid(), API_THREAD));
    let before = used();
    wait(ns);
    let after = used();
    let ended = progress(&host);
    view.close();
    let last = bare();
    let rate = |after: u64, before: u64| (after - before) as f64 / seconds;
    let (of_host, of_view) = (percent(after.0 - before.0), percent(after.1 - before.1));
    let (restarts, commits) = (rate(ended.0, begun.0), rate(ended.1, begun.1));
    let api = percent(after.2 - before.2);
    let without = (first + last) / 2.0;
    println!(
        "{name:<18} {restarts:>6.0} restarts/s {commits:>6.0} commits/s   view {of_view:>5.2} %   host {of_host:>5.2} % with it, \
         {first:.2} % before and {last:.2} % after: {:+.2} %   API {api:.2} %   usage {usage:.2} %",
        of_host - without
    );
    json!({
        "setting": name, "restarts_per_s": restarts, "commits_per_s": commits, "view_percent": of_view,
        "host_percent": of_host, "host_percent_before": first, "host_percent_after": last, "usage_percent": usage,
        "api_percent": api,
    })
}

fn main() {
    let ns = if quick() { 2_000_000_000 } else { 20_000_000_000 };
    let measured = SETTINGS.map(|(name, crashing, delay_ms)| measure(name, crashing, delay_ms, ns));
    figures::write("top", measured.into_iter().collect());
}
