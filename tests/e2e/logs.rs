//! The output of processes, as an operator sees it: whole lines, selected by time and by pattern, with and without a host.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use provost_tests::{Host, Setup, clean_away, eventually};

use crate::PROVOST;

const WEB: &str = "[process.web]\ncommand = \"echo one; echo two; echo three; exec sleep 1000\"\n";

/// Waits until a process has printed `count` lines, and returns its log.
fn lines_of(host: &Host, name: &str, count: usize) -> String {
    eventually("it has printed", || host.ok(&["logs", name]), |text| text.lines().count() >= count)
}

fn log_file(setup: &Setup, name: &str) -> std::path::PathBuf {
    setup.dir().join(".provost/logs").join(format!("{name}.log"))
}

#[test]
fn the_last_line_is_the_whole_line_however_long_it_is() {
    let command =
        r#"["sh", "-c", "echo first; head -c 200000 /dev/zero | tr '\\0' B; echo TAIL; exec sleep 1000"]"#;
    let host = Host::up(PROVOST, &format!("[process.long]\ncommand = {command}\n"));
    eventually("it has printed", || host.ok(&["logs", "-n", "1", "long"]), |text| text.ends_with("TAIL\n"));
    assert_eq!(host.ok(&["logs", "-n", "1", "long"]).len(), 200_005);
    assert_eq!(host.ok(&["logs", "-n", "2", "long"]).len(), 200_005 + "first\n".len());
    host.down();
}

#[test]
fn the_first_line_is_shown_however_early_it_comes() {
    let config = "[process.web]\ncommand = \"echo hello; exec sleep 1000\"\n";
    let setup = Setup::new(PROVOST, config);
    // The process has written its line long before the host continues its start.
    let mut up = setup.command(&["up", "--color", "never"]);
    up.env("FAILPOINTS", "daemon.set_up=sleep(1000)").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut up = up.spawn().unwrap();
    let lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let mut shown = lines.map_while(Result::ok).skip_while(|line| !line.contains('|'));
    assert_eq!(shown.next().as_deref(), Some("web     | hello"));
    let down = setup.run(&["down"]);
    assert_eq!(down.code, 0, "{down:?}");
    assert!(up.wait().unwrap().success());
}

#[test]
fn without_a_host_the_files_are_read_and_a_note_says_so() {
    let config = format!("{WEB}[process.db]\ngroup = \"data\"\ncommand = \"echo rows; exec sleep 1000\"\n");
    let host = Host::up(PROVOST, &config);
    lines_of(&host, "web", 3);
    lines_of(&host, "db", 1);
    let setup = host.down();
    for (arguments, shown) in [
        (&["logs", "web"][..], "one\ntwo\nthree\n"),
        (&["logs", "-n", "2", "web"], "two\nthree\n"),
        (&["logs", "-n", "1", "--grep", "^t.o", "web"], "two\n"),
        (&["logs", "--since", "1h", "--grep", "one|two", "web"], "one\ntwo\n"),
        (&["logs", "--until", "2001-01-01", "web"], ""),
        (&["logs", "data:*"], "rows\n"),
        (&["logs", "-n", "1", "web", "db"], "web | three\ndb  | rows\n"),
    ] {
        let ran = setup.run(arguments);
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!((ran.code, sorted(&ran.stdout)), (0, sorted(shown)), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr, "note: no host is running: these lines are from its log files\n");
    }
    let unknown = setup.run(&["logs", "wbe"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.stderr.contains("there is no log of `wbe`") && unknown.stderr.contains("web"),
        "{unknown:?}"
    );
    let follow = setup.run(&["logs", "-f", "web"]);
    assert_eq!(follow.code, 3, "{follow:?}");
    assert!(
        follow.stderr.contains("no host is running") && follow.stderr.contains("without `-f`"),
        "{follow:?}"
    );
    // This also works with a config that has become invalid.
    std::fs::write(setup.dir().join("provost.toml"), "[process.web\n").unwrap();
    assert_eq!(setup.run(&["logs", "web"]).stdout, "one\ntwo\nthree\n");
}

#[test]
fn links_and_pipes_in_place_of_logs_are_refused_without_waiting() {
    let setup = Setup::new(PROVOST, WEB);
    let logs = setup.dir().join(".provost/logs");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(setup.dir().join("secret"), "2026-11-23T05:41:23.123Z stdout F secret\n").unwrap();
    std::os::unix::fs::symlink(setup.dir().join("secret"), logs.join("link.log")).unwrap();
    std::os::unix::fs::symlink(setup.dir().join("secret"), setup.dir().join(".provost/provost.log")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, logs.join("fifo.log"), rustix::fs::Mode::RWXU).unwrap();
    for arguments in [&["logs", "link"][..], &["logs", "fifo"], &["logs", "all"], &["logs", "--host"]] {
        let ran = setup.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (1, ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("cannot be read"), "{ran:?}");
    }
}

#[test]
fn the_lines_of_the_host_and_of_plugins_are_shown_with_and_without_a_host() {
    let config = format!("{WEB}[plugins.notify]\ncomponent = \"bundled:notify\"\n");
    let host = Host::up(PROVOST, &config);
    let of_plugin = eventually(
        "the plugin has logged",
        || host.ok(&["logs", "--plugin", "notify"]),
        |text| text.contains("web"),
    );
    assert!(of_plugin.lines().all(|line| line.starts_with("notify ◆ ")), "{of_plugin}");
    let of_host = host.ok(&["logs", "--host"]);
    assert!(of_host.contains("provost ◆ 1 process, Ctrl-C stops them"), "{of_host}");
    let mut follow = host.setup().command(&["logs", "--host", "-f", "--grep", "SIGUSR1"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let said = std::thread::spawn(move || lines.next().unwrap().unwrap());
    eventually(
        "a new line is shown",
        || {
            host.signal(rustix::process::Signal::USR1);
            said.is_finished()
        },
        |shown| *shown,
    );
    assert!(said.join().unwrap().contains("SIGUSR1"));
    follow.kill().unwrap();
    follow.wait().unwrap();
    let setup = host.down();
    let ran = setup.run(&["logs", "--host", "-n", "1000"]);
    assert!(ran.code == 0 && ran.stdout.contains("all processes have ended"), "{ran:?}");
    assert!(setup.run(&["logs", "--plugin", "notify"]).stdout.starts_with("notify ◆ "));
    assert_eq!(setup.run(&["logs", "--plugin", "nobody"]).stdout, "");
}

#[test]
fn lines_are_selected_by_time_and_by_pattern_also_while_they_are_followed() {
    let config =
        "[process.tick]\ncommand = \"i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.02; done\"\n";
    let host = Host::up(PROVOST, config);
    lines_of(&host, "tick", 30);
    let matching = host.ok(&["logs", "-n", "3", "--grep", "[05]$", "tick"]);
    assert_eq!(matching.lines().count(), 3);
    assert!(matching.lines().all(|line| line.ends_with(['0', '5'])), "{matching}");
    assert!(host.ok(&["logs", "--since", "10m", "tick"]).starts_with("tick 1\n"), "all of them, without -n");
    assert_eq!(host.ok(&["logs", "--until", "10m", "tick"]), "");
    let mut follow = host.setup().command(&["logs", "-f", "-n", "2", "--grep", "0$", "tick"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let numbers: Vec<u64> =
        lines.take(5).map(|line| line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 10 && pair[0].is_multiple_of(10)),
        "{numbers:?}"
    );
    follow.kill().unwrap();
    follow.wait().unwrap();
    for (arguments, said) in [
        (&["logs", "--grep", "a(b", "tick"][..], "the pattern is not a regular expression: unclosed group"),
        (&["logs", "--since", "soon", "tick"], "a time is a span ago (10m)"),
        (&["logs", "--host", "tick"], "cannot be used with"),
        (&["logs", "-f", "--until", "10m", "tick"], "cannot be used with"),
        (&["logs"], "required"),
    ] {
        let ran = host.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {ran:?}");
    }
    host.down();
}

#[test]
fn a_removed_log_file_is_created_again_and_the_host_reports_it_once() {
    let config =
        "[process.tick]\ncommand = \"i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.02; done\"\n";
    let host = Host::up(PROVOST, config);
    lines_of(&host, "tick", 5);
    for remove_all in [false, true] {
        if remove_all {
            clean_away(&host.setup().dir().join(".provost/logs"));
        } else {
            std::fs::remove_file(log_file(host.setup(), "tick")).unwrap();
        }
        lines_of(&host, "tick", 5);
    }
    let said = host.ok(&["logs", "--host"]);
    assert_eq!(said.matches("removed, moved or replaced by somebody else").count(), 1, "{said}");
    host.down();
}

#[test]
fn a_prompt_without_a_newline_is_shown_and_a_readiness_check_ignores_its_colours() {
    let config = r#"
[process.asks]
command = "printf '\\033[32mEnter\\033[0m PIN: '; exec sleep 1000"
ready = { log = "Enter PIN" }
"#;
    let host = Host::up(PROVOST, config);
    host.until_phase("asks", "running");
    assert_eq!(host.ok(&["logs", "asks"]), "Enter PIN: \n");
    let json: serde_json::Value = host.json(&["logs", "-o", "json", "asks"]);
    assert_eq!(json["text"], "\u{1b}[32mEnter\u{1b}[0m PIN: ");
    assert_eq!(json["partial"], true);
    assert_eq!(host.ok(&["logs", "--color", "always", "asks"]), "\u{1b}[32mEnter\u{1b}[0m PIN: \u{1b}[0m\n");
    host.down();
}

#[test]
fn only_colours_reach_a_terminal_and_they_end_with_their_line() {
    let config = r#"
[process.red]
command = "printf '\\033[41mred, not reset\\n\\033[2J\\033]0;title\\007cleared\\r\\n'; exec sleep 1000"
"#;
    let setup = Setup::new(PROVOST, config);
    let log = std::fs::File::create(setup.dir().join("up.log")).unwrap();
    let mut up = setup.command(&["--color", "always", "up"]);
    up.stdout(log.try_clone().unwrap()).stderr(log);
    let host = setup.up_by(up);
    lines_of(&host, "red", 2);
    let cleared = r"\u{1b}[2J\u{1b}]0;title\u{7}cleared";
    let colored = host.ok(&["logs", "--color", "always", "red"]);
    assert_eq!(colored, format!("\u{1b}[41mred, not reset\u{1b}[0m\n{cleared}\n"));
    assert_eq!(host.ok(&["logs", "red"]), format!("red, not reset\n{cleared}\n"));
    let raw = host.ok(&["logs", "--raw", "red"]);
    assert_eq!(raw, "\u{1b}[41mred, not reset\n\u{1b}[2J\u{1b}]0;title\u{7}cleared\r\n");
    let shown = eventually("it is shown", || host.log(), |log| log.contains("cleared"));
    assert!(shown.contains("\u{1b}[41mred, not reset\u{1b}[0m\n") && shown.contains(cleared), "{shown}");
    host.down();
}

#[test]
fn no_line_of_an_incarnation_is_shown_after_its_end() {
    let config = "[host]\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
                  [plugins.fast]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"1ms\", max = \"1ms\", on = \"always\" }\n\
                  [process.short]\ncommand = \"seq 1 100; echo last; exit 1\"\npolicies = [\"fast\"]\n";
    let host = Host::up(PROVOST, config);
    eventually("20 incarnations", || host.log(), |log| log.matches("exited with code 1").count() >= 20);
    let setup = host.down();
    let log = std::fs::read_to_string(setup.dir().join("up.log")).unwrap();
    let (mut written, mut ended) = (0, 0);
    for line in log.lines().filter(|line| line.starts_with("short")) {
        written += usize::from(line.ends_with("| last"));
        if line.contains("▸ exited with code 1") {
            ended += 1;
            assert!(written >= ended, "the end of incarnation {ended} is shown before its last line\n{log}");
        }
    }
}

#[test]
fn after_a_host_was_killed_within_a_line_the_next_line_begins_anew() {
    let config = "[process.web]\ncommand = \"printf 'unfinished '; exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    lines_of(&host, "web", 1);
    let setup = host.crash();
    // This is the state after the kernel has accepted only a part of the next record.
    let path = log_file(&setup, "web");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("2026-11-23T05:41:23.123Z stderr F cut he");
    std::fs::write(&path, text).unwrap();
    std::fs::write(setup.dir().join("provost.toml"), WEB).unwrap();
    let host = setup.up();
    insta::assert_snapshot!(lines_of(&host, "web", 5), @r"
    cut he [provost: the rest of this line is missing]
    unfinished  [provost: the rest of this line is missing]
    one
    two
    three
    ");
    host.down();
}

#[test]
fn the_output_of_a_process_with_its_own_terminal_is_captured() {
    let config =
        "[process.tty]\ntty = true\ncommand = \"echo a line; printf 'a question? '; exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let text = eventually("it is shown", || host.ok(&["logs", "tty"]), |text| text.contains("question"));
    assert_eq!(text, "a line\na question? \n");
    host.down();
}

#[test]
fn a_huge_line_makes_no_file_larger_than_its_limit() {
    let config = "[process.talk]\nlogs = { file_size = \"4KiB\", files = 3 }\n\
                  command = \"for i in 1 2 3; do head -c 50000 /dev/zero | tr '\\\\0' x; echo; done; exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let names = || {
        let entries = std::fs::read_dir(host.setup().dir().join(".provost/logs")).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        // The directory for what the keeper reads of the output while there is no host.
        names.retain(|name| *name != "gaps");
        names.sort();
        names
    };
    eventually("all is written", names, |names| *names == ["talk.log", "talk.log.1", "talk.log.2"]);
    let setup = host.down();
    for entry in std::fs::read_dir(setup.dir().join(".provost/logs")).unwrap() {
        let metadata = entry.unwrap().metadata().unwrap();
        assert!(metadata.is_dir() || metadata.len() <= 4_096, "{metadata:?}");
    }
    let mut text = String::new();
    std::fs::File::open(log_file(&setup, "talk")).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.ends_with('\n') && text.lines().count() < 4, "{text}");
}
