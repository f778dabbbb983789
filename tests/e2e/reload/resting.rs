//! Processes that do not run when their config changes, and settings of the host that count from a reload on.

use provost_tests::{Host, eventually};

use super::world::{all_run, nothing_differs, reload, reloaded};
use crate::PROVOST;

#[test]
fn what_is_not_to_run_is_not_started_by_a_reload() {
    let config = "[process.by-hand]\ncommand = [\"sleep\", \"1000\"]\nautostart = false\n\
                  [process.stopped]\ncommand = [\"sleep\", \"1001\"]\n\
                  [process.web]\ncommand = [\"sleep\", \"1002\"]\n";
    let host = Host::up(PROVOST, config);
    all_run(&host, &["stopped", "web"]);
    host.ok(&["stop", "stopped", "--wait"]);
    // Commands that differ, a new process, and an identity that differs, so that it is removed and added.
    let all =
        config.replace("\"100", "\"200") + "[process.new]\ncommand = [\"sleep\", \"3\"]\nautostart = false\n";
    reloaded(&host, &all);
    reloaded(&host, &all.replace("autostart = false", "autostart = false\ngroup = \"g\""));
    all_run(&host, &["web"]);
    for name in ["by-hand", "new", "stopped"] {
        assert_eq!(host.process(name)["phase"], "stopped", "{name}");
        assert_eq!(host.process(name)["incarnation"], if name == "stopped" { 1 } else { 0 }, "{name}");
    }
    nothing_differs(&host, "the reload");
    // From now on they are started with the host; what was stopped by hand stays down.
    host.ok(&["start", "new", "--wait"]);
    host.ok(&["stop", "new", "--wait"]);
    reloaded(&host, &all.replace("autostart = false", "group = \"g\""));
    all_run(&host, &["web", "by-hand"]);
    assert_eq!(
        (&host.process("new")["phase"], &host.process("stopped")["phase"]),
        (&"stopped".into(), &"stopped".into())
    );
    host.down();
}

#[test]
fn what_has_ended_for_good_runs_again_with_what_has_changed_unless_it_runs_only_on_request() {
    let config = |word: &str| {
        let job = |name: &str, rest: &str| {
            format!(
                "[process.{name}]\ntype = \"job\"\ncommand = \"echo {name} {word} >> ran\"\n{rest}\
                 stop = {{ grace = \"1s\" }}\n"
            )
        };
        job("job", "") + &job("by-hand", "autostart = false\n")
    };
    let host = Host::up(PROVOST, &config("one"));
    host.ok(&["start", "by-hand"]);
    for name in ["job", "by-hand"] {
        host.until_phase(name, "exited");
    }
    // A change in place is no reason to run again.
    reloaded(&host, &config("one").replace("1s", "2s"));
    reloaded(&host, &config("two"));
    let ran = || std::fs::read_to_string(host.setup().dir().join("ran")).unwrap();
    eventually("the job has run again", ran, |ran| ran.ends_with("job two\n"));
    host.until("job", "it has ended", |it| it["phase"] == "exited" && it["incarnation"] == 2);
    assert_eq!(host.process("by-hand")["incarnation"], 1);
    nothing_differs(&host, "the reload");
    host.down();
}

#[test]
fn a_program_that_is_missing_is_no_reason_for_a_refusal_if_the_process_is_down() {
    let config = "[process.web]\ncommand = [\"sleep\", \"1000\"]\n";
    let host = Host::up(PROVOST, config);
    all_run(&host, &["web"]);
    host.ok(&["stop", "web", "--wait"]);
    let ran = reload(&host, &config.replace("\"sleep\"", "\"./is-not-there\""), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(host.process("web")["phase"], "stopped");
    nothing_differs(&host, "the reload");
    host.down();
}

#[test]
fn a_restart_delay_counts_from_the_next_end_on_and_a_new_consumer_is_told_of_it() {
    let config = |delay: &str, rest: &str| {
        format!(
            "[host]\nrestart_delay_min = \"{delay}\"\nrestart_delay_max = \"2h\"\n\
             [process.crash]\ncommand = \"sleep 0.05; exit 1\"\n{rest}"
        )
    };
    let host = Host::up(PROVOST, &config("1h", ""));
    host.until_phase("crash", "backoff");
    reloaded(&host, &config("0ms", "[plugins.told]\ncomponent = \"bundled:notify\"\n"));
    host.ok(&["restart", "crash"]);
    host.until("crash", "it was restarted soon", |it| it["incarnation"].as_u64().unwrap() >= 3);
    eventually("the consumer was told", || host.log(), |log| log.contains("crash (life 2): "));
    nothing_differs(&host, "the reload");
    host.down();
}
