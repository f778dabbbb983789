//! Changes of plugins through the API: their effect on policy chains, and refusals.

use provost_api::PluginOrder;
use provost_api::client::ClientError;

use crate::harness::{FOREVER, Host, shell};

/// Returns the status, the code and the message of a refusal; for any other error only the message.
fn refused(error: ClientError) -> (u16, String, String) {
    match error {
        ClientError::Refused { status, error } => (status, error.code.to_string(), error.message),
        other => (0, String::new(), other.to_string()),
    }
}

fn load(judges: &[&str]) -> PluginOrder {
    PluginOrder {
        component: Some("bundled:calm".to_owned()),
        judges: judges.iter().map(ToString::to_string).collect(),
        ..PluginOrder::default()
    }
}

/// Returns the names of the policies in the chain of a process.
fn chain(host: &Host, name: &str) -> Vec<String> {
    let id = host.supervisor.reader().snapshot().id(name).unwrap();
    host.supervisor.policies_of(id).iter().map(|policy| policy.name().to_string()).collect()
}

#[tokio::test]
async fn a_loaded_policy_is_first_in_its_chains_and_unloading_it_needs_force() {
    let host = Host::start(vec![shell("a", "g", FOREVER), shell("b", "g", FOREVER), shell("c", "", FOREVER)]);
    host.client.change_plugin("old", "load", &load(&["a"])).await.unwrap();
    let loaded = host.client.change_plugin("calm", "load", &load(&["g:*"])).await.unwrap();
    assert_eq!(loaded.plugin.unwrap().active.version, 1);
    assert_eq!(loaded.notes, ["checked", "first in the chain of a, b"]);
    assert_eq!(
        (chain(&host, "a"), chain(&host, "b")),
        (vec!["calm".into(), "old".into()], vec!["calm".into()])
    );
    assert!(chain(&host, "c").is_empty());
    let kept = host.client.change_plugin("calm", "unload", &PluginOrder::default()).await.unwrap_err();
    assert_eq!(refused(kept), (409, "in_use".into(), "calm judges a, b".into()));
    assert_eq!(host.client.plugins().await.unwrap().plugins.len(), 3);
    let force = PluginOrder { force: true, ..PluginOrder::default() };
    let gone = host.client.change_plugin("calm", "unload", &force).await.unwrap();
    assert_eq!(gone.plugin, None);
    assert_eq!((chain(&host, "a"), chain(&host, "b")), (vec!["old".to_owned()], vec![]));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn a_plugin_that_is_not_a_policy_cannot_judge_and_is_not_loaded() {
    let host = Host::start(vec![shell("a", "", FOREVER)]);
    let (status, code, message) =
        refused(host.client.change_plugin("view", "load", &load(&["a"])).await.unwrap_err());
    assert_eq!((status, &*code), (422, "check_failed"));
    assert!(message.contains("`view` exports no policy"), "{message}");
    assert_eq!(host.client.plugins().await.unwrap().plugins.len(), 1);
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn refusals_have_stable_codes_and_name_unused_fields() {
    let host = Host::start(Vec::new());
    let change = async |name: &str, action: &str, order: PluginOrder| {
        refused(host.client.change_plugin(name, action, &order).await.unwrap_err())
    };
    let none = PluginOrder::default;
    assert_eq!(change("nobody", "rollback", none()).await.1, "unknown_plugin");
    assert_eq!(change("painter", "paint", none()).await.1, "unknown_action");
    assert_eq!(change("painter", "load", load(&[])).await.1, "name_taken");
    assert_eq!(change("painter", "rollback", none()).await.1, "no_former_version");
    assert_eq!(change("painter", "swap", none()).await.1, "asks_for_more");
    assert_eq!(change("new", "load", none()).await.1, "bad_request");
    let odd = change("painter", "rollback", PluginOrder { force: true, ..none() }).await;
    assert_eq!(odd.2, "`force` has no meaning for `rollback`");
    let unknown = change("new", "load", load(&["nobody"])).await;
    assert_eq!(unknown.1, "unknown_process");
    let swapped = host
        .client
        .change_plugin("painter", "swap", &PluginOrder { accept_more: true, ..none() })
        .await
        .unwrap();
    let plugin = swapped.plugin.unwrap();
    assert_eq!((plugin.active.version, plugin.former.unwrap().version), (2, 1));
    let ClientError::Refused { error, .. } = host.client.blame("painter").await.unwrap_err() else {
        panic!("it has not failed")
    };
    assert_eq!(error.code, provost_api::ErrorCode::NoFault);
}
