//! The screen of `provost top` for its picture: a tree of groups, with the details of a process that fails again and again.

use provost_tests::{Setup, Terminal};

/// The size of the terminal.
pub(crate) const COLUMNS: u16 = 110;
const ROWS: u16 = 32;

const CONFIG: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings  = { first = "500ms", factor = 2.0, max = "1m" }

[process.migrate]
type    = "job"
command = "echo done"

[process.db]
command = "exec python3 -c 'import signal; pages = bytearray(64 << 20); print(\"listening\", flush=True); signal.pause()'"
ready   = { log = "listening" }
group   = "data"

[process.cache]
command    = "exec sleep 1000"
group      = "data"
depends_on = { db = "ready" }

[process.web]
command    = """
echo 'serving on :8080'
while :; do i=0; while [ $i -lt 150000 ]; do i=$((i + 1)); done; sleep 1; done"""
ready      = { log = "serving" }
replicas   = 2
group      = "front"
policies   = ["backoff"]
depends_on = { db = "ready", migrate = "completed" }
env        = { PORT = "8080", DATABASE_URL = "postgres://app@db/app" }

[process.mailer]
command    = """
echo 'connecting to smtp.example.net:587'
sleep 0.2; echo 'error: connection refused' >&2; exit 3"""
policies   = ["backoff"]
group      = "workers"
depends_on = { db = "ready" }

[process.reports]
command   = "exec sleep 1000"
group     = "workers"
autostart = false
"#;

/// Returns the screen with the sequences of its colours.
pub(crate) fn screen(binary: &str) -> String {
    let host = Setup::new(binary, CONFIG).up();
    for name in ["web.1", "web.2", "db"] {
        host.until(name, "is ready", |process| process["ready"] == true);
    }
    let terminal = Terminal::open(host.setup(), COLUMNS, ROWS);
    terminal.line("TZ=UTC \"$PROVOST\" top --tree --color always");
    terminal.until("the list is drawn", |screen| screen.contains("mailer"));
    terminal.keys(&[":"]);
    terminal.keys(&["g", "o", "Space", "m", "a", "i", "l", "e", "r", "Enter", "Enter"]);
    // By then the trends have their points, too.
    host.until("mailer", "waits", |mailer| mailer["phase"] == "backoff" && mailer["failures"] == 6);
    terminal.until("the screen shows it", |screen| {
        screen.contains("mailer backoff") && screen.contains("connection refused")
    });
    terminal.colors()
}
