//! Changes of plugins while processes run: load, swap, roll back, revive, unload. None of them restarts a process, and a
//! plugin that fails a check changes nothing.

use provost_tests::{Host, Setup, eventually, guest};
use serde_json::Value;

use crate::PROVOST;

/// Returns a config with a process that only sleeps, which trial calls are about, and one that always fails; its policy
/// restarts it after `first`, however often that is.
fn patient(first: &str) -> String {
    format!(
        "[host]\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n\
         [plugins.judge]\ncomponent = \"bundled:backoff\"\n\
         settings = {{ first = \"{first}\", factor = 1.0, max = \"1h\" }}\n\
         [process.bystander]\ncommand = \"exec sleep 1000\"\n\
         [process.web]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n"
    )
}

/// Returns the status of a plugin; `null` if there is none.
fn plugin(host: &Host, name: &str) -> Value {
    host.plugins().into_iter().find(|plugin| plugin["name"] == name).unwrap_or_default()
}

/// Returns the pid and the incarnation of the bystander, which no change of a plugin affects.
fn bystander(host: &Host) -> (Value, Value) {
    let process = host.until_phase("bystander", "running");
    (process["pid"].clone(), process["incarnation"].clone())
}

/// Waits for the next decision about `web`, and returns its delay in milliseconds.
fn next_delay(host: &Host) -> u64 {
    let before = host.process("web")["restarts"].as_u64().unwrap();
    let after = host.until("web", "is judged again", |web| web["restarts"].as_u64() > Some(before));
    after["decision"]["delay_ms"].as_u64().unwrap()
}

#[test]
fn a_policy_is_swapped_and_rolled_back_and_nothing_is_restarted() {
    let host = Host::up(PROVOST, &patient("20ms"));
    host.until("web", "is restarted", |web| web["restarts"].as_u64() >= Some(1));
    let before = bystander(&host);
    let told = host.ok(&["plugin", "swap", "judge", "--settings", r#"{"first": "35ms", "factor": 1.0}"#]);
    assert!(told.contains("judge: active (version 2"), "{told}");
    assert!(told.contains("version 1 stays warm"), "{told}");
    assert_eq!(next_delay(&host), 35);
    let listed = plugin(&host, "judge");
    assert_eq!((&listed["version"], &listed["former"]["version"]), (&Value::from(2), &Value::from(1)));
    assert!(listed["former"]["calls"].as_u64() >= Some(1), "{listed}");
    host.ok(&["plugin", "rollback", "judge"]);
    assert_eq!(next_delay(&host), 20);
    assert_eq!(bystander(&host), before);
    host.down();
}

#[test]
fn a_swap_that_fails_a_check_changes_nothing_and_says_why() {
    let host = Host::up(PROVOST, &patient("20ms"));
    let listed = plugin(&host, "judge");
    let sockets = guest("sockets").display().to_string();
    for (arguments, code, told) in [
        (vec!["--settings", r#"{"frist": "1s"}"#], 1, "frist"),
        (vec![sockets.as_str()], 1, "wasi:sockets"),
        (vec!["bundled:prometheus", "--settings", "{}"], 1, "restart-policy"),
        (vec!["no-such-file.wasm"], 2, "no-such-file.wasm"),
    ] {
        let ran = host.run(&[&["plugin", "swap", "judge"], &*arguments].concat());
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(told) && ran.stderr.contains("hint: "), "{ran:?}");
        let after = plugin(&host, "judge");
        assert_eq!((&after["version"], &after["digest"]), (&listed["version"], &listed["digest"]));
    }
    assert_eq!(next_delay(&host), 20);
    host.down();
}

#[test]
fn an_edited_component_file_has_no_effect_until_it_is_reloaded() {
    let setup = Setup::new(PROVOST, &patient("20ms").replace("bundled:backoff", "judge.wasm"));
    let file = setup.dir().join("judge.wasm");
    std::fs::write(&file, bundled("backoff")).unwrap();
    let host = setup.up();
    let digest = plugin(&host, "judge")["digest"].clone();
    std::fs::write(&file, b"not a component").unwrap();
    assert_eq!(next_delay(&host), 20);
    let ran = host.run(&["plugin", "reload", "judge"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(plugin(&host, "judge")["digest"], digest);
    std::fs::write(&file, bundled("backoff")).unwrap();
    let told = host.ok(&["plugin", "reload", "judge"]);
    assert!(told.contains("version 2"), "{told}");
    assert_eq!(next_delay(&host), 20);
    host.down();
}

/// Reads the committed component of a bundled plugin.
fn bundled(name: &str) -> Vec<u8> {
    let plugins = guest("x").ancestors().nth(4).unwrap().join("plugins");
    std::fs::read(plugins.join(name).join(format!("{name}.wasm"))).unwrap()
}

#[test]
fn a_policy_is_loaded_for_a_running_process_and_unloaded_again() {
    let host = Host::up(PROVOST, &patient("20ms"));
    let before = bystander(&host);
    let settings = r#"{"first": "45ms", "factor": 1.0}"#;
    let load = ["plugin", "load", "newer", "bundled:backoff", "--settings", settings, "--for", "web"];
    let told = host.ok(&load);
    assert!(told.contains("first in the chain of web"), "{told}");
    let judged = host.until("web", "is judged by it", |web| web["decision"]["by"] == "newer");
    assert_eq!(judged["decision"]["delay_ms"], 45);
    let again = host.run(&load);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stderr.contains("newer"), "{again:?}");
    let kept = host.run(&["plugin", "unload", "newer"]);
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.stderr.contains("newer judges web") && kept.stderr.contains("--force"), "{kept:?}");
    host.ok(&["plugin", "unload", "newer", "--force"]);
    host.until("web", "is judged by the other", |web| web["decision"]["by"] == "judge");
    assert_eq!(plugin(&host, "newer"), Value::Null);
    assert_eq!(bystander(&host), before);
    host.down();
}

#[test]
fn a_view_and_a_consumer_are_loaded_and_work_at_once() {
    let host = Host::up(PROVOST, &patient("20ms"));
    host.ok(&["plugin", "load", "metrics", "bundled:prometheus"]);
    assert!(host.ok(&["view", "metrics", "metrics"]).contains("provost_process"));
    host.ok(&["plugin", "load", "notify", "bundled:notify"]);
    eventually("the consumer is called", || plugin(&host, "notify"), |it| it["calls"].as_u64() >= Some(1));
    host.ok(&["plugin", "unload", "notify"]);
    host.ok(&["plugin", "unload", "metrics"]);
    assert_eq!(host.run(&["view", "metrics", "metrics"]).code, 2);
    host.down();
}

#[test]
fn a_plugin_that_fails_too_often_is_quarantined_blamed_and_revived() {
    let config = patient("20ms").replace("\"bundled:backoff\"", &format!("{:?}", guest("traps"))).replace(
        "settings = { first = \"20ms\", factor = 1.0, max = \"1h\" }",
        "quarantine = { faults = 2, per = \"1h\" }",
    );
    let host = Host::up(PROVOST, &config);
    // Its trial has failed already.
    host.ok(&["plugin", "revive", "judge"]);
    let twice = |it: &Value| it["status"] == "quarantined" && it["faults"].as_u64() >= Some(2);
    eventually("it is quarantined for its calls", || plugin(&host, "judge"), twice);
    let shown = host.ok(&["status"]);
    assert!(shown.contains("quarantined") && shown.contains("judge"), "{shown}");
    let blamed = host.ok(&["plugin", "blame", "judge"]);
    assert!(
        blamed.contains("web") && blamed.contains("exited with code 1") && blamed.contains("trap"),
        "{blamed}"
    );
    host.ok(&["plugin", "revive", "judge"]);
    let listed = plugin(&host, "judge");
    assert_ne!(listed["status"], "refused", "{listed}");
    host.down();
}

#[test]
fn the_former_version_answers_when_a_new_one_fails() {
    let host = Host::up(PROVOST, &patient("20ms"));
    host.until("web", "is restarted", |web| web["restarts"].as_u64() >= Some(1));
    let moody = guest("moody").display().to_string();
    // The new version passes its trial call, which is about another process, and traps at the real one.
    host.ok(&["plugin", "swap", "judge", &moody, "--settings", "{}", "--accept"]);
    let judged = host.until("web", "is judged by the former version", |web| {
        web["decision"]["overruled"].as_str().is_some_and(|told| told.contains("trap"))
    });
    assert_eq!((&judged["decision"]["by"], &judged["decision"]["delay_ms"]), (&"judge".into(), &20.into()));
    host.down();
}

#[test]
fn limits_are_set_when_a_plugin_is_loaded_or_swapped_and_shown_with_their_figures() {
    let host = Host::up(PROVOST, &patient("20ms"));
    let moody = guest("moody").display().to_string();
    host.ok(&[
        "plugin",
        "load",
        "odd",
        &moody,
        "--limit",
        "memory=8MiB",
        "--limit",
        "call_time=30s",
        "--quarantine",
        "2/1h",
    ]);
    let loaded = plugin(&host, "odd");
    assert_eq!(
        (&loaded["limits"]["memory"], &loaded["limits"]["call_time"]),
        (&(8 << 20).into(), &30_000.into())
    );
    assert_eq!(loaded["quarantine"], serde_json::json!({ "faults": 2, "per_ms": 3_600_000 }));
    host.ok(&["plugin", "swap", "odd", "--limit", "handles=9"]);
    let refused = |arguments: &[&str], code, why: &str| {
        let ran = host.run(&[&["plugin", "swap", "odd"], arguments].concat());
        assert!(ran.code == code && ran.stderr.contains(why), "{ran:?}");
    };
    refused(
        &["--limit", "memory=1KiB"],
        1,
        "of memory from the start, and at most 1 KiB are allowed: raise its limit",
    );
    refused(&["--limit", "memory=1GiB"], 1, "`limits.memory` of 1024 MiB is not possible: at most 256 MiB");
    refused(&["--limit", "momery=1MiB"], 2, "there is no limit `momery`; there are memory, call_time");
    refused(&["--limit", "memory=64"], 2, "write a size");
    refused(&["--quarantine", "0/1m"], 2, "write FAULTS/TIME");
    let details = host.ok(&["plugin", "inspect", "odd"]);
    for line in ["limit handles", "former limit handles", "quarantine", "after 2 faults in 1h00m"] {
        assert!(details.contains(line), "{details}");
    }
    assert_eq!(plugin(&host, "odd")["version"], 2);
    let wide = host.ok(&["plugin", "list", "-o", "wide"]);
    assert!(wide.lines().any(|line| line.starts_with("odd ") && line.contains("  warm    1  ")), "{wide}");
    host.down();
}

#[test]
fn a_plugin_that_is_stuck_in_a_call_is_quarantined_and_the_failsafe_decides() {
    let config = "[host]\ndecision_deadline = \"300ms\"\n[plugins.stuck]\ncomponent = \"LOOPS\"\nlimits = { call_time = \"10m\", fuel = 1000000000000 }\n\
        quarantine = { faults = 2, per = \"1h\" }\n\
        [process.web]\ncommand = \"exit 1\"\npolicies = [\"stuck\"]\n";
    let host = Host::up(PROVOST, &config.replace("LOOPS", &guest("loops").display().to_string()));
    let tried = |it: &Value| it["status"] != "compiling";
    eventually("its trial is over", || plugin(&host, "stuck"), tried);
    eventually("the log says why", || host.log(), |log| log.contains("the 10000 ms that a trial has"));
    let judged = host.until("web", "is judged", |web| web["restarts"].as_u64() >= Some(1));
    assert_eq!(judged["decision"]["by"], "failsafe");
    let stuck =
        eventually("it is quarantined", || plugin(&host, "stuck"), |stuck| stuck["status"] == "quarantined");
    assert_eq!(stuck["faults_by_kind"]["deadline"], stuck["faults"]);
    let why = stuck["last_fault"]["message"].as_str().unwrap().to_owned();
    assert!(why.contains("ms that decision_deadline left it"), "{why}");
    let before = stuck["calls"].clone();
    host.until("web", "is judged without it", |web| {
        web["decision"]["overruled"].as_str().is_some_and(|it| it.contains("quarantined"))
    });
    assert_eq!(plugin(&host, "stuck")["calls"], before, "a quarantined plugin is not called");
    host.down();
}

#[test]
fn pipes_and_devices_are_refused_as_components_without_waiting() {
    let host = Host::up(PROVOST, &patient("20ms"));
    let pipe = host.setup().dir().join("pipe.wasm");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    for (path, told) in
        [("pipe.wasm", "a pipe, not a regular file"), ("/dev/zero", "a device, not a regular file")]
    {
        let ran = host.run(&["plugin", "load", "odd", path]);
        assert!(ran.code == 1 && ran.stderr.contains(told), "{ran:?}");
    }
    for name in ["failsafe", "all", "a/b", "a b"] {
        let ran = host.run(&["plugin", "load", name, "bundled:notify"]);
        assert!(ran.code != 0 && ran.stderr.contains("hint: "), "{ran:?}");
    }
    let unknown = host.run(&["plugin", "rollback", "nobody"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert_eq!(host.plugins().len(), 1);
    host.down();
}

#[test]
fn an_unloaded_plugin_leaves_no_descriptor_open() {
    let host = Host::up(PROVOST, &patient("20ms"));
    let open = || std::fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count();
    let cycle = |number: usize| {
        let name = format!("metrics-{number}");
        host.ok(&["plugin", "load", &name, "bundled:prometheus"]);
        host.ok(&["plugin", "unload", &name]);
    };
    (0..3).for_each(cycle);
    let before = open();
    (3..15).for_each(cycle);
    // The processes of the host start and end meanwhile, with a few files each.
    eventually("its files are closed", open, |now| *now < before + 8);
    host.down();
}
