//! The text that people see: tables that fit, local times, hosts that cannot be reached, and completions of the shell.

use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use provost_tests::{Host, Ran, Setup, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

const CONFIG: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
[plugins.prometheus]
component = "bundled:prometheus"
[process.a-web-server-with-a-rather-long-name]
command = "exec sleep 1000"
group = "servers-of-the-web"
policies = ["backoff"]
[process.gone]
command = ["a-program-that-does-not-exist-anywhere-on-this-machine"]
policies = ["backoff"]
[process.worker]
command = "exec sleep 1000"
group = "workers"
replicas = { min = 1, max = 3 }
[process.db]
command = "exec sleep 1000"
replicas = { min = 1, max = 2 }
[process.idle]
command = "exec sleep 1000"
autostart = false
"#;

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn with(host: &Setup, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = host.command(arguments);
    command.envs(variables.iter().copied());
    ran(command)
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
}

#[test]
fn output_fits_into_eighty_columns_and_wide_output_is_never_cut() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("a-web-server-with-a-rather-long-name", "running");
    host.until("gone", "it has been tried", |it| it["reason"].as_str().is_some_and(|why| !why.is_empty()));
    let long = "a-web-server-with-a-rather-long-name";
    for arguments in [
        &["status"][..],
        &["status", long],
        &["plugin", "list"],
        &["plugin", "inspect", "backoff"],
        &["explain", "gone"],
        &["explain", long],
        &["events"],
        &["state"],
    ] {
        let narrow = with(host.setup(), &[("COLUMNS", "80")], arguments).stdout;
        assert!(!narrow.is_empty() && widest(&narrow) <= 80, "{arguments:?}:\n{narrow}");
    }
    // A terminal made by `script` of util-linux, with 72 columns and without the variable COLUMNS.
    if Command::new("script").arg("--version").output().is_ok() {
        let line = "script -qc 'stty cols 72; \"$PROVOST\" status' /dev/null";
        let mut terminal = host.setup().shell(line);
        terminal.env_remove("COLUMNS");
        let shown = ran(terminal).stdout;
        assert!(shown.contains("NAME") && widest(&shown) <= 72, "{shown}");
    }
    let unlimited = host.run(&["events"]).stdout;
    assert!(widest(&unlimited) > 80, "a pipe has no width: {unlimited}");
    let wide = with(host.setup(), &[("COLUMNS", "80")], &["status", "-o", "wide"]).stdout;
    assert!(wide.contains(long) && wide.contains("SHA-256") && widest(&wide) > 80, "{wide}");
    host.down();
}

#[test]
fn times_are_in_the_time_zone_of_the_reader_with_its_offset_and_in_utc_in_json() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("db.1", "running");
    let zone = ("TZ", "<+02>-2");
    for arguments in [&["events", "db"][..], &["explain", "db.1"]] {
        let local = with(host.setup(), &[zone], arguments).stdout;
        assert!(local.contains("+02:00  db.1"), "{local}");
        let utc = with(host.setup(), &[("TZ", "UTC0")], arguments).stdout;
        assert!(utc.contains("Z  db.1"), "{utc}");
    }
    let json = with(host.setup(), &[zone], &["events", "-o", "json"]).stdout;
    let event: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(event["at"].as_str().unwrap().ends_with('Z'), "{event}");
    let unknown = with(host.setup(), &[("TZ", "Nowhere/Atall")], &["events", "db"]).stdout;
    assert!(unknown.contains("Z  db.1"), "{unknown}");
    host.down();
}

#[test]
fn the_status_of_one_process_is_about_that_process_alone() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("worker.1", "running");
    // The status of a process that is not up has another exit code.
    host.until_phase("db.1", "running");
    let all = host.run(&["status"]).stdout;
    assert!(all.contains("REPLICAS") && all.contains("\nworker ") && all.contains("\ndb "), "{all}");
    let worker = host.run(&["status", "worker.1"]).stdout;
    assert!(worker.contains("\nworker ") && !worker.contains("\ndb "), "{worker}");
    let idle = host.run(&["status", "idle"]).stdout;
    assert!(!idle.contains("REPLICAS"), "{idle}");
    let sets = host.json(&["status", "db.1", "-o", "json"])["replicas"].clone();
    assert_eq!(sets.as_array().unwrap().len(), 1, "{sets}");
    host.down();
}

#[test]
fn a_suspended_host_is_named_and_not_waited_for() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("db.1", "running");
    Host::kill(&host.pid().into(), Signal::STOP);
    let asked: Vec<_> = [
        &["status"][..],
        &["restart", "db", "--wait"],
        &["explain", "db.1"],
        &["events"],
        &["logs", "db"],
        &["plugin", "list"],
        &["state"],
        &["view", "prometheus"],
        &["down"],
    ]
    .into_iter()
    .map(|arguments| {
        let mut command = host.setup().command(arguments);
        (arguments, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    })
    .collect();
    let pid = host.pid();
    for (arguments, command) in asked {
        let output = command.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains(&format!("the host (pid {pid}) is suspended")), "{arguments:?}: {told}");
        assert!(told.contains(&format!("kill -CONT {pid}")), "{arguments:?}: {told}");
    }
    Host::kill(&host.pid().into(), Signal::CONT);
    host.down();
}

#[test]
fn each_way_of_not_reaching_a_host_has_its_own_message() {
    let setup = Setup::new(PROVOST, CONFIG);
    let status = |socket: &str| setup.run(&["status", "--socket", socket]);
    let missing = status("none.sock");
    assert!(missing.code == 3 && missing.stderr.contains("there is no socket none.sock"), "{missing:?}");
    drop(UnixListener::bind(setup.dir().join("stale.sock")).unwrap());
    let stale = status("stale.sock");
    assert!(stale.code == 3 && stale.stderr.contains("nobody listens on the socket stale.sock"), "{stale:?}");
    for other in ["provost.toml", "."] {
        let other = status(other);
        assert!(other.code == 2 && other.stderr.contains("is not the socket of a host"), "{other:?}");
    }
    let long = status(&format!("/tmp/{}.sock", "x".repeat(120)));
    assert!(long.code == 2 && long.stderr.contains("at most 107"), "{long:?}");
    // A server that is not a host.
    let listener = UnixListener::bind(setup.dir().join("other.sock")).unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"220 mail.example.org\r\n").unwrap();
    });
    let other = status("other.sock");
    answering.join().unwrap();
    assert!(
        other.code == 1 && other.stderr.contains("this is not the answer of a Provost host"),
        "{other:?}"
    );
}

#[test]
fn a_reader_that_has_gone_ends_a_command_quietly() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("db.1", "running");
    for arguments in
        [&["status"][..], &["events", "-o", "json"], &["state"], &["plugin", "list"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = host.setup().command(arguments).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    host.down();
}

#[test]
fn results_of_orders_and_of_down_are_printed_as_json() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("db.1", "running");
    let outcome = host.json(&["restart", "db.1", "--wait", "-o", "json"]);
    assert_eq!(
        (&outcome["results"][0]["name"], &outcome["results"][0]["ok"]),
        (&"db.1".into(), &true.into())
    );
    let refused = host.run(&["signal", "HUP", "idle", "-o", "json"]);
    let outcome: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!(refused.code, 3);
    assert_eq!(outcome["results"][0]["error"]["code"], "not_running", "{outcome}");
    let mut host = host;
    let ended = host.json(&["down", "-o", "json"]);
    assert_eq!(ended["code"], 0);
    assert_eq!(ended["left"], Value::Array(Vec::new()));
    assert_eq!(host.until_ended(), Some(0));
}

#[test]
fn validate_says_what_is_missing_and_writes_nothing() {
    let setup = Setup::new(PROVOST, CONFIG);
    let files = || {
        let mut names: Vec<_> =
            std::fs::read_dir(setup.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let mut command = setup.command(&["validate"]);
    let cache = setup.dir().join("cache");
    command.env("XDG_CACHE_HOME", &cache);
    let shown = ran(command);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stderr.contains("warning: provost.toml:11:11: `gone` could not start here"), "{shown:?}");
    assert!(shown.stdout.contains("valid (5 processes, 2 plugins), with 1 warning"), "{shown:?}");
    assert_eq!(files(), before);
    assert_eq!(setup.run(&["validate", "--strict"]).code, 2);
    let json: Value = serde_json::from_str(&setup.run(&["validate", "-o", "json"]).stdout).unwrap();
    assert_eq!((&json["valid"], &json["problems"][0]["severity"]), (&true.into(), &"warning".into()));
    assert_eq!((&json["problems"][0]["line"], &json["problems"][0]["column"]), (&11.into(), &11.into()));
}

/// Returns the completions of bash for a line, with the script that the binary prints. The cursor is at the end of the line.
fn completed(setup: &Setup, line: &str) -> Vec<String> {
    let script = r#"
        set -u
        PATH="$(dirname "$PROVOST"):$PATH"
        eval "$(provost completions bash)"
        COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_WORDS=() COMP_CWORD=0
        _provost provost "" ""
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = setup.shell("");
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).current_dir(setup.dir()).env("PROVOST", PROVOST).env("LINE", line);
    for (name, value) in command.stdin(Stdio::null()).get_envs() {
        if let Some(value) = value {
            bash.env(name, value);
        }
    }
    let shown = ran(bash);
    assert_eq!(shown.stderr, "", "{line}");
    shown.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn names_are_completed_by_the_shell_from_the_host_or_else_from_the_config() {
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    let setup = Setup::new(PROVOST, CONFIG);
    assert_eq!(completed(&setup, "provost stop wor"), ["worker", "workers:\\*"], "of the config");
    let host = setup.up();
    host.until_phase("worker.1", "running");
    let setup = host.setup();
    let lines = |line: &str| completed(setup, line);
    assert_eq!(lines("provost stop worker."), ["worker.1", "worker.2", "worker.3"], "of the host");
    assert_eq!(lines("provost stop workers:"), ["\\*"], "bash replaces only what follows the colon");
    assert_eq!(lines("provost stop 'workers:"), ["workers:*"]);
    assert_eq!(lines("provost restart idle go"), ["gone"]);
    assert_eq!(lines("provost explain id"), ["idle"]);
    assert_eq!(lines("provost plugin reload back"), ["backoff"]);
    assert_eq!(lines("provost plugin load x bundled:prom"), ["prometheus"]);
    assert_eq!(lines("provost plugin swap backoff bundled:back"), ["backoff"]);
    assert_eq!(lines("provost -c pro"), ["provost.toml"]);
    assert_eq!(lines("provost status -o w"), ["wide"]);
    assert_eq!(lines("provost sta"), ["status", "start", "state"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let config = setup.dir().join("provost.toml");
    let line = format!("cd {}; provost stop -c {} idl", elsewhere.path().display(), config.display());
    assert_eq!(lines(line.split_once("; ").unwrap().1), ["idle"]);
    Host::kill(&host.pid().into(), Signal::STOP);
    assert_eq!(
        lines("provost stop idl"),
        ["idle"],
        "a suspended host is not waited for: the config knows it"
    );
    Host::kill(&host.pid().into(), Signal::CONT);
    host.down();
}

#[test]
fn an_empty_name_is_refused_by_every_command_and_never_means_everything() {
    let host = Setup::new(PROVOST, "[process.web]\ncommand = \"echo out; exec sleep 1000\"\n").up();
    for command in ["status", "logs", "events", "explain", "start", "stop", "restart", "view"] {
        for name in ["", " ", ",", "web,web"] {
            let said = host.run(&[command, name]);
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{command} {name:?}: {said:?}");
        }
    }
    assert_eq!(host.run(&["logs", "--plugin", ""]).code, 2);
    let stranger = host.run(&["logs", "--plugin", "nobody"]);
    assert!(
        stranger.code == 2 && stranger.stderr.contains("there is no plugin called `nobody`"),
        "{stranger:?}"
    );
    assert_eq!(host.process("web")["phase"], "running");
    host.down();
}

#[test]
fn a_value_that_begins_with_a_dash_is_refused_with_the_valid_form() {
    let host = Setup::new(PROVOST, "[process.web]\ncommand = \"echo -- -x; exec sleep 1000\"\n").up();
    eventually(
        "it has printed",
        || host.run(&["logs", "--grep", "-x", "web"]).stdout,
        |out| out == "-- -x\n",
    );
    for (option, value, told) in [
        ("-n", "-1", "write a number of lines"),
        ("-n", "99999999999999999999", "write a number of lines"),
        ("--since", "-5m", "a time is a span ago"),
    ] {
        let said = host.run(&["logs", option, value, "web"]);
        assert!(said.code == 2 && said.stderr.contains(told) && !said.stderr.contains("-- -"), "{said:?}");
    }
    let backwards = host.run(&["logs", "--since", "10m", "--until", "20m", "web"]);
    assert!(
        backwards.code == 2 && backwards.stderr.contains("`--until` is not after `--since`"),
        "{backwards:?}"
    );
    host.down();
}

#[test]
fn a_time_zone_that_is_a_device_is_not_read() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"echo out; exec sleep 1000\"\n");
    eventually("it has printed", || host.run(&["logs", "web"]).stdout, |out| out == "out\n");
    for zone in ["/dev/zero", ":/dev/zero", "/dev", "/no/such"] {
        let said = with(host.setup(), &[("TZ", zone)], &["logs", "-t", "web"]);
        assert!(said.code == 0 && said.stdout.ends_with("Z out\n"), "{zone}: {said:?}");
    }
    host.down();
}
