//! Tests of the comparison, on configs as texts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use provost_plugin_host::Source;

use super::plan::Plan;
use super::shape::{Effect, Member, Shape};
use super::{Contents, Unread, difference, host, process, wanted, words};
use crate::config::{Config, SourceFile};

fn config(text: &str) -> Config {
    let source = SourceFile { path: "/srv/provost.toml".into(), text: text.to_owned() };
    Config::parse(source).unwrap_or_else(|problems| panic!("{problems}"))
}

fn shape(text: &str) -> Shape {
    wanted(&config(text), &Unread)
}

/// The plan for a host that runs `old` when it is to run `new`, line by line.
fn plan(old: &str, new: &str) -> String {
    told(&Plan::between(&shape(old), &shape(new), &shape(old)))
}

fn told(plan: &Plan) -> String {
    let difference = difference(plan, Path::new("/srv/provost.toml"));
    let key = |key: &provost_api::KeyDifference| {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let members = if key.members.is_empty() { String::new() } else { format!(" of {:?}", key.members) };
        let content = if key.content_changed { " (content)" } else { "" };
        let keep = key.keep.as_ref().map(|keep| format!(" keep {keep:?}")).unwrap_or_default();
        format!(
            "  {}: {} -> {}{content}, {}{members}{keep}\n",
            key.key,
            value(&key.old),
            value(&key.new),
            key.effect
        )
    };
    let items = |kind: &str, list: &[provost_api::ItemDifference]| -> String {
        list.iter()
            .map(|item| {
                let keys: String = item.keys.iter().map(key).collect();
                let keep = item.keep.as_ref().map(|keep| format!("  keep {keep:?}\n")).unwrap_or_default();
                format!("{} {kind} {}\n{keys}{keep}", item.change, item.name)
            })
            .collect()
    };
    let host: String = difference.host.iter().map(key).collect();
    let unchanged = difference.unchanged;
    format!(
        "{}{}{host}unchanged: {}, {}",
        items("process", &difference.processes),
        items("plugin", &difference.plugins),
        unchanged.processes,
        unchanged.plugins
    )
}

const BASE: &str = r#"
[plugins.backoff]
component = "bundled:backoff"
settings = { first = "100ms", factor = 2.0 }

[process.web]
command = ["web", "--port", "80"]
policies = ["backoff"]

[process.db]
command = "db"
"#;

#[test]
fn a_config_compared_with_itself_differs_in_nothing() {
    assert_eq!(plan(BASE, BASE), "unchanged: 2, 1");
    let spaced =
        BASE.replace("\n[process.db]", "\n# A comment.\n\n[process.db]\nstop = { grace = \"10000ms\" }");
    assert_eq!(plan(BASE, &spaced), "unchanged: 2, 1", "a default that is written differs in nothing");
}

#[test]
fn a_limit_is_compared_as_it_is_applied() {
    let with = |stack: &str| {
        let limits = format!("component = \"bundled:backoff\"\nlimits = {{ stack = \"{stack}\" }}");
        BASE.replace("component = \"bundled:backoff\"", &limits)
    };
    assert_eq!(plan(&with("256KiB"), &with("200KiB")), "unchanged: 2, 1", "both are 256 KiB");
    assert!(plan(&with("256KiB"), &with("100KiB")).contains("limits.stack: \"256KiB\" -> \"128KiB\""));
}

#[test]
fn what_is_added_removed_and_changed_is_shown_key_by_key() {
    let new = r#"
[plugins.backoff]
component = "bundled:backoff"
settings = { first = "200ms" }
limits = { memory = "32MiB" }

[plugins.extra]
component = "bundled:otp"

[process.cache]
command = ["cache"]

[process.web]
command = ["web", "--port", "81"]
policies = ["extra", "backoff"]
stop = { grace = "5s" }
ready = { http = "http://127.0.0.1:81/" }
"#;
    insta::assert_snapshot!(plan(BASE, new), @r#"
    added process cache
      command: - -> ["cache"], live
    changed process web
      command: ["web", "--port", "80"] -> ["web", "--port", "81"], restart
      policies: ["backoff"] -> ["extra", "backoff"], live
      ready.every: - -> "500ms", live
      ready.http: - -> "http://127.0.0.1:81/", live
      ready.timeout: - -> "1s", live
      stop.grace: "10s" -> "5s", live
    removed process db
      command: "db" -> -, live
    changed plugin backoff
      limits.memory: "16MiB" -> "32MiB", live
      settings.factor: 2.0 -> -, live
      settings.first: "100ms" -> "200ms", live
    added plugin extra
      component: - -> "bundled:otp", live
    unchanged: 0, 0
    "#);
}

#[test]
fn the_values_of_variables_are_compared_and_never_shown() {
    let with =
        |value: &str| format!("[process.a]\ncommand = \"a\"\nenv = {{ TOKEN = \"{value}\", SAME = \"1\" }}");
    let told = plan(&with("s3cret"), &with("0ther"));
    insta::assert_snapshot!(told, @r#"
    changed process a
      env.TOKEN: (hidden) -> (hidden), restart
    unchanged: 0, 0
    "#);
    assert!(!told.contains("s3cret") && !told.contains("0ther"));
}

#[test]
fn the_settings_of_the_host_say_which_of_them_need_another_host() {
    let old = "[host]\nlog_dir = \"logs\"\n[process.a]\ncommand = \"a\"";
    let new = "[host]\nlog_dir = \"/var/log/x\"\ndecision_deadline = \"2s\"\nrestart_budget = { restarts = 3, per = \"1m\" }\n\
               [state]\nbackend = \"dual\"\n[plugins]\ncache = { size = \"1GiB\" }\n[process.a]\ncommand = \"a\"";
    insta::assert_snapshot!(plan(old, new), @r#"
      host.decision_deadline: "1s" -> "2s", live
      host.log_dir: "logs" -> "/var/log/x", new_host
      host.restart_budget: { restarts = 60, per = "1m" } -> { restarts = 3, per = "1m" }, live
      plugins.cache.size: "512MiB" -> "1GiB", new_host
      state.backend: "atomic" -> "dual", live
    unchanged: 1, 0
    "#);
}

#[test]
fn a_process_that_gets_replicas_is_replaced_and_a_changed_number_is_not() {
    let with = |replicas: &str| format!("[process.web]\ncommand = \"web\"\n{replicas}");
    insta::assert_snapshot!(plan(&with(""), &with("replicas = 2")), @r#"
    added process web
      command: - -> "web", live
    removed process web
      command: "web" -> -, live
    unchanged: 0, 0
    "#);
    insta::assert_snapshot!(plan(&with("replicas = 2"), &with("replicas = 3")), @r#"
    changed process web
      replicas: 2 -> 3, live
    unchanged: 0, 0
    "#);
    insta::assert_snapshot!(plan(&with("replicas = 2"), &with("replicas = { min = 1, max = 4 }")), @r#"
    changed process web
      replicas: 2 -> -, live
      replicas.every: - -> "10s", live
      replicas.max: - -> 4, live
      replicas.min: - -> 1, live
    unchanged: 0, 0
    "#);
}

#[test]
fn replicas_that_still_have_old_values_are_named() {
    let text = |command: &str| format!("[process.web]\ncommand = \"{command}\"\nreplicas = 3");
    let (old, new) = (shape(&text("old")), shape(&text("new")));
    let mut running = new.clone();
    let one = |number: u32, shape: &Shape| Member {
        name: format!("web.{number}"),
        settings: shape.processes[0].members[0].settings.clone(),
    };
    running.processes[0].members = vec![one(1, &new), one(2, &old), one(3, &old)];
    insta::assert_snapshot!(told(&Plan::between(&running, &new, &new)), @r#"
    changed process web
      command: "old" -> "new", restart of ["web.2", "web.3"]
    unchanged: 0, 0
    "#);
}

#[test]
fn what_was_changed_at_run_time_comes_with_the_line_that_would_keep_it() {
    let live = BASE
        .replace("policies = [\"backoff\"]", "policies = [\"extra\", \"backoff\"]")
        .replace("factor = 2.0", "factor = 3.0")
        + "[plugins.extra]\ncomponent = \"x/extra.wasm\"\nsettings = { a = 1 }\n[state]\nbackend = \"locked\"";
    insta::assert_snapshot!(told(&Plan::between(&shape(&live), &shape(BASE), &shape(BASE))), @r#"
    changed process web
      policies: ["extra", "backoff"] -> ["backoff"], live keep "[process.web]\npolicies = [\"extra\", \"backoff\"]"
    changed plugin backoff
      settings.factor: 3.0 -> 2.0, live keep "[plugins.backoff]\nsettings.factor = 3.0"
    removed plugin extra
      component: "x/extra.wasm" -> -, live
      keep "[plugins.extra]\ncomponent = \"x/extra.wasm\"\nsettings.a = 1"
      state.backend: "locked" -> "atomic", live keep "[state]\nbackend = \"locked\""
    unchanged: 1, 0
    "#);
    let by_hand = |replicas: &str| shape(&format!("[process.w]\ncommand = \"w\"\nreplicas = {replicas}"));
    let mut none = by_hand("1");
    none.processes[0].set.get_mut("replicas").unwrap().text = "0".to_owned();
    let told_none = told(&Plan::between(&none, &by_hand("1"), &by_hand("1")));
    assert!(told_none.contains("replicas: 0 -> 1, live\n"), "no config can ask for 0: {told_none}");
    let mut null = shape(BASE);
    null.plugins[0].settings.get_mut("settings.factor").unwrap().text = words::json(&serde_json::Value::Null);
    let told_null = told(&Plan::between(&null, &shape(BASE), &shape(BASE)));
    assert!(told_null.contains("settings.factor: null -> 2.0, live\n"), "TOML has no null: {told_null}");
    let edited = BASE.replace("factor = 2.0", "factor = 4.0");
    let told = told(&Plan::between(&shape(BASE), &shape(&edited), &shape(BASE)));
    assert!(!told.contains("keep"), "an edit of the file is no change at run time: {told}");
}

/// Files whose content is this.
struct Holding(&'static str);

impl Contents for Holding {
    fn component(&self, _: &Source) -> Option<String> {
        Some(self.0.to_owned())
    }

    fn keys(&self, _: &[PathBuf]) -> Option<String> {
        Some(self.0.to_owned())
    }
}

#[test]
fn components_count_by_their_content() {
    let config = config(BASE);
    let (one, other) = (wanted(&config, &Holding("1")), wanted(&config, &Holding("2")));
    insta::assert_snapshot!(told(&Plan::between(&one, &other, &one)), @r#"
    changed plugin backoff
      component: "bundled:backoff" -> "bundled:backoff" (content), live
    unchanged: 2, 0
    "#);
    assert_eq!(
        told(&Plan::between(&one, &shape(BASE), &one)),
        "unchanged: 2, 1",
        "unknown content is not compared"
    );
}

/// A config in which every key of a process has a value.
const EVERYTHING: &str = r#"
[plugins.backoff]
component = "bundled:backoff"

[process.db]
command = "db"

[process.job]
command = "job"
type = "job"
success_codes = [0, 3]

[process.web]
command = "web"
cwd = "/"
env = { A = "1" }
env_files = ["a.env"]
user = "nobody:nogroup"
groups = ["4"]
umask = "027"
nice = 5
ioprio = "idle"
oom_score_adj = 500
limits = { nofile = 1024, core = "unlimited", nproc = { soft = 10, hard = 20 } }
no_new_privs = true
capabilities = ["NET_BIND_SERVICE"]
cgroup = { cpu = "50%", memory = "256MiB", memory_high = "200MiB", pids = 100, optional = true }
sockets = { http = "127.0.0.1:1", admin = { address = "/a.sock", mode = "0660" } }
watchdog = "5s"
stdin = "open"
stderr = "merge"
group = "front"
autostart = false
stop = { signal = "INT", to = "main", escaped = "leave", grace = "1s" }
policies = ["backoff"]
depends_on = { db = "ready" }
ready = { tcp = "127.0.0.1:1", every = "1s", timeout = "1s", within = "1s", own_port = true }
health = { tcp = "127.0.0.1:1" }
usage = { every = "5s" }
logs = { file_size = "1MiB", files = 2 }
replicas = { min = 1, max = 2 }
"#;

#[test]
fn the_table_of_keys_is_that_of_the_schema_and_of_the_shapes() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/provost.schema.json")).unwrap();
    let table: BTreeSet<&str> = process::KEYS.iter().map(|(key, _)| *key).collect();
    let properties = &schema["$defs"]["process"]["properties"];
    let known: BTreeSet<&str> = properties.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(table, known);
    let shape = shape(EVERYTHING);
    let all = shape.processes.iter().flat_map(|one| one.set.keys().chain(one.members[0].settings.keys()));
    let shown: BTreeSet<&str> = all.map(|key| key.split('.').next().unwrap()).collect();
    assert_eq!(shown, table);
    let hosts: BTreeSet<&str> = host::KEYS.iter().map(|(key, _)| *key).collect();
    let keys = shape.host.keys().map(String::as_str);
    assert!(keys.clone().all(|key| hosts.contains(key)), "{:?}", Vec::from_iter(keys));
}

#[test]
fn the_documents_have_the_same_table() {
    let document = include_str!("../../../../docs/processes.md");
    let word = |effect| match effect {
        Effect::Live => "in place",
        Effect::Restart => "restart",
        Effect::NewHost => "new host",
    };
    let title = |key: &str| match key.split_once('.') {
        Some((section, below)) => format!("`{below}` of `[{section}]`"),
        None => format!("`{key}`"),
    };
    for (key, effect) in process::KEYS.iter().chain(&host::KEYS) {
        let row = format!("| {} | {} |", title(key), word(*effect));
        assert!(document.contains(&row), "docs/processes.md lacks the row: {row}");
    }
}
