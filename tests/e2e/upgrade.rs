//! `provost upgrade`: another program takes the place of the host, and its processes notice nothing. A program that does not come
//! into service gives way to the former one.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use provost_tests::{Host, Setup, children, eventually, is_alive};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;
use crate::keeper::{WRITER, all_run, lives, numbers};

/// Puts the program under another name beside the config.
fn program(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    if std::fs::hard_link(PROVOST, &path).is_err() {
        std::fs::copy(PROVOST, &path).unwrap();
    }
    path
}

/// Starts a host in whose programs of the name `broken` this fault is.
fn up_with_fault(config: &str, fault: &str) -> Host {
    let setup = Setup::new(PROVOST, config);
    program(setup.dir(), "broken");
    setup.up_with(&[("FAILPOINTS", fault)])
}

#[test]
fn an_upgrade_changes_no_process_and_loses_no_line_and_five_can_follow_each_other() {
    let config = format!(
        "[host]\nkeeper = true\n[process.quiet]\nreplicas = 15\ncommand = \"exec sleep 1000\"\n\
         [process.writer]\nreplicas = 5\ncommand = \"{WRITER}\"\n"
    );
    let host = Host::up(PROVOST, &config);
    let before = eventually("all run", || host.status(), all_run);
    assert_eq!(before["processes"].as_array().unwrap().len(), 20);
    let next = program(host.setup().dir(), "next");
    let mut former = before["host"]["pid"].as_u64().unwrap();
    let mut generation = before["generation"].as_u64().unwrap();
    for round in 0..5 {
        // Now with a path, now with the program of the command.
        let mut line = vec!["upgrade", "-o", "json"];
        if round % 2 == 0 {
            line.push(next.to_str().unwrap());
        }
        let upgraded = host.json(&line);
        assert_eq!(upgraded["former"]["pid"], former, "{upgraded}");
        assert_eq!(upgraded["processes"], 20, "{upgraded}");
        let status = host.status();
        assert_eq!(lives(&status), lives(&before), "{}", host.log());
        assert_eq!(status["host"]["pid"], upgraded["now"]["pid"]);
        assert_eq!(status["host"]["last_end"]["kind"], "left", "{}", status["host"]);
        assert!(status["generation"].as_u64().unwrap() >= generation);
        generation = status["generation"].as_u64().unwrap();
        former = status["host"]["pid"].as_u64().unwrap();
        let program = std::fs::read_link(format!("/proc/{former}/exe")).unwrap();
        assert_eq!(program == next, round % 2 == 0, "{}", program.display());
    }
    // The twenty and the host.
    assert_eq!(children(host.up_pid()).len(), 21);
    for replica in 1..=5 {
        let log = host.setup().dir().join(format!(".provost/logs/writer.{replica}.log"));
        let all = eventually("it has written all", || numbers(&log), |all| all.last() == Some(&3_000));
        assert!(all.iter().copied().eq(1..=3_000), "{all:?}");
    }
    let text = host.ok(&["upgrade"]);
    assert!(text.contains("has taken the place of version"), "{text}");
    host.down();
}

#[test]
fn the_keeper_gets_a_new_program_in_the_same_process_and_holds_what_it_held() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 5\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let before = eventually("all run", || host.status(), all_run);
    let exe = || std::fs::read_link(format!("/proc/{}/exe", host.up_pid())).unwrap();
    let stat = || {
        std::fs::metadata(format!("/proc/{}/exe", host.up_pid()))
            .map(|file| std::os::unix::fs::MetadataExt::ino(&file))
            .unwrap()
    };
    let former = stat();
    for _ in 0..2 {
        let upgraded = host.json(&["upgrade", "--keeper", "-o", "json"]);
        assert_eq!(upgraded["keeper"], host.up_pid(), "{upgraded} {}", host.log());
        assert_eq!(lives(&host.status()), lives(&before), "{}", host.log());
    }
    assert_ne!(stat(), former, "{}", exe().display());
    // The ends of children of the former program, and of those that the new one has started, are told with their signal.
    for incarnation in 1..=3_u64 {
        let web =
            host.until("web.1", "runs", |it| it["incarnation"] == incarnation && it["phase"] == "running");
        Host::kill(&web["pid"], Signal::KILL);
        host.until("web.1", "ended", |it| it["incarnation"] == incarnation + 1);
    }
    let events = host.events("web.1");
    let exits: Vec<&Value> = events.iter().filter(|event| event["kind"] == "exited").collect();
    assert!(exits.len() == 3 && exits.iter().all(|event| event["exit"]["signal"] == 9), "{events:?}");
    let former = host.status()["host"]["pid"].clone();
    Host::kill(&former, Signal::KILL);
    let after = host.setup().until_another_host(former.as_u64().unwrap());
    assert_eq!(after["processes"].as_array().unwrap().len(), 5);
    assert_eq!(children(host.up_pid()).len(), 6);
    host.down();
}

/// The program of the keeper, as a number.
fn program_of_keeper(host: &Host) -> u64 {
    let program = std::fs::metadata(format!("/proc/{}/exe", host.up_pid())).unwrap();
    std::os::unix::fs::MetadataExt::ino(&program)
}

#[test]
fn a_program_that_does_not_speak_with_the_keeper_has_its_own_take_the_place_first() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let setup = Setup::new(PROVOST, config);
    // It says that its host speaks version 2 only, and that its keeper speaks 1 and 2.
    let host = setup.up_with(&[("FAILPOINTS", "about.versions=return(2 2 1 2)")]);
    let before = eventually("all run", || host.status(), all_run);
    let program = program_of_keeper(&host);
    host.ok(&["upgrade"]);
    assert_ne!(program_of_keeper(&host), program, "{}", host.log());
    let status = host.status();
    assert_eq!(lives(&status), lives(&before), "{}", host.log());
    assert_eq!(status["host"]["keeper_pid"], host.up_pid());
    let log = host.log() + &host.setup().host_log();
    assert!(log.contains("goes on with the program that version"), "{log}");
    host.down();
}

#[test]
fn a_program_whose_keeper_cannot_take_the_place_is_refused_and_changes_nothing() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    for (fault, said) in [
        ("about.versions=return(3 3 2 3)", "which does not speak the protocol of this host"),
        ("about.versions=return(3 3 1 2)", "it does not speak the protocol of the keeper that runs"),
        (
            "about.versions=return(2 2 1 2);about.keeper=return(no program)",
            "needs the one that it carries, which cannot take the place",
        ),
        ("about.versions=return(2 2 1 2);about.keeper=return", "writes a program of 0 bytes"),
    ] {
        let host = Setup::new(PROVOST, config).up_with(&[("FAILPOINTS", fault)]);
        let before = eventually("it runs", || host.status(), all_run);
        let program = program_of_keeper(&host);
        let ran = host.run(&["upgrade"]);
        assert!(ran.code == 1 && ran.stderr.contains(said) && ran.stderr.contains("hint: "), "{ran:?}");
        let after = host.status();
        assert_eq!((program_of_keeper(&host), lives(&after)), (program, lives(&before)));
        assert_eq!(after["host"]["pid"], before["host"]["pid"]);
        host.down();
    }
}

#[test]
fn a_stream_of_events_goes_on_behind_the_last_one_that_it_has_shown() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    host.until_phase("web", "running");
    let since = host.status()["generation"].as_u64().unwrap();
    host.ok(&["upgrade"]);
    host.ok(&["restart", "web", "--wait"]);
    let mut follow =
        host.setup().command(&["events", "-f", "-o", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines().map(Result::unwrap);
    let generation = lines.find_map(|line| {
        let event: Value = serde_json::from_str(&line).unwrap();
        (event["kind"] == "spawned" && event["incarnation"] == 2)
            .then(|| event["generation"].as_u64().unwrap())
    });
    assert!(generation.unwrap() > since, "generations go on");
    follow.kill().unwrap();
    follow.wait().unwrap();
    host.down();
}

#[test]
fn a_program_that_fails_is_rolled_back_and_the_command_and_the_status_say_why() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let host = up_with_fault(config, "serving.fails=return");
    let before = eventually("all run", || host.status(), all_run);
    // More often than a host may die: that somebody asks for a bad upgrade is no death of the host.
    for _ in 0..6 {
        let ran = host.run(&["upgrade", "./broken"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("was rolled back"), "{ran:?}");
        let why = "exited with code 1 before it was in service: this program is broken";
        assert!(ran.stderr.contains(why), "{ran:?}");
        let status = host.status();
        assert_eq!(lives(&status), lives(&before), "{}", host.log());
        assert_eq!(status["host"]["last_end"]["kind"], "rolled-back");
        assert!(status["host"]["last_end"]["reason"].as_str().unwrap().contains(why));
        assert!(host.ok(&["status"]).contains(why));
        assert!(host.setup().host_log().contains(why));
    }
    host.ok(&["upgrade"]);
    host.down();
}

#[test]
fn the_status_has_the_message_of_a_panic_and_the_signal_of_a_host_that_was_killed() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = up_with_fault(config, "serving.panics=panic(on purpose)");
    let before = eventually("it runs", || host.status(), all_run);
    let ran = host.run(&["upgrade", "./broken"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("the thread `main` panicked at"), "{ran:?}");
    assert!(ran.stderr.contains(": on purpose; the former one was started again"), "{ran:?}");
    let rolled_back = host.status();
    assert_eq!(lives(&rolled_back), lives(&before));
    let former = &rolled_back["host"]["pid"];
    Host::kill(former, Signal::KILL);
    let after = host.setup().until_another_host(former.as_u64().unwrap());
    assert_eq!(after["host"]["last_end"]["kind"], "died");
    assert_eq!(after["host"]["last_end"]["reason"], "it was killed by SIGKILL");
    assert_eq!(lives(&after), lives(&before));
    host.down();
}

#[test]
fn a_program_that_hangs_is_killed_after_its_time_and_rolled_back() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = up_with_fault(config, "settling.hangs=return");
    let before = eventually("all run", || host.status(), all_run);
    let ran = host.run(&["upgrade", "./broken", "--timeout", "1s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("was not in service in time and was killed"), "{ran:?}");
    assert_eq!(lives(&host.status()), lives(&before));
    host.down();
}

#[test]
fn what_cannot_take_the_place_of_the_host_is_refused_and_changes_nothing() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let pid = eventually("it runs", || host.status(), all_run)["host"]["pid"].clone();
    std::fs::write(host.setup().dir().join("text"), "").unwrap();
    for (program, said) in [
        ("nowhere", "cannot open"),
        ("text", "is not a file that can be executed"),
        (".", "is not a file that can be executed"),
        ("/bin/false", "asked what it is, it exits with 1"),
        ("/bin/cat", "is not a provost that can take the place of this one"),
    ] {
        let ran = host.run(&["upgrade", program]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint: "), "{ran:?}");
    }
    // The config is read again by the next host.
    let file = host.setup().dir().join("provost.toml");
    std::fs::write(&file, config.replace("command", "comand")).unwrap();
    let ran = host.run(&["upgrade"]);
    assert!(ran.code == 1 && ran.stderr.contains("does not accept the config"), "{ran:?}");
    std::fs::write(&file, config).unwrap();
    assert_eq!(host.status()["host"]["pid"], pid);
    host.down();
    let host = Host::up(PROVOST, &config.replace("keeper = true", "keeper = false"));
    let ran = host.run(&["upgrade"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("the host has no keeper") && ran.stderr.contains("`provost down`"),
        "{ran:?}"
    );
    host.down();
}

#[test]
fn a_program_is_asked_about_the_config_in_force_which_a_reload_may_have_read_from_another_file() {
    let config = "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let before = eventually("it runs", || host.status(), all_run);
    let dir = host.setup().dir().to_owned();
    std::fs::write(dir.join("other.toml"), config).unwrap();
    host.ok(&["reload", "-c", dir.join("other.toml").to_str().unwrap()]);
    // The file that the host was started with is not read any more.
    std::fs::write(dir.join("provost.toml"), config.replace("command", "comand")).unwrap();
    host.ok(&["upgrade"]);
    assert_eq!(lives(&host.status()), lives(&before));
    std::fs::write(dir.join("other.toml"), config.replace("command", "comand")).unwrap();
    let ran = host.run(&["upgrade"]);
    assert!(ran.code == 1 && ran.stderr.contains("does not accept the config"), "{ran:?}");
    std::fs::write(dir.join("provost.toml"), config).unwrap();
    host.down();
}

#[test]
fn a_host_whose_keeper_has_ended_is_not_upgraded_and_says_why() {
    let setup = Setup::new(PROVOST, "[host]\nkeeper = true\n[process.web]\ncommand = \"exec sleep 1000\"\n");
    let host = setup.up_with(&[("FAILPOINTS", "keeper.successor=return")]);
    eventually("it runs", || host.status(), all_run);
    Host::kill(&host.up_pid().into(), Signal::KILL);
    eventually(
        "it is noticed",
        || host.status()["host"]["degraded"].to_string(),
        |it| it.contains("the keeper"),
    );
    for line in [&["upgrade"][..], &["upgrade", "--keeper"]] {
        let ran = host.run(line);
        assert!(ran.code == 1 && ran.stderr.contains("the host has no keeper"), "{ran:?}");
    }
    assert_eq!(host.run(&["down"]).code, 0);
}

#[test]
fn an_upgrade_during_a_crash_loop_decides_no_end_twice() {
    let config = "[host]\nkeeper = true\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
                  [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"0ms\" }\n\
                  [process.web]\nreplicas = 5\npolicies = [\"backoff\"]\ncommand = \"sleep 0.0$(($$ % 10)); exit 3\"\n";
    let host = Host::up(PROVOST, config);
    for _ in 0..3 {
        host.ok(&["upgrade"]);
    }
    let events = host.ok(&["events", "--since", "1h", "-o", "json"]);
    let mut decided: BTreeMap<(String, u64), u32> = BTreeMap::new();
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["kind"] == "decided" {
            let life =
                (event["process"].as_str().unwrap().to_owned(), event["incarnation"].as_u64().unwrap());
            *decided.entry(life).or_default() += 1;
        }
    }
    assert!(!decided.is_empty());
    assert!(decided.values().all(|count| *count == 1), "{decided:?}");
    host.down();
}

#[test]
fn a_host_that_cannot_start_after_another_one_ends_none_of_its_processes() {
    let config = "[host]\nkeeper = true\n[process.web]\nreplicas = 3\ncommand = \"exec sleep 1000\"\n";
    let host = Host::up(PROVOST, config);
    let before = eventually("all run", || host.status(), all_run);
    // A host does not use a directory in which everybody may write.
    let runtime_dir = host.setup().dir().join(".provost");
    let allow = |mode| std::fs::set_permissions(&runtime_dir, Permissions::from_mode(mode)).unwrap();
    allow(0o777);
    Host::kill(&before["host"]["pid"], Signal::KILL);
    eventually("it is said", || host.log(), |log| log.contains("the host has died 5 times within a minute"));
    assert!(lives(&before).values().all(|life| is_alive(life[1].as_u64().unwrap())));
    // The keeper says what it holds.
    let held = host.run(&["status", "-o", "json"]);
    assert_eq!(held.code, 3, "{held:?}");
    let held: Value = serde_json::from_str(&held.stdout).unwrap();
    for process in before["processes"].as_array().unwrap() {
        let held =
            held["held"].as_array().unwrap().iter().find(|held| held["name"] == process["name"]).unwrap();
        assert_eq!(
            (&held["pid"], &held["state"], &held["incarnation"]),
            (&process["pid"], &"running".into(), &1.into())
        );
    }
    let table = host.run(&["status"]);
    assert!(
        table.code == 3 && table.stdout.contains("web.3") && table.stderr.contains("3 processes"),
        "{table:?}"
    );
    allow(0o700);
    assert_eq!(host.run(&["up"]).code, 1, "it has the keeper start a host again");
    let after = host.setup().until_another_host(before["host"]["pid"].as_u64().unwrap());
    assert_eq!(lives(&after), lives(&before));
    let reason = after["host"]["last_end"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("it exited with code 1: cannot use the runtime directory"), "{reason}");
    host.down();
}
