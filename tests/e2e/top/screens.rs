//! What each view shows, and what its keys do.

use provost_tests::{Host, Setup, Terminal};

use crate::PROVOST;

const CONFIG: &str = r#"
[process.web]
# It takes a moment, so that `api` has looked at it before it is ready.
command = "sleep 0.3; printf 'listening on 8080\\nan [odd] \\033[31mline\\n'; exec sleep 1000"
ready = { log = "listening" }
env = { SECRET = "hunter2" }
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

/// Whether the usage of all three processes, of all together and of the host is known.
fn has_figures(screen: &str) -> bool {
    is_drawn(screen) && screen.matches("iB").count() == 5
}

#[test]
fn the_list_the_tree_and_the_detail_show_the_processes() {
    let (_host, terminal) = up();
    insta::assert_snapshot!(terminal.until("the list has figures", has_figures), @r"
    provost 6 processes 2 stopped 3 running 1 exited host N up T
    1 Processes 2 Logs 3 Plugins 4 State 5 Events all N% N B host N% N B
    NAME GROUP PHASE SINCE RESTARTS CPU MEMORY TREND REASON
    web - running T 0 N% N B ~ ready: it said `li…
    api - running T 0 N% N B ~ its dependencies a…
    w.1 workers running T 0 N% N B ~ start asked for by…
    w.2 workers stopped - 0 - - not needed: 1 of a…
    w.3 workers stopped - 0 - - not needed: 1 of a…
    migrate - exited T 0 - - done: exited with…
    Enter detail l logs r restart s start x stop / find t tree Space mark ? help q quit
    ");
    terminal.keys(&["t"]);
    insta::assert_snapshot!(terminal.until("the tree is drawn", |screen| screen.contains("(1 of 3 running)")), @r"
    provost 6 processes 2 stopped 3 running 1 exited host N up T
    1 Processes 2 Logs 3 Plugins 4 State 5 Events all N% N B host N% N B
    NAME PHASE SINCE RESTARTS CPU MEMORY TREND PID REASON
    web running T 0 N% N B ~ N ready: it said `li…
    api running T 0 N% N B ~ N its dependencies a…
    migrate exited T 0 - - - done: exited with…
    workers (1 of 3 running)
    w.1 running T 0 N% N B ~ N start asked for by…
    w.2 stopped - 0 - - - not needed: 1 of a…
    w.3 stopped - 0 - - - not needed: 1 of a…
    Enter detail l logs r restart s start x stop / find t tree Space mark ? help q quit
    ");
    terminal.keys(&["Home", "Enter"]);
    let detail = terminal.until("the lines of web are there", |screen| {
        screen.contains("an [odd] line") && screen.contains("spawned")
    });
    assert!(detail.contains("web is running with pid "), "{detail}");
    assert!(detail.contains("listening on N"), "{detail}");
    terminal.keys(&["z"]);
    let check = terminal.until("the check is there", |screen| screen.contains("ready check"));
    assert!(check.contains("passed T ago: "), "{check}");
    terminal.keys(&["End"]);
    let end = terminal.until("the variables are there", |screen| screen.contains("SECRET"));
    assert!(!end.contains("hunter2"), "{end}");
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
    insta::assert_snapshot!(terminal.until("the lines and the figures are there", |screen| {
        screen.contains("an [odd] line") && screen.matches("iB").count() == 2
    }), @r"
    provost 6 processes 2 stopped 3 running 1 exited host N up T
    1 Processes 2 Logs 3 Plugins 4 State 5 Events all N% N B host N% N B
    logs of web · following
    listening on N
    an [odd] line
    f freeze & filter / find w wrap t times m mark c clear R reload y copy ? help q quit
    ");
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
    let mut elsewhere = host.setup().command(&["top", "--once", "--socket"]);
    elsewhere.arg(host.setup().dir().join(".provost/provost.sock")).current_dir("/");
    assert!(String::from_utf8(elsewhere.output().unwrap().stdout).unwrap().contains("3 running"));
    let refused = host.setup().run(&["top"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("have to be a terminal"), "{}", refused.stderr);
}
