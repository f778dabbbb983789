//! The journal: what a host has written is read by commands while it runs, after it was killed, and by the next one.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use provost_tests::{Host, Setup, eventually};
use serde_json::Value;

use crate::PROVOST;

const CONFIG: &str = "[plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = '10ms', give_up_after = 3 }\n\
                      [process.web]\ncommand = \"exit 3\"\npolicies = [\"backoff\"]\ngroup = \"front\"\n\
                      [process.db]\ncommand = \"exec sleep 1000\"\n";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn export(setup: &Setup) -> Vec<Value> {
    let ran = setup.run(&["journal", "export"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    lines(&ran.stdout)
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["kind"].as_str().unwrap()).collect()
}

/// Waits until everything that the host remembers is in its journal, and returns that.
fn written(host: &Host) -> Vec<Value> {
    let latest = host.status()["generation"].as_u64().unwrap();
    let has_all = |records: &Vec<Value>| records.iter().any(|record| record["generation"] == latest);
    eventually("everything is in the journal", || export(host.setup()), has_all)
}

#[test]
fn a_host_that_is_killed_loses_nothing_that_was_written_and_the_next_one_goes_on() {
    // A keeper would start the next host at once.
    let host = Host::up(PROVOST, &format!("[host]\nkeeper = false\n{CONFIG}"));
    host.until_phase("web", "fatal");
    let remembered = host.events("web");
    let before = written(&host);
    let setup = host.crash();

    let after = export(&setup);
    assert_eq!(after[..before.len()], before, "nothing is lost");
    let recorded: Vec<&Value> =
        after.iter().filter(|it| it["process"] == "web" && it["phase"].is_string()).collect();
    assert_eq!(recorded.len(), remembered.len());
    for (one, other) in recorded.iter().zip(&remembered) {
        for field in ["generation", "at", "kind", "phase", "before", "reason", "exit", "decision"] {
            assert_eq!(one[field], other[field], "{field}");
        }
    }
    let sequence: Vec<u64> = after.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert!(sequence.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequence:?}");

    // Without a host, the commands read it.
    let events = setup.run(&["events", "web"]);
    assert_eq!((events.code, &*events.stderr), (0, "note: no host is running: this is from the journal\n"));
    let exits = events.stdout.lines().filter(|line| line.split_whitespace().nth(2) == Some("exited"));
    assert_eq!(exits.count(), 4, "{}", events.stdout);
    let verified = setup.run(&["journal", "verify"]);
    assert!(
        verified.code == 0 && verified.stdout.ends_with("every block is intact\n"),
        "{}",
        verified.stdout
    );

    let host = setup.up();
    host.until_phase("web", "fatal");
    written(&host);
    let setup = host.down();
    let all = export(&setup);
    assert_eq!(all[..before.len()], before);
    assert_eq!(kinds(&all).iter().filter(|kind| **kind == "host_started").count(), 2);
    assert_eq!(kinds(&all).last(), Some(&"host_ended"), "the second one has ended in order");
    assert!(all.iter().zip(1_u64..).all(|(record, seq)| record["seq"] == seq));
}

#[test]
fn a_decision_is_recorded_with_its_inputs_and_explained_as_of_then() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "fatal");
    let records = written(&host);
    let decisions: Vec<&Value> = records.iter().filter(|record| record["kind"] == "decision").collect();
    assert_eq!(decisions.len(), 4, "give_up_after counts the restarts");
    let first = decisions[0];
    assert_eq!((&first["process"], &first["by"]), (&"web".into(), &"backoff".into()));
    assert_eq!(first["trigger"]["exit"], "exited with code 3");
    let basis = &first["asked"][0]["basis"];
    assert_eq!(basis["component"].as_str().unwrap(), host.plugin("backoff")["digest"].as_str().unwrap());
    assert!(basis["fuel"].as_u64().unwrap() > 0);
    // A decision comes after the exit that it is about, and before the commit of its verdict.
    let place =
        |kind: &str| records.iter().position(|it| it["process"] == "web" && it["kind"] == kind).unwrap();
    assert!(place("exited") < place("decision") && place("decision") < place("decided"));

    let exit = records.iter().find(|record| record["kind"] == "exited").unwrap();
    let then = host.json(&["explain", "web", "--at", exit["at"].as_str().unwrap(), "-o", "json"]);
    assert_eq!(then["process"]["incarnation"], 1);
    let explained = host.ok(&["explain", "web", "--at", "0s"]);
    assert!(explained.contains("asked because incarnation 1 exited with code 3"), "{explained}");
    assert!(explained.contains("was given up on") && explained.contains("memory version 0"), "{explained}");
    let setup = host.down();
    assert!(setup.run(&["explain", "web", "--at", "0s"]).stdout.contains("web"), "also without a host");
    let unknown = setup.run(&["explain", "absent", "--at", "0s"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("nothing about a process called `absent`"), "{}", unknown.stderr);
}

#[test]
fn orders_switches_and_reloads_are_recorded_and_chosen_by_kind_name_and_time() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("db", "running");
    host.ok(&["restart", "db", "--wait"]);
    host.ok(&["state", "backend", "locked"]);
    host.ok(&["reload"]);
    host.ok(&["plugin", "swap", "backoff"]);
    written(&host);
    let counted = |all: &[Value], kind: &str| all.iter().filter(|record| record["kind"] == kind).count();
    // A note is written soon after the order whose answer has come.
    let all = eventually(
        "the orders are recorded",
        || lines(&host.ok(&["events", "--since", "1h", "-o", "json"])),
        |all| (counted(all, "order"), counted(all, "backend"), counted(all, "reload")) == (1, 2, 1),
    );
    assert_eq!(counted(&all, "decision"), 0, "their inputs are long");
    let order = all.iter().find(|record| record["kind"] == "order").unwrap();
    assert_eq!((&order["order"], &order["process"]), (&"restart".into(), &"db".into()));

    let orders = host.ok(&["events", "--kind", "order"]);
    assert!(orders.contains("restart: asked for by a user") && orders.lines().count() == 1, "{orders}");
    let named =
        lines(&host.ok(&["events", "--since", "1h", "--name", "db", "--kind", "ready", "-o", "json"]));
    assert!(named.len() == 2 && named.iter().all(|record| record["process"] == "db"), "{named:?}");
    assert_eq!(host.ok(&["events", "--until", "2020-01-01"]), "");
    let wrong = host.run(&["events", "--kind", "nonsense"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("the kinds are added, removed"), "{}", wrong.stderr);
    let stats = host.ok(&["journal", "stats"]);
    assert!(stats.contains("commit") && stats.contains("bytes each"), "{stats}");
    host.down();
}

#[test]
fn a_damaged_journal_is_found_with_the_place_and_read_as_far_as_it_is_intact() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "fatal");
    written(&host);
    let setup = host.down();
    let whole = export(&setup).len();
    let dir = setup.dir().join(".provost/journal");
    let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = 4_096 + (bytes.len() - 4_096) / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let verified = setup.run(&["journal", "verify"]);
    assert_eq!(verified.code, 1);
    let first = verified.stdout.lines().next().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(first.starts_with(&format!("damaged: {name} at byte ")), "{first}");
    let read = export(&setup);
    assert!(read.len() < whole);
    assert_eq!(kinds(&read).last(), Some(&"gap"));
}

#[test]
fn without_a_journal_the_commands_say_so_and_a_host_can_run_without_one() {
    let setup = Setup::new(PROVOST, &format!("[journal]\nenabled = false\n{CONFIG}"));
    for arguments in
        [&["journal", "verify"][..], &["events", "--since", "1h"], &["explain", "web", "--at", "1s"]]
    {
        let ran = setup.run(arguments);
        assert!(ran.code == 1 && ran.stderr.contains("there is no journal in"), "{}", ran.stderr);
    }
    assert_eq!(setup.run(&["events"]).code, 3, "there is neither a host nor a journal");
    let host = setup.up();
    host.until_phase("web", "fatal");
    let setup = host.down();
    assert!(!setup.dir().join(".provost/journal").exists());
}

/// Returns the answer of a running host to a request.
fn get(setup: &Setup, path: &str) -> String {
    let mut stream = UnixStream::connect(setup.dir().join(".provost/provost.sock")).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_api_reads_what_an_earlier_host_has_recorded() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "fatal");
    written(&host);
    let host = host.down().up();
    host.until_phase("web", "fatal");
    written(&host);
    let exits = |path: &str| get(host.setup(), path).matches("\"kind\":\"exited\"").count();
    assert_eq!(exits("/v1/events?select=web"), 4, "the host remembers its own");
    assert_eq!(
        exits("/v1/events?select=web&from=2020-01-01T00:00:00Z"),
        8,
        "none is missing, and none is doubled"
    );
    assert_eq!(exits("/v1/events?select=web&from=2020-01-01T00:00:00Z&limit=3"), 1, "the last three changes");
    let removed = get(host.setup(), "/v1/events?select=nobody&from=2020-01-01T00:00:00Z");
    assert!(removed.starts_with("HTTP/1.1 200 OK"), "it may have existed then: {removed}");
    host.down();
}

#[test]
fn while_the_disk_of_the_journal_hangs_supervision_goes_on_and_the_host_says_so() {
    let config = format!("[host]\nrestart_budget = {{ restarts = 99, per = \"1ms\" }}\n{CONFIG}")
        .replace("give_up_after = 3", "max = '10ms'");
    let host = Setup::new(PROVOST, &config).up_with(&[("FAILPOINTS", "journal.write=pause")]);
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("the host says so", degraded, |lacks| lacks.contains("the disk of the journal"));
    let restarts = || host.process("web")["restarts"].as_u64().unwrap();
    let before = restarts();
    eventually("supervision goes on", restarts, |restarts| *restarts > before + 5);
    host.ok(&["restart", "db", "--wait"]);
    // The end does not wait for the disk either.
    host.down();
}

#[test]
fn the_plugins_in_force_at_the_start_are_recorded() {
    let host = Host::up(PROVOST, CONFIG);
    let records = written(&host);
    let loaded = records.iter().find(|record| record["kind"] == "plugin").unwrap();
    assert_eq!(
        (&loaded["action"], &loaded["plugin"], &loaded["version"]),
        (&"load".into(), &"backoff".into(), &1.into())
    );
    assert_eq!(loaded["digest"], host.plugin("backoff")["digest"]);
    assert_eq!(kinds(&records)[..2], ["host_started", "plugin"]);
    host.down();
}
