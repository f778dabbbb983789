//! Resources with their notifications, and prompts.

use provost_tests::Host;
use serde_json::{Value, json};

use super::client::{Client, ERAS, Era};
use crate::PROVOST;

const CONFIG: &str = r#"
[process.web]
command = "trap 'echo hup' HUP; echo up; while :; do sleep 0.05; done"
ready = { log = "up" }
[process.other]
command = "exec sleep 1000"
"#;

#[test]
fn processes_and_logs_are_resources() {
    let host = Host::up(PROVOST, CONFIG);
    host.until("web", "ready", |web| web["ready"] == true);
    for era in ERAS {
        let mut client = Client::start(host.setup(), era, &[]);
        let list = client.ask("resources/list", json!({}));
        let uris: Vec<_> =
            list["resources"].as_array().unwrap().iter().map(|one| one["uri"].clone()).collect();
        assert_eq!(
            uris,
            [
                "provost://processes",
                "provost://processes/web",
                "provost://logs/web",
                "provost://processes/other",
                "provost://logs/other",
            ]
        );
        for uri in uris {
            let read = client.ask("resources/read", json!({"uri": uri}));
            assert_eq!(read["contents"][0]["uri"], uri, "{read}");
        }
        let process = client.ask("resources/read", json!({"uri": "provost://processes/web"}));
        let process: Value = serde_json::from_str(process["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(process, host.process("web"));
        let log = client.ask("resources/read", json!({"uri": "provost://logs/web"}));
        assert!(log["contents"][0]["text"].as_str().unwrap().ends_with(" stdout up\n"), "{log}");
        let templates = client.ask("resources/templates/list", json!({}));
        assert_eq!(templates["resourceTemplates"].as_array().unwrap().len(), 2);
        for uri in ["provost://processes/wep", "provost://nothing"] {
            let refused = client.refused("resources/read", json!({"uri": uri}));
            let code = if era == Era::Alone { -32602 } else { -32002 };
            assert_eq!(refused["code"], code, "{refused}");
        }
        let completed = client.ask(
            "completion/complete",
            json!({
                "ref": {"type": "ref/resource", "uri": "provost://logs/{name}"},
                "argument": {"name": "name", "value": "w"},
            }),
        );
        assert_eq!(completed["completion"]["values"], json!(["web"]));
        assert!(client.end());
    }
    host.down();
}

/// Makes changes of each kind, and returns the notifications that the client received of them.
fn changes(host: &Host, client: &mut Client) -> Vec<Value> {
    host.ok(&["restart", "--wait", "web"]);
    let mut seen =
        vec![client.until_updated("provost://processes/web"), client.until_updated("provost://processes")];
    host.ok(&["signal", "HUP", "web"]);
    seen.push(client.until_updated("provost://logs/web"));
    let config = format!("{CONFIG}\n[process.more]\ncommand = \"exec sleep 1000\"\n");
    std::fs::write(host.setup().dir().join("provost.toml"), config).unwrap();
    host.ok(&["reload", "--wait"]);
    seen.push(client.until_list_changed());
    seen
}

#[test]
fn a_client_with_a_session_is_notified_of_the_changes_that_it_subscribed_to() {
    let host = Host::up(PROVOST, CONFIG);
    let mut client = Client::start(host.setup(), Era::Session, &[]);
    client.ask("resources/list", json!({}));
    for uri in ["provost://processes", "provost://processes/web", "provost://logs/web"] {
        client.ask("resources/subscribe", json!({"uri": uri}));
    }
    let refused = client.refused("resources/subscribe", json!({"uri": "provost://logs/wep"}));
    assert!(refused["message"].as_str().unwrap().contains("did you mean `web`?"), "{refused}");
    changes(&host, &mut client);
    client.ask("resources/unsubscribe", json!({"uri": "provost://processes/web"}));
    assert!(client.end());
    host.down();
}

#[test]
fn a_client_without_a_session_listens_to_the_changes_that_it_named() {
    let host = Host::up(PROVOST, CONFIG);
    let mut client = Client::start(host.setup(), Era::Alone, &[]);
    let uris = ["provost://processes", "provost://processes/web", "provost://logs/web", "file:///etc/passwd"];
    let filter =
        json!({"resourceSubscriptions": uris, "resourcesListChanged": true, "toolsListChanged": true});
    let id = client.request("subscriptions/listen", json!({"notifications": filter}));
    let accepted = client.until("the acknowledgment", |message| {
        message["method"] == "notifications/subscriptions/acknowledged"
    });
    let accepted = &accepted["params"]["notifications"];
    assert_eq!(accepted["resourceSubscriptions"].as_array().unwrap().len(), 3, "{accepted}");
    assert_eq!(accepted["resourcesListChanged"], true, "{accepted}");
    assert_eq!(accepted.get("toolsListChanged"), None, "tools never change: {accepted}");
    for notification in changes(&host, &mut client) {
        let of = &notification["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        assert_eq!(*of, id, "{notification}");
    }
    assert!(client.end());
    host.down();
}

#[test]
fn prompts_have_the_data_that_they_ask_about() {
    let host = Host::up(PROVOST, CONFIG);
    host.until("web", "ready", |web| web["ready"] == true);
    for era in ERAS {
        let mut client = Client::start(host.setup(), era, &[]);
        let list = client.ask("prompts/list", json!({}));
        let names: Vec<_> =
            list["prompts"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, ["why-restarted", "what-changed"]);
        let why = client.ask("prompts/get", json!({"name": "why-restarted", "arguments": {"name": "web"}}));
        let text = why["messages"][0]["content"]["text"].as_str().unwrap();
        for part in ["web is running with pid", "Changes, oldest first", "stdout up"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let what = client.ask("prompts/get", json!({"name": "what-changed"}));
        let text = what["messages"][0]["content"]["text"].as_str().unwrap();
        for part in ["web spawned: 1", "other spawned: 1", "web ready -> running"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        for (arguments, words) in
            [(json!({}), "the prompt needs a `name`"), (json!({"name": "wep"}), "did you mean `web`?")]
        {
            let refused =
                client.refused("prompts/get", json!({"name": "why-restarted", "arguments": arguments}));
            assert!(refused["message"].as_str().unwrap().contains(words), "{refused}");
            assert_eq!(refused["code"], -32602, "{refused}");
        }
        assert!(client.end());
    }
    host.down();
}
