//! Vectors of `plugin test`: mistakes in them are errors with their places, and a plugin may have a memory before it is called.

use provost_tests::{Ran, Setup, guest};
use serde_json::{Value, json};

use crate::PROVOST;

/// Runs the vectors of a file with a component.
fn tested(setup: &Setup, component: &str, text: &str) -> Ran {
    let dir = setup.dir().join("tests/vectors");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("a.toml"), text).unwrap();
    setup.run(&["plugin", "test", "--component", component])
}

/// The component that has all roles, with settings that it accepts.
fn conductor() -> (String, &'static str) {
    (
        guest("conductor").display().to_string(),
        r#"{"wait": "0s", "replicas": 4, "refuse": "db", "rss_bytes_max": 1000000}"#,
    )
}

#[test]
fn a_word_that_no_answer_has_is_an_error_with_the_nearest_one() {
    let setup = Setup::new(PROVOST, "");
    for (expected, told, meant) in [
        ("action = \"giveup\"", "3:21: `action` in `expect` of [[vector]] cannot be `giveup`", "give-up"),
        ("fault = \"refussed\"", "3:20: `fault` in `expect` of [[vector]] cannot be `refussed`", "refused"),
        ("scope = \"grop\"", "cannot be `grop`", "group"),
        ("escalation = \"shutdown\"", "cannot be `shutdown`", "shut-down"),
        ("acton = \"restart\"", "3:12: unknown key `acton`", "action"),
    ] {
        let ran = tested(
            &setup,
            "bundled:backoff",
            &format!("[[vector]]\nname = \"a\"\nexpect = {{ {expected} }}\n"),
        );
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{expected}: {ran:?}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{expected}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("did you mean `{meant}`?")), "{meant}: {}", ran.stderr);
    }
    for (vector, meant) in [
        ("nmae = \"a\"\nexpect = { action = \"pass\" }", "name"),
        ("name = \"a\"\nexpct = { action = \"pass\" }", "expect"),
        ("name = \"a\"\nsetings = {}\nexpect = { action = \"pass\" }", "settings"),
        ("name = \"a\"\ndeats = []\nexpect = { action = \"pass\" }", "deaths"),
    ] {
        let ran = tested(&setup, "bundled:backoff", &format!("[[vector]]\n{vector}\n"));
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{vector}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("did you mean `{meant}`?")), "{meant}: {}", ran.stderr);
    }
}

#[test]
fn what_belongs_to_another_role_is_an_error_whoever_says_the_role() {
    let setup = Setup::new(PROVOST, "");
    let vector = "[[vector]]\nname = \"a\"\nwanted = 3\nexpect = { action = \"allow\", drain = \"1s\" }\n";
    let told = [
        "`wanted` is a field for a scale-policy, but this is about a restart-policy",
        "`allow` is an action of a start-policy, but this is about a restart-policy",
        "`drain` is expected of a usage-policy, but this is about a restart-policy",
        "actions of a restart-policy: `restart`, `stay-down`, `give-up`, `pass`",
    ];
    let (conductor, _) = conductor();
    // The component has one role, or the vector or the file chooses one.
    for (component, text) in [
        ("bundled:backoff", vector.to_owned()),
        (&*conductor, format!("{vector}role = \"restart-policy\"\n")),
        (&*conductor, format!("role = \"restart\"\n{vector}")),
    ] {
        let ran = tested(&setup, component, &text);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        for told in told {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
        assert_eq!(ran.stderr.matches("error: ").count(), 3, "{}", ran.stderr);
    }
    // The places are those of the file.
    let ran = tested(&setup, "bundled:backoff", vector);
    for place in ["a.toml:3:1: `wanted`", "a.toml:4:21: `allow`", "a.toml:4:30: `drain`"] {
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }
    let view = "[[vector]]\nname = \"a\"\nexpect = { action = \"pass\" }\n";
    let ran = tested(&setup, "bundled:prometheus", view);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("`action` is expected of"), "{ran:?}");
    // The same holds for a question by hand.
    for (arguments, told) in [
        (&["--set", "wanted=3"][..], "`wanted` is a field for a scale-policy"),
        (&["--path", "metrics"], "`path` is a field for a status-view"),
    ] {
        let ran = setup.run(&[&["plugin", "run", "bundled:backoff"], arguments].concat());
        assert!(ran.code == 2 && ran.stderr.contains(told), "{ran:?}");
    }
}

#[test]
fn a_vector_says_the_role_that_it_asks_unless_there_is_only_one() {
    let setup = Setup::new(PROVOST, "");
    let (conductor, _) = conductor();
    let vector = "[[vector]]\nname = \"a\"\nexpect = { reason_contains = \"a\" }\n";
    for (component, role, place, told) in [
        (&*conductor, "", "1:1", "the component has several roles: restart-policy, start-policy"),
        ("bundled:backoff", "role = \"view\"\n", "2:1", "the component does not export status-view"),
    ] {
        let ran = tested(&setup, component, &format!("{role}{vector}"));
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(&format!("a.toml:{place}: {told}")), "{ran:?}");
        assert!(ran.stderr.contains("hint: write role = \"ROLE\" in the vector"), "{ran:?}");
    }
    // A component that is refused is asked in none.
    let refused = "[[vector]]\nname = \"a\"\nsettings = { x = 1 }\nexpect = { fault = \"refused\" }\n";
    let ran = tested(&setup, &conductor, refused);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_plugin_may_have_a_memory_before_it_is_called() {
    let setup = Setup::new(PROVOST, "");
    let (conductor, settings) = conductor();
    let run = |memory: &[&str]| -> Value {
        let given = ["plugin", "run", &conductor, "--settings", settings, "--role", "consumer", "-o", "json"];
        let ran = setup.run(&[&given, memory].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        found["writes"].clone()
    };
    let told = |count: &str| json!({"told": {"text": count}});
    assert_eq!(run(&[]), told("1"));
    let writes = run(&["--memory", "told=41"]);
    assert_eq!(writes, told("42"));
    // What a call has written is the memory of the next one.
    std::fs::write(setup.dir().join("memory.json"), writes.to_string()).unwrap();
    assert_eq!(run(&["--memory", "@memory.json"]), told("43"));
    assert_eq!(run(&["--memory", "@memory.json", "--memory", "told=7"]), told("8"), "the later one holds");
    for (wrong, why) in [("told", "write KEY=VALUE"), ("@none.json", "cannot read the memory in none.json")] {
        let ran = setup.run(&["plugin", "run", &conductor, "--memory", wrong]);
        assert!(ran.code == 2 && ran.stderr.contains(why), "{ran:?}");
    }

    let settings = "{ wait = \"0s\", replicas = 4, refuse = \"db\", rss_bytes_max = 1000000 }";
    let vectors = format!(
        "role = \"consumer\"\nsettings = {settings}\nmemory = {{ told = \"1\" }}\n\
         [[vector]]\nname = \"that of the file\"\nexpect = {{ writes = {{ told = \"2\" }} }}\n\
         [[vector]]\nname = \"a text\"\nmemory = {{ told = \"5\" }}\nexpect = {{ writes = {{ told = \"6\" }} }}\n\
         [[vector]]\nname = \"bytes\"\nmemory = {{ told = {{ base64 = \"NDE=\" }} }}\nexpect = {{ writes = {{ told = \"42\" }} }}\n"
    );
    let ran = tested(&setup, &conductor, &vectors);
    assert_eq!(
        ran.stdout, "ok    that of the file\nok    a text\nok    bytes\n3 vectors passed\n",
        "{ran:?}"
    );
    for (memory, told, meant) in [
        ("{ told = 5 }", "a value of `memory` is a text, or a table with `base64`", ""),
        (
            "{ told = { bse64 = \"\" } }",
            "unknown key `bse64` in `told` of `memory`",
            "did you mean `base64`?",
        ),
        ("{ told = { base64 = \"!\" } }", "`told` in the memory is not base64", ""),
        ("{ told = {} }", "`told` in the memory must have either `text` or `base64`", ""),
    ] {
        let vector =
            format!("[[vector]]\nname = \"a\"\nmemory = {memory}\nexpect = {{ action = \"taken\" }}\n");
        let ran = tested(&setup, &conductor, &vector);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(told) && ran.stderr.contains(meant), "{told}: {}", ran.stderr);
    }
}

/// A process that has run for a minute when the last change of its host was made.
const STATUS: &str = r#"{"generation": 9, "taken_at": "2026-05-04T12:01:00Z", "processes": [{
    "name": "web", "type": "service", "group": null, "phase": "running", "desired": "up", "pid": 7, "incarnation": 1,
    "version": 3, "generation": 3, "restarts": 0, "failures": 0, "ready": true, "health": "unknown", "failing": null,
    "exit": null, "cause": "boot", "reason": "", "started_at": "2026-05-04T12:00:00Z", "ended_at": null,
    "next_action_at": null, "decision": null}]}"#;

#[test]
fn the_time_of_a_question_is_the_same_in_every_run() {
    let setup = Setup::new(PROVOST, "");
    // The delay depends on the time, so it differs if the time does.
    let wrong = guest("wrong").display().to_string();
    let settings = r#"{"mistake": "spreads-by-the-time"}"#;
    let run = |more: &[&str]| -> Value {
        let given = ["plugin", "run", &wrong, "--settings", settings, "--role", "restart", "-o", "json"];
        let ran = setup.run(&[&given, more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let delay = |more: &[&str]| run(more)["answer"]["delay"].clone();
    assert_eq!(delay(&[]), delay(&["--now", "2026-01-01T00:00:00Z"]));
    assert_ne!(delay(&[]), delay(&["--now", "2026-01-01T00:00:01Z"]));
    // That of a snapshot is the time of its last change, in a vector as well.
    std::fs::write(setup.dir().join("status.json"), STATUS).unwrap();
    let taken = run(&["--snapshot", "status.json"]);
    let now = delay(&["--snapshot", "status.json", "--now", "2026-05-04T12:01:00Z"]);
    assert_eq!(taken["answer"]["delay"], now);
    let note = "web is running in the snapshot: for this question it is assumed that it exited with code 1, after 1m (--uptime)";
    assert_eq!(taken["notes"][0], note, "{taken:#}");
    let vector = format!(
        "role = \"restart\"\nsettings = {{ mistake = \"spreads-by-the-time\" }}\n[[vector]]\nname = \"a\"\n\
         snapshot = \"../../status.json\"\nexpect = {{ delay = {now} }}\n"
    );
    assert_eq!(tested(&setup, &wrong, &vector).stdout, "ok    a\n1 vector passed\n");
}
