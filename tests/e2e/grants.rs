//! Grants, which let a plugin use the outside world: given in the config or on the command line, shown, and enforced.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use provost_tests::{Host, Setup, eventually, guest};
use serde_json::Value;

use crate::PROVOST;

/// Returns a config with a process that ends at once and stays down, and a webhook that is granted the port `granted` and
/// uses the port `used`.
fn hooked(granted: u16, used: u16) -> String {
    format!(
        "[plugins.hook]\ncomponent = \"bundled:webhook\"\nallow = [\"http-out:127.0.0.1:{granted}\", \"env:PATH\"]\n\
         settings = {{ url = \"http://127.0.0.1:{used}/changes\", phases = [\"exited\"], bearer_from = \"PATH\" }}\n\
         limits = {{ call_time = \"1m\" }}\n\
         [plugins.metrics]\ncomponent = \"bundled:prometheus\"\n\
         [plugins.judge]\ncomponent = \"bundled:backoff\"\nsettings = {{ on = \"failure\" }}\n\
         [process.job]\ncommand = \"exit 0\"\npolicies = [\"judge\"]\n"
    )
}

/// Reads one request, with its body, and answers it.
fn serve(listener: &TcpListener) -> (String, Value) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = String::new();
    let (head, body) = loop {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).unwrap();
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            break (head.to_owned(), serde_json::from_str(body).unwrap());
        }
    };
    answer(&mut stream);
    (head, body)
}

fn answer(stream: &mut TcpStream) {
    stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
}

#[test]
fn a_webhook_reaches_the_server_that_it_is_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Host::up(PROVOST, &hooked(port, port));
    let (head, body) = serve(&listener);
    assert!(head.starts_with("POST /changes HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {}", std::env::var("PATH").unwrap())), "{head}");
    let change = &body["changes"][0];
    assert_eq!((&change["process"], &change["phase"]), (&"job".into(), &"exited".into()), "{body}");
    let hook = host.plugin("hook");
    assert_eq!(hook["grants"], serde_json::json!([format!("http-out:127.0.0.1:{port}"), "env:PATH"]));
    assert_eq!(hook["denials"], 0, "{hook}");
    host.down();
}

#[test]
fn a_webhook_to_another_server_is_denied_counted_and_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Host::up(PROVOST, &hooked(1, port));
    eventually("it is denied", || host.plugin("hook"), |hook| hook["denials"].as_u64() >= Some(1));
    assert!(listener.accept().is_err(), "nobody came");
    let denied = format!("denied: a request to 127.0.0.1:{port}");
    eventually(
        "the host and the plugin say it",
        || host.log(),
        |log| log.contains(&denied) && log.contains("changes wait because"),
    );
    let shown = host.ok(&["plugin", "inspect", "hook"]);
    assert!(shown.contains("http-out:127.0.0.1:1") && shown.contains("denied"), "{shown}");

    let has = |metrics: &str, metric: &str| {
        metrics.lines().any(|line| {
            line.strip_prefix(metric)
                .and_then(|value| value.trim().parse::<f64>().ok())
                .is_some_and(|value| value > 0.0)
        })
    };
    for metric in [
        "provost_plugin_denials_total{plugin=\"hook\",version=\"1\"}",
        "provost_plugin_calls_total{plugin=\"hook\",version=\"1\"}",
        "provost_plugin_calls_total{plugin=\"judge\",version=\"1\"}",
        "provost_plugin_call_seconds{plugin=\"judge\",version=\"1\",quantile=\"0.99\"}",
        "provost_plugin_fuel_max{plugin=\"judge\",version=\"1\"}",
        "provost_plugin_memory_max_bytes{plugin=\"judge\",version=\"1\"}",
        "provost_plugin_standing{plugin=\"judge\",version=\"1\",standing=\"active\"}",
    ] {
        eventually(metric, || host.ok(&["view", "metrics"]), |metrics| has(metrics, metric));
    }
    host.down();
}

#[test]
fn a_plugin_loaded_at_run_time_gets_its_grants_from_the_command_line() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let outside = guest("outside").display().to_string();
    let refused = host.run(&["plugin", "load", "outside", &outside, "--allow", "clock", "--allow", "random"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("wasi:filesystem/types")
            && refused.stderr.contains("allow = [\"http-out:HOST:PORT\", \"fs-read:/PATH\"]"),
        "{refused:?}"
    );
    let dir = host.setup().dir().display().to_string();
    let read = format!("fs-read:{dir}");
    let grants =
        ["--allow", "clock", "--allow", "random", "--allow", "http-out:127.0.0.1:1", "--allow", &read];
    host.ok(&[&["plugin", "load", "outside", &outside], &grants[..]].concat());
    let config = host.ok(&["view", "outside", &format!("read?{dir}|provost.toml")]);
    assert!(config.contains("exec sleep 1000"), "{config}");
    assert_eq!(host.ok(&["view", "outside", &format!("read?{dir}|../x")]).trim(), "error: not-permitted");
    assert_eq!(host.plugin("outside")["denials"], 1);
    let wrong = host.run(&["plugin", "load", "other", &outside, "--allow", "everything"]);
    assert!(
        wrong.stderr.contains("`everything` grants nothing: the forms are http-out:HOST:PORT"),
        "{wrong:?}"
    );
    host.down();
}

#[test]
fn an_impossible_grant_is_an_error_in_the_config() {
    let wrong = Setup::new(PROVOST, &hooked(1, 1).replace("env:PATH\"]", "env:PATH\", \"fs-read:logs\"]"));
    let ran = wrong.run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("provost.toml:3:")
            && ran.stderr.contains("`fs-read:logs` grants nothing: write the absolute path"),
        "{ran:?}"
    );
    let judge = hooked(1, 1).replace("\"bundled:backoff\"", "\"bundled:backoff\"\nallow = [\"clock\"]");
    let ran = Setup::new(PROVOST, &judge).run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("a policy is granted nothing but its trigger"), "{ran:?}");
}

/// Returns a config with a process that prints the variables that it received, and a start policy that tries to set more
/// than it is granted.
fn set(allow: &str) -> String {
    format!(
        "[plugins.conductor]\ncomponent = {:?}\nallow = [{allow}]\nlimits = {{ call_time = \"1m\" }}\n\
         settings = {{ wait = \"0s\", replicas = 1, set = {{ NODE_OPTIONS = \"--import=data:x\", LD_PRELOAD = \"x.so\",\
         PATH = \"/nowhere\", PROVOST_INCARNATION = \"99\", MODE = \"quiet\", APP_COLOUR = \"blue\" }} }}\n\
         [process.child]\npolicies = [\"conductor\"]\n\
         command = [\"/bin/sh\", \"-c\", \"echo N=$NODE_OPTIONS L=$LD_PRELOAD M=$MODE A=$APP_COLOUR I=$PROVOST_INCARNATION \
         P=$PATH; exec /bin/sleep 1000\"]\n",
        guest("conductor")
    )
}

#[test]
fn a_start_policy_sets_only_the_variables_that_are_granted_by_name() {
    let path = std::env::var("PATH").unwrap();
    let said =
        |host: &Host| eventually("the child says", || host.ok(&["logs", "child"]), |log| log.contains("P="));
    let host = Host::up(PROVOST, &set(""));
    let log = said(&host);
    assert!(log.contains(&format!("N= L= M= A= I=1 P={path}")), "{log}");
    let child = host.until_phase("child", "running");
    let explained = host.ok(&["explain", "child"]);
    for name in ["NODE_OPTIONS", "LD_PRELOAD", "PATH", "MODE"] {
        assert!(explained.contains(name), "{name} is told as not set: {explained}");
    }
    assert!(
        child["reason"].to_string().contains("set-env does not grant it")
            || explained.contains("set-env does not"),
        "{child} {explained}"
    );
    assert_eq!(host.plugin("conductor")["denials"], 7, "with the greeting");
    assert!(host.log().contains("denied: setting "), "{}", host.log());
    let shown = host.ok(&["plugin", "inspect", "conductor"]);
    assert!(shown.contains("may set") && shown.contains("no variable"), "{shown}");
    host.down();

    let host = Host::up(PROVOST, &set("\"set-env:MODE\", \"set-env:APP_*\", \"set-env:NODE_OPTIONS\""));
    let log = said(&host);
    assert!(log.contains(&format!("N=--import=data:x L= M=quiet A=blue I=1 P={path}")), "{log}");
    let shown = host.ok(&["plugin", "inspect", "conductor"]);
    assert!(
        shown.contains("APP_*, MODE, NODE_OPTIONS") || shown.contains("MODE, NODE_OPTIONS, APP_*"),
        "{shown}"
    );
    host.down();
}

#[test]
fn inspect_says_that_a_start_policy_can_set_variables_and_claims_no_stronger_limit() {
    let setup = Setup::new(PROVOST, "[process.x]\ncommand = \"true\"\n");
    let shown = setup.run(&["plugin", "inspect", &guest("conductor").display().to_string()]).stdout;
    assert!(shown.contains("each if that is granted by name (set-env:NAME)"), "{shown}");
    assert!(
        !shown.contains("set variables for a process\n") && !shown.contains("cannot     start programs"),
        "{shown}"
    );
    let shown = setup.run(&["plugin", "inspect", "bundled:backoff"]).stdout;
    assert!(shown.contains("set variables for a process"), "{shown}");
}

#[test]
fn loader_variables_are_granted_by_their_exact_name_and_never_by_a_prefix() {
    for (grant, says) in [
        ("set-env:LD_*", "name each of them exactly"),
        ("set-env:NODE_*", "name each of them exactly"),
        ("set-env:*", "write the name of one variable"),
        ("set-env:PROVOST_REPLICA", "the host alone"),
    ] {
        let ran = Setup::new(PROVOST, &set(&format!("\"{grant}\""))).run(&["validate"]);
        assert!(ran.code == 2 && ran.stderr.contains(says), "{grant}: {ran:?}");
    }
    let ran = Setup::new(PROVOST, &set("\"set-env:LD_PRELOAD\"")).run(&["validate"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}
