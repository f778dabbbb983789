//! Reloads that are refused, that fail half way, and that meet processes which hang or crash.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use provost_tests::{Host, Setup, eventually};
use serde_json::Value;

use super::world::{all_run, difference, names, nothing_differs, pids, reload, reloaded, write};
use crate::PROVOST;

const TWO: &str =
    "[process.web]\ncommand = [\"sleep\", \"1000\"]\n[process.db]\ncommand = [\"sleep\", \"1001\"]\n";

#[test]
fn a_refused_reload_changes_nothing() {
    let host = Host::up(PROVOST, TWO);
    let before = all_run(&host, &["web", "db"]);
    let generation = host.status()["generation"].clone();
    let changed = TWO.replace("\"1000\"", "\"1010\"");
    let missing = TWO.replace("\"sleep\", \"1000\"", "\"./is-not-there\"");
    let plugin = "[plugins.b]\ncomponent = \"bundled:backoff\"\n";
    let bad = [
        (format!("{changed}["), "this is not TOML"),
        (format!("{changed}colour = 1\n"), "unknown key `colour`"),
        (
            changed.replace("\"1010\"]", "\"1010\"]\ndepends_on = [\"db\"]") + "depends_on = [\"web\"]\n",
            "these processes wait for each other: web → db → web",
        ),
        (format!("{changed}[host]\nruntime_dir = \"elsewhere\"\n"), "`host.runtime_dir` cannot change"),
        (format!("{changed}[host]\nlog_dir = \"elsewhere\"\n"), "`host.log_dir` cannot change"),
        (
            format!("{changed}[plugins]\ncache = {{ size = \"1MiB\" }}\n"),
            "`plugins.cache.size` cannot change",
        ),
        (format!("{changed}{plugin}settings = {{ frist = 1 }}\n"), "the plugin `b` refuses its settings"),
        (format!("{changed}[plugins.b]\ncomponent = \"nope.wasm\"\n"), "there is no file `"),
        (
            changed.replace("\"1010\"]", "\"1010\"]\npolicies = [\"p\"]")
                + "[plugins.p]\ncomponent = \"bundled:prometheus\"\n",
            "plugin `p` is not a policy",
        ),
        (missing.clone(), "`web` would be restarted and could not start"),
        (format!("{plugin}{missing}"), "`web` would be restarted and could not start"),
    ];
    for (config, why) in bad {
        write(&host, &config);
        // With a runtime directory of its own the config would find another host.
        let socket = host.setup().dir().join(".provost/provost.sock");
        let ran = host.run(&["--socket", socket.to_str().unwrap(), "reload"]);
        assert_eq!(ran.code, 2, "{why}: {ran:?}");
        for part in ["provost.toml:", why, "nothing was changed"] {
            assert!(ran.stderr.contains(part), "{part}: {ran:?}");
        }
    }
    write(&host, TWO);
    assert_eq!(pids(&host), before);
    assert_eq!(host.status()["generation"], generation, "nothing was committed");
    assert!(host.plugins().is_empty());
    nothing_differs(&host, "refused reloads");
    host.down();
}

#[test]
fn a_program_that_is_missing_is_no_reason_for_a_refusal_without_restarts() {
    let host = Host::up(PROVOST, TWO);
    let before = all_run(&host, &["web", "db"]);
    let ran = reload(&host, &TWO.replace("\"sleep\", \"1000\"", "\"./is-not-there\""), &["--no-restart"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(pids(&host), before);
    host.down();
}

/// A process that ignores its stop signal, and says that it does.
const STUBBORN: &str = "[process.stubborn]\ncommand = \"trap '' TERM; echo up; while :; do sleep 0.05; done\"\n\
                        ready = { log = \"up\" }\nstop = { grace = \"1s\" }\n";

#[test]
fn of_two_reloads_at_once_the_second_waits() {
    let host = Host::up(PROVOST, &format!("{TWO}{STUBBORN}"));
    host.until("stubborn", "it is ready", |it| it["ready"] == true);
    // The first one takes as long as the grace time of the process that it removes.
    write(&host, TWO);
    let mut first = host.setup().command(&["reload", "-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    let removing = |line: &String| line.contains("\"removing\"");
    assert!(lines.by_ref().map(Result::unwrap).any(|line| removing(&line)));
    let second = reload(&host, &format!("{TWO}[process.third]\ncommand = [\"sleep\", \"5\"]\n"), &[]);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(!second.stdout.contains("stubborn"), "it was gone when the second one began: {second:?}");
    assert!(first.wait().unwrap().success());
    assert_eq!(names(&host), ["db", "third", "web"]);
    nothing_differs(&host, "both");
    host.down();
}

/// A section of a process that ends at a stop only when there is a file `go`.
fn hanger(name: &str) -> String {
    format!(
        "[process.{name}]\nready = {{ log = \"up\" }}\nstop = {{ grace = \"10m\" }}\n\
         command = \"trap 'until [ -e go ]; do sleep 0.05; done; exit 0' TERM; echo up; while :; do sleep 0.05; done\"\n"
    )
}

#[test]
fn what_is_still_being_removed_is_added_again_after_its_end() {
    let config = format!("{TWO}{}", hanger("web2"));
    // The first removal is given up at once, as if the child could not be killed.
    let host = Setup::new(PROVOST, &config).up_with(&[("FAILPOINTS", "removal.stuck=1*return")]);
    host.until("web2", "it is ready", |it| it["ready"] == true);
    let before = all_run(&host, &["web", "db", "web2"]);
    let ran = reload(&host, TWO, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!(ran.stderr, @r"
    error: web2: it is not removed: its child has not ended, although it was sent SIGKILL
    hint: what was done stays done: `provost diff` shows what remains, and `provost reload` does it
    ");
    insta::assert_snapshot!(host.run(&["diff"]).stdout, @r#"
    CHANGE   SECTION         KEY      EFFECT  VALUE
    removed  [process.web2]  command          "trap 'until [ -e go ]; do sleep 0.05; done; exit 0' TERM; echo up; while :; do sleep 0.05; done"

    unchanged: 2 processes, 0 plugins
    `provost reload` applies this
    "#);
    write(&host, &config);
    insta::assert_snapshot!(host.run(&["diff"]).stdout, @r#"
    CHANGE  SECTION         KEY      EFFECT  VALUE
    added   [process.web2]  command          "trap 'until [ -e go ]; do sleep 0.05; done; exit 0' TERM; echo up; while :; do sleep 0.05; done"

    unchanged: 2 processes, 0 plugins
    `provost reload` applies this
    "#);
    let mut again = host.setup().command(&["reload", "--wait"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(again.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut lines: Vec<String> = told.by_ref().take(2).collect();
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    lines.extend(told);
    assert!(again.wait().unwrap().success(), "{lines:?}");
    insta::assert_snapshot!(lines.join("\n"), @r"
    config: checked: 1 process to add
    web2: it is being removed already, and its end is waited for
    web2: removed
    web2: added
    web2: started
    web2: it is up
    reloaded: 1 process added, 1 process removed
    ");
    let after = all_run(&host, &["web", "db", "web2"]);
    assert_ne!(after["web2"], before["web2"]);
    assert_eq!((after["web"], after["db"]), (before["web"], before["db"]));
    nothing_differs(&host, "the second reload");
    host.down();
}

#[test]
fn a_replica_that_is_still_being_removed_is_not_counted_as_there() {
    let config = format!("{}replicas = 2\n", hanger("web"));
    let host = Setup::new(PROVOST, &config).up_with(&[("FAILPOINTS", "removal.stuck=1*return")]);
    for name in ["web.1", "web.2"] {
        host.until(name, "it is ready", |it| it["ready"] == true);
    }
    let one = config.replace("replicas = 2", "replicas = 1");
    assert_eq!(reload(&host, &one, &[]).code, 1);
    let ran = host.run(&["scale", "web=2"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!(ran.stderr, @r"
    error: a replica of `web` cannot be added: there is a process called `web.2` already
    hint: a replica that is being removed may still be ending: try again
    ");
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    eventually("it is gone", || names(&host), |names| names == &["web.1"]);
    host.ok(&["scale", "web=2"]);
    all_run(&host, &["web.1", "web.2"]);
    host.down();
}

#[test]
fn a_change_of_a_number_of_replicas_waits_for_a_reload() {
    let web = "[process.web]\ncommand = [\"sleep\", \"1000\"]\nreplicas = 2\n";
    let host = Host::up(PROVOST, &format!("{web}{STUBBORN}"));
    host.until("stubborn", "it is ready", |it| it["ready"] == true);
    write(&host, web);
    let mut reload = host.setup().command(&["reload"]).stdout(Stdio::null()).spawn().unwrap();
    host.until_phase("stubborn", "stopping");
    host.ok(&["scale", "web=3"]);
    assert_eq!(names(&host), ["web.1", "web.2", "web.3"], "the reload was complete before");
    assert!(reload.wait().unwrap().success());
    host.down();
}

#[test]
fn while_a_stop_hangs_everything_else_goes_on_and_its_name_is_free_afterwards() {
    let host = Host::up(PROVOST, &format!("{TWO}{STUBBORN}"));
    host.until("stubborn", "it is ready", |it| it["ready"] == true);
    let before = all_run(&host, &["web", "db", "stubborn"]);
    write(&host, TWO);
    let mut reload = host.setup().command(&["reload"]).stdout(Stdio::null()).spawn().unwrap();
    host.until_phase("stubborn", "stopping");
    let ran = host.run(&["restart", "stubborn"]);
    assert_eq!(ran.code, 1, "what is leaving is not started again: {ran:?}");
    host.ok(&["restart", "web", "--wait"]);
    assert!(reload.wait().unwrap().success());
    assert_eq!(names(&host), ["db", "web"]);
    assert_eq!(pids(&host)["db"], before["db"]);
    reloaded(&host, &format!("{TWO}{STUBBORN}"));
    assert_ne!(all_run(&host, &["stubborn"])["stubborn"], before["stubborn"]);
    host.down();
}

#[test]
fn what_fails_half_way_is_said_and_the_next_reload_does_it() {
    let setup = Setup::new(PROVOST, TWO);
    let host = setup.up_with(&[("FAILPOINTS", "reload.add=1*return")]);
    let before = all_run(&host, &["web", "db"]);
    let config = TWO.replace("\"1000\"", "\"1010\"") + "[process.new]\ncommand = [\"sleep\", \"7\"]\n";
    let ran = reload(&host, &config, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r#"
    config: checked: 1 process to add, 1 process to change
    web: restarted: command has changed
    reloaded: 1 process changed (1 restarted)
    "#);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: new: it is not added: the host is shutting down
    hint: what was done stays done: `provost diff` shows what remains, and `provost reload` does it
    "#);
    let web = host
        .until("web", "it was restarted", |web| web["pid"].as_u64().is_some_and(|pid| pid != before["web"]));
    let rest = difference(&host);
    assert_eq!(rest["processes"].as_array().unwrap().len(), 1, "{rest}");
    assert_eq!(
        (&rest["processes"][0]["name"], &rest["processes"][0]["change"]),
        (&"new".into(), &"added".into())
    );
    let changed = || host.status()["host"]["config_changed"].clone();
    eventually("it is not in force as a whole", changed, |changed| *changed == true);
    host.ok(&["reload", "--wait"]);
    assert_eq!(host.process("web")["pid"], web["pid"], "what was done is not done again");
    nothing_differs(&host, "the second one");
    host.down();
}

#[test]
fn a_reload_in_a_storm_of_crashes_is_complete_and_touches_nothing_else() {
    let mut config =
        String::from("[plugins.otp]\ncomponent = \"bundled:otp\"\nsettings = { intensity = 1000000 }\n");
    for number in 0..20 {
        config.push_str(&format!(
            "[process.crash{number}]\ncommand = \"sleep 0.0{number}; exit 1\"\npolicies = [\"otp\"]\n"
        ));
    }
    for number in 0..10 {
        config.push_str(&format!("[process.calm{number}]\ncommand = [\"sleep\", \"1000\"]\n"));
    }
    let host = Host::up(PROVOST, &config);
    let calm: Vec<String> = (0..10).map(|number| format!("calm{number}")).collect();
    let before = all_run(&host, &calm.iter().map(String::as_str).collect::<Vec<_>>());
    for round in 0..5 {
        let next = config.replace("exit 1", &format!("exit {}", round + 2)).replacen(
            "[process.calm9]",
            &format!("[process.calm9{round}]"),
            1,
        );
        let ran = reload(&host, &next, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        nothing_differs(&host, "a reload in the storm");
    }
    let after = pids(&host);
    for name in &calm[..9] {
        assert_eq!(after.get(name), before.get(name), "{name}");
    }
    assert!(host.process("crash3")["restarts"].as_u64().unwrap() > 0);
    host.down();
}

#[test]
fn a_reader_of_events_sees_every_addition_and_removal_once() {
    let host = Host::up(PROVOST, TWO);
    let mut follower =
        host.setup().command(&["events", "-f", "-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    const ROUNDS: usize = 10;
    for round in 0..ROUNDS {
        let mut config = TWO.to_owned();
        for number in 0..3 {
            config.push_str(&format!("[process.r{round}-{number}]\ncommand = [\"sleep\", \"9\"]\n"));
        }
        reloaded(&host, &config);
    }
    reloaded(&host, &format!("{TWO}[process.last]\ncommand = [\"sleep\", \"9\"]\n"));
    host.ok(&["stop", "last", "--wait"]);
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in lines {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let (kind, name) = (event["kind"].as_str().unwrap(), event["process"].as_str().unwrap_or_default());
        assert_ne!(kind, "missed", "{event}");
        if kind == "added" || kind == "removed" {
            *seen.entry((name.to_owned(), kind.to_owned())).or_default() += 1;
        }
        if name == "last" && kind == "stop" {
            break;
        }
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    let count = |kind: &str| seen.keys().filter(|(name, of)| name.starts_with('r') && of == kind).count();
    assert_eq!((count("added"), count("removed")), (3 * ROUNDS, 3 * ROUNDS));
    host.down();
}

#[test]
fn a_dead_client_does_not_end_its_reload() {
    let host = Host::up(PROVOST, &format!("{TWO}{STUBBORN}"));
    host.until("stubborn", "it is ready", |it| it["ready"] == true);
    write(&host, &format!("{TWO}[process.new]\ncommand = [\"sleep\", \"7\"]\n"));
    let mut client = host.setup().command(&["reload"]).stdout(Stdio::null()).spawn().unwrap();
    host.until_phase("stubborn", "stopping");
    client.kill().unwrap();
    client.wait().unwrap();
    eventually("the reload is complete", || host.run(&["diff"]).code, |code| *code == 0);
    assert_eq!(names(&host), ["db", "new", "web"]);
    host.down();
}
