//! The tools: what is listed, what they return, and what they refuse.

use provost_tests::{Host, eventually};
use serde_json::{Value, json};

use super::client::{Client, ERAS, Era};
use crate::PROVOST;

const CONFIG: &str = r#"
[plugins.notify]
component = "bundled:notify"
[process.web]
command = "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; printf '\\033[31mFatal: [x] disk\\033[0m\\n' >&2; exec sleep 1000"
ready = { log = "line 9" }
group = "front"
[process.idle]
command = "exec sleep 1000"
autostart = false
"#;

fn names(tools: &Value) -> Vec<&str> {
    tools["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn tools_that_change_something_are_listed_only_if_they_are_allowed() {
    let host = Host::up(PROVOST, CONFIG);
    for era in ERAS {
        let mut reader = Client::start(host.setup(), era, &[]);
        let listed = reader.ask("tools/list", json!({}));
        insta::allow_duplicates! {
            insta::assert_snapshot!(names(&listed).join(" "), @"process_list process_status events explain logs_search logs_tail config_diff plugin_list plugin_inspect usage state_figures scripts_list scripts_status");
        }
        for tool in listed["tools"].as_array().unwrap() {
            assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            assert_eq!(tool["annotations"]["openWorldHint"], false, "{tool}");
            assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
            assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
            assert!(!tool.to_string().contains("uint"), "{tool}");
        }
        assert_eq!(listed.get("ttlMs").is_some(), era == Era::Alone, "{listed}");
        let refused = reader.call_in_vain("process_start", json!({"names": ["idle"]}));
        assert_eq!(refused["code"], "forbidden", "{refused}");
        assert!(refused["hint"].as_str().unwrap().contains("--allow-changes"), "{refused}");
        assert_eq!(host.process("idle")["phase"], "stopped", "nothing was changed");
        assert!(reader.end());

        let mut operator = Client::start(host.setup(), era, &["--allow-changes"]);
        let listed = operator.ask("tools/list", json!({}));
        insta::allow_duplicates! {
            insta::assert_snapshot!(names(&listed).join(" "), @"process_list process_status events explain logs_search logs_tail config_diff plugin_list plugin_inspect usage state_figures scripts_list scripts_status process_start process_stop process_restart process_signal scripts_run scripts_stop config_reload plugin_swap plugin_rollback");
        }
        let started = operator.call("process_start", json!({"names": ["idle"]}));
        assert_eq!((&started["succeeded"], &started["failed"]), (&json!(1), &json!(0)), "{started}");
        assert_eq!(host.process("idle")["phase"], "running");
        let stopped = operator.call("scripts_stop", json!({"processId": "idle"}));
        assert_eq!(stopped["results"][0]["phase"], "stopped", "{stopped}");
        assert!(operator.end());
    }
    host.down();
}

#[test]
fn a_status_is_that_of_the_command_line() {
    let host = Host::up(PROVOST, CONFIG);
    host.until("web", "ready", |web| web["ready"] == true);
    for era in ERAS {
        let mut client = Client::start(host.setup(), era, &[]);
        let status = client.call("process_status", json!({"names": ["web"]}));
        assert_eq!(status["processes"], json!([host.process("web")]));
        assert_eq!(client.call("scripts_status", json!({"name": "web"})), status);
        assert!(status["environment"].is_null() && status["checks"].is_null(), "{status}");
        let status = client.call("process_status", json!({"names": ["web"], "details": true}));
        let variables = status["environment"].as_array().unwrap();
        assert!(variables.contains(&json!("PROVOST_PROCESS")), "{variables:?}");
        assert_eq!(status["checks"]["readiness"]["kind"], "log", "{status}");
        let of_all = client.call_in_vain("process_status", json!({"details": true}));
        assert_eq!(of_all["code"], "bad_request", "{of_all}");
        let list = client.call("process_list", json!({"limit": 1}));
        assert_eq!((&list["total"], &list["processes"][0]["name"]), (&json!(2), &json!("web")), "{list}");
        let next = client.call("process_list", json!({"limit": 1, "cursor": list["next_cursor"]}));
        assert_eq!((&next["processes"][0]["name"], &next["next_cursor"]), (&json!("idle"), &Value::Null));
        let explained = client.call("explain", json!({"name": "web"}));
        assert!(explained["sentence"].as_str().unwrap().starts_with("web is running"), "{explained}");
        assert!(!explained["history"].as_array().unwrap().is_empty(), "{explained}");
        let events = client.call("events", json!({"names": ["front:*"], "kinds": ["ready"], "since": "1h"}));
        assert_eq!(events["events"][0]["process"], "web", "{events}");
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = client.call("events", json!({"names": ["web"], "limit": 2, "cursor": cursor}));
            let found = page["events"].as_array().unwrap();
            seen.extend(found.iter().map(|event| event["generation"].as_u64().unwrap()));
            cursor = page["next_cursor"].clone();
            assert_eq!(page["forgotten"].is_null(), !cursor.is_null(), "only the last page knows: {page}");
            if cursor.is_null() {
                break;
            }
        }
        assert!(seen.len() > 2 && seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
        let history = json!({"names": ["web"], "history": true});
        let used = eventually(
            "it was looked at",
            || client.call("usage", history.clone()),
            |used| used["usage"][0]["process"] == "web",
        );
        assert!(used["usage"][0]["rss_bytes"].as_u64().unwrap() > 0, "{used}");
        let used = client.call("usage", json!({"limit": 1}));
        let next = client.call("usage", json!({"cursor": used["next_cursor"]}));
        assert_eq!(next["usage"][0]["process"], "web", "{next}");
        let figures = client.call("state_figures", json!({}));
        assert_eq!(figures["backend"], "atomic", "{figures}");
        assert_eq!(client.call("config_diff", json!({}))["differs"], false);
        assert_eq!(client.call("plugin_list", json!({}))["plugins"][0]["name"], "notify");
        let plugin = client.call("plugin_inspect", json!({"name": "notify"}));
        assert_eq!(plugin["plugin"]["digest"], host.plugin("notify")["digest"], "{plugin}");
        assert!(client.end());
    }
    host.down();
}

#[test]
fn a_wrong_argument_is_an_error_of_the_tool_with_a_hint() {
    let host = Host::up(PROVOST, CONFIG);
    let mut client = Client::start(host.setup(), Era::Alone, &[]);
    let unknown = client.call_in_vain("process_status", json!({"names": ["wep"]}));
    assert_eq!(
        (&unknown["code"], &unknown["hint"]),
        (&json!("unknown_process"), &json!("did you mean `web`?"))
    );
    for (tool, arguments, word) in [
        ("process_status", json!({"nmaes": ["web"]}), "nmaes"),
        ("process_list", json!({"cursor": "gone"}), "cursor"),
        ("logs_search", json!({"text": "a", "regex": "b"}), "regex"),
        ("logs_search", json!({"regex": "("}), "regular expression"),
        ("logs_search", json!({"since": "yesterday"}), "since"),
        ("logs_search", json!({"cursor": "x"}), "cursor"),
        ("logs_search", json!({"order": "relevance"}), "needs `text`"),
        ("logs_search", json!({"order": "relevance", "text": " "}), "no word"),
        ("logs_search", json!({"order": "best", "text": "a"}), "relevance"),
        ("logs_search", json!({"limit": 0}), "limit"),
        ("process_list", json!({"limit": 0}), "limit"),
        ("events", json!({"limit": 0}), "limit"),
        ("events", json!({"names": ["wep"]}), "wep"),
        ("events", json!({"cursor": "x"}), "cursor"),
        ("plugin_inspect", json!({"name": "x"}), "plugin"),
    ] {
        let error = client.call_in_vain(tool, arguments);
        assert!(error["message"].as_str().unwrap().contains(word), "{tool}: {error}");
    }
    let kinds = client.call_in_vain("events", json!({"kinds": ["exited", "exit"]}));
    insta::assert_snapshot!(kinds["message"].as_str().unwrap(), @"`kinds` has the unknown word `exit`");
    insta::assert_snapshot!(kinds["hint"].as_str().unwrap(), @"the kinds are `added`, `removed`, `start`, `stop`, `waiting`, `spawned`, `spawn_failed`, `not_ready`, `overdue`, `ready`, `exited`, `decided`, `refused`, `health`, `taken_over`");
    assert_eq!(client.refused("tools/call", json!({"name": "nope"}))["code"], -32602);
    assert!(client.end());
    host.down();
}

#[test]
fn output_is_searched_newest_first_and_by_pages() {
    let host = Host::up(PROVOST, CONFIG);
    eventually("all is logged", || host.ok(&["logs", "web"]), |logs| logs.contains("disk"));
    let mut client = Client::start(host.setup(), Era::Session, &[]);
    let found = client.call("logs_search", json!({"text": "FATAL: [x]", "ignore_case": true}));
    let line = &found["lines"][0];
    assert_eq!((&line["text"], &line["stream"]), (&json!("Fatal: [x] disk"), &json!("stderr")), "{found}");
    assert_eq!(client.call("logs_search", json!({"text": "FATAL"}))["lines"], json!([]));
    let found = client.call("logs_search", json!({"text": "disk line", "order": "relevance", "limit": 3}));
    assert_eq!(
        (&found["lines"][0]["text"], &found["lines"][1]["text"]),
        (&json!("Fatal: [x] disk"), &json!("line 9"))
    );
    assert_eq!(
        (&found["order"], &found["ranked"], &found["complete"]),
        (&json!("relevance"), &json!(10), &json!(true))
    );

    // Many lines are of the same millisecond, and each is on exactly one page.
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = client.call("logs_search", json!({"regex": "^line [0-9]$", "limit": 2, "cursor": cursor}));
        let lines = page["lines"].as_array().unwrap();
        assert!(lines.len() <= 2, "{page}");
        seen.extend(lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let expected: Vec<String> = (1..=9).rev().map(|number| format!("line {number}")).collect();
    assert_eq!(seen, expected);

    let tail = client.call("logs_tail", json!({"names": ["web"], "limit": 3}));
    let texts: Vec<_> = tail["lines"].as_array().unwrap().iter().map(|line| line["text"].clone()).collect();
    assert!(texts.len() == 3 && texts.contains(&json!("line 9")), "{tail}");
    let log = client.call("logs_tail", json!({"host": true, "limit": 5}));
    assert!(!log["lines"].as_array().unwrap().is_empty(), "{log}");
    assert!(client.end());
    host.down();
}

#[test]
fn a_reload_and_a_swap_are_carried_out_if_they_are_allowed() {
    let host = Host::up(PROVOST, CONFIG);
    let mut client = Client::start(host.setup(), Era::Alone, &["--allow-changes"]);
    let config = format!("{CONFIG}\n[process.more]\ncommand = \"exec sleep 1000\"\n");
    std::fs::write(host.setup().dir().join("provost.toml"), config).unwrap();
    let differences = client.call("config_diff", json!({}));
    assert_eq!(differences["processes"][0]["name"], "more", "{differences}");
    let reloaded = client.call("config_reload", json!({}));
    assert_eq!(reloaded["summary"]["added"], 1, "{reloaded}");
    host.until_phase("more", "running");

    let swapped = client.call("plugin_swap", json!({"name": "notify", "component": "bundled:notify"}));
    assert_eq!(swapped["plugin"]["can_roll_back"], true, "{swapped}");
    let back = client.call("plugin_rollback", json!({"name": "notify"}));
    assert_eq!(back["plugin"]["name"], "notify", "{back}");
    let signalled = client.call("process_signal", json!({"names": ["more"], "signal": "HUP"}));
    assert_eq!(signalled["succeeded"], 1, "{signalled}");
    let refused = client.call("process_signal", json!({"names": ["idle"], "signal": "HUP"}));
    assert_eq!(refused["results"][0]["error"]["code"], "not_running", "{refused}");
    let before = host.process("web")["incarnation"].as_u64().unwrap();
    client.call("process_restart", json!({"names": ["web"]}));
    assert_eq!(host.process("web")["incarnation"], before + 1);
    assert!(client.end());
    host.down();
}
