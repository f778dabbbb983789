//! What commands have changed goes on when the host is killed: plugins, chains, replicas, stops, the backend, a reload without
//! restarts, the memory of policies.

use std::collections::BTreeMap;
use std::path::Path;

use provost_tests::{Host, Setup, components, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::PROVOST;

/// Kills the host, and returns the status of the next one.
fn next_host(host: &Host) -> Value {
    let former = host.status()["host"]["pid"].as_u64().unwrap();
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former)
}

/// Returns these fields of each process, by name.
fn processes(status: &Value) -> BTreeMap<String, Vec<Value>> {
    const KEPT: [&str; 9] =
        ["group", "phase", "desired", "pid", "incarnation", "started_at", "restarts", "failures", "health"];
    let all = status["processes"].as_array().unwrap().iter();
    all.map(|it| {
        let kept = KEPT.iter().map(|key| it[*key].clone()).collect();
        (it["name"].as_str().unwrap().to_owned(), kept)
    })
    .collect()
}

/// Returns what there is of the plugins.
fn plugins(host: &Host) -> Vec<Value> {
    let version = |it: &Value| {
        let kept = ["version", "source", "digest", "limits", "grants", "quarantine"];
        kept.map(|key| it[key].clone())
    };
    let all = host.plugins();
    all.iter().map(|it| json!([it["name"], it["status"], version(it), version(&it["former"])])).collect()
}

/// Returns what a reload would change.
fn difference(host: &Host) -> Value {
    serde_json::from_str(&host.run(&["diff", "-o", "json"]).stdout).unwrap()
}

fn put(dir: &Path, name: &str, component: &[u8]) {
    std::fs::write(dir.join(name), component).unwrap();
}

const CONFIG: &str = "[host]\nkeeper = true\n\
    [plugins.first]\ncomponent = \"first.wasm\"\n\
    [plugins.spare]\ncomponent = \"bundled:backoff\"\n\
    [plugins.bad]\ncomponent = \"bad.wasm\"\nquarantine = { faults = 1, per = \"1h\" }\n\
    [process.app]\ncommand = \"exec sleep 1000\"\npolicies = [\"spare\", \"first\"]\n\
    [process.web]\ncommand = \"exec sleep 1000\"\nreplicas = { min = 1, max = 2 }\npolicies = [\"first\"]\n\
    [process.idle]\ncommand = \"exec sleep 1000\"\ngroup = \"back\"\n\
    [process.quiet]\ncommand = \"exec sleep 1000\"\ngroup = \"back\"\n\
    [process.moved]\ncommand = \"exec sleep 1000\"\ngroup = \"old\"\nenv_files = [\"moved.env\"]\n\
    [process.faulty]\ncommand = \"exec sleep 1000\"\npolicies = [\"bad\"]\n";

#[test]
fn what_commands_have_changed_is_the_same_after_the_host_was_killed() {
    let setup = Setup::new(PROVOST, CONFIG);
    let dir = setup.dir().to_owned();
    put(&dir, "first.wasm", &components::policy_with_delay(100));
    put(&dir, "second.wasm", &components::policy_with_delay(200));
    put(&dir, "late.wasm", &components::policy_with_delay(300));
    // It fails when a signal has ended a process, and not in its trial.
    let faulty = "(if (local.get $exit) (then unreachable)) (call $drop (local.get $world)) (i32.const 64)";
    put(&dir, "bad.wasm", &components::policy(faulty));
    std::fs::write(dir.join("moved.env"), "A=1\n").unwrap();
    let host = setup.up();
    for name in ["app", "web.1", "idle", "quiet", "moved", "faulty"] {
        host.until_phase(name, "running");
    }
    let at = |name: &str| dir.join(name).display().to_string();
    // Twice, and back once, so that neither number is the one that a first load would have.
    host.ok(&["plugin", "swap", "first", &at("second.wasm"), "--limit", "memory=1MiB"]);
    host.ok(&["plugin", "swap", "first", &at("late.wasm")]);
    host.ok(&["plugin", "rollback", "first"]);
    host.ok(&["plugin", "load", "late", &at("late.wasm"), "--for", "app"]);
    host.ok(&["plugin", "unload", "spare", "--force"]);
    host.ok(&["scale", "web=4"]);
    host.until_phase("web.4", "running");
    host.ok(&["stop", "back:*"]);
    host.until_phase("quiet", "stopped");
    host.ok(&["start", "quiet"]);
    host.until_phase("quiet", "running");
    host.ok(&["state", "backend", "locked"]);
    host.ok(&["state", "rollout", "40"]);
    Host::kill(&host.process("faulty")["pid"], Signal::KILL);
    host.until("faulty", "runs again", |it| it["restarts"] == 1 && it["phase"] == "running");
    assert_eq!(host.plugin("bad")["status"], "quarantined", "{}", host.plugin("bad"));

    let (status, all) = (host.status(), plugins(&host));
    let state = host.json(&["state", "-o", "json"]);
    for _ in 0..2 {
        let next = next_host(&host);
        assert_eq!(processes(&next), processes(&status), "{}", host.log());
        assert_eq!(next["replicas"], status["replicas"]);
        let loaded = eventually("the plugins are there", || plugins(&host), |now| *now == all);
        assert_eq!(loaded, all);
        let now = host.json(&["state", "-o", "json"]);
        assert_eq!((&now["backend"], &now["rollout"]), (&state["backend"], &state["rollout"]));
        assert_eq!(next["host"]["keeper_pid"], host.up_pid());
    }
    // Whom a plugin judges is the same as well.
    Host::kill(&host.process("app")["pid"], Signal::KILL);
    let app = host.until("app", "runs again", |it| it["restarts"] == 1 && it["phase"] == "running");
    assert_eq!((&app["decision"]["by"], &app["decision"]["delay_ms"]), (&json!("late"), &json!(300)));
    Host::kill(&host.process("web.3")["pid"], Signal::KILL);
    let web = host.until("web.3", "runs again", |it| it["restarts"] == 1 && it["phase"] == "running");
    assert_eq!((&web["decision"]["by"], &web["decision"]["delay_ms"]), (&json!("first"), &json!(200)));
    // A reload ends all of it, also for the next host.
    host.ok(&["reload"]);
    let reloaded = plugins(&host);
    assert_eq!(reloaded.iter().map(|it| it[0].clone()).collect::<Vec<_>>(), ["first", "spare", "bad"]);
    next_host(&host);
    let loaded = eventually("the plugins are there", || plugins(&host), |now| now.len() == 3);
    assert_eq!(loaded.iter().map(|it| it[0].clone()).collect::<Vec<_>>(), ["first", "spare", "bad"]);
    host.down();
}

#[test]
fn a_reload_without_restarts_is_not_undone_and_the_difference_stays_the_same() {
    let setup = Setup::new(PROVOST, CONFIG);
    let dir = setup.dir().to_owned();
    put(&dir, "first.wasm", &components::good_policy());
    put(&dir, "bad.wasm", &components::good_policy());
    std::fs::write(dir.join("moved.env"), "A=1\n").unwrap();
    let host = setup.up();
    for name in ["app", "web.1", "idle", "quiet", "moved", "faulty"] {
        host.until_phase(name, "running");
    }
    let changed = CONFIG
        .replace(
            "[process.app]\ncommand = \"exec sleep 1000\"",
            "[process.app]\ncommand = \"exec sleep 1001\"\ncwd = \"/\"",
        )
        .replace("group = \"old\"", "group = \"new\"");
    std::fs::write(dir.join("provost.toml"), changed).unwrap();
    std::fs::write(dir.join("moved.env"), "A=2\n").unwrap();
    host.ok(&["reload", "--no-restart"]);
    let before_it = difference(&host);
    let shown = before_it.to_string();
    assert!(["sleep 1001", "cwd", "old", "env_files"].iter().all(|it| shown.contains(it)), "{shown}");
    let before = processes(&host.status());
    for _ in 0..2 {
        let next = next_host(&host);
        assert_eq!(processes(&next), before, "{}", host.log());
        assert_eq!(difference(&host), before_it);
    }
    std::fs::write(dir.join("moved.env"), "A=1\n# as before\n").unwrap();
    assert!(!difference(&host).to_string().contains("env_files"));
    host.ok(&["reload"]);
    let app = host.until("app", "is restarted", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(app["cause"], "reload");
    host.down();
}

#[test]
fn a_host_that_is_killed_while_its_config_is_broken_goes_on_with_the_one_that_was_in_force() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    host.until_phase("web", "running");
    let before = processes(&host.status());
    // The config in force is another file than the one that the host was started with.
    let other = host.setup().dir().join("other.toml");
    let added = format!("{config}[process.db]\ncommand = \"exec sleep 1000\"\n");
    std::fs::write(&other, &added).unwrap();
    host.ok(&["reload", "-c", &other.display().to_string()]);
    host.until_phase("db", "running");
    let both = processes(&host.status());
    let next = next_host(&host);
    assert_eq!(processes(&next), both);
    assert_eq!(next["host"]["config"], other.display().to_string());
    assert_eq!(both["web"], before["web"]);
    std::fs::write(&other, format!("{added}[process.half")).unwrap();
    let next = next_host(&host);
    assert_eq!(processes(&next), both, "{}", host.log());
    let said = "the config cannot be used, and the host goes on with the one that was in force";
    assert!(host.log().contains(said), "{}", host.log());
    eventually("it is shown", || host.status()["host"]["config_changed"].clone(), |it| *it == true);
    host.down();
}

#[test]
fn a_plugin_whose_file_is_gone_or_has_changed_keeps_no_host_from_starting() {
    let setup = Setup::new(PROVOST, CONFIG);
    let dir = setup.dir().to_owned();
    put(&dir, "first.wasm", &components::policy_with_delay(100));
    put(&dir, "bad.wasm", &components::good_policy());
    std::fs::write(dir.join("moved.env"), "A=1\n").unwrap();
    let host = setup.up();
    host.until_phase("faulty", "running");
    let late = dir.join("late.wasm");
    put(&dir, "late.wasm", &components::policy_with_delay(300));
    host.ok(&["plugin", "load", "late", &late.display().to_string(), "--for", "app"]);
    std::fs::remove_file(dir.join("first.wasm")).unwrap();
    put(&dir, "late.wasm", &components::policy_with_delay(400));
    next_host(&host);
    let first = eventually("it is listed", || host.plugin("first"), |it| it["status"] != "active");
    assert!(first.to_string().contains("there is no file"), "{first}");
    let log = || host.log();
    eventually("it is said", log, |log| log.contains("the file of its component has changed since"));
    Host::kill(&host.until_phase("app", "running")["pid"], Signal::KILL);
    let app = host.until("app", "is decided", |it| it["restarts"] == 1);
    assert_eq!((&app["decision"]["by"], &app["decision"]["delay_ms"]), (&json!("late"), &json!(400)));
    host.down();
}

#[test]
fn the_memory_of_a_policy_counts_each_decision_once_however_often_the_host_is_killed() {
    let config = "[host]\nkeeper = true\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
                  [plugins.counter]\ncomponent = \"counter.wasm\"\n\
                  [process.web]\ncommand = \"exec sleep 1000\"\npolicies = [\"counter\"]\n";
    let setup = Setup::new(PROVOST, config);
    put(setup.dir(), "counter.wasm", &components::counter());
    let host = setup.up();
    let memory = host.setup().dir().join(".provost/memory/counter.memory");
    for restarts in 1..=3_u64 {
        let web = host.until_phase("web", "running");
        assert_eq!(web["incarnation"], restarts);
        Host::kill(&web["pid"], Signal::KILL);
        if restarts == 2 {
            // The file has nothing of what was decided: it is older than what was written down.
            host.until("web", "is decided", |it| it["restarts"] == restarts);
            std::fs::remove_file(&memory).unwrap();
        }
        next_host(&host);
        let web = host.until("web", "is decided", |it| it["restarts"] == restarts);
        assert_eq!(web["decision"]["delay_ms"], restarts, "{web}");
    }
    host.down();
}
