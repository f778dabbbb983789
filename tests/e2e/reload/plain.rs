//! What each kind of change does.

use provost_tests::{Host, Setup, eventually, is_alive};
use rustix::process::Signal;

use super::world::{all_run, difference, names, nothing_differs, pids, reload, reloaded, write};
use crate::PROVOST;

const THREE: &str = r#"
[process.web]
command = ["sleep", "1000"]

[process.db]
command = ["sleep", "1001"]

[process.old]
command = ["sleep", "1002"]
depends_on = ["db"]
"#;

#[test]
fn a_host_that_ends_with_a_process_goes_on_while_a_reload_replaces_it() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1004\"]\n";
    let setup = Setup::new(PROVOST, config);
    let log = std::fs::File::create(setup.dir().join("up.log")).unwrap();
    let mut command = setup.command(&["up", "--exit-code-from", "web"]);
    command.stdout(log.try_clone().unwrap()).stderr(log);
    let host = setup.up_by(command);
    let before = all_run(&host, &["web"]);
    // The group is a part of the identity, so the process is removed and added.
    for group in ["one", "two", "three"] {
        reloaded(&host, &format!("{config}group = \"{group}\"\n"));
    }
    assert_ne!(all_run(&host, &["web"]), before, "it was replaced");
    host.down();
}

#[test]
fn only_what_differs_is_touched_and_each_step_is_told() {
    let host = Host::up(PROVOST, THREE);
    let before = all_run(&host, &["web", "db", "old"]);
    nothing_differs(&host, "the start");
    let config = "[process.new]\ncommand = [\"sleep\", \"1003\"]\ndepends_on = [\"db\"]\n".to_owned()
        + &THREE
            .replace("\"1000\"]", "\"1010\"]\nstop = { grace = \"1s\" }")
            .replace("[process.old]\ncommand = [\"sleep\", \"1002\"]\ndepends_on = [\"db\"]\n", "");
    write(&host, &config);
    let ran = host.run(&["reload", "--dry-run"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r#"
    CHANGE   SECTION        KEY         EFFECT    VALUE
    added    [process.new]  command               ["sleep", "1003"]
    changed  [process.web]  command     restart   ["sleep", "1000"] → ["sleep", "1010"]
    changed  [process.web]  stop.grace  in place  "10s" → "1s"
    removed  [process.old]  command               ["sleep", "1002"]

    unchanged: 1 process, 0 plugins
    `provost reload` applies this, and `provost reload --no-restart` without restarts
    "#);
    assert_eq!(pids(&host), before, "nothing was changed");
    let told = reloaded(&host, &config);
    insta::assert_snapshot!(told, @r#"
    config: checked: 1 process to add, 1 process to change, 1 process to remove
    new: added
    old: it is stopped, to be removed
    old: removed
    web: restarted: command has changed
    new: started
    new: it is up
    web: it is up
    reloaded: 1 process added, 1 process changed (1 restarted), 1 process removed
    "#);
    let after = all_run(&host, &["new", "web", "db"]);
    assert_eq!(names(&host), ["db", "new", "web"]);
    assert_eq!(after["db"], before["db"], "an untouched process keeps its pid");
    assert_ne!(after["web"], before["web"]);
    assert!(!is_alive(before["old"]));
    let web = host.process("web");
    assert_eq!(web["cause"], "reload");
    assert_eq!(web["reason"], "restarted by a reload: command has changed");
    nothing_differs(&host, "a reload");
    host.down();
}

#[test]
fn without_restarts_old_values_stay_until_the_next_start_and_are_shown() {
    let host = Host::up(PROVOST, THREE);
    let before = all_run(&host, &["web", "db", "old"]);
    let config = THREE.replace("\"1000\"]", "\"1010\"]\nstop = { grace = \"1s\" }");
    let ran = reload(&host, &config, &["--no-restart"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r#"
    config: checked: 1 process to change
    web: it has its old command until its next start
    reloaded: 1 process changed (1 postponed)
    "#);
    assert_eq!(pids(&host), before);
    let rest = difference(&host);
    assert_eq!(
        rest["processes"][0]["keys"].as_array().unwrap().len(),
        1,
        "the grace time is in force: {rest}"
    );
    assert_eq!(rest["processes"][0]["keys"][0]["key"], "command");
    host.ok(&["restart", "web", "--wait"]);
    nothing_differs(&host, "the next start");
    host.down();
}

#[test]
fn what_goes_is_stopped_after_what_depends_on_it() {
    let notes = |name: &str, pause: &str, rest: &str| {
        format!(
            "[process.{name}]\nready = {{ log = \"up\" }}\n{rest}\
             command = \"trap 'sleep {pause}; echo {name} >> ended; exit 0' TERM; echo up; while :; do sleep 0.05; done\"\n"
        )
    };
    let stays = "[process.stays]\ncommand = [\"sleep\", \"1000\"]\n";
    let db = notes("db", "0", "");
    let app = notes("app", "0.2", "depends_on = { db = \"ready\" }\n");
    let proxy = notes("proxy", "0.4", "depends_on = { app = \"ready\" }\n");
    let host = Host::up(PROVOST, &format!("{stays}{db}{app}{proxy}"));
    host.until("proxy", "it is ready", |it| it["ready"] == true);
    reloaded(&host, stays);
    let ended = std::fs::read_to_string(host.setup().dir().join("ended")).unwrap();
    assert_eq!(ended, "proxy\napp\ndb\n");
    host.down();
}

#[test]
fn without_restarts_an_identity_stays_until_a_reload_with_them() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1000\"]\ngroup = \"old\"\n";
    let host = Host::up(PROVOST, config);
    let before = all_run(&host, &["web"]);
    let ran = reload(&host, &config.replace("old", "new"), &["--no-restart"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r"
    config: checked: 1 process to change
    web: it has its old group until a reload without `--no-restart`
    reloaded: 1 process changed (1 postponed)
    ");
    assert_eq!(pids(&host), before);
    host.ok(&["restart", "web", "--wait"]);
    assert_eq!(host.process("web")["group"], "old");
    assert_eq!(difference(&host)["processes"][0]["keys"][0]["key"], "group");
    host.ok(&["reload", "--wait"]);
    assert_eq!(host.process("web")["group"], "new");
    nothing_differs(&host, "the second reload");
    host.down();
}

#[test]
fn replicas_that_a_reload_starts_have_their_new_values_from_the_first_start_on() {
    let config = |value: &str, replicas: &str| {
        format!(
            "[process.web]\ncommand = \"echo $SET_TO $PROVOST_PROCESS >> starts; exec sleep 1000\"\n\
             env = {{ SET_TO = \"{value}\" }}\nreplicas = {replicas}\n"
        )
    };
    // Its removal takes so long that all replicas run before the reload comes to the restarts.
    let slow = "[process.slow]\nready = { log = \"up\" }\n\
                command = \"trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.05; done\"\n";
    let host = Host::up(PROVOST, &(config("old", "{ min = 1, max = 8 }") + slow));
    host.until("slow", "it is ready", |it| it["ready"] == true);
    let starts = || std::fs::read_to_string(host.setup().dir().join("starts")).unwrap_or_default();
    eventually("the first replica has started", starts, |starts| starts == "old web.1\n");
    reloaded(&host, &config("new", "8"));
    let all: Vec<String> = (1..=8).map(|number| format!("web.{number}")).collect();
    all_run(&host, &all.iter().map(String::as_str).collect::<Vec<_>>());
    let new = |starts: &String| starts.matches("new").count() == 8;
    let starts = eventually("all have started", starts, new);
    assert_eq!(starts.lines().count(), 9, "each has started once with the new value: {starts}");
    nothing_differs(&host, "the reload");
    host.down();
}

#[test]
fn status_has_the_order_of_the_config_after_reloads_and_scaling() {
    let section = |name: &str| format!("[process.{name}]\ncommand = [\"sleep\", \"1000\"]\n");
    let config = |names: &[&str]| names.iter().map(|name| section(name)).collect::<String>();
    let web = |replicas: &str| format!("{}replicas = {replicas}\n", section("web"));
    let host = Host::up(PROVOST, &(config(&["a", "b"]) + &web("2") + &section("z")));
    let shown = |arguments: &[&str]| -> String {
        let table = host.ok(arguments);
        let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
        rows.filter_map(|row| row.split_whitespace().next()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&["status"]), "a b web.1 web.2 z");
    reloaded(&host, &(config(&["new", "b"]) + &web("3") + &config(&["z", "end"])));
    assert_eq!(shown(&["status"]), "new b web.1 web.2 web.3 z end");
    host.ok(&["scale", "web=4"]);
    // A status of named processes fails if one of them is down.
    host.until_phase("web.4", "running");
    assert_eq!(shown(&["status"]), "new b web.1 web.2 web.3 web.4 z end");
    assert_eq!(shown(&["status", "end", "web.4", "new"]), "new web.4 end");
    let json = host.json(&["status", "-o", "json"]);
    let names: Vec<&str> =
        json["processes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names.join(" "), "new b web.1 web.2 web.3 web.4 z end");
    host.down();
}

#[test]
fn sighup_reloads_the_config() {
    let host = Host::up(PROVOST, THREE);
    let before = all_run(&host, &["web", "db", "old"]);
    write(&host, &THREE.replace("\"1000\"", "\"1010\""));
    host.signal(Signal::HUP);
    host.until("web", "it was restarted", |web| {
        web["phase"] == "running" && web["pid"].as_u64() != Some(before["web"])
    });
    eventually("nothing differs", || host.run(&["diff"]).code, |code| *code == 0);
    write(&host, "[process.web]\n");
    host.signal(Signal::HUP);
    eventually("the log says why not", || host.log(), |log| log.contains("[process.web] has no `command`"));
    assert_eq!(names(&host), ["db", "old", "web"]);
    host.down();
}

#[test]
fn status_says_that_the_file_has_changed() {
    let host = Host::up(PROVOST, THREE);
    assert_eq!(host.status()["host"]["config_changed"], false);
    write(&host, &format!("# A comment.\n{THREE}"));
    let status = || host.status()["host"]["config_changed"].clone();
    eventually("it has changed", status, |changed| *changed == true);
    assert!(host.ok(&["status"]).contains("has changed since it was loaded"));
    nothing_differs(&host, "a comment");
    host.ok(&["reload"]);
    assert_eq!(host.status()["host"]["config_changed"], false);
    let socket = host.setup().dir().join(".provost/provost.sock");
    let by_socket = || host.json(&["--socket", socket.to_str().unwrap(), "status", "-o", "json"]);
    std::fs::rename(host.setup().dir().join("provost.toml"), host.setup().dir().join("away.toml")).unwrap();
    let gone = || by_socket()["host"]["config_changed"].clone();
    eventually("a file that is gone has changed", gone, |changed| *changed == true);
    std::fs::rename(host.setup().dir().join("away.toml"), host.setup().dir().join("provost.toml")).unwrap();
    eventually("it is there again", gone, |changed| *changed == false);
    host.down();
}

#[test]
fn replicas_change_by_hand_until_the_next_reload() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1000\"]\nreplicas = 2\n";
    let host = Host::up(PROVOST, config);
    let before = all_run(&host, &["web.1", "web.2"]);
    assert_eq!(host.ok(&["scale", "web=4"]), "web: 4 replicas, before 2; until the next reload\n");
    let four = all_run(&host, &["web.1", "web.2", "web.3", "web.4"]);
    assert_eq!((four["web.1"], four["web.2"]), (before["web.1"], before["web.2"]));
    let ran = host.run(&["diff"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout.replace(host.setup().dir().to_str().unwrap(), "DIR"), @r#"
    CHANGE   SECTION        KEY       EFFECT    VALUE
    changed  [process.web]  replicas  in place  4 → 2

    changed at run time; these lines of the config would keep it:
      [process.web]
      replicas = 4

    unchanged: 0 processes, 0 plugins
    `provost reload` applies this
    "#);
    assert_eq!(host.run(&["scale", "web=x"]).code, 2);
    let ran = host.run(&["scale", "nope=1"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: there is no process called `nope` with replicas
    hint: processes with `replicas` in the config can be scaled; `replicas = 1` is enough
    "#);
    host.ok(&["scale", "web=1"]);
    eventually("two are left", || names(&host), |names| names == &["web.1", "web.2"]);
    host.until_phase("web.2", "stopped");
    insta::assert_snapshot!(host.ok(&["reload", "--wait"]), @r"
    config: checked: 1 process to change
    web: 2 replicas wanted, before 1
    web.2: started
    web.2: it is up
    reloaded: 1 process changed
    ");
    let again = all_run(&host, &["web.1", "web.2"]);
    assert_eq!(again["web.1"], before["web.1"]);
    nothing_differs(&host, "the reload");
    let every =
        |every: &str| config.replace("= 2", &format!("= {{ min = 2, max = 3, every = \"{every}\" }}"));
    reloaded(&host, &every("1m"));
    insta::assert_snapshot!(reloaded(&host, &every("2m")), @r"
    config: checked: 1 process to change
    web: changed in place: replicas.every
    reloaded: 1 process changed
    ");
    nothing_differs(&host, "another period");
    reloaded(&host, &config.replace("= 2", "= 3"));
    assert_eq!(names(&host), ["web.1", "web.2", "web.3"]);
    assert_eq!(pids(&host)["web.1"], before["web.1"]);
    reloaded(&host, &config.replace("replicas = 2", ""));
    assert_eq!(names(&host), ["web"], "a process without replicas replaces them");
    assert_eq!(host.status()["replicas"], serde_json::json!([]));
    assert_eq!(host.run(&["scale", "web=2"]).code, 1);
    host.down();
}

#[test]
fn plugins_are_loaded_replaced_and_unloaded_and_changes_at_run_time_are_a_difference() {
    let config = "[plugins.backoff]\ncomponent = \"bundled:backoff\"\n[process.web]\ncommand = [\"sleep\", \"1000\"]\n\
                  policies = [\"backoff\"]\n";
    let host = Host::up(PROVOST, config);
    let before = all_run(&host, &["web"]);
    host.ok(&["plugin", "swap", "backoff", "--settings", "{\"first\": \"7s\"}"]);
    host.ok(&["plugin", "load", "otp", "bundled:otp", "--for", "web"]);
    host.ok(&["state", "backend", "locked"]);
    let ran = host.run(&["diff"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout, @r#"
    CHANGE   SECTION            KEY             EFFECT    VALUE
    changed  [state]            backend         in place  "locked" → "atomic"
    changed  [plugins.backoff]  settings.first  in place  "7s" → not set
    removed  [plugins.otp]      component                 "bundled:otp"
    changed  [process.web]      policies        in place  ["otp", "backoff"] → ["backoff"]

    changed at run time; these lines of the config would keep it:
      [state]
      backend = "locked"
      [plugins.backoff]
      settings.first = "7s"
      [plugins.otp]
      component = "bundled:otp"
      [process.web]
      policies = ["otp", "backoff"]

    unchanged: 0 processes, 0 plugins
    `provost reload` applies this
    "#);
    host.ok(&["reload"]);
    nothing_differs(&host, "the reload");
    assert_eq!(host.plugins().len(), 1);
    let two = format!(
        "[plugins.extra]\ncomponent = \"bundled:otp\"\n{}",
        config
            .replace("[\"backoff\"]", "[\"extra\", \"backoff\"]")
            .replace("bundled:backoff\"", "bundled:backoff\"\nsettings = { first = \"9s\" }")
    );
    reloaded(&host, &two);
    nothing_differs(&host, "a new plugin");
    assert_eq!(host.plugins()[0]["name"], "extra", "the order is that of the file");
    assert_eq!(host.plugin("backoff")["version"], 4);
    assert_eq!(pids(&host), before, "no process was restarted");
    host.down();
}

#[test]
fn the_component_of_a_plugin_counts_by_its_content() {
    let config = "[plugins.p]\ncomponent = \"p.wasm\"\n[process.web]\ncommand = [\"sleep\", \"1000\"]\npolicies = [\"p\"]\n";
    let setup = Setup::new(PROVOST, config);
    let file = setup.dir().join("p.wasm");
    let plugins = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    std::fs::copy(plugins.join("backoff/backoff.wasm"), &file).unwrap();
    let host = setup.up();
    all_run(&host, &["web"]);
    nothing_differs(&host, "the start");
    std::fs::copy(plugins.join("otp/otp.wasm"), &file).unwrap();
    let ran = host.run(&["diff"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout, @r#"
    CHANGE   SECTION      KEY        EFFECT    VALUE
    changed  [plugins.p]  component  in place  the content of "p.wasm" has changed

    unchanged: 1 process, 0 plugins
    `provost reload` applies this
    "#);
    host.ok(&["reload"]);
    nothing_differs(&host, "the reload");
    assert_eq!(host.plugin("p")["version"], 2);
    host.ok(&["plugin", "rollback", "p"]);
    assert_eq!(host.run(&["diff"]).code, 1, "what was rolled back differs");
    host.down();
}

#[test]
fn environment_files_count_by_what_they_gave_at_the_start() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1000\"]\nenv_files = [\"a.env\"]\n";
    let setup = Setup::new(PROVOST, config);
    let file = setup.dir().join("a.env");
    std::fs::write(&file, "A=1\n").unwrap();
    let host = setup.up();
    let before = all_run(&host, &["web"]);
    std::fs::write(&file, "# A comment.\nA=1\n").unwrap();
    nothing_differs(&host, "a comment");
    std::fs::write(&file, "A=secret\n").unwrap();
    let ran = host.run(&["diff"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout, @r#"
    CHANGE   SECTION        KEY        EFFECT   VALUE
    changed  [process.web]  env_files  restart  the content of ["a.env"] has changed

    unchanged: 0 processes, 0 plugins
    `provost reload` applies this, and `provost reload --no-restart` without restarts
    "#);
    host.ok(&["reload", "--wait"]);
    assert_ne!(all_run(&host, &["web"]), before);
    nothing_differs(&host, "the reload");
    host.down();
}

#[test]
fn up_beside_a_running_host_points_to_reload() {
    let host = Host::up(PROVOST, THREE);
    let ran = host.run(&["up"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("`provost -c provost.toml reload` makes it run this config"), "{ran:?}");
    // Another file with the same runtime directory.
    std::fs::write(host.setup().dir().join("other.toml"), "[process.only]\ncommand = [\"sleep\", \"5\"]\n")
        .unwrap();
    let ran = host.run(&["-c", "other.toml", "reload", "--wait"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(names(&host), ["only"]);
    let config = host.status()["host"]["config"].as_str().unwrap().to_owned();
    assert!(config.ends_with("/other.toml"), "{config}");
    nothing_differs_from(&host, "other.toml");
    assert_eq!(host.run(&["diff"]).code, 0, "without a name it is the config that is in force");
    host.down();
}

fn nothing_differs_from(host: &Host, file: &str) {
    let ran = host.run(&["-c", file, "diff"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}
