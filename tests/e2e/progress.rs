//! What commands that wait show: lines elsewhere, and lines in place on a terminal.

use std::process::Stdio;

use provost_tests::{Host, Setup};

use crate::PROVOST;

const CONFIG: &str = r#"
[process.db]
command = "echo listening; exec sleep 1000"
ready   = { log = "listening" }

[process.web]
command    = ["sleep", "1000"]
depends_on = { db = "ready" }
"#;

/// Returns the lines about one process.
fn about(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with(&format!("{name}: ")));
    lines.map(str::to_owned).collect()
}

#[test]
fn each_change_of_a_phase_is_a_line_on_standard_error_and_the_result_stays_on_standard_output() {
    let host = Host::up(PROVOST, CONFIG);
    host.until("web", "is ready", |web| web["ready"] == true);
    let ran = host.run(&["restart", "db", "--wait"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "db: running (ready: it said `listening`)\n"), "{ran:?}");
    insta::assert_snapshot!(ran.stderr, @r#"
    db: stopping (stop asked for by a user)
    db: waiting (start asked for by a user)
    db: starting (start asked for by a user; it will be ready when it says `listening`)
    db: running (ready: it said `listening`)
    "#);
    let ran = host.run(&["stop", "web", "--wait"]);
    assert_eq!(ran.stdout, "web: stopped (stop asked for by a user)\n");
    insta::assert_snapshot!(ran.stderr, @r#"
    web: stopping (stop asked for by a user)
    web: stopped (stop asked for by a user)
    "#);
    let ran = host.run(&["start", "all", "--wait"]);
    assert_eq!(about("db", &ran.stderr), Vec::<String>::new(), "{ran:?}");
    assert_eq!(about("web", &ran.stderr).last().unwrap(), "web: running (start asked for by a user)");

    for quiet in [&["restart", "db"][..], &["restart", "db", "--wait", "-o", "json"], &["reload", "--wait"]] {
        let ran = host.run(quiet);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{quiet:?}: {ran:?}");
    }
    let refused = host.run(&["restart", "wob", "--wait"]);
    assert!(refused.code == 2 && refused.stderr.starts_with("error: "), "{refused:?}");

    let mut host = host;
    let down = host.run(&["down"]);
    assert_eq!(down.code, 0, "{down:?}");
    assert!(down.stdout.starts_with("down: the host (pid "), "{down:?}");
    let order: Vec<&str> = down.stderr.lines().filter(|line| line.contains(": stopped (")).collect();
    assert_eq!(order.len(), 2, "{down:?}");
    assert!(order[0].starts_with("web: ") && order[1].starts_with("db: "), "{down:?}");
    assert_eq!(host.until_ended(), Some(0));
}

/// Runs a command on a terminal of 80 columns, and returns what it wrote there.
fn on_a_terminal(setup: &Setup, words: &str) -> String {
    let line = format!("script -qec \"stty cols 80 rows 24; exec \\\"$PROVOST\\\" {words}\" /dev/null");
    let mut shell = setup.shell(&line);
    let output = shell.env("TERM", "xterm").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn on_a_terminal_the_lines_are_replaced_in_place_and_a_summary_remains() {
    let config = CONFIG.replace("echo listening", "sleep 0.5; echo listening");
    let host = Host::up(PROVOST, &config);
    host.until("web", "is ready", |web| web["ready"] == true);
    let shown = on_a_terminal(host.setup(), "restart db --wait");
    assert!(shown.contains("restart: 0 of 1 process ready after "), "{shown:?}");
    assert!(shown.contains("\u{1b}[2A"), "two lines are replaced: {shown:?}");
    assert!(shown.contains("  db  starting  "), "{shown:?}");
    assert!(!shown.contains("\u{1b}[?25l"), "the cursor is never hidden: {shown:?}");
    let last = shown.rsplit("\u{1b}[?2026h").next().unwrap();
    assert!(last.contains("restart: 1 of 1 process ready after "), "{last:?}");
    assert!(last.ends_with("db: running (ready: it said `listening`)\n"), "{last:?}");

    std::fs::write(host.setup().dir().join("provost.toml"), config.replace("sleep 0.5", "sleep 0.4"))
        .unwrap();
    let shown = on_a_terminal(host.setup(), "reload --wait");
    assert!(shown.contains("reload: 0 of 1 process ready after "), "{shown:?}");
    assert!(shown.contains("db: restarted: ") && shown.contains("reloaded: 1 process changed"), "{shown:?}");

    let mut host = host;
    let shown = on_a_terminal(host.setup(), "down");
    assert!(shown.contains("down: 2 of 2 processes down after "), "{shown:?}");
    assert_eq!(host.until_ended(), Some(0));
}

#[test]
fn a_host_in_the_background_can_be_waited_for_until_everything_is_ready() {
    let setup = Setup::new(PROVOST, CONFIG);
    let ran = setup.run(&["up", "--detach", "--wait"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("up: the host runs in the background (pid "), "{ran:?}");
    assert_eq!(lines[1..], ["up: 2 processes are ready"]);
    assert_eq!(setup.run(&["down"]).code, 0);
    assert_eq!(setup.run(&["up", "--wait"]).code, 2, "only with --detach");
}

#[test]
fn a_wait_for_what_can_no_longer_be_ready_ends_and_names_it() {
    let config = format!(
        "{CONFIG}\n[process.bad]\ntype = \"job\"\ncommand = \"exit 3\"\n\n[process.late]\ncommand = [\"sleep\", \"1000\"]\ndepends_on = {{ bad = \"completed\" }}\n"
    );
    let setup = Setup::new(PROVOST, &config);
    let ran = setup.run(&["up", "--detach", "--wait", "--timeout", "10s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in [
        "error: 2 processes are not ready ",
        "  bad is ",
        "  late is waiting: waiting for bad to complete",
        "\nhint: `provost explain NAME`",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(setup.run(&["down"]).code, 0);
}
