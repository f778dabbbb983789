//! `up --detach`, `up`, `down`, `status`, the lock, the socket and the exit codes, with kills of the host in between.

use std::os::unix::fs::PermissionsExt;

use provost_tests::{Host, Setup, eventually, is_alive, parent};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

const CONFIG: &str = "[host]\nkeeper = true\n\
                      [process.web]\nreplicas = 20\ncommand = \"exec sleep 1000\"\n\
                      [process.late]\ncommand = \"exec sleep 1000\"\nautostart = false\n";

/// A host in the background, as other commands see it.
struct Background {
    setup: Setup,
    host: u64,
}

impl Background {
    fn up(setup: Setup, arguments: &[&str]) -> Self {
        let up = setup.run(arguments);
        assert_eq!(up.code, 0, "{up:?}");
        let mut background = Self { setup, host: 0 };
        background.host = background.setup.status_if_any()["host"]["pid"].as_u64().unwrap();
        background
    }

    /// Kills the host, and waits until another one answers.
    fn kill(&mut self) -> Value {
        let former = self.host;
        Host::kill(&former.into(), Signal::KILL);
        let status = self.setup.until_another_host(former);
        self.host = status["host"]["pid"].as_u64().unwrap();
        status
    }

    fn keeper(&self) -> u64 {
        parent(u32::try_from(self.host).unwrap()).unwrap().into()
    }

    /// Returns the process ids of `web`.
    fn webs(status: &Value) -> Vec<u64> {
        let webs = status["processes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["name"].as_str().unwrap().starts_with("web."));
        webs.filter_map(|web| web["pid"].as_u64()).collect()
    }
}

#[test]
fn a_host_in_the_background_that_is_killed_keeps_its_lock_its_socket_and_its_exit_codes() {
    let mut background = Background::up(Setup::new(PROVOST, CONFIG), &["up", "--detach", "--wait"]);
    let before = Background::webs(&background.setup.status_if_any());
    assert_eq!(before.len(), 20);
    let keeper = background.keeper();
    for _ in 0..3 {
        let status = background.kill();
        assert_eq!(Background::webs(&status), before, "20 of 20 are taken over");
        assert_eq!(background.keeper(), keeper);
        assert_eq!(background.setup.owner(), Some(background.host), "the lock names the host");
        let socket = background.setup.dir().join(".provost/provost.sock");
        assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        for again in [&["up"][..], &["up", "--detach"]] {
            let up = background.setup.run(again);
            assert_eq!(up.code, 1, "{up:?}");
            assert!(
                up.stderr.contains(&format!("a host is running here already: pid {}", background.host)),
                "{up:?}"
            );
        }
        let codes = |arguments: &[&str]| background.setup.run(arguments).code;
        assert_eq!((codes(&["status"]), codes(&["status", "web.1"]), codes(&["status", "late"])), (0, 0, 3));
        assert_eq!((codes(&["diff"]), codes(&["stop", "absent"])), (0, 2));
    }
    let down = background.setup.run(&["down"]);
    assert_eq!(down.code, 0, "{down:?}");
    eventually("the keeper has ended", || is_alive(keeper), |alive| !alive);
    assert!(!before.into_iter().any(is_alive));
    assert!(!background.setup.dir().join(".provost/provost.sock").exists());
    assert_eq!(background.setup.run(&["status"]).code, 3);
    // Nothing of it is in the way of the next one, which begins anew.
    let background = Background::up(background.setup, &["up", "--detach", "--wait"]);
    let status = background.setup.status_if_any();
    let webs = status["processes"].as_array().unwrap().iter().filter(|it| it["pid"].is_u64());
    assert!(webs.clone().count() == 20 && webs.clone().all(|web| web["incarnation"] == 1), "{status}");
    assert_eq!(background.setup.run(&["down"]).code, 0);
}

#[test]
fn the_exit_code_that_up_was_asked_for_is_that_of_the_process_although_the_host_was_killed() {
    let config = "[host]\nkeeper = true\n\
                  [plugins.once]\ncomponent = \"bundled:backoff\"\nsettings = { first = \"1ms\", give_up_after = 1 }\n\
                  [process.job]\npolicies = [\"once\"]\n\
                  command = \"while [ ! -e go ]; do sleep 0.05; done; exit 7\"\n";
    let setup = Setup::new(PROVOST, config);
    let mut command = setup.command(&["up", "--exit-code-from", "job"]);
    let log = std::fs::File::create(setup.dir().join("up.log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log);
    let mut host = setup.up_by(command);
    host.until_phase("job", "running");
    let former = u64::from(host.pid());
    Host::kill(&former.into(), Signal::KILL);
    host.setup().until_another_host(former);
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    assert_eq!(host.until_ended(), Some(7), "{}", host.log());
}
