//! A real Prometheus that scrapes the host over TLS with a token, and the dashboard of these metrics.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use provost_tests::{Ends, Host, eventually};
use serde_json::Value;

use super::{address, ask, token};
use crate::PROVOST;

/// The program of Debian's package `prometheus`.
const PROMETHEUS: &str = "/usr/bin/prometheus";

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn a_prometheus_scrapes_the_metrics_over_tls_with_a_token() {
    if !Path::new(PROMETHEUS).exists() {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "the gate has to have {PROMETHEUS}");
        println!("skipped: there is no {PROMETHEUS}; `apt-get install prometheus` installs it");
        return;
    }
    let (cert, key) = (top("tests/certificates/localhost.crt"), top("tests/certificates/localhost.key"));
    let host = Host::up(
        PROVOST,
        &format!(
            "[api]\nlisten = \"127.0.0.1:0\"\ntls = {{ cert = {cert:?}, key = {key:?} }}\n\
             [plugins.prometheus]\ncomponent = \"bundled:prometheus\"\n\
             [process.web]\ncommand = \"exec sleep 1000\"\n"
        ),
    );
    let dir = host.setup().dir();
    std::fs::write(dir.join("token"), token(&host, "prometheus", "read")).unwrap();
    let config = format!(
        "scrape_configs:\n- job_name: provost\n  scrape_interval: 1s\n  scheme: https\n  \
         tls_config: {{ ca_file: {cert:?} }}\n  authorization: {{ credentials_file: {:?} }}\n  \
         static_configs: [ {{ targets: [ {:?} ] }} ]\n",
        dir.join("token"),
        address(&host)
    );
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    let log = File::create(dir.join("prometheus.log")).unwrap();
    let mut command = Command::new(PROMETHEUS);
    command.args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        "--web.listen-address=127.0.0.1:0",
    ]);
    command.current_dir(dir).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let _prometheus = Ends(command.spawn().unwrap());
    let listens = eventually(
        "Prometheus listens",
        || std::fs::read_to_string(dir.join("prometheus.log")).unwrap(),
        |log| log.contains("msg=\"Listening on\""),
    );
    let own = listens.lines().find(|line| line.contains("msg=\"Listening on\"")).unwrap();
    let own = own.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let found = eventually(
        "Prometheus has scraped the process",
        || ask(&own, "GET", "/api/v1/query?query=provost_process_up", "").1,
        |answer| answer.contains("\"value\""),
    );
    let found: Value = serde_json::from_str(&found).unwrap();
    let sample = &found["data"]["result"][0];
    assert_eq!((&sample["metric"]["name"], &sample["value"][1]), (&"web".into(), &"1".into()), "{found}");
    host.down();
}

/// Adds the words of all texts below `value` that begin like a metric of the host.
fn metrics_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| metrics_in(one, found)),
        Value::Object(fields) => fields.values().for_each(|one| metrics_in(one, found)),
        Value::String(text) => {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            found.extend(words.filter(|word| word.starts_with("provost_")).map(str::to_owned));
        }
        _ => {}
    }
}

#[test]
fn every_metric_of_the_dashboard_exists() {
    let dashboard = std::fs::read_to_string(top("docs/grafana-dashboard.json")).unwrap();
    let mut named = BTreeSet::new();
    metrics_in(&serde_json::from_str(&dashboard).unwrap(), &mut named);
    assert!(named.len() >= 10, "{named:?}");
    let host = Host::up(
        PROVOST,
        "[plugins.prometheus]\ncomponent = \"bundled:prometheus\"\n[process.web]\ncommand = \"exec sleep 1000\"\n",
    );
    // Some metrics are there once something was measured.
    eventually(
        "the view renders every metric of the dashboard",
        || host.ok(&["view", "prometheus", "metrics"]),
        |text| missing(&named, text).is_empty(),
    );
    host.down();
}

/// Returns the metrics that `text` does not render.
fn missing<'m>(named: &'m BTreeSet<String>, text: &str) -> Vec<&'m String> {
    let kinds: BTreeSet<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let is_there = |metric: &str| {
        kinds.iter().any(|(name, kind)| match *kind {
            "counter" => metric.strip_suffix("_total") == Some(*name),
            "summary" => metric == *name || metric.strip_suffix("_count") == Some(*name),
            _ => metric == *name,
        })
    };
    named.iter().filter(|metric| !is_there(metric)).collect()
}
