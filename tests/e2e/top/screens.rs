//! What each view shows, and what its keys do.

use provost_tests::{Host, Setup};

use super::terminal::Terminal;
use crate::PROVOST;

const CONFIG: &str = r#"
[process.web]
command = "echo listening on 8080; printf 'an [odd] \\033[31mline\\n' >&2; exec sleep 1000"
[process.api]
command = "exec sleep 1000"
depends_on = ["web"]
[process.w]
command = "exec sleep 1000"
group = "workers"
replicas = { min = 1, max = 3 }
[process.migrate]
type = "job"
command = "exit 0"
[plugins.backoff]
component = "bundled:backoff"
"#;

fn up() -> (Host, Terminal) {
    let host = Host::up(PROVOST, CONFIG);
    let terminal = Terminal::open(host.setup(), 100, 24);
    terminal.line("\"$PROVOST\" top");
    (host, terminal)
}

fn is_drawn(screen: &str) -> bool {
    screen.contains("Enter detail") && screen.contains("migrate") && screen.contains("3 running")
}

#[test]
fn the_list_the_tree_and_the_detail_show_the_processes() {
    let (_host, terminal) = up();
    insta::assert_snapshot!(terminal.until("the list is drawn", is_drawn), @"");
    terminal.keys(&["t"]);
    insta::assert_snapshot!(terminal.until("the tree is drawn", |screen| screen.contains("(1 of 1 running)")), @"");
    terminal.keys(&["Home", "Enter"]);
    let detail = terminal.until("the lines of web are there", |screen| {
        screen.contains("an [odd] line") && screen.contains("spawned")
    });
    assert!(detail.contains("web is running with pid N"), "{detail}");
    assert!(detail.contains("listening on 8080"), "{detail}");
    terminal.keys(&["q"]);
    terminal.until("the shell is back", |screen| screen.trim_end().ends_with("prompt>"));
}

#[test]
fn orders_are_confirmed_and_their_effect_is_shown() {
    let (host, terminal) = up();
    terminal.until("the list is drawn", is_drawn);
    terminal.keys(&["x"]);
    terminal.until("the question is there", |screen| screen.contains("stop web?"));
    terminal.keys(&["n"]);
    terminal.until("the question is gone", |screen| !screen.contains("stop web?"));
    assert!(host.status().to_string().contains("\"running\""));
    terminal.keys(&["x", "y"]);
    terminal.until("web is stopped", |screen| {
        screen.contains("stop web: accepted") && screen.contains("stopped")
    });
    terminal.keys(&["s", "y"]);
    terminal.until("web runs again", |screen| {
        screen.contains("start web: accepted") && screen.contains("3 running")
    });
    terminal.keys(&["Down", "Down", "c", "BSpace", "2", "Enter"]);
    terminal.until("the question is there", |screen| screen.contains("scale w to 2?"));
    terminal.keys(&["y"]);
    terminal.until("there are two replicas", |screen| screen.contains("w.2") && screen.contains("4 running"));
    terminal.keys(&["K", "Down", "Down", "Down", "Down", "Enter"]);
    terminal.until("the question is there", |screen| screen.contains("send SIGKILL to w.1?"));
    terminal.keys(&["y"]);
    terminal.until("w.1 was killed and restarted", |screen| screen.contains("SIGKILL"));
    terminal.keys(&[":"]);
    terminal.keys(&["r", "e", "l", "o", "a", "d", "Enter"]);
    terminal.until("the difference is shown", |screen| {
        screen.contains("reload the config?") && screen.contains("replicas")
    });
    terminal.keys(&["y"]);
    terminal.until("the reload is done", |screen| {
        screen.contains("reload the config: 0 added") && screen.contains("3 running")
    });
}

#[test]
fn logs_are_followed_searched_filtered_frozen_and_copied() {
    let (host, terminal) = up();
    terminal.until("the list is drawn", is_drawn);
    terminal.keys(&["l"]);
    insta::assert_snapshot!(terminal.until("the lines are there", |screen| screen.contains("an [odd] line")), @"");
    terminal.keys(&["y"]);
    terminal.until("the lines are copied", |screen| screen.contains("2 lines went to the clipboard"));
    assert_eq!(terminal.clipboard(), "listening on 8080\nan [odd] line");
    terminal.keys(&["/"]);
    terminal.keys(&["L", "I", "S", "Enter"]);
    terminal.until("the search froze the lines", |screen| {
        screen.contains("frozen") && screen.contains("search `LIS`")
    });
    assert_eq!(host.setup().run(&["restart", "web", "--wait"]).code, 0);
    terminal.until("new lines are counted", |screen| screen.contains("frozen, 2 newer"));
    terminal.keys(&["f", "&"]);
    terminal.keys(&["o", "d", "d", "Enter"]);
    let filtered =
        terminal.until("only the filtered lines are there", |screen| !screen.contains("listening"));
    assert_eq!(filtered.matches("an [odd] line").count(), 2, "{filtered}");
    terminal.keys(&["m", "c"]);
    terminal.until("the view is cleared", |screen| screen.contains("no lines yet"));
}

#[test]
fn plugins_the_state_core_and_the_events_have_their_views() {
    let (host, terminal) = up();
    terminal.until("the list is drawn", is_drawn);
    terminal.keys(&["3"]);
    let plugins = terminal.until("the plugin is there", |screen| screen.contains("restart-policy"));
    assert!(plugins.contains("backoff active 1"), "{plugins}");
    terminal.keys(&["w", "Enter"]);
    terminal
        .until("the question is there", |screen| screen.contains("swap plugin backoff to bundled:backoff?"));
    terminal.keys(&["y"]);
    terminal.until("the next version is active", |screen| {
        screen.contains("version 2 is active") && screen.contains("former")
    });
    terminal.keys(&["4"]);
    terminal.until("the state core is there", |screen| screen.contains("backend atomic"));
    terminal.keys(&["5"]);
    terminal.until("the events are there", |screen| screen.contains("spawned"));
    assert_eq!(host.setup().run(&["stop", "api", "--wait"]).code, 0);
    terminal.until("a new event is shown", |screen| screen.contains("api") && screen.contains("exited"));
    terminal.keys(&["?"]);
    terminal.until("the help is there", |screen| screen.contains("leave the view; everything keeps running"));
}

#[test]
fn a_single_frame_is_printed_for_scripts() {
    let setup = Setup::new(PROVOST, CONFIG);
    let refused = setup.run(&["top", "--once"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    let host = setup.up();
    let once = |arguments: &[&str]| {
        let mut command = host.setup().command(&["top", "--once"]);
        let output = command.args(arguments).env("COLUMNS", "60").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let seen = provost_tests::eventually("all have begun", || once(&[]), |seen| seen.contains("3 running"));
    assert!(seen.contains("migrate") && seen.lines().all(|line| line.chars().count() <= 60), "{seen}");
    assert_eq!(once(&["--height", "4"]).lines().count(), 4);
    assert!(once(&["--tree", "w.1"]).contains("workers (1 of 1 running)"));
    assert!(once(&["--view", "plugins"]).contains("backoff"));
    assert!(once(&["--view", "events"]).contains("spawned"));
    let refused = host.setup().run(&["top"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("have to be a terminal"), "{}", refused.stderr);
}
