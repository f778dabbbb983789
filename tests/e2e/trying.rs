//! Trying a plugin without a host: `plugin run`, `plugin test`, `plugin bench`, and a fault that is repeated from a file.

use std::path::PathBuf;

use provost_tests::{Host, Setup, eventually, guest};
use serde_json::{Value, json};

use crate::PROVOST;

fn setup() -> Setup {
    Setup::new(PROVOST, "")
}

/// Runs a command that succeeds, and returns what it prints.
fn ok(setup: &Setup, arguments: &[&str]) -> String {
    let ran = setup.run(arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout
}

/// Runs a command that prints JSON, whatever its exit code is.
fn object(setup: &Setup, arguments: &[&str]) -> Value {
    let ran = setup.run(&[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap()
}

fn component(name: &str) -> String {
    guest(name).display().to_string()
}

/// The folder of a bundled plugin.
fn project(name: &str) -> PathBuf {
    guest("x").ancestors().nth(4).unwrap().join("plugins").join(name)
}

#[test]
fn a_restart_policy_reads_as_many_deaths_as_are_asked_for() {
    let setup = setup();
    let run = ["plugin", "run", "bundled:backoff", "--exit", "7", "--failures", "3", "--uptime", "2s"];
    let told = ok(&setup, &run);
    for line in ["decision  restart in 400 ms", "reason    exited with code 7: failure 3, restart in 400 ms"]
    {
        assert!(told.contains(line), "{told}");
    }
    let found = object(&setup, &run);
    assert_eq!((&found["answer"]["action"], &found["answer"]["delay"]), (&"restart".into(), &"400ms".into()));
    assert!(found["fuel"].as_u64() > Some(0) && found["took_ns"].as_u64() > Some(0), "{found}");
    assert!(found["memory_bytes"].as_u64() > Some(0) && found["fault"].is_null(), "{found}");
    // The life before the last one was long enough for a new streak.
    let long = ok(&setup, &["plugin", "run", "bundled:backoff", "--failures", "3", "--uptime", "2m"]);
    assert!(long.contains("failure 1, restart in 100 ms"), "{long}");
    let done = ok(&setup, &["plugin", "run", "bundled:backoff", "--exit", "0"]);
    assert!(done.contains("decision  stay down"), "{done}");
    let jitter = r#"{"first": "10s", "max": "20s", "jitter": 0.5}"#;
    let seeded =
        |seed| object(&setup, &["plugin", "run", "bundled:backoff", "--settings", jitter, "--seed", seed]);
    assert_ne!(seeded("1")["answer"]["delay"], seeded("2")["answer"]["delay"]);
    assert_eq!(seeded("7")["answer"], seeded("7")["answer"]);
}

#[test]
fn a_component_with_several_roles_is_asked_in_each_of_them() {
    let setup = setup();
    let conductor = component("conductor");
    let settings = r#"{"wait": "0s", "replicas": 4, "refuse": "db", "rss_bytes_max": 1000000}"#;
    let ask = |arguments: &[&str]| {
        let run = ["plugin", "run", &conductor, "--settings", settings];
        object(&setup, &[&run, arguments].concat())["answer"].clone()
    };
    let several = setup.run(&["plugin", "run", &conductor, "--settings", settings]);
    assert_eq!(several.code, 2, "{several:?}");
    assert!(several.stderr.contains("several roles: restart-policy, start-policy"), "{several:?}");
    assert!(several.stderr.contains("--role"), "{several:?}");
    let restart = ask(&["--role", "restart-policy", "--name", "api"]);
    assert_eq!(
        restart,
        json!({"action": "restart", "delay": "30ms", "scope": "itself", "reason": "api goes on"})
    );
    assert_eq!(ask(&["--role", "start", "--name", "db"])["action"], "refuse");
    assert_eq!(ask(&["--role", "start"])["action"], "allow");
    assert_eq!(ask(&["--role", "health", "--set", "passed=true"])["action"], "degraded");
    assert_eq!(ask(&["--role", "health", "--set", "passed=false"])["action"], "pass");
    let scaled = ask(&["--role", "scale", "--set", "wanted=3"]);
    assert_eq!((&scaled["replicas"], &scaled["reason"]), (&"4".into(), &"3 were wanted".into()));
    let used = ask(&["--role", "usage", "--set", "usage={ rss = \"2MiB\" }"]);
    assert_eq!((&used["action"], &used["drain"]), (&"restart".into(), &"700ms".into()));
    assert!(ask(&["--role", "status-view"])["status"] == "200");
    // A variable that is not granted is dropped, and the plugin is told so.
    let start = ["plugin", "run", &conductor, "--settings", settings, "--role", "start"];
    let denied = object(&setup, &start);
    assert!(denied["log"][0]["text"].as_str().unwrap().contains("denied: setting GREETING"), "{denied}");
    let granted = ask(&["--role", "start", "--allow", "set-env:GREETING"]);
    assert_eq!(granted["env.GREETING"], "hello web");
    // A consumer takes one batch, and what it writes is shown.
    let told = object(&setup, &["plugin", "run", &conductor, "--settings", settings, "--role", "consumer"]);
    assert_eq!((&told["answer"]["action"], &told["writes"]["told"]["text"]), (&"taken".into(), &"1".into()));
}

#[test]
fn a_view_is_rendered_at_its_path() {
    let setup = setup();
    let told = ok(&setup, &["plugin", "run", "bundled:prometheus", "--path", "metrics", "--name", "api"]);
    assert!(
        told.contains("answer    200 application/openmetrics-text") && told.contains("name=\"api\""),
        "{told}"
    );
}

#[test]
fn a_call_that_fails_shows_the_fault_and_the_lines_before_it() {
    let setup = setup();
    for (name, fault, hint) in [
        ("traps", "trapped: panicked at", "is logged with its place"),
        ("loops", "took longer than its 100 ms (limits.call_time)", "--limit call_time"),
        (
            "hogs",
            "asked for 16 MiB of memory, and at most 16 MiB are allowed (limits.memory)",
            "--limit NAME",
        ),
    ] {
        let limit = if name == "hogs" { "call_time=1m" } else { "fuel=1000000000000" };
        let ran = setup.run(&["plugin", "run", &component(name), "--limit", limit]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let first = fault.split_whitespace().next().unwrap();
        assert!(ran.stdout.contains("fault") && ran.stdout.contains(first), "{ran:?}");
        assert!(ran.stderr.contains("the call failed: ") && ran.stderr.contains(hint), "{ran:?}");
        if name != "hogs" {
            assert!(ran.stderr.contains(fault), "{ran:?}");
        }
    }
    let trapped = setup.run(&["plugin", "run", &component("traps")]);
    assert!(
        trapped.stdout.contains("log       error: panicked at") && trapped.stdout.contains("over web"),
        "{trapped:?}"
    );
    let dry = setup.run(&["plugin", "run", "bundled:backoff", "--limit", "fuel=1000"]);
    assert!(dry.code == 2 && dry.stderr.contains("used more than its 1000 units of fuel"), "{dry:?}");
}

#[test]
fn a_component_that_is_not_admitted_is_refused_with_the_reason() {
    let setup = setup();
    let refused = |arguments: &[&str], code, told: &str| {
        let ran = setup.run(&[&["plugin", "run"], arguments].concat());
        assert!(ran.code == code && ran.stderr.contains(told) && ran.stderr.contains("hint: "), "{ran:?}");
    };
    refused(&[&component("sockets")], 2, "wasi:sockets");
    refused(
        &["bundled:backoff", "--settings", r#"{"frist": 1}"#],
        2,
        "it refuses its settings: settings: frist",
    );
    refused(
        &["bundled:backoff", "--role", "start-policy"],
        2,
        "does not export start-policy; it exports restart-policy",
    );
    refused(&["bundled:nobody"], 2, "there is no bundled component `nobody`");
    refused(&["none.wasm"], 2, "there is no file `none.wasm`");
    refused(&["bundled:backoff", "--failures", "0"], 2, "0 failures, but it exited with code 1");
    refused(&["bundled:backoff", "--set", "uptme=1s"], 2, "unknown key `uptme`");
    for command in ["bench", "simulate"] {
        let ran = setup.run(&["plugin", command, "bundled:backoff", "--settings", r#"{"frist": 1}"#]);
        assert!(ran.code == 2 && ran.stderr.contains("it refuses its settings"), "{command}: {ran:?}");
    }
    let exit = setup.run(&["plugin", "run", "bundled:backoff", "--exit", "crash"]);
    assert!(exit.code == 2 && exit.stderr.contains("`crash` is not an exit: write an exit code"), "{exit:?}");
}

const BLAMED: &str = r#"
[plugins.judge]
component = "GUEST"
quarantine = { faults = 2, per = "1h" }
limits = { memory = "8MiB" }
[process.bystander]
command = "exec sleep 1000"
[process.web]
command = "exit 3"
group = "site"
policies = ["judge"]
"#;

#[test]
fn a_fault_of_a_host_is_repeated_from_the_file_that_blame_prints() {
    let host = Host::up(PROVOST, &BLAMED.replace("GUEST", &component("moody")));
    let failed = |plugin: &Value| plugin["faults"].as_u64() >= Some(2);
    eventually("it has failed", || host.plugin("judge"), failed);
    let told = host.ok(&["plugin", "blame", "judge"]);
    assert!(told.contains("provost plugin run COMPONENT --input FILE"), "{told}");
    let blamed = host.ok(&["plugin", "blame", "judge", "-o", "json"]);
    std::fs::write(host.setup().dir().join("blame.json"), &blamed).unwrap();
    let blamed: Value = serde_json::from_str(&blamed).unwrap();
    let kept = &blamed["reproduction"];
    assert_eq!((&kept["version"], &kept["role"]), (&1.into(), &"restart-policy".into()));
    assert_eq!((&kept["limits"]["memory"], &kept["fault"]), (&(8 << 20).into(), &blamed["fault"]));
    let processes = kept["snapshot"]["processes"].as_array().unwrap();
    let web = processes.iter().find(|process| process["name"] == "web").unwrap();
    assert_eq!((&web["phase"], &web["deaths"][0]["exit"]), (&"exited".into(), &json!({"code": 3})));
    let setup = host.down();

    let run = ["plugin", "run", &component("moody"), "--input", "blame.json"];
    let again = setup.run(&run);
    assert_eq!(again.code, 1, "{again:?}");
    let repeated = object(&setup, &run);
    assert_eq!(repeated["fault"], blamed["fault"]);
    assert_eq!(repeated["sha256"], kept["sha256"]);
    // Another component takes the same input, and reads the deaths of the host from it.
    let other = object(&setup, &["plugin", "run", "bundled:backoff", "--input", "blame.json"]);
    let deaths = web["deaths"].as_array().unwrap().len();
    let reason = other["answer"]["reason"].as_str().unwrap();
    assert!(reason.starts_with(&format!("exited with code 3: failure {deaths}, restart in")), "{other}");
    assert!(other["notes"].to_string().contains("its SHA-256 differs"), "{other}");
    // The document alone is an input, too, and one of another version is none.
    let mut alone = kept.clone();
    std::fs::write(setup.dir().join("alone.json"), alone.to_string()).unwrap();
    let run = ["plugin", "run", &component("moody"), "--input", "alone.json"];
    assert_eq!(object(&setup, &run)["fault"], blamed["fault"]);
    alone["version"] = 2.into();
    std::fs::write(setup.dir().join("alone.json"), alone.to_string()).unwrap();
    let refused = setup.run(&run);
    assert!(refused.code == 2 && refused.stderr.contains("an input of version 2"), "{refused:?}");
    // A reproduction is a vector.
    let vectors = setup.dir().join("tests/vectors");
    std::fs::create_dir_all(&vectors).unwrap();
    let vector = "[[vector]]\nname = \"a\"\ninput = \"../../blame.json\"\nexpect = { fault = \"trap\", error = \"over web\" }\n";
    std::fs::write(vectors.join("blamed.toml"), vector).unwrap();
    let told = ok(&setup, &["plugin", "test", "--component", &component("moody")]);
    assert_eq!(told, "ok    a\n1 vector passed\n");
}

#[test]
fn a_snapshot_of_a_live_host_is_what_status_prints() {
    let config = "[process.web]\ncommand = \"exit 3\"\n[process.db]\ncommand = \"exec sleep 1000\"\ngroup = \"data\"\n";
    let host = Host::up(
        PROVOST,
        &format!("[host]\nrestart_delay_min = \"1h\"\nrestart_delay_max = \"2h\"\n{config}"),
    );
    host.until_phase("web", "backoff");
    host.until_phase("db", "running");
    let status = host.ok(&["status", "-o", "json"]);
    std::fs::write(host.setup().dir().join("status.json"), status).unwrap();
    let setup = host.down();
    let run = |arguments: &[&str]| {
        setup.run(&[&["plugin", "run", "bundled:backoff", "--snapshot", "status.json"], arguments].concat())
    };
    let which = run(&[]);
    assert!(which.code == 2 && which.stderr.contains("choose one by `--name`: `web`, `db`"), "{which:?}");
    let web = run(&["--name", "web"]);
    assert!(
        web.code == 0 && web.stdout.contains("exited with code 3: failure 1, restart in 100 ms"),
        "{web:?}"
    );
    assert!(web.stdout.contains("note      the snapshot has no deaths of web: 1 made up"), "{web:?}");
    let db = run(&["--name", "db", "--exit", "SIGKILL"]);
    assert!(db.code == 0 && db.stdout.contains("killed by SIGKILL: failure 1"), "{db:?}");
    assert!(db.stdout.contains("note      db is running in the snapshot"), "{db:?}");
    let stranger = run(&["--name", "dbb"]);
    assert!(stranger.code == 2 && stranger.stderr.contains("has no process `dbb`"), "{stranger:?}");
    let view = ["plugin", "run", "bundled:prometheus", "--path", "metrics", "--snapshot", "status.json"];
    let shown = ok(&setup, &view);
    assert!(shown.contains("name=\"db\",group=\"data\"") && shown.contains("name=\"web\""), "{shown}");
}

#[test]
fn the_vectors_and_the_scenarios_of_the_bundled_plugins_pass() {
    let setup = setup();
    for (name, sum) in [
        ("backoff", "7 vectors and 2 scenarios"),
        ("otp", "4 vectors and 1 scenario"),
        ("recycler", "4 vectors and 1 scenario"),
    ] {
        let project = project(name).display().to_string();
        let ran = setup.run(&["plugin", "test", &project, "--no-native"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.ends_with(&format!("{sum} passed\n")), "{ran:?}");
        // The vectors are not a part of what the component was built of.
        assert_eq!(ran.stderr, "");
    }
}

fn write_vectors(setup: &Setup, text: &str) {
    let dir = setup.dir().join("tests/vectors");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("a.toml"), text).unwrap();
}

#[test]
fn a_vector_that_fails_shows_what_was_expected_and_what_is_so() {
    let setup = setup();
    let test = ["plugin", "test", ".", "--component", "bundled:backoff"];
    write_vectors(
        &setup,
        "[[vector]]\nname = \"good\"\nexpect = { action = \"restart\" }\n\
         [[vector]]\nname = \"too slow\"\nfailures = 2\nexpect = { delay = \"1s\", scope = \"itself\" }\n\
         [[vector]]\nname = \"no failure\"\nexpect = { error = \"trapped\" }\n",
    );
    let ran = setup.run(&test);
    assert_eq!(ran.code, 1, "{ran:?}");
    let expected = "ok    good\n\
                    FAIL  too slow (./tests/vectors/a.toml:4)\n      - delay is 1s\n      + delay is 200ms\n\
                    FAIL  no failure (./tests/vectors/a.toml:8)\n      - error contains trapped\n      + error is (none)\n\
                    1 passed, 2 failed\n";
    assert_eq!(ran.stdout, expected);
    let report = object(&setup, &test);
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &2.into()));
    let deviation = json!([{"fact": "delay", "expected": "1s", "contains": false, "actual": "200ms"}]);
    assert_eq!(report["vectors"][1]["deviations"], deviation);
}

/// A process that crashes a second after each start, and what is expected of its policy.
fn write_scenario(setup: &Setup, expected: &str) {
    let dir = setup.dir().join("scenarios");
    std::fs::create_dir_all(&dir).unwrap();
    let text = "[scenario]\nfor = \"1h\"\nseed = 7\n[process.web]\ncommand = \"web\"\n\
                [[fault]]\nof = \"web\"\nkind = \"crash\"\nafter = \"1s\"\n[[expect]]\nof = \"web\"\n";
    std::fs::write(dir.join("loop.toml"), format!("{text}{expected}\n")).unwrap();
}

#[test]
fn the_scenarios_of_a_project_are_played_after_its_vectors_and_a_broken_one_can_be_played_again() {
    let setup = setup();
    let test = ["plugin", "test", "--component", "bundled:backoff"];
    write_vectors(&setup, "[[vector]]\nname = \"a\"\nexpect = { action = \"restart\" }\n");
    write_scenario(
        &setup,
        "max_restarts_per_minute = 12\ntolerance = 0.1\nback_to_first_delay_after = \"10m\"",
    );
    let untested = "untested back_to_first_delay_after = 10m (nothing in this scenario has tested it)";
    let good =
        format!("ok    a\nok    loop (1h00m, seed 7)\n      {untested}\n1 vector and 1 scenario passed\n");
    assert_eq!(ok(&setup, &test), good);

    write_scenario(&setup, "gives_up_after = 3");
    let ran = setup.run(&test);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in [
        "ok    a\nFAIL  loop (./scenarios/loop.toml, 1h00m, seed 7)\n      BROKEN   gives_up_after = 3 (",
        "web: it is restarted after 3 failures in a row: exited with code 1: failure 3",
        "\n1 passed, 1 failed\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    let again = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("again: provost ")).unwrap();
    assert_eq!(again, "plugin simulate bundled:backoff --scenario ./scenarios/loop.toml --seed 7");
    let again = setup.run(&again.split(' ').collect::<Vec<_>>());
    assert!(again.code == 1 && again.stdout.contains("BROKEN   gives_up_after = 3 ("), "{again:?}");

    let report = object(&setup, &test);
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    let scenario = &report["scenarios"][0];
    assert_eq!((&scenario["result"], &scenario["seed"]), (&"broken".into(), &7.into()), "{scenario}");
    assert_eq!(scenario["expected"][0]["verdict"], "broken", "{scenario}");
}

#[test]
fn a_project_may_have_scenarios_only_and_a_mistake_in_one_is_told_with_its_place() {
    let setup = setup();
    let test = |component: &str| setup.run(&["plugin", "test", "--component", component]);
    let nothing = test("bundled:backoff");
    assert!(nothing.code == 2 && nothing.stderr.contains("and no ./scenarios/*.toml"), "{nothing:?}");
    write_scenario(&setup, "max_restarts_per_minute = 12");
    let only = test("bundled:backoff");
    assert_eq!(
        (only.code, &*only.stdout),
        (0, "ok    loop (1h00m, seed 7)\n1 scenario passed\n"),
        "{only:?}"
    );
    // No simulation can judge what only renders.
    let view = test("bundled:prometheus");
    assert!(view.code == 1 && view.stdout.contains("FAIL  loop (./scenarios/loop.toml)"), "{view:?}");
    write_scenario(&setup, "max_restart_per_minute = 12");
    let wrong = test("bundled:backoff");
    assert_eq!(wrong.code, 2, "{wrong:?}");
    for part in
        ["loop.toml:12:1: unknown key `max_restart_per_minute`", "did you mean `max_restarts_per_minute`?"]
    {
        assert!(wrong.stderr.contains(part), "{part}: {wrong:?}");
    }
}

/// An interpreter may need more memory than a component has by default.
#[test]
fn a_scenario_has_limits_for_the_component_that_is_simulated() {
    let setup = setup();
    write_scenario(&setup, "max_restarts_per_minute = 12");
    let file = setup.dir().join("scenarios/loop.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("seed = 7", "seed = 7\nlimits = { fuel = 1000 }")).unwrap();
    let ran = setup.run(&["plugin", "test", "--component", "bundled:backoff"]);
    assert!(ran.code == 1 && ran.stdout.contains("fuel"), "{ran:?}");
}

#[test]
fn a_mistake_in_a_vector_is_told_with_its_place_and_the_nearest_key() {
    let setup = setup();
    write_vectors(
        &setup,
        "[[vector]]\nname = \"a\"\nfailurs = 3\nexit = \"crash\"\nexpect = { acton = \"restart\" }\n[[vector]]\nname = \"b\"\n",
    );
    let ran = setup.run(&["plugin", "test", "--component", "bundled:backoff"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for told in [
        "a.toml:3:1: unknown key `failurs` in [[vector]]",
        "did you mean `failures`?",
        "a.toml:4:8: `crash` is not an exit",
        "a.toml:5:12: unknown key `acton`",
        "did you mean `action`?",
        "this vector expects nothing",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

#[test]
fn a_component_that_counts_in_its_instance_is_impure() {
    let setup = setup();
    // It answers with a delay that it adds one to in its linear memory, which a fresh instance does not have.
    let body = "(i64.store (i32.const 72) (i64.add (i64.load (i32.const 72)) (i64.const 1)))
                (call $drop (local.get $world)) (i32.const 64)";
    std::fs::write(setup.dir().join("counts.wasm"), provost_tests::components::policy(body)).unwrap();
    write_vectors(&setup, "[[vector]]\nname = \"a\"\nexpect = { delay = \"251ms\" }\n");
    let ran = setup.run(&["plugin", "test", "--component", "counts.wasm"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("the answer of a second call in the same instance differs"), "{ran:?}");
    write_vectors(&setup, "[[vector]]\nname = \"a\"\npure = false\nexpect = { delay = \"251ms\" }\n");
    ok(&setup, &["plugin", "test", "--component", "counts.wasm"]);
}

#[test]
fn the_native_tests_of_a_crate_are_run_and_their_failure_counts() {
    let setup = setup();
    let write = |name: &str, text: &str| std::fs::write(setup.dir().join(name), text).unwrap();
    std::fs::create_dir(setup.dir().join("src")).unwrap();
    write("Cargo.toml", "[package]\nname = \"mine\"\nedition = \"2021\"\n[workspace]\n");
    write("src/lib.rs", "#[test]\nfn it_fails() { panic!(\"on purpose\") }\n");
    write_vectors(&setup, "[[vector]]\nname = \"a\"\nexpect = { action = \"restart\" }\n");
    let ran = setup.run(&["plugin", "test", "--component", "bundled:backoff"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("running `cargo test` in .")
            && ran.stderr.contains("the native tests have failed"),
        "{ran:?}"
    );
    // The vectors are run all the same.
    assert_eq!(ran.stdout, "ok    a\n1 vector passed\n");
    ok(&setup, &["plugin", "test", "--component", "bundled:backoff", "--no-native"]);
    let unbuilt = setup.run(&["plugin", "test", "--no-native"]);
    assert!(
        unbuilt.code == 2 && unbuilt.stderr.contains("`provost plugin build .` builds it"),
        "{unbuilt:?}"
    );
}

#[test]
fn the_component_of_the_projects_name_is_tested_in_a_folder_of_another_name() {
    let setup = setup();
    let dir = setup.dir().join("elsewhere");
    std::fs::create_dir_all(dir.join("wit")).unwrap();
    std::fs::create_dir_all(dir.join("tests/vectors")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write("provost-plugin.toml", "name = \"mine\"\nlanguage = \"c\"\nsource = \"a.c\"\n");
    write("a.c", "");
    write("tests/vectors/a.toml", "[[vector]]\nname = \"a\"\nexpect = { action = \"restart\" }\n");
    // Neither of these is the component of the project.
    write("elsewhere.wasm", "");
    write("former.wasm", "");
    let unbuilt = setup.run(&["plugin", "test", "elsewhere"]);
    assert!(
        unbuilt.code == 2 && unbuilt.stderr.contains("there is no component elsewhere/mine.wasm"),
        "{unbuilt:?}"
    );
    std::fs::copy(project("backoff").join("backoff.wasm"), dir.join("mine.wasm")).unwrap();
    assert_eq!(ok(&setup, &["plugin", "test", "elsewhere"]), "ok    a\n1 vector passed\n");
}

#[test]
fn a_benchmark_shows_the_head_room_of_each_limit() {
    let setup = setup();
    let measured = object(&setup, &["plugin", "bench", "bundled:backoff", "--calls", "20"]);
    let case = &measured["cases"][0];
    assert_eq!((&case["role"], &case["calls"]), (&"restart-policy".into(), &20.into()));
    let at = |quantile: &str| case[quantile].as_u64().unwrap();
    assert!(0 < at("p50_ns") && at("p50_ns") <= at("p95_ns") && at("p95_ns") <= at("p99_ns"), "{case}");
    let fuel = measured["limits"].as_array().unwrap().iter().find(|it| it["limit"] == "fuel").unwrap();
    assert_eq!((&fuel["used"], &fuel["most"]), (&case["fuel_max"], &10_000_000_000_u64.into()));
    let factor = 1e10 / case["fuel_max"].as_f64().unwrap();
    assert!((fuel["head_room"].as_f64().unwrap() / factor - 1.0).abs() < 1e-6, "{fuel}");
    let told = ok(&setup, &["plugin", "bench", &project("otp").display().to_string(), "--calls", "5"]);
    assert!(told.contains("the deaths of another member count") && told.contains("HEAD-ROOM"), "{told}");
    let failing = setup.run(&["plugin", "bench", &component("traps")]);
    assert!(failing.code == 1 && failing.stdout.contains("trap: trapped"), "{failing:?}");
}
