//! `graph`, `analyze` and `timeline` of a real host, and of a config without a host.

use std::io::Write as _;
use std::process::{Command, Stdio};

use provost_tests::{Host, Setup};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

const CONFIG: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings  = { first = "10ms" }

[process.migrate]
type    = "job"
command = "exit 0"

[process.db]
command = "sleep 0.2; echo listening; exec sleep 1000"
ready   = { log = "listening" }
group   = "data"

[process.web]
command    = ["sleep", "1000"]
replicas   = 2
group      = "front"
policies   = ["backoff"]
depends_on = { db = "ready", migrate = "completed" }

[process.idle]
command   = ["sleep", "1000"]
autostart = false
"#;

/// Asserts that a picture is well-formed XML, if there is a Python that can say so.
fn is_xml(picture: &str) {
    assert!(picture.starts_with("<svg xmlns="), "{picture}");
    let parse = "import sys, xml.etree.ElementTree as tree; tree.fromstring(sys.stdin.read())";
    let mut python = Command::new("python3");
    python.args(["-c", parse]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut python) = python.spawn() else {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "the gate needs python3");
        return;
    };
    python.stdin.take().unwrap().write_all(picture.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{picture}", String::from_utf8_lossy(&output.stderr));
}

/// Returns a host on which everything is up.
fn up() -> Host {
    let host = Setup::new(PROVOST, CONFIG).up();
    for name in ["web.1", "web.2"] {
        host.until(name, "is ready", |process| process["ready"] == true);
    }
    host
}

#[test]
fn the_graph_is_that_of_the_host_and_without_a_host_that_of_the_config() {
    let setup = Setup::new(PROVOST, CONFIG);
    let drawn = setup.run(&["graph"]);
    assert_eq!(drawn.code, 0, "{drawn:?}");
    assert_eq!(drawn.stderr, "note: no host is running: this is the config, without phases\n");
    insta::assert_snapshot!(drawn.stdout, @r#"
    PROCESS     WAITS UNTIL IT IS  GROUP
    web.1                          front
    ├─ db       ready              data
    └─ migrate  completed
    web.2                          front
    ├─ db       ready              data
    └─ migrate  completed
    idle
    "#);
    let of_config: Value = serde_json::from_str(&setup.run(&["graph", "-o", "json"]).stdout).unwrap();
    assert_eq!((&of_config["source"], &of_config["processes"][0]["phase"]), (&"config".into(), &Value::Null));

    let host = setup.up();
    host.until("web.2", "is ready", |process| process["ready"] == true);
    host.until("web.1", "is ready", |process| process["ready"] == true);
    insta::assert_snapshot!(host.ok(&["graph"]), @r#"
    PROCESS     WAITS UNTIL IT IS  PHASE    GROUP
    web.1                          running  front
    ├─ db       ready              running  data
    └─ migrate  completed          done
    web.2                          running  front
    ├─ db       ready              running  data
    └─ migrate  completed          done
    idle                           stopped
    "#);
    insta::assert_snapshot!(host.ok(&["graph", "web.1"]), @r#"
    PROCESS     WAITS UNTIL IT IS  PHASE    GROUP
    web.1                          running  front
    ├─ db       ready              running  data
    └─ migrate  completed          done
    "#);
    let of_host = host.json(&["graph", "-o", "json"]);
    assert_eq!((&of_host["source"], &of_host["processes"][2]["phase"]), (&"host".into(), &"running".into()));
    assert_eq!(of_host["processes"][2]["depends_on"], of_config["processes"][2]["depends_on"]);

    let picture = host.ok(&["graph", "-o", "svg"]);
    is_xml(&picture);
    assert!(picture.contains("web.2 starts when db is ready"), "{picture}");
    assert!(host.ok(&["graph", "-o", "dot"]).contains("\n  \"db\" -> \"web.1\" [label = \"ready\"]\n"));

    let unknown = host.run(&["graph", "wob"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("error: there is no process called `wob`\nhint: "), "{unknown:?}");
    host.down();
}

#[test]
fn a_graph_needs_a_host_or_a_config() {
    let setup = Setup::new(PROVOST, "[process.web]\ncommand = 7\n");
    let broken = setup.run(&["graph"]);
    assert!(broken.code == 2 && broken.stderr.contains("provost.toml:2:11"), "{broken:?}");
    let nobody = setup.run(&["graph", "--socket", "none.sock"]);
    assert!(nobody.code == 3 && nobody.stderr.contains("there is no socket none.sock"), "{nobody:?}");
}

#[test]
fn analyze_follows_what_each_process_waited_for_last() {
    let host = up();
    let boot = host.json(&["analyze", "-o", "json"]);
    let of = |name: &str| {
        let processes = boot["processes"].as_array().unwrap();
        processes.iter().find(|process| process["name"] == name).unwrap().clone()
    };
    let (web, db, idle) = (of("web.1"), of("db"), of("idle"));
    assert_eq!(web["after"]["process"], "db", "db takes longer than migrate: {boot}");
    let times = [&db["asked_ms"], &db["spawned_ms"], &db["ready_ms"], &web["spawned_ms"], &web["ready_ms"]];
    let times: Vec<u64> = times.iter().map(|time| time.as_u64().unwrap()).collect();
    assert!(times.is_sorted() && times[2] > times[1], "{times:?}");
    assert_eq!((&idle["at_boot"], &idle["spawned_ms"]), (&false.into(), &Value::Null));
    assert_eq!((&boot["forgotten"], &boot["not_ready"]), (&0.into(), &Value::Array(Vec::new())));
    assert_eq!(boot["chains"], serde_json::json!([["web.1", "db"], ["web.2", "db"]]));

    let text = host.ok(&["analyze", "web.1"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("Everything was ready ") && lines[0].contains("after the start of the host")
    );
    assert!(lines[2].starts_with("PROCESS") && lines[3].starts_with("web.1") && lines.len() == 5, "{text}");
    assert!(lines[4].starts_with("└─ db (ready)"), "{text}");
    is_xml(&host.ok(&["analyze", "-o", "svg"]));
    assert_eq!(host.run(&["analyze", "wob"]).code, 2);
    let setup = host.down();
    assert_eq!(setup.run(&["analyze"]).code, 3);
}

#[test]
fn a_timeline_has_the_lives_and_decisions_of_a_process() {
    let host = up();
    let first = host.process("web.1");
    Host::kill(&first["pid"], Signal::KILL);
    host.until("web.1", "was restarted", |web| web["restarts"] == 1 && web["ready"] == true);
    let told = host.json(&["timeline", "web.1", "-o", "json"]);
    assert_eq!(told["incarnations"].as_array().unwrap().len(), 2, "{told}");
    let (old, new) = (&told["incarnations"][0], &told["incarnations"][1]);
    assert_eq!((&old["pid"], &old["exit"]["name"]), (&first["pid"], &"SIGKILL".into()));
    assert_eq!((&old["decision"]["by"], &new["ended_at"]), (&"backoff".into(), &Value::Null));
    let phases: Vec<&str> =
        told["phases"].as_array().unwrap().iter().map(|span| span["phase"].as_str().unwrap()).collect();
    assert!(phases.contains(&"waiting") && phases.contains(&"backoff"), "{phases:?}");
    assert_eq!(phases.last(), Some(&"running"));

    let text = host.ok(&["timeline", "web.1"]);
    assert!(text.starts_with("web.1: 2 incarnations between "), "{text}");
    assert!(text.contains("killed by SIGKILL  restart in 10ms (backoff: "), "{text}");
    is_xml(&host.ok(&["timeline", "web.1", "-o", "svg"]));
    let later =
        host.json(&["timeline", "web.1", "--since", new["spawned_at"].as_str().unwrap(), "-o", "json"]);
    assert_eq!(later["incarnations"].as_array().unwrap().len(), 1, "{later}");

    for (name, why) in [("wob", "there is no process called `wob`"), ("web", "names 2 processes")] {
        let refused = host.run(&["timeline", name]);
        assert!(refused.code == 2 && refused.stderr.contains(why), "{refused:?}");
    }
    host.down();
}
