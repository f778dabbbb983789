//! `plugin dev`: at each change of the sources the plugin is built, tested and swapped, a version that fails changes nothing, and the
//! decisions are shown as they are made. The toolchain here copies components that the tests have made, so that everything else is as
//! for an author and nothing is compiled; `authors` follows the same course with a project in Rust.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use provost_tests::components::{policy_with_delay, view};
use provost_tests::{DevSession, Host, Ran, Setup, eventually, is_alive};
use rustix::process::Signal;

use crate::PROVOST;

/// A toolchain for JavaScript whose sources are components, apart from those with a mistake. It is given the module that a build
/// makes, which names that of the plugin.
const TOOLCHAIN: &str = "#!/bin/sh\n\
    source=$(sed -n 's/^export \\* from \"..\\/..\\/\\(.*\\)\";$/\\1/p' \"$1\")\n\
    if grep -q mistake \"$source\"; then echo 'SyntaxError: a mistake' >&2; exit 1; fi\n\
    for out; do :; done\n\
    if [ -e .hold ]; then : > .held; while [ -e .hold ]; do sleep 0.02; done; fi\n\
    cp \"$source\" \"$out\"\n";

const MANIFEST: &str = "name = \"judge\"\nlanguage = \"js\"\nsource = \"judge.src\"\n";

/// Adds the project `judge` to the folder of a setup, whose only vector expects this delay.
fn project(setup: &Setup, delay_ms: u64) -> PathBuf {
    let dir = setup.dir().join("judge");
    let tool = dir.join("node_modules/.bin/componentize-js");
    for folder in ["wit", "tests/vectors", "node_modules/.bin"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    fs::write(&tool, TOOLCHAIN).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.join("provost-plugin.toml"), MANIFEST).unwrap();
    expect(&dir, delay_ms);
    write(&dir, &policy_with_delay(delay_ms));
    dir
}

/// Saves the source in one of the ways of editors: it is written beside the file and renamed.
fn write(project: &Path, source: &[u8]) {
    fs::write(project.join(".judge.src.new"), source).unwrap();
    fs::rename(project.join(".judge.src.new"), project.join("judge.src")).unwrap();
}

/// Saves the vector in the other way: the file is written in its place.
fn expect(project: &Path, delay_ms: u64) {
    let vector = format!(
        "[[vector]]\nname = \"it waits\"\nexit = 1\nexpect = {{ action = \"restart\", delay = \"{delay_ms}ms\" }}\n"
    );
    fs::write(project.join("tests/vectors/judge.toml"), vector).unwrap();
}

/// The process id of the host that a session has started for the project.
fn own_host(setup: &Setup) -> Ran {
    setup.run(&["-c", "judge/target/provost-dev/provost.toml", "status", "-o", "json"])
}

fn pid_of(status: &Ran) -> u64 {
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    status["host"]["pid"].as_u64().unwrap()
}

#[test]
fn a_change_is_built_tested_and_swapped_and_one_that_fails_changes_nothing() {
    let setup = Setup::new(PROVOST, "");
    let project = project(&setup, 200);
    let mut dev = DevSession::start(&setup, &["judge"]);
    dev.until("1 vector passed");
    dev.until("started a host with target/provost-dev/provost.toml");
    dev.until("version 1 is in force");
    dev.until("-> restart in 200 ms: crashed, again");
    dev.until("web  exited with code 1 after");
    let good = fs::read(project.join("judge.wasm")).unwrap();

    write(&project, b"a mistake");
    dev.until("SyntaxError: a mistake");
    dev.until("the former version stays loaded: version 1");

    write(&project, &policy_with_delay(300));
    dev.until("+ delay is 300ms");
    dev.until("1 vector of 1 failed");
    assert_eq!(fs::read(project.join("judge.wasm")).unwrap(), good, "the component in force");

    expect(&project, 300);
    dev.until("swapped: version 1 -> 2");
    dev.until("-> restart in 300 ms: crashed, again");
    assert_ne!(fs::read(project.join("judge.wasm")).unwrap(), good);

    let host = pid_of(&own_host(&setup));
    let status = dev.interrupt();
    assert!(status.success(), "{status}");
    eventually("the host has ended", || is_alive(host), |alive| !alive);
    assert_eq!(own_host(&setup).code, 3);
}

/// A process that crashes a second after each start.
const SCENARIO: &str = "[scenario]\nfor = \"10m\"\n[process.web]\ncommand = \"web\"\n\
                        [[fault]]\nof = \"web\"\nkind = \"crash\"\nafter = \"1s\"\n\
                        [[expect]]\nof = \"web\"\nmax_restarts_per_minute = 20\n";

#[test]
fn a_version_that_breaks_a_scenario_is_not_swapped() {
    let setup = Setup::new(PROVOST, "");
    let project = project(&setup, 4_000);
    let scenario = project.join("scenarios/loop.toml");
    fs::create_dir(scenario.parent().unwrap()).unwrap();
    fs::write(&scenario, SCENARIO).unwrap();
    let mut dev = DevSession::start(&setup, &["judge"]);
    dev.until("1 vector and 1 scenario passed");
    dev.until("version 1 is in force");
    dev.until("watching");
    let good = fs::read(project.join("judge.wasm")).unwrap();

    expect(&project, 250);
    write(&project, &policy_with_delay(250));
    dev.until("error: 1 scenario of 1 failed");
    dev.until("BROKEN   max_restarts_per_minute = 20");
    dev.until("judge && provost plugin simulate ");
    dev.until("the former version stays loaded: version 1");
    assert_eq!(fs::read(project.join("judge.wasm")).unwrap(), good, "the component in force");

    fs::write(&scenario, SCENARIO.replace("= 20", "= 50")).unwrap();
    dev.until("swapped: version 1 -> 2");
    assert!(dev.interrupt().success());
}

#[test]
fn a_host_that_was_started_comes_again_after_its_death_and_ends_with_a_killed_session() {
    let setup = Setup::new(PROVOST, "");
    project(&setup, 200);
    let mut dev = DevSession::start(&setup, &["judge"]);
    dev.until("-> restart in 200 ms");
    let first = pid_of(&own_host(&setup));
    Host::kill(&first.into(), Signal::KILL);
    dev.until("the host has gone away");
    dev.until("the host is back");
    let second = pid_of(&own_host(&setup));
    assert_ne!(first, second);
    Host::kill(&dev.pid().into(), Signal::KILL);
    eventually("the host has ended", || is_alive(second), |alive| !alive);
    eventually("its keeper, too", || own_host(&setup).code, |code| *code == 3);
}

const RUNNING: &str = "[plugins.guard]\ncomponent = \"judge/judge.wasm\"\n\n\
                       [process.web]\ncommand = \"sleep 0.2; exit 1\"\npolicies = [\"guard\"]\n";

#[test]
fn a_running_host_that_has_the_plugin_is_used_and_followed_over_its_own_restart() {
    let setup = Setup::new(PROVOST, RUNNING);
    let project = project(&setup, 200);
    fs::write(project.join("judge.wasm"), policy_with_delay(100)).unwrap();
    let host = setup.up();
    let once = host.run(&["plugin", "dev", "judge", "--as", "guard", "--once"]);
    assert_eq!(once.code, 0, "{once:?}");
    assert!(once.stdout.contains("swapped: version 1 -> 2"), "{once:?}");
    assert_eq!(host.plugin("guard")["version"], 2);

    write(&project, b"a mistake");
    let once = host.run(&["plugin", "dev", "judge", "--as", "guard", "--once"]);
    assert_eq!((once.code, &host.plugin("guard")["version"]), (1, &2.into()), "{once:?}");

    write(&project, &policy_with_delay(200));
    let stranger = host.run(&["-c", "provost.toml", "plugin", "dev", "judge", "--once"]);
    assert_eq!(stranger.code, 2, "{stranger:?}");
    assert!(stranger.stderr.contains("the host has no plugin `judge`"), "{stranger:?}");
    assert!(stranger.stderr.contains("--as NAME"), "{stranger:?}");

    let mut dev = DevSession::start(host.setup(), &["judge", "--as", "guard"]);
    dev.until("version 2 is in force, with this component");
    dev.until("web  exited with code 1 after");
    let setup = host.down();
    dev.until("the host has gone away");
    let host = setup.up();
    expect(&project, 250);
    write(&project, &policy_with_delay(250));
    dev.until("swapped: version 1 -> 2");
    assert_eq!(host.plugin("guard")["version"], 2);
    assert!(dev.interrupt().success());
    assert_eq!(host.run(&["status"]).code, 0, "a host that was there before goes on");
    host.down();
}

#[test]
fn the_example_of_the_project_is_used_and_applied_when_it_changes() {
    let setup = Setup::new(PROVOST, "");
    let project = project(&setup, 200);
    let example = |process: &str| {
        let plugin = "[plugins.judge]\ncomponent = \"judge.wasm\"\n";
        format!("{plugin}[process.{process}]\ncommand = \"exit 1\"\npolicies = [\"judge\"]\n")
    };
    fs::write(project.join("provost.toml"), example("job")).unwrap();
    let mut dev = DevSession::start(&setup, &["judge"]);
    dev.until("started a host with provost.toml");
    dev.until("job  exited with code 1 after");
    fs::write(project.join("provost.toml"), example("work")).unwrap();
    dev.until("provost.toml is reloaded");
    dev.until("work  exited with code 1 after");
    assert!(dev.interrupt().success());
}

#[test]
fn what_is_saved_during_a_build_leads_to_one_more_round() {
    let setup = Setup::new(PROVOST, "");
    let project = project(&setup, 200);
    let mut dev = DevSession::start(&setup, &["judge"]);
    dev.until("version 1 is in force");
    dev.until("watching");
    fs::write(project.join(".hold"), "").unwrap();
    expect(&project, 300);
    eventually("the build waits", || project.join(".held").exists(), |held| *held);
    for delay_ms in [100, 150, 300] {
        write(&project, &policy_with_delay(delay_ms));
    }
    fs::remove_file(project.join(".hold")).unwrap();
    dev.until("swapped: version 1 -> 2");
    assert!(dev.interrupt().success());
}

#[test]
fn native_tests_are_refused_for_a_project_that_has_none() {
    let setup = Setup::new(PROVOST, "");
    project(&setup, 200);
    let refused = setup.run(&["plugin", "dev", "judge", "--native", "--once"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("there is no Cargo.toml in judge"), "{refused:?}");
}

#[test]
fn a_view_is_put_into_a_host_as_well_and_it_is_said_how_to_see_it() {
    let setup = Setup::new(PROVOST, "");
    let project = project(&setup, 200);
    fs::remove_file(project.join("tests/vectors/judge.toml")).unwrap();
    write(&project, &view("(i32.const 64)"));
    let once = setup.run(&["plugin", "dev", "judge", "--once"]);
    assert_eq!(once.code, 0, "{once:?}");
    for part in [
        "no vectors (tests/vectors/*.toml) and no scenarios (scenarios/*.toml): the plugin is not tested",
        "version 1 is in force",
        "a view decides nothing: `provost view judge` shows what it renders",
        "the host has ended",
    ] {
        assert!(once.stdout.contains(part), "{part}: {once:?}");
    }
    assert_eq!(own_host(&setup).code, 3);
}
