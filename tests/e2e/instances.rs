//! A runtime directory has at most one host.

use std::os::unix::net::UnixListener;

use provost_tests::{Host, Setup, eventually, is_alive};

use crate::PROVOST;

const CONFIG: &str = "[process.web]\ncommand = \"exec sleep 1000\"\n";

#[test]
fn a_second_host_is_refused_with_the_pid_of_the_first() {
    let host = Host::up(PROVOST, CONFIG);
    let second = host.run(&["up"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains(&host.pid().to_string()), "{second:?}");
    host.until_phase("web", "running");
    host.down();
}

#[test]
fn the_socket_of_a_dead_host_is_cleaned_up() {
    let setup = Setup::new(PROVOST, CONFIG);
    let runtime = setup.dir().join(".provost");
    std::fs::create_dir(&runtime).unwrap();
    let socket = runtime.join("provost.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    assert_eq!(setup.run(&["status"]).code, 3, "nobody listens on it");
    let host = setup.up();
    host.until_phase("web", "running");
    let setup = host.crash();
    assert!(socket.exists(), "a killed host leaves its socket behind");
    let host = setup.up();
    host.until_phase("web", "running");
    host.down();
    assert!(!socket.exists());
}

#[test]
fn a_detached_host_outlives_its_command_and_is_stopped_by_another() {
    let setup = Setup::new(PROVOST, CONFIG);
    let up = setup.run(&["up", "--detach"]);
    assert_eq!(up.code, 0, "{up:?}");
    let status: serde_json::Value =
        serde_json::from_str(&setup.run(&["status", "-o", "json"]).stdout).unwrap();
    let host = status["host"]["pid"].as_u64().unwrap();
    assert!(is_alive(host));
    let child = eventually(
        "web runs",
        || serde_json::from_str::<serde_json::Value>(&setup.run(&["status", "-o", "json"]).stdout).unwrap(),
        |status| status["processes"][0]["phase"] == "running",
    );
    let child = child["processes"][0]["pid"].as_u64().unwrap();
    let down = setup.run(&["down"]);
    assert_eq!(down.code, 0, "{down:?}");
    eventually("both are gone", || (is_alive(host), is_alive(child)), |alive| *alive == (false, false));
    let broken = Setup::new(PROVOST, "[process.web]\ncomand = 1\n").run(&["up", "--detach"]);
    assert_eq!(broken.code, 2, "{broken:?}");
    assert!(broken.stderr.contains("command"), "{broken:?}");
}

#[test]
fn commands_without_a_host_exit_with_3() {
    let setup = Setup::new(PROVOST, CONFIG);
    for command in
        [&["status"][..], &["stop", "web"], &["logs", "web"], &["events"], &["down"], &["plugin", "list"]]
    {
        let ran = setup.run(command);
        assert_eq!(ran.code, 3, "{command:?}: {ran:?}");
        assert!(ran.stderr.contains("provost up"), "{command:?}: {ran:?}");
    }
}
