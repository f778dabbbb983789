//! Tests the text of the prometheus view natively, with made-up worlds.

use provost_guest::plugins::{FaultCount, Latency, PluginVersion, Standing};
use provost_guest::testing::{MadeUpWorld, load, plugin_version, process, usage, use_resources};
use provost_guest::usages::ProcessUsage;
use provost_guest::{Exit, Phase, Request, StatusView, settings};
use provost_plugin_prometheus::{Prometheus, metrics};

/// Returns the samples of a metric in this world.
fn samples(world: &MadeUpWorld, metric: &str) -> Vec<String> {
    let text = metrics(world, &[], &[], None);
    let of_metric = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(metric));
    of_metric.map(str::to_owned).collect()
}

fn two_processes() -> MadeUpWorld {
    let mut web = process("web", Phase::Running);
    web.group = "front".to_owned();
    web.restarts = 4;
    web.incarnation = 5;
    web.started_at = Some(1_700_000_000_042);
    let mut job = process("job", Phase::Fatal);
    job.failures = 11;
    job.exit = Some(Exit::Signal(9));
    let mut world = MadeUpWorld::of([web, job]);
    world.generation = 77;
    world
}

#[test]
fn the_response_is_openmetrics_text_to_its_end() {
    let view: Prometheus = settings::parse("{}").expect("no settings are good settings");
    let request = Request { path: String::new(), query: String::new() };
    let response = view.render(&request, &two_processes());
    assert_eq!(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(response.body.ends_with(b"\n# EOF\n"));
}

#[test]
fn each_process_has_its_samples() {
    let world = two_processes();
    let cases: [(&str, &[&str]); 7] = [
        ("provost_process_up", &[r#"{name="web",group="front"} 1"#, r#"{name="job",group=""} 0"#]),
        (
            "provost_process_restarts_total",
            &[r#"{name="web",group="front"} 4"#, r#"{name="job",group=""} 0"#],
        ),
        ("provost_process_failures", &[r#"{name="web",group="front"} 0"#, r#"{name="job",group=""} 11"#]),
        ("provost_process_incarnation", &[r#"{name="web",group="front"} 5"#, r#"{name="job",group=""} 1"#]),
        ("provost_process_start_time_seconds", &[r#"{name="web",group="front"} 1700000000.042"#]),
        ("provost_process_last_exit_code", &[r#"{name="job",group=""} 137"#]),
        ("provost_snapshot_generation", &[" 77"]),
    ];
    for (metric, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|rest| format!("{metric}{rest}")).collect();
        assert_eq!(samples(&world, metric), expected);
    }
}

#[test]
fn a_process_is_in_one_phase_of_eight() {
    let world = two_processes();
    let phases = samples(&world, "provost_process_phase");
    assert_eq!(phases.len(), 16);
    let ones: Vec<&String> = phases.iter().filter(|line| line.ends_with(" 1")).collect();
    assert_eq!(
        ones,
        [
            r#"provost_process_phase{name="web",group="front",phase="running"} 1"#,
            r#"provost_process_phase{name="job",group="",phase="fatal"} 1"#
        ]
    );
    assert!(
        samples(&world, "provost_processes").contains(&r#"provost_processes{phase="fatal"} 1"#.to_owned())
    );
}

#[test]
fn labels_are_escaped() {
    let world = MadeUpWorld::of([process("a\"b\\c\nd", Phase::Running)]);
    let expected = r#"provost_process_up{name="a\"b\\c\nd",group=""} 1"#;
    assert_eq!(samples(&world, "provost_process_up"), [expected]);
}

#[test]
fn every_page_of_a_large_world_is_rendered() {
    let world = MadeUpWorld::of((0..2500).map(|n| process(&format!("p{n}"), Phase::Running)));
    let up = samples(&world, "provost_process_up");
    assert_eq!(up.len(), 2500);
    assert_eq!(up[2499], r#"provost_process_up{name="p2499",group=""} 1"#);
}

#[test]
fn a_removed_process_has_no_samples_any_more() {
    let world = two_processes().without("job");
    let text = metrics(&world, &[], &[], None);
    assert!(text.contains("name=\"web\"") && !text.contains("job"), "{text}");
    assert!(
        samples(&world, "provost_processes").contains(&r#"provost_processes{phase="fatal"} 0"#.to_owned())
    );
    assert_eq!(samples(&world, "provost_snapshot_generation"), ["provost_snapshot_generation 78"]);
}

#[test]
fn a_standing_of_a_later_contract_has_a_sample_of_its_own() {
    let version = PluginVersion { standing: Standing::Other("shadow".to_owned()), ..plugin_version("judge") };
    let text = metrics(&MadeUpWorld::default(), &[version], &[], None);
    let ones =
        text.lines().filter(|line| line.starts_with("provost_plugin_standing") && line.ends_with(" 1"));
    assert_eq!(
        ones.collect::<Vec<_>>(),
        [r#"provost_plugin_standing{plugin="judge",version="1",standing="shadow"} 1"#]
    );
}

#[test]
fn an_empty_world_is_rendered() {
    let text = metrics(&MadeUpWorld::default(), &[], &[], None);
    assert!(text.starts_with("# TYPE ") && text.ends_with("# EOF\n"));
}

#[test]
fn a_setting_is_refused() {
    assert!(settings::parse::<Prometheus>(r#"{"path": "/"}"#).is_err());
}

#[test]
fn each_version_of_a_plugin_has_its_samples() {
    let in_force = PluginVersion {
        version: 2,
        standing: Standing::Quarantined,
        calls: 40,
        faults: vec![FaultCount { kind: "trap".to_owned(), count: 5 }],
        call: Latency { p50: 22_000, p95: 60_000, p99: 1_500_000_000, max: 2_000_000_000 },
        missed: 3,
        ..plugin_version("judge")
    };
    let former = PluginVersion { in_force: false, calls: 7, ..plugin_version("judge") };
    load([in_force, former]);
    let view: Prometheus = settings::parse("{}").expect("no settings are good settings");
    let request = Request { path: String::new(), query: String::new() };
    let body = view.render(&request, &MadeUpWorld::default()).body;
    let text = String::from_utf8(body).expect("it is text");
    for line in [
        r#"provost_plugin_calls_total{plugin="judge",version="2"} 40"#,
        r#"provost_plugin_calls_total{plugin="judge",version="1"} 7"#,
        r#"provost_plugin_standing{plugin="judge",version="2",standing="quarantined"} 1"#,
        r#"provost_plugin_standing{plugin="judge",version="2",standing="active"} 0"#,
        r#"provost_plugin_faults_total{plugin="judge",version="2",kind="trap"} 5"#,
        r#"provost_plugin_call_seconds{plugin="judge",version="2",quantile="0.5"} 0.000022000"#,
        r#"provost_plugin_call_seconds{plugin="judge",version="2",quantile="0.99"} 1.500000000"#,
        r#"provost_plugin_call_seconds_count{plugin="judge",version="2"} 40"#,
        r#"provost_plugin_missed_changes_total{plugin="judge",version="2"} 3"#,
        "# UNIT provost_plugin_call_seconds seconds",
        "# UNIT provost_plugin_stored_bytes bytes",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(r#"provost_plugin_standing{plugin="judge",version="1""#), "it is not in force");
}

#[test]
fn what_processes_and_the_host_use_is_rendered_without_figures_that_are_not_known() {
    let used = provost_guest::Usage { cpu: 12_345, fds: Some(7), ..usage(4_096) };
    let web = ProcessUsage { name: "web".into(), group: "front".into(), incarnation: 2, usage: used };
    use_resources(Some(usage(8_192)), [web]);
    let prometheus: Prometheus = settings::parse("{}").unwrap();
    let request = Request { path: String::new(), query: String::new() };
    let response = prometheus.render(&request, &two_processes());
    assert_eq!(response.status, 200);
    let text = String::from_utf8(response.body).unwrap();
    for line in [
        "provost_process_cpu_seconds_total{name=\"web\",group=\"front\"} 12.345",
        "provost_process_resident_memory_bytes{name=\"web\",group=\"front\"} 4096",
        "provost_process_open_fds{name=\"web\",group=\"front\"} 7",
        "provost_process_members{name=\"web\",group=\"front\"} 1",
        "# UNIT provost_process_cpu_seconds seconds",
        "provost_host_resident_memory_bytes 8192",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("provost_process_proportional_memory_bytes{"), "it was not read");
}
