//! The meaning of each key of a config, and the report of each kind of bad config: where, what, and what to do next.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bounds;
mod keys;
mod options;
mod setup;

use std::path::Path;
use std::sync::Arc;

use provost::config::{Config, Problems, Processes, SourceFile};
use provost_plugin_host::Source as Component;
use provost_state::{Judgement, Policy, Signal};
use provost_supervisor::{Check, CommandLine, Condition, ProcessSpec};

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(SourceFile { path: "conf/provost.toml".into(), text: text.to_owned() })
}

#[track_caller]
fn refusal(text: &str) -> String {
    parse(text).expect_err("this config is wrong").to_string()
}

#[derive(Debug)]
struct Named(Arc<str>);

impl Policy for Named {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, _: Judgement) -> bool {
        unreachable!("nothing is run here")
    }
}

#[track_caller]
fn specs(text: &str) -> Vec<ProcessSpec> {
    processes(text).specs
}

#[track_caller]
fn processes(text: &str) -> Processes {
    let config = parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    config.specs(|name| Ok(Arc::new(Named(name.into())))).unwrap()
}

#[test]
fn every_key_reaches_its_spec() {
    let text = r#"
[host]
runtime_dir = "run"
log_dir = "/var/log/p"
cache_dir = "cache"
restart_delay_max = "10m"
decision_deadline = "250ms"

[plugins.calm]
component = "bundled:backoff"
settings = { first = "100ms", factor = 2.0, on = ["a", 1, true] }
limits = { memory = "64MiB", call_time = "50ms" }

[plugins.mine]
component = "mine.wasm"

[process.db]
command = "exec postgres -D data"
autostart = false

[process.web]
command = ["python3", "-m", "http.server"]
cwd = "www"
env = { PORT = 8731, DEBUG = true, HOME = "/" }
env_files = ["a.env", "/b.env"]
group = "front"
stop = { signal = "SIGINT", grace = "3s" }
policies = ["calm", "mine"]
depends_on = { db = "completed" }
ready = { http = "http://127.0.0.1:8731/", every = "200ms", timeout = "2s" }
logs = { file_size = "64KB", files = 2 }
"#;
    let config = parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    let dir = std::env::current_dir().unwrap().join("conf");
    assert_eq!(config.runtime_dir, dir.join("run"));
    assert_eq!(config.settings.log_dir, Path::new("/var/log/p"));
    assert_eq!(config.cache_dir, dir.join("cache"));
    assert_eq!((config.settings.restart_delay_ms_max, config.settings.decision_deadline_ms), (600_000, 250));

    let plugins: Vec<_> = config.plugins().collect();
    let [calm, mine] = &plugins[..] else { panic!("two plugins") };
    assert_eq!((&*calm.name, &calm.source), ("calm", &Component::Bundled("backoff".into())));
    assert_eq!(calm.settings_json, r#"{"factor":2.0,"first":"100ms","on":["a",1,true]}"#);
    assert_eq!((calm.limits.memory_bytes_max, calm.limits.call_ms_max), (64 << 20, Some(50)));
    assert_eq!((&mine.source, &*mine.settings_json), (&Component::Path(dir.join("mine.wasm")), "{}"));

    let specs = specs(text);
    let [db, web] = &specs[..] else { panic!("two processes") };
    assert_eq!(db.command, CommandLine::Shell("exec postgres -D data".into()));
    assert!(!db.autostart && web.autostart);
    assert_eq!(&*web.group, "front");
    assert_eq!(web.cwd, Some(dir.join("www")));
    assert_eq!(web.env["PORT"], "8731");
    assert_eq!(web.env["DEBUG"], "true");
    assert_eq!(web.env_files, [dir.join("a.env"), "/b.env".into()]);
    assert_eq!((web.stop_signal, web.stop_grace_ms), (Signal::INT, 3_000));
    assert_eq!(web.policies.iter().map(|one| &**one.name()).collect::<Vec<_>>(), ["calm", "mine"]);
    assert_eq!((&*web.depends_on[0].name, web.depends_on[0].condition), ("db", Condition::Completed));
    let ready = web.ready.as_ref().unwrap();
    assert_eq!(ready.check, Check::Http("http://127.0.0.1:8731/".into()));
    assert_eq!((ready.every_ms, ready.timeout_ms), (200, 2_000));
    assert_eq!((web.log.file_bytes_max, web.log.files_max), (64_000, 2));
}

#[test]
fn a_key_that_is_missing_has_a_default() {
    let config = parse("[process.a]\ncommand = [\"a\"]\n").unwrap();
    assert!(config.runtime_dir.ends_with("conf/.provost"));
    assert!(config.settings.log_dir.ends_with("conf/.provost/logs"));
    assert_eq!(
        (config.settings.restart_delay_ms_max, config.settings.decision_deadline_ms),
        (3_600_000, 1_000)
    );
    let specs = config.specs(|_| Err("none".into())).unwrap().specs;
    assert_eq!(config.settings.restart_delay_ms_min, 0);
    assert_eq!(
        (config.settings.restart_budget.restarts, config.settings.restart_budget.per_ms),
        (60, 60_000)
    );
    let spec = &specs[0];
    assert_eq!((spec.stop_signal, spec.stop_grace_ms, spec.autostart), (Signal::TERM, 10_000, true));
    assert_eq!((spec.log.file_bytes_max, spec.log.files_max), (16 << 20, 4));
    assert_eq!(spec.cwd, Some(std::env::current_dir().unwrap().join("conf")), "the folder of the config");
    assert!(spec.ready.is_none() && spec.policies.is_empty());
}

#[test]
fn replicas_are_separate_processes_and_a_dependency_on_them_means_the_least_number_of_them() {
    let found = processes(
        "[process.web]\ncommand = 'a'\ngroup = 'front'\nreplicas = { min = 2, max = 3, every = '5s' }\n\
         [process.one]\ncommand = 'b'\nreplicas = 1\n\
         [process.proxy]\ncommand = 'c'\ndepends_on = { web = 'ready', one = 'started' }\n",
    );
    let names: Vec<_> = found.specs.iter().map(|spec| (&*spec.name, spec.replica)).collect();
    assert_eq!(
        names,
        [("web.1", Some(1)), ("web.2", Some(2)), ("web.3", Some(3)), ("one.1", Some(1)), ("proxy", None)]
    );
    let depends_on: Vec<_> = found.specs[4].depends_on.iter().map(|on| &*on.name).collect();
    assert_eq!(depends_on, ["web.1", "web.2", "one.1"]);
    let set = &found.replica_sets[0];
    assert_eq!((&*set.name, &*set.group, set.least, set.most, set.every_ms), ("web", "front", 2, 3, 5_000));
}

#[test]
fn a_process_cannot_have_the_name_of_a_replica() {
    let said = refusal("[process.web]\ncommand = 'a'\nreplicas = 2\n[process.\"web.2\"]\ncommand = 'b'\n");
    assert!(said.contains("`web.2` is already the name of replica 2 of `web`"), "{said}");
    assert!(
        parse("[process.web]\ncommand = 'a'\nreplicas = 2\n[process.\"web.3\"]\ncommand = 'b'\n").is_ok()
    );
}

#[test]
fn impossible_values_are_refused() {
    for (text, told) in [
        ("[process.a]\ncommand = 'a'\nreplicas = { min = 3, max = 2 }\n", "3 to 2 replicas are impossible"),
        ("[process.a]\ncommand = 'a'\nreplicas = { min = 1 }\n", "need a `min` and a `max`"),
        ("[process.a]\ncommand = 'a'\nhealth = { log = 'x' }\n", "unknown key `log`"),
        (
            "[process.a]\ncommand = 'a'\nhealth = { tcp = 'x:1', every = '0' }\n",
            "`every` must be more than 0",
        ),
        ("[host]\nrestart_budget = { restarts = 100, per = '1m' }\n", "`restarts` must be from 1 to 99"),
        ("[host]\nrestart_budget = { restarts = 5 }\n", "a budget is a number of `restarts`"),
        ("[plugins.a]\ncomponent = 'a'\nsha256 = 'abc'\n", "`abc` is not a SHA-256"),
        (
            "[plugins.a]\ncomponent = 'a'\nquarantine = { faults = 2 }\n",
            "a quarantine follows a number of `faults`",
        ),
    ] {
        let said = refusal(text);
        assert!(said.contains(told), "{told:?} is not in {said}");
    }
}

#[test]
fn processes_keep_the_order_of_the_file() {
    let config = parse("[process.z]\ncommand = 'z'\n[process.a]\ncommand = 'a'\n").unwrap();
    assert_eq!(config.process_names().collect::<Vec<_>>(), ["z", "a"]);
}

#[test]
fn a_list_of_dependencies_means_started() {
    let specs = specs("[process.a]\ncommand = 'a'\n[process.b]\ncommand = 'b'\ndepends_on = ['a']\n");
    assert_eq!(specs[1].depends_on[0].condition, Condition::Started);
}

#[test]
fn a_syntax_error_shows_its_place() {
    assert_eq!(
        refusal("[process.web]\ncommand = [\"a\"\ncwd = 1\n"),
        "error: conf/provost.toml:3:1: this is not TOML: missing comma between array elements, expected `,`\n \
         3 | cwd = 1\n   | ^\n\
         hint: see https://toml.io for the syntax: texts are in quotes, tables start with [name]"
    );
}

#[test]
fn an_unknown_key_gets_the_nearest_right_one() {
    assert_eq!(
        refusal("[process.web]\n  commnd = [\"a\"]\n  command = [\"a\"]\n"),
        "error: conf/provost.toml:2:3: unknown key `commnd` in [process.web]\n \
         2 |   commnd = [\"a\"]\n   |   ^^^^^^\n\
         hint: did you mean `command`? keys here: `command`, `group`, `stop`, `stderr`, `stdin`, `tty`, \
         `logs`, `cwd`, `env`, `env_files`, `autostart`, `policies`, `depends_on`, `ready`, `sockets`, `watchdog`, `health`, `usage`, `replicas`, `user`, `groups`, `umask`, `nice`, `ioprio`, `oom_score_adj`, `limits`, `no_new_privs`, `capabilities`, `cgroup`, `type`, `success_codes`"
    );
}

#[test]
fn an_unknown_section_gets_the_nearest_right_one() {
    let said = refusal("[proces.web]\ncommand = 'a'\n");
    assert!(said.starts_with("error: conf/provost.toml:1:2: unknown key `proces` in the file"), "{said}");
    assert!(said.contains("did you mean `process`?"), "{said}");
}

#[test]
fn a_wrong_type_says_which_is_right() {
    assert_eq!(
        refusal("[process.web]\ncommand = ['a']\nautostart = \"yes\"\n"),
        "error: conf/provost.toml:3:13: `autostart` in [process.web] must be true or false, not a text\n \
         3 | autostart = \"yes\"\n   |             ^^^^^\n\
         hint: write autostart = true, without quotes"
    );
}

#[test]
fn a_duplicate_name_is_refused() {
    assert_eq!(
        refusal("[process.web]\ncommand = ['a']\n[process.web]\ncommand = ['b']\n"),
        "error: conf/provost.toml:3:10: `web` is defined twice\n \
         3 | [process.web]\n   |          ^^^\n\
         hint: names of processes, plugins and keys are unique: rename or remove one of the two"
    );
}

#[test]
fn a_cycle_is_shown_from_its_first_process_back_to_it() {
    let text = "[process.a]\ncommand='a'\ndepends_on=['b']\n\
                [process.b]\ncommand='b'\ndepends_on=['c']\n\
                [process.c]\ncommand='c'\ndepends_on={ b = 'ready' }\n";
    assert_eq!(
        refusal(text),
        "error: conf/provost.toml:9:14: these processes wait for each other: b → c → b\n \
         9 | depends_on={ b = 'ready' }\n   |              ^\n\
         hint: remove one of these dependencies, or none of them could ever start"
    );
    let own = refusal("[process.a]\ncommand='a'\ndepends_on=['a']\n");
    assert!(own.contains("wait for each other: a → a"), "{own}");
}

#[test]
fn an_unknown_dependency_gets_the_nearest_name() {
    let said = refusal("[process.database]\ncommand='a'\n[process.b]\ncommand='b'\ndepends_on=['databse']\n");
    assert_eq!(
        said,
        "error: conf/provost.toml:5:13: `b` depends on `databse`, which does not exist\n \
         5 | depends_on=['databse']\n   |             ^^^^^^^^^\n\
         hint: did you mean `database`? other processes in this file: `database`"
    );
}

#[test]
fn an_unknown_policy_gets_the_nearest_plugin() {
    let said = refusal(
        "[plugins.backoff]\ncomponent='bundled:backoff'\n[process.b]\ncommand='b'\npolicies=['backof']\n",
    );
    assert!(
        said.contains("provost.toml:5:11: there is no plugin `backof`, which `b` names in `policies`"),
        "{said}"
    );
    assert!(said.contains("did you mean `backoff`?"), "{said}");
    let none = refusal("[process.b]\ncommand='b'\npolicies=['x']\n");
    assert!(none.contains("there are no plugins in this file"), "{none}");
}

#[test]
fn a_plugin_that_is_not_a_policy_cannot_judge() {
    let text = "[plugins.p]\ncomponent='bundled:prometheus'\n[process.b]\ncommand='b'\npolicies=['p']\n";
    let said = parse(text).unwrap().specs(|_| Err("no policy".into())).expect_err("").to_string();
    assert!(said.contains("provost.toml:5:11: no policy\n"), "{said}");
}

#[test]
fn each_bad_value_is_reported_at_its_position() {
    let head = "[process.a]\ncommand = 'a'\n";
    for (line, place, what) in [
        ("stop = { grace = '10' }", "3:18", "`10` is not a duration"),
        ("stop = { grace = 10 }", "3:18", "must be a duration in quotes, not a whole number"),
        ("stop = { signal = 'TREM' }", "3:19", "`TREM` is not a signal"),
        ("logs = { file_size = '16mb' }", "3:22", "`16mb` is not a size"),
        ("logs = { files = 0 }", "3:18", "`files` must be at least 1"),
        ("ready = { http = 'https://a/' }", "3:18", "`https://a/` is not a URL that can be checked"),
        ("ready = { tcp = 'localhost' }", "3:17", "`localhost` is not a host and a port"),
        ("ready = { exec = [] }", "3:18", "`exec` in `ready` of [process.a] is empty"),
        (
            "ready = { every = '1s' }",
            "3:9",
            "needs exactly one of `tcp`, `http`, `exec`, `log`, `notify` and `fd`",
        ),
        (
            "ready = { tcp = 'a:1', log = 'b' }",
            "3:9",
            "needs exactly one of `tcp`, `http`, `exec`, `log`, `notify` and `fd`",
        ),
        ("ready = { log = 'b', every = '0s' }", "3:22", "`every` must be more than 0"),
        ("ready = { notify = false }", "3:11", "`notify` is false, which is the same as no check"),
        ("ready = { fd = 2 }", "3:11", "`fd` is a standard stream, which is in use"),
        ("ready = { fd = 4 }", "3:1", "`fd` of `ready` is 4, but the first free descriptor is 3"),
        ("watchdog = '1ms'", "3:1", "`watchdog` is out of its bounds"),
        ("sockets = { x = '8080' }", "3:17", "`8080` is not an address to listen at"),
        ("sockets = { x = 'localhost:80' }", "3:17", "`localhost:80` is not an address to listen at"),
        ("sockets = { x = {} }", "3:17", "socket `x` has no `address`"),
        ("sockets = { x = { address = '/x', mode = '0999' } }", "3:42", "`0999` is not the mode of a file"),
        ("sockets = { x = { address = '0.0.0.0:1', mode = '0600' } }", "3:42", "`mode` goes with the path"),
        (
            "sockets = { x = { address = '/x', type = 'datagram', backlog = 1 } }",
            "3:54",
            "`backlog` does not go with `type = \"datagram\"`",
        ),
        ("sockets = { x = { address = '/x', mode = '+660' } }", "3:42", "`+660` is not the mode of a file"),
        ("umask = '+27'", "3:9", "`+27` is not a umask"),
        ("sockets = { x = '/x', y = '/x' }", "3:27", "the sockets `x` and `y` have the same address"),
        (
            "sockets = { x = './x', y = 'd/../x', z = './/x' }",
            "3:42",
            "the sockets `x` and `z` have the same address",
        ),
        (
            "sockets = { x = '/x', y = { address = '/x', type = 'datagram' } }",
            "3:27",
            "the sockets `x` and `y` have the same address",
        ),
        ("sockets = { 'a:b' = '/x' }", "3:13", "`a:b` cannot be the name of a socket"),
        ("depends_on = { a = 'up' }", "3:20", "unknown condition `up`"),
        ("env = { A = 1.5 }", "3:13", "`A` in `env` of [process.a] must be a text"),
        ("env = { 'A=B' = '' }", "3:9", "`A=B` cannot be an environment variable"),
        ("env = []", "3:7", "`env` in [process.a] must be a table, not a list"),
        ("group = 'a b'", "3:9", "`a b` cannot be a name"),
        ("policies = [1]", "3:13", "must be a list of texts only, not a whole number"),
        ("cwd = 1", "3:7", "`cwd` in [process.a] must be a text, not a whole number"),
    ] {
        let said = refusal(&format!("{head}{line}\n"));
        assert!(said.contains(&format!("provost.toml:{place}: ")), "{line}: {said}");
        assert!(said.contains(what), "{line}: {said}");
        assert!(said.contains("\nhint: "), "{line}: {said}");
    }
}

#[test]
fn a_process_needs_a_valid_command() {
    for (text, what) in [
        ("[process.a]\n", "1:10: [process.a] has no `command`"),
        ("[process.a]\ncommand = []\n", "2:11: `command` in [process.a] is empty"),
        ("[process.a]\ncommand = ''\n", "2:11: `command` in [process.a] is empty"),
        ("[process.a]\ncommand = ['']\n", "2:11: `command` in [process.a] is empty"),
        ("[process.a]\ncommand = 7\n", "2:11: `command` in [process.a] must be a list of texts"),
        ("[process.a]\ncommand = \"a\\u0000\"\n", "2:11: `command` contains a NUL character"),
        ("[process.a]\ncommand = ['a', \"\\u0000\"]\n", "2:17: `command` contains a NUL character"),
        ("[process.a]\ncommand = 'a'\ncwd = \"\\u0000\"\n", "3:7: `cwd` contains a NUL character"),
        ("[process.a]\ncommand = 'a'\nenv_files = [\"\\u0000\"]\n", "3:14: `env_files` contains a NUL"),
        ("[process.a]\ncommand = 'a'\nenv.A = \"\\u0000\"\n", "3:5: `A` cannot be an environment variable"),
        ("[process.\"a\\u0000\"]\ncommand = 'a'\n", "1:10: `a\u{fffd}` cannot be a name"),
        ("[host]\nruntime_dir = \"\\u0000\"\n", "2:15: `runtime_dir` contains a NUL character"),
        ("process = 1\n", "1:11: `process` in the file must be a table, not a whole number"),
        ("[process]\na = 1\n", "2:5: `a` in [process] must be a table, not a whole number"),
    ] {
        let said = refusal(text);
        assert!(said.contains(what), "{text}: {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn a_plugin_needs_a_component() {
    let said = refusal("[plugins.p]\n");
    assert!(said.contains("1:10: [plugins.p] has no `component`"), "{said}");
    let nan = refusal("[plugins.p]\ncomponent='a'\nsettings = { x = nan }\n");
    assert!(nan.contains("3:18: this value cannot be represented in JSON"), "{nan}");
    let failsafe = refusal("[plugins.failsafe]\ncomponent='a'\n");
    assert!(failsafe.contains("`failsafe` is reserved"), "{failsafe}");
}

#[test]
fn limits_and_settings_of_a_plugin_are_refused_at_their_position() {
    let head = "[plugins.p]\ncomponent='bundled:notify'\n";
    for (line, place, what) in [
        (
            "limits = { memory = '1GiB' }",
            "3:12",
            "`limits.memory` of 1024 MiB is not possible: at most 256 MiB",
        ),
        ("limits = { call_time = '0' }", "3:12", "`limits.call_time` of 0 ms is not possible: at least 1 ms"),
        ("settings = { x = 'long' }\nlimits = { settings = '4B' }", "3:1", "the settings have 12 bytes"),
        ("quarantine = { faults = 3 }", "3:14", "a quarantine"),
        ("sha256 = 'abc'", "3:10", "`abc` is not a SHA-256"),
    ] {
        let said = refusal(&format!("{head}{line}\n"));
        assert!(said.contains(&format!("provost.toml:{place}: ")) && said.contains(what), "{line}: {said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn bounds_that_no_decision_could_keep_are_refused() {
    for (line, place, what) in [
        (
            "restart_delay_min = '2h'",
            "2:1",
            "`restart_delay_min` (7200000 ms) is more than `restart_delay_max` (3600000 ms)",
        ),
        (
            "restart_delay_max = '1s'\nrestart_delay_min = '2s'",
            "3:1",
            "is more than `restart_delay_max` (1000 ms)",
        ),
        ("decision_deadline = '0'", "2:1", "`decision_deadline` must be at least 1 ms"),
    ] {
        let said = refusal(&format!("[host]\n{line}\n"));
        assert!(said.contains(&format!("provost.toml:{place}: ")) && said.contains(what), "{line}: {said}");
    }
}

#[test]
fn ambiguous_names_are_refused() {
    for name in ["'a b'", "'a/b'", "'..'", "''", "'-a'", "'ä'", "'a:b'"] {
        let said = refusal(&format!("[process.{name}]\ncommand = 'a'\n"));
        assert!(said.contains("cannot be a name"), "{name}: {said}");
    }
    assert!(refusal("[process.all]\ncommand = 'a'\n").contains("`all` is reserved"));
    assert!(parse("[process.'web.1']\ncommand = 'a'\n").is_ok());
}

#[test]
fn all_problems_are_reported_together_in_the_order_of_the_file() {
    let said = refusal(
        "[process.a]\ncomand = 'a'\n[process.b]\ncommand = 'b'\ndepends_on = ['c']\npolicies = ['p']\n[hots]\n",
    );
    let places: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("error: conf/provost.toml:"))
        .map(|rest| rest.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["2:1", "5:15", "6:13", "7:2"], "a misspelt key is not also a missing one");
}

#[test]
fn malformed_texts_do_not_make_the_reader_panic() {
    for text in [
        "",
        "\0",
        "[",
        "[[process]]",
        "process = []",
        "[process]",
        "a.b.c = 1",
        "\u{feff}[host]",
        "[host]\nx",
    ] {
        let _ = parse(text);
    }
}
