//! Writes the pictures of the README and of `docs/pictures.md`, `docs/pictures/*.svg`, from what the built binary prints about a real
//! host, and shows of it in a terminal of tmux. `cargo test --no-run --test e2e` builds the binary, and `cargo run --example picture`
//! writes the pictures.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that people run by hand, and that fails by panicking"
)]

mod svg;
mod top;

use std::path::{Path, PathBuf};

use provost_tests::{Host, Setup};
use rustix::process::Signal;

/// The width of the pictures, in columns.
const COLUMNS: usize = 100;

const CONFIG: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings  = { first = "500ms", factor = 4.0, max = "1m" }

[process.migrate]
type    = "job"
command = "echo done"

[process.db]
command = "echo listening; exec sleep 1000"
ready   = { log = "listening" }
group   = "data"

[process.web]
command    = "echo serving; exec sleep 1000"
ready      = { log = "serving" }
replicas   = 2
group      = "front"
policies   = ["backoff"]
depends_on = { db = "ready", migrate = "completed" }

[process.worker]
command    = "sleep 0.3; exit 3"
policies   = ["backoff"]
depends_on = { db = "ready" }
"#;

/// Returns the path of the built binary, which is beside the directory of the examples.
fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().and_then(Path::parent).unwrap().join("provost")
}

/// Returns what a command prints on a terminal with colours, below the line that runs it.
fn shown(host: &Host, words: &[&str]) -> String {
    let mut command = host.setup().command(words);
    command.args(["--color", "always"]).env_remove("NO_COLOR");
    command.env("COLUMNS", COLUMNS.to_string()).env("TZ", "UTC");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    format!("$ provost {}\n{}", words.join(" "), String::from_utf8(output.stdout).unwrap())
}

fn save(name: &str, picture: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures").join(name);
    std::fs::write(&path, picture).unwrap();
    println!("docs/pictures/{name} is written");
}

/// Saves a picture of what was printed.
fn save_printed(name: &str, title: &str, printed: &str) {
    save(name, svg::drawn(title, printed, COLUMNS).as_bytes());
}

/// Saves a picture that the binary has drawn.
fn save_drawn(name: &str, host: &Host, words: &[&str]) {
    let mut command = host.setup().command(words);
    let output = command.args(["-o", "svg"]).env("TZ", "UTC").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    save(name, &output.stdout);
}

fn main() {
    let binary = binary();
    assert!(binary.exists(), "build it first: cargo test --no-run --test e2e");
    let host = Setup::new(binary.to_str().unwrap(), CONFIG).up();
    for name in ["web.1", "web.2", "db"] {
        host.until(name, "is ready", |process| process["ready"] == true);
    }
    // The pause after the third failure is long enough for a picture.
    host.until("worker", "waits", |worker| worker["phase"] == "backoff" && worker["failures"] == 3);
    save_printed("status.svg", "provost status", &shown(&host, &["status"]));

    let before = host.process("web.1");
    Host::kill(&before["pid"], Signal::KILL);
    host.until("web.1", "was restarted", |web| web["restarts"] == 1 && web["ready"] == true);
    let screen = format!("$ kill -9 {}\n{}", before["pid"], shown(&host, &["explain", "web.1"]));
    save_printed("restart.svg", "provost explain, after a kill", &screen);

    save_drawn("graph.svg", &host, &["graph"]);
    save_drawn("boot.svg", &host, &["analyze"]);
    save_drawn("timeline.svg", &host, &["timeline", "worker"]);
    host.down();

    let picture =
        svg::drawn("provost top", &top::screen(binary.to_str().unwrap()), usize::from(top::COLUMNS));
    save("top.svg", picture.as_bytes());
}
