//! The loss of the host: `provost mcp` lives on, says how to start one, and works again when one is back.

use provost_tests::{Setup, eventually};
use serde_json::json;

use super::client::{Client, ERAS, Era};
use crate::PROVOST;

const CONFIG: &str = "[process.web]\ncommand = \"exec sleep 1000\"\n";

#[test]
fn a_server_outlives_its_host_and_works_with_the_next_one() {
    for era in ERAS {
        let setup = Setup::new(PROVOST, CONFIG);
        // There need not be a host at first.
        let mut client = Client::start(&setup, era, &[]);
        let error = client.call_in_vain("process_list", json!({}));
        assert_eq!(error["code"], "no_host", "{error}");
        assert!(error["hint"].as_str().unwrap().contains("provost up --detach"), "{error}");
        let error = client.refused("resources/list", json!({}));
        assert!(error["message"].as_str().unwrap().contains("provost up --detach"), "{error}");

        let host = setup.up();
        host.until_phase("web", "running");
        assert_eq!(client.call("process_list", json!({}))["total"], 1);
        match era {
            Era::Session => {
                client.ask("resources/subscribe", json!({"uri": "provost://processes"}));
            }
            Era::Alone => {
                let filter = json!({"resourceSubscriptions": ["provost://processes"]});
                client.request("subscriptions/listen", json!({"notifications": filter}));
            }
        }
        host.ok(&["restart", "web"]);
        client.until_updated("provost://processes");

        let setup = host.down();
        let error = client.call_in_vain("process_list", json!({}));
        assert_eq!(error["code"], "no_host", "{error}");
        client.forget();
        let host = setup.up();
        // The next host may have anything: what is subscribed to counts as changed.
        client.until_updated("provost://processes");
        eventually("it answers", || client_total(&mut client), |total| *total == 1);
        assert!(client.end());
        host.down();
    }
}

fn client_total(client: &mut Client) -> u64 {
    client.call("process_list", json!({}))["total"].as_u64().unwrap()
}

#[test]
fn a_client_that_says_nothing_or_nonsense_ends_the_server_with_its_input() {
    let setup = Setup::new(PROVOST, CONFIG);
    let silent = setup.run(&["mcp"]);
    assert_eq!((silent.code, silent.stdout.as_str()), (0, ""), "{silent:?}");
    let elsewhere = setup.command(&["mcp"]).current_dir("/").output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(2), "{elsewhere:?}");
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("-c"), "{elsewhere:?}");
}
