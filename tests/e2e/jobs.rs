//! Jobs, hosts that end when everything is done, and exit codes.

use provost_tests::{Host, Ran, Setup};

use crate::PROVOST;

const JOBS: &str = r#"
[process.migrate]
type = "job"
command = "while ! [ -e go ]; do sleep 0.02; done; exit 0"
[process.app]
command = "exec sleep 1000"
depends_on = { migrate = "ready" }
[process.odd]
type = "job"
command = "exit 3"
success_codes = [0, 3]
[process.bad]
type = "job"
command = "exit 4"
autostart = false
policies = ["once"]
[plugins.once]
component = "bundled:backoff"
settings = { on = "never" }
"#;

#[test]
fn a_wait_for_a_job_ends_when_the_job_is_done() {
    let host = Host::up(PROVOST, JOBS);
    let running = host.until_phase("migrate", "running");
    assert_eq!((&running["type"], &running["ready"]), (&"job".into(), &false.into()));
    let waiting = host.until_phase("app", "waiting");
    assert_eq!(waiting["reason"], "waiting for migrate to complete");
    let early = host.run(&["start", "--wait", "--timeout", "50ms", "migrate"]);
    assert!(early.stderr.contains("migrate has not ended after 50ms: it is a job"), "{early:?}");
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    let done = host.ok(&["start", "--wait", "migrate"]);
    assert_eq!(done, "migrate: exited (done: exited with code 0)\n");
    host.until_phase("app", "running");
    let done = host.until_phase("migrate", "exited");
    assert_eq!((&done["ready"], &done["decision"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(host.run(&["status", "migrate"]).code, 0, "a job that is done does not count as down");
    assert!(host.ok(&["explain", "migrate"]).starts_with("migrate is done: exited with code 0"));
    assert_eq!(host.process("odd")["reason"], "done: exited with code 3");
    assert_eq!(host.run(&["status", "odd"]).code, 0);
    host.ok(&["stop", "odd"]);
    assert_eq!(host.run(&["status", "odd"]).code, 3, "stopped by hand, it is not done any more");
    host.down();
}

#[test]
fn a_job_that_fails_for_good_fails_the_wait_and_its_status() {
    let host = Host::up(PROVOST, JOBS);
    assert_eq!(host.run(&["status", "bad"]).code, 3);
    let failed = host.run(&["start", "--wait", "bad"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stderr.contains("bad is exited: exited with code 4"), "{failed:?}");
    assert_eq!(host.run(&["status", "bad"]).code, 3);
    assert_eq!(host.run(&["status"]).code, 0, "without names it shows, and judges nothing");
    host.down();
}

/// Runs a host with this config until it ends.
fn up(config: &str, arguments: &[&str]) -> Ran {
    Setup::new(PROVOST, config).run(&[&["up"], arguments].concat())
}

const GIVES_UP: &str =
    "[plugins.once]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"1ms\", give_up_after = 1 }\n";

#[test]
fn a_host_that_exits_when_done_ends_when_nothing_runs_or_will_run() {
    let good = "[process.a]\ncommand = 'exit 0'\n[process.b]\ntype = 'job'\ncommand = 'sleep 0.2; exit 3'\nsuccess_codes = [3]\n\
                depends_on = { a = 'completed' }\n[process.c]\ncommand = 'exec sleep 1000'\nautostart = false\n";
    let ran = up(good, &["--exit-when-done"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("done: exited with code 3"), "{ran:?}");
    let bad = format!(
        "{GIVES_UP}[process.a]\ncommand = 'exit 1'\npolicies = ['once']\n[process.b]\ncommand = 'exec sleep 1000'\ndepends_on = ['c']\n\
         [process.c]\ncommand = 'exec sleep 1000'\ndepends_on = {{ a = 'completed' }}\n"
    );
    let ran = up(&bad, &["--exit-when-done"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("a (fatal: ") && ran.stderr.contains("b (waiting: "), "{ran:?}");
    assert_eq!(up("[process.a]\ncommand = 'exit 0'\nautostart = false\n", &["--exit-when-done"]).code, 0);
}

#[test]
fn the_exit_code_of_one_process_becomes_that_of_the_host() {
    let with = |command: &str| {
        format!(
            "{GIVES_UP}[process.web]\ncommand = '{command}'\npolicies = ['once']\n[process.other]\ncommand = 'exec sleep 1000'\n"
        )
    };
    for (command, code) in
        [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137), ("exec /no/such/program", 127)]
    {
        let ran = up(&with(command), &["--exit-code-from", "web"]);
        assert_eq!(ran.code, code, "{command}: {ran:?}");
    }
    let missing = "[process.web]\ncommand = ['/no/such/program']\npolicies = ['once']\n";
    assert_eq!(up(&format!("{GIVES_UP}{missing}"), &["--exit-code-from", "web", "--exit-when-done"]).code, 1);
}

#[test]
fn an_unknown_name_is_refused_before_anything_is_started() {
    let config = "[process.web]\ncommand = 'touch started; exec sleep 1000'\nreplicas = 2\n";
    for background in [&[][..], &["--detach"]] {
        let setup = Setup::new(PROVOST, config);
        let ran = setup.run(&[&["up", "--exit-code-from", "web"], background].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("there is no process of that name"), "{ran:?}");
        assert!(ran.stderr.contains("such as `web.1`"), "{ran:?}");
        assert!(!setup.dir().join("started").exists());
    }
}

#[test]
fn the_exit_code_of_a_policy_overrides_that_of_a_process() {
    let config = "[plugins.otp]\ncomponent = 'bundled:otp'\nsettings = { intensity = 0, escalate = { shut_down = 7 } }\n\
                  [process.web]\ncommand = 'exit 5'\npolicies = ['otp']\n";
    assert_eq!(up(config, &["--exit-code-from", "web"]).code, 7);
    assert_eq!(up(config, &["--exit-when-done"]).code, 7);
    let setup = Setup::new(PROVOST, config);
    let mut command = setup.command(&["up", "--exit-code-from", "web"]);
    command.env("FAILPOINTS", "ending=return(left)");
    assert_eq!(command.output().unwrap().status.code(), Some(1), "what is left goes before both");
}

#[test]
fn a_host_in_the_background_also_exits_when_done() {
    let setup = Setup::new(PROVOST, "[process.web]\ntype = 'job'\ncommand = 'sleep 0.3; exit 0'\n");
    let up = setup.run(&["up", "--detach", "--exit-when-done"]);
    assert_eq!(up.code, 0, "{up:?}");
    provost_tests::eventually("it has ended", || setup.run(&["status"]), |status| status.code == 3);
    assert!(setup.host_log().contains("everything that was waited for has ended"), "{}", setup.host_log());
}
