//! Single processes, groups and plugins.

use provost_api as api;
use provost_state::Cause;
use provost_supervisor::ProcessSpec;

use crate::harness::{FOREVER, Host, shell};
use crate::http::ask;

fn idle(name: &str, group: &str) -> ProcessSpec {
    ProcessSpec { autostart: false, ..shell(name, group, FOREVER) }
}

#[tokio::test]
async fn a_process_has_its_own_path_even_if_it_is_called_like_an_order() {
    let host = Host::start(vec![idle("start", ""), idle("scale", ""), idle("web.1", ""), idle("web.2", "")]);
    let all = host.client.status(&[]).await.unwrap().processes;
    for process in &all {
        assert_eq!(host.client.process(&process.name).await.unwrap(), *process);
        assert_eq!(host.client.explain(&process.name).await.unwrap().process, *process);
    }
    let several = ask(&host, "GET", "/v1/processes/web", "").await;
    assert!(several.status == 400 && several.body.contains("such as web.1, web.2"), "{}", several.body);
    assert_eq!(ask(&host, "GET", "/v1/processes/stop", "").await.status, 404);
    let listed = ask(&host, "GET", "/v1/processes?select=web&fields=name", "").await;
    assert!(listed.body.ends_with(r#""processes":[{"name":"web.1"},{"name":"web.2"}]}"#), "{}", listed.body);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn groups_have_their_members_and_counts_of_their_phases() {
    let host = Host::start(vec![idle("a", "g"), idle("b", "g"), idle("c", ""), idle("d", "f")]);
    host.order("start", &["b"]).await.unwrap();
    let groups = host.client.groups().await.unwrap().groups;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!((names, &groups[1].members[..]), (vec!["f", "g"], &["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(groups[1].phases, [(api::Phase::Running, 1), (api::Phase::Stopped, 1)].into());
    assert_eq!(groups[1].desired, [(api::Desired::Up, 1), (api::Desired::Down, 1)].into());
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_plugin_has_its_own_path_and_views_are_listed() {
    let host = Host::start(vec![]);
    assert_eq!(host.client.plugin("painter").await.unwrap(), host.client.plugins().await.unwrap().plugins[0]);
    assert!(host.client.plugin("nobody").await.unwrap_err().to_string().contains("nobody"));
    let views = host.client.views().await.unwrap().views;
    assert_eq!(views, [api::ViewLink { plugin: "painter".into(), path: "/v1/views/painter/".into() }]);
    assert_eq!(ask(&host, "GET", &views[0].path, "").await.status, 200);
    host.supervisor.shutdown(Cause::Shutdown).await;
}
