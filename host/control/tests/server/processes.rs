//! Single processes, groups and plugins.

use provost_api as api;
use provost_state::Cause;
use provost_supervisor::{Check, CommandLine, HealthCheck, ProcessSpec, Readiness};

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
        assert_eq!(host.client.process(&process.name).await.unwrap().process, *process);
        assert_eq!(host.client.explain(&process.name).await.unwrap().process, *process);
    }
    let several = ask(&host, "GET", "/v1/processes/web", "").await;
    assert!(several.status == 400 && several.body.contains("such as web.1, web.2"), "{}", several.body);
    assert_eq!(ask(&host, "GET", "/v1/processes/stop", "").await.status, 404);
    let listed = ask(&host, "GET", "/v1/processes?select=web&fields=name", "").await;
    assert!(listed.body.ends_with(r#""processes":[{"name":"web.1"},{"name":"web.2"}]}"#), "{}", listed.body);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

/// A process whose checks pass once its file `ready` is there, and which has variables of all kinds.
fn checked(dir: &std::path::Path) -> ProcessSpec {
    let env_file = dir.join("app.env");
    std::fs::write(&env_file, "FROM_FILE=secret\nBOTH=secret\n").unwrap();
    let test = CommandLine::Argv(["test", "-e", "ready"].map(str::to_owned).into());
    ProcessSpec {
        cwd: Some(dir.to_owned()),
        env: [("FROM_CONFIG".to_owned(), "secret".to_owned()), ("BOTH".to_owned(), "secret".to_owned())]
            .into(),
        env_files: vec![env_file],
        ready: Some(Readiness {
            check: Check::Exec(test.clone()),
            every_ms: 10,
            timeout_ms: 20_000,
            within_ms: Some(60_000),
            own_port: false,
        }),
        health: Some(HealthCheck {
            check: Check::Exec(test),
            every_ms: 10,
            timeout_ms: 20_000,
            failures: 1_000,
        }),
        ..shell("web", "", FOREVER)
    }
}

#[tokio::test]
async fn one_process_has_the_names_of_its_variables_and_the_last_results_of_its_checks() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::start(vec![checked(dir.path()), idle("plain", "")]);
    let plain = host.client.process("plain").await.unwrap();
    assert_eq!((plain.environment, plain.checks), (None, api::Checks::default()), "it has no child");
    let until = async |holds: fn(&api::Checks) -> bool| loop {
        let web = host.client.process("web").await.unwrap();
        if holds(&web.checks) {
            return web;
        }
        tokio::task::yield_now().await;
    };
    let last = |check: &Option<api::Check>| check.as_ref().and_then(|check| check.last.clone());
    let web = until(|checks| checks.readiness.as_ref().is_some_and(|check| check.last.is_some())).await;
    let failed = last(&web.checks.readiness).unwrap();
    assert_eq!((failed.passed, &*failed.found), (false, "its check exited with code 1"));
    assert_eq!(last(&web.checks.health), None, "it is not ready yet");
    let readiness = web.checks.readiness.unwrap();
    assert_eq!((readiness.kind, &*readiness.target), (api::CheckKind::Exec, r#"["test","-e","ready"]"#));
    assert_eq!((readiness.every_ms, readiness.within_ms, readiness.failures), (Some(10), Some(60_000), None));
    let names = web.environment.unwrap();
    assert!(
        names.is_sorted()
            && ["PATH", "PROVOST_INCARNATION"].iter().all(|own| names.iter().any(|it| it == own))
    );
    for name in ["FROM_FILE", "FROM_CONFIG", "BOTH"] {
        assert_eq!(names.iter().filter(|it| *it == name).count(), 1, "{names:?}");
    }
    let body = ask(&host, "GET", "/v1/processes/web", "").await.body;
    assert!(!body.contains("secret"), "values are never sent: {body}");
    std::fs::write(dir.path().join("ready"), "").unwrap();
    let web = until(|checks| checks.health.as_ref().is_some_and(|check| check.last.is_some())).await;
    assert!(last(&web.checks.readiness).unwrap().passed && last(&web.checks.health).unwrap().passed);
    std::fs::remove_file(dir.path().join("ready")).unwrap();
    let web = until(|checks| {
        checks.health.as_ref().and_then(|check| check.last.as_ref()).is_some_and(|last| !last.passed)
    })
    .await;
    assert_eq!(last(&web.checks.health).unwrap().found, "its check exited with code 1");
    // The list has the fields of the process alone.
    let list = ask(&host, "GET", "/v1/processes?select=web", "").await.body;
    assert!(!list.contains("environment") && !list.contains("checks"), "{list}");
    host.order("stop", &["web"]).await.unwrap();
    let web = host.client.process("web").await.unwrap();
    assert!(web.environment.is_none() && last(&web.checks.health).is_some(), "the last result is kept");
    // Another life has no results of this one.
    host.client
        .order("start", &api::ProcessOrder { select: vec!["web".to_owned()], ..Default::default() })
        .await
        .unwrap();
    host.until("web", |web| web.phase == api::Phase::Starting).await;
    assert_eq!(last(&host.client.process("web").await.unwrap().checks.health), None);
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
