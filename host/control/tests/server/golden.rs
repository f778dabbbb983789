//! The answers of a real host have the form of the golden files: the same keys in the same order, and the same kinds of values.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use provost_api as api;
use provost_control::log_item;
use provost_state::Cause;
use provost_supervisor::{
    Check, CommandLine, Condition, Dependency, LogItem, ProcessSpec, Readiness, ReplicaSet, Settings,
    Supervisor,
};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::harness::{FOREVER, Host, shell};
use crate::http::ask;

/// The objects whose keys are data: any key is allowed, and all values have the same form.
const MAPS: [&str; 3] = ["limits", "faults_by_kind", "settings"];

/// All forms of the values at one place.
#[derive(Clone, Debug, Default)]
struct Form {
    /// The kinds of values: `null`, `bool`, `number`, `string`, `array` or `object`.
    kinds: BTreeSet<&'static str>,
    /// The form of the items of arrays and maps.
    items: Option<Box<Form>>,
    /// The objects, each with its keys in order.
    objects: Vec<Vec<(String, Form)>>,
}

impl Form {
    fn of(kind: &'static str) -> Self {
        Self { kinds: [kind].into(), ..Self::default() }
    }

    fn keys(object: &[(String, Form)]) -> Vec<&str> {
        object.iter().map(|(key, _)| key.as_str()).collect()
    }

    fn learn(&mut self, other: Form) {
        self.kinds.extend(other.kinds);
        if let Some(items) = other.items {
            self.items.get_or_insert_default().learn(*items);
        }
        for object in other.objects {
            match self.objects.iter_mut().find(|known| Self::keys(known) == Self::keys(&object)) {
                Some(known) => {
                    known.iter_mut().zip(object).for_each(|((_, known), (_, form))| known.learn(form))
                }
                None => self.objects.push(object),
            }
        }
    }

    /// Returns the first place where `real` has a form that is unknown here.
    fn unknown(&self, real: &Form, at: &str) -> Option<String> {
        if let Some(kind) = real.kinds.difference(&self.kinds).next() {
            return Some(format!("{at} is {kind}"));
        }
        if let Some(items) = &real.items {
            let known = self.items.clone().unwrap_or_default();
            if let Some(why) = known.unknown(items, &format!("{at}[]")) {
                return Some(why);
            }
        }
        real.objects.iter().find_map(|object| {
            let keys = Self::keys(object);
            match self.objects.iter().find(|known| Self::keys(known) == keys) {
                Some(known) => known
                    .iter()
                    .zip(object)
                    .find_map(|((key, known), (_, form))| known.unknown(form, &format!("{at}.{key}"))),
                None => Some(format!("{at} has the keys {keys:?}")),
            }
        })
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

/// Reads the form of any JSON and keeps the order of the keys.
struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Form, E> {
        Ok(Form::of("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Form, E> {
        Ok(Form::of("bool"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Form, E> {
        Ok(Form::of("number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Form, E> {
        Ok(Form::of("number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Form, E> {
        Ok(Form::of("number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Form, E> {
        Ok(Form::of("string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Form, A::Error> {
        let mut form = Form::of("array");
        while let Some(item) = seq.next_element::<Form>()? {
            form.items.get_or_insert_default().learn(item);
        }
        Ok(form)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Form, A::Error> {
        let mut object = Vec::new();
        while let Some((key, mut value)) = map.next_entry::<String, Form>()? {
            if MAPS.contains(&key.as_str()) {
                for (_, item) in std::mem::take(&mut value.objects).into_iter().flatten() {
                    value.items.get_or_insert_default().learn(item);
                }
            }
            object.push((key, value));
        }
        Ok(Form { objects: vec![object], ..Form::of("object") })
    }
}

fn lines(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../api/tests/golden/{name}.json"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn form(json: &str) -> Form {
    let read = serde_json::from_str(json);
    assert!(read.is_ok(), "{read:?}: {json}");
    read.unwrap()
}

/// Returns the JSON lines of a body, without the chunk sizes of a stream. Each chunk holds whole lines.
fn objects(body: &str) -> impl Iterator<Item = &str> {
    body.lines().filter(|line| line.starts_with('{'))
}

/// Asserts that every line of `real` has the form of a line of the golden file.
pub(crate) fn is_like(name: &str, real: &str) {
    let mut golden = Form::default();
    lines(name).iter().for_each(|line| golden.learn(form(line)));
    assert!(!real.is_empty(), "nothing was sent for {name}.json");
    for line in objects(real) {
        assert_eq!(golden.unknown(&form(line), name), None, "{name}.json has no such form: {line}");
    }
}

/// Asserts that each event has the form of the golden events of its kind.
pub(crate) fn events_are_like(real: &str) {
    let kind = |line: &str| serde_json::from_str::<api::Event>(line).unwrap().kind;
    for line in objects(real) {
        let mut golden = Form::default();
        lines("events").iter().filter(|it| kind(it) == kind(line)).for_each(|it| golden.learn(form(it)));
        assert_eq!(golden.unknown(&form(line), "event"), None, "events.json has no such form: {line}");
    }
}

async fn get(host: &Host, path: &str) -> String {
    let answer = ask(host, "GET", path, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

async fn post(host: &Host, path: &str, body: &str) -> String {
    let answer = ask(host, "POST", path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

/// Starts a host with a process in every lasting phase and a set of replicas.
async fn in_all_phases() -> Host {
    let never =
        |check| Readiness { check, every_ms: 10, timeout_ms: 1_000, within_ms: None, own_port: false };
    let idle = ProcessSpec { autostart: false, ..shell("idle", "", FOREVER) };
    let gate = Dependency { name: "idle".into(), condition: Condition::Started };
    let missing = CommandLine::Argv(vec!["/no/such/program".into()]);
    let replica =
        |number| ProcessSpec { replica: Some(number), ..shell(&format!("web.{number}"), "g", FOREVER) };
    let check = Check::Exec(CommandLine::Shell("exit 1".to_owned()));
    let specs = vec![
        shell("talker", "", r"echo one; printf '\377\n'; exec sleep 1000"),
        ProcessSpec { depends_on: vec![gate], ..shell("waiting", "", FOREVER) },
        ProcessSpec { ready: Some(never(check)), ..shell("unready", "", FOREVER) },
        ProcessSpec {
            process_type: provost_state::ProcessType::Job { success_codes: [0].into() },
            ..shell("done", "", "exit 0")
        },
        ProcessSpec { command: missing, ..shell("gone", "", "") },
        shell("crashing", "", "exit 3"),
        shell("killed", "", "kill -9 $$"),
        idle,
        replica(1),
        replica(2),
    ];
    let set = ReplicaSet {
        name: "web".into(),
        group: "g".into(),
        least: 1,
        most: 2,
        wanted_at_start: 2,
        every_ms: 60_000,
        policies: Vec::new(),
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path().join("logs"));
    let host = Host::serving(Supervisor::boot(settings, specs, vec![set], Vec::new()).unwrap(), dir);
    for name in ["gone", "crashing", "killed"] {
        host.until(name, |it| it.phase == api::Phase::Backoff).await;
    }
    host.until("unready", |it| it.failing.is_some()).await;
    host.until("waiting", |it| it.phase == api::Phase::Waiting).await;
    host.until("done", |it| it.phase == api::Phase::Exited).await;
    host
}

#[tokio::test]
async fn answers_about_processes_have_the_form_of_the_golden_files() {
    let mut host = in_all_phases().await;
    host.supervisor.degraded().set("descriptors", "none is left");
    is_like("status", &get(&host, "/v1/status").await);
    is_like("ping", &get(&host, "/v1/ping").await);
    for name in ["talker", "waiting", "unready", "done", "gone", "killed", "idle", "web.1"] {
        is_like("explain", &get(&host, &format!("/v1/processes/{name}/explain")).await);
        is_like("process", &get(&host, &format!("/v1/processes/{name}")).await);
    }
    is_like("dependencies", &get(&host, "/v1/dependencies").await);
    is_like("groups", &get(&host, "/v1/groups").await);
    is_like("views", &get(&host, "/v1/views").await);
    let one = format!("{{\"plugins\":[{}]}}", get(&host, "/v1/plugins/painter").await);
    is_like("plugins", &one);
    let order = |action: &str| format!("/v1/processes/{action}");
    is_like("outcome", &post(&host, &order("restart"), r#"{"select": ["web.1"], "wait": true}"#).await);
    is_like("outcome", &post(&host, &order("signal"), r#"{"select": ["idle"], "signal": "HUP"}"#).await);
    let late = r#"{"select": ["unready"], "wait": true, "timeout_ms": 10}"#;
    is_like("outcome", &post(&host, &order("start"), late).await);
    is_like("outcome", &post(&host, &order("stop"), r#"{"select": ["crashing"]}"#).await);
    let events = get(&host, "/v1/events").await;
    events_are_like(&events);
    is_like("events", &events);
    let of_talker = "/v1/logs?select=talker";
    while objects(&get(&host, of_talker).await).count() < 2 {
        tokio::task::yield_now().await;
    }
    is_like("logs", &get(&host, of_talker).await);
    for item in [
        LogItem::Missed { process: "web".into(), lines: Some(4) },
        LogItem::Cleared { process: "web".into() },
    ] {
        is_like("logs", &serde_json::to_string(&log_item(item)).unwrap());
    }
    while !get(&host, "/v1/usage?select=talker").await.contains("\"fds\":") {
        tokio::task::yield_now().await;
    }
    for query in ["", "?select=talker", "?select=talker&history=1"] {
        is_like("usage", &get(&host, &format!("/v1/usage{query}")).await);
    }
    is_like("state_core", &get(&host, "/v1/state").await);
    is_like("state_core", &post(&host, "/v1/state", r#"{"backend": "dual"}"#).await);
    is_like("error", &ask(&host, "GET", "/v1/processes/wob/explain", "").await.body);
    is_like("error", &ask(&host, "POST", &order("start"), "{").await.body);
    is_like("ping", &post(&host, "/v1/shutdown", "").await);
    host.stop_requested.recv().await.unwrap();
    let left = api::Left { process: Some("web".to_owned()), pid: Some(7), reason: "it hangs".to_owned() };
    host.end.send_replace(Some(api::Ended { pid: 1, code: 1, left: vec![left] }));
    is_like("ended", &post(&host, "/v1/shutdown", r#"{"wait": true}"#).await);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn answers_about_plugins_have_the_form_of_the_golden_files() {
    let host = Host::start(vec![]);
    let load = r#"{"component": "bundled:calm"}"#;
    for name in ["troubled", "cured", "compiling"] {
        is_like("plugin_changed", &post(&host, &format!("/v1/plugins/{name}/load"), load).await);
    }
    let swap = r#"{"accept_more": true}"#;
    is_like("plugin_changed", &post(&host, "/v1/plugins/troubled/swap", swap).await);
    is_like("plugins", &get(&host, "/v1/plugins").await);
    is_like("status", &get(&host, "/v1/status").await);
    is_like("blame", &get(&host, "/v1/plugins/troubled/blame").await);
    is_like("blame", &get(&host, "/v1/plugins/cured/blame").await);
    is_like("blame", &get(&host, "/v1/plugins/cured/blame?reproduction=1").await);
    is_like("plugin_changed", &post(&host, "/v1/plugins/cured/unload", r#"{"force": true}"#).await);
    is_like("error", &ask(&host, "GET", "/v1/plugins/painter/blame", "").await.body);
}

#[tokio::test]
async fn answers_about_the_config_have_the_form_of_the_golden_files() {
    let host = Host::start(vec![]);
    is_like("difference", &get(&host, "/v1/config/difference").await);
    is_like("difference", &get(&host, "/v1/config/difference?config=/srv/other.toml").await);
    is_like("reload", &post(&host, "/v1/config/reload", "{}").await);
    is_like("scaled", &post(&host, "/v1/processes/scale", r#"{"replicas": {"web": 3, "x": 1}}"#).await);
    for (path, code) in [("/bad.toml", "bad_config"), ("/fixed.toml", "needs_new_host")] {
        let body = format!(r#"{{"config": "{path}"}}"#);
        for refused in [
            ask(&host, "POST", "/v1/config/reload", &body).await,
            ask(&host, "GET", &format!("/v1/config/difference?config={path}"), "").await,
        ] {
            is_like("error", &refused.body);
            assert!(refused.body.contains(code), "{}", refused.body);
        }
    }
    let relative = ask(&host, "POST", "/v1/config/reload", r#"{"config": "other.toml"}"#).await;
    assert!(relative.body.contains("`config` must be an absolute path"), "{}", relative.body);
}
