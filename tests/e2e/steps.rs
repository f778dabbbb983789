//! The host is killed at each step between it and its keeper. The next one has one copy of each process, the same incarnations and
//! one decision for each end.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use provost_supervisor::RunningKeeper;
use provost_tests::{Ends, Host, Setup, eventually};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROVOST;

/// `web` ends with code 7 when there is a file `go`, and is started again; `db` lives on. Each writes down its lives, and a life that
/// begins while another copy holds the lock.
const CONFIG: &str = "[host]\nkeeper = true\n\
                      [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = '10ms' }\n\
                      [process.web]\ncommand = [\"sh\", \"life.sh\"]\npolicies = [\"backoff\"]\n\
                      [process.db]\ncommand = [\"sh\", \"life.sh\"]\npolicies = [\"backoff\"]\n";

const LIFE: &str = "exec 9> $PROVOST_PROCESS.lock\n\
                    flock -n 9 || echo $PROVOST_PROCESS $PROVOST_INCARNATION >> doubles\n\
                    echo $PROVOST_INCARNATION >> $PROVOST_PROCESS.lives\n\
                    while [ $PROVOST_PROCESS = db ] || [ ! -e go ]; do sleep 0.02 9>&-; done\n\
                    rm go; exit 7\n";

/// The steps from the end of a child to the next one that is ready, as `host.step` names them.
pub(crate) const STEPS_OF_AN_END: [&str; 14] = [
    "keeper.told Ended",
    "stash.before Exited",
    "stash.written Exited",
    "keeper.before Some(Forget)",
    "keeper.sent Some(Forget)",
    "stash.before Decided",
    "stash.written Decided",
    "keeper.before Some(Spawn)",
    "keeper.sent Some(Spawn)",
    "keeper.told Spawned",
    "stash.before Spawned",
    "stash.written Spawned",
    "stash.before Ready",
    "stash.written Ready",
];

/// The steps by which a host attaches to the keeper.
const STEPS_OF_A_GREETING: [&str; 5] = [
    "greeting.before Hello",
    "greeting.sent Hello",
    "greeting.told Welcome",
    "greeting.told Held",
    "greeting.told Stashed",
];

/// A host that ends at a step when it is asked to.
pub(crate) struct Story {
    pub(crate) host: Host,
    step: PathBuf,
    /// The incarnation of `web`.
    pub(crate) incarnation: u64,
    /// Whether a keeper may have been killed after it has started a life and before it has told that. It is ended, and begun again.
    may_begin_again: bool,
    /// The process of `db`.
    db: Value,
}

/// By which a host ends at the step that this file names.
fn fail_point(step: &Path) -> String {
    format!("host.step=return({})", step.display())
}

impl Story {
    pub(crate) fn begin() -> Self {
        let setup = Setup::new(PROVOST, CONFIG);
        std::fs::write(setup.dir().join("life.sh"), LIFE).unwrap();
        let step = setup.dir().join("step");
        let host = setup.up_with(&[("FAILPOINTS", &fail_point(&step))]);
        host.until_phase("web", "running");
        let db = host.until_phase("db", "running")["pid"].clone();
        Self { host, step, incarnation: 1, may_begin_again: false, db }
    }

    /// As [`begin`](Self::begin), with keepers that are killed.
    pub(crate) fn begin_with_mortal_keepers() -> Self {
        Self { may_begin_again: true, ..Self::begin() }
    }

    /// Runs `provost up` in the background after both were killed.
    pub(crate) fn up_again(&self) {
        let mut up = self.host.setup().command(&["up", "--detach"]);
        up.env("FAILPOINTS", fail_point(&self.step));
        // The last thread of a host that was killed may have the lock for a moment.
        eventually("`up` succeeds", || up.output().unwrap(), |up| up.status.success());
    }

    /// Lets the host, or the next one, end at this step.
    pub(crate) fn end_at(&self, step: &str) {
        let next = self.step.with_extension("next");
        std::fs::write(&next, step).unwrap();
        std::fs::rename(next, &self.step).unwrap();
    }

    pub(crate) fn host_pid(&self) -> u64 {
        self.host.status()["host"]["pid"].as_u64().unwrap()
    }

    pub(crate) fn keeper(&self) -> Option<RunningKeeper> {
        RunningKeeper::at(&self.host.setup().dir().join(".provost/keeper.sock"))
    }

    /// Lets `web` end.
    pub(crate) fn end_web(&self) {
        std::fs::write(self.host.setup().dir().join("go"), "").unwrap();
    }

    /// Waits until the host has ended at its step and another one answers; asks for that one where the keeper has given up.
    pub(crate) fn until_another(&self, former: u64, step: &str) -> Value {
        let look = || {
            if self.keeper().is_some_and(|keeper| keeper.is_alone) {
                let _ = self.host.run(&["up"]);
            }
            // Asked first: the host that answers after that is not the one that ends.
            let is_to_come = self.step.exists();
            (is_to_come, self.host.setup().status_if_any())
        };
        let is_another = |(is_to_come, status): &(bool, Value)| {
            !is_to_come && status["host"]["pid"].as_u64().is_some_and(|pid| pid != former)
        };
        eventually(&format!("another host after `{step}`"), look, is_another).1
    }

    /// Checks that `web` has had one more life, and nothing else has happened.
    pub(crate) fn check_next_life(&mut self, step: &str) {
        self.incarnation += 1;
        let next = self.incarnation;
        let is_next =
            |web: &Value| web["incarnation"] == next && web["phase"] == "running" && web["ready"] == true;
        let web = self.host.until("web", &format!("lives again after `{step}`"), is_next);
        assert_eq!(web["restarts"], next - 1, "{step}: {web}");
        self.check_lives(step);
    }

    pub(crate) fn check_lives(&self, step: &str) {
        let dir = self.host.setup().dir();
        let doubles = std::fs::read_to_string(dir.join("doubles")).unwrap_or_default();
        assert_eq!(doubles, "", "{step}: two copies at once");
        // A child is ready as soon as its program runs.
        let lives = || {
            let lives = std::fs::read_to_string(dir.join("web.lives")).unwrap_or_default();
            let mut lives: Vec<&str> = lives.split_inclusive('\n').collect();
            if self.may_begin_again {
                lives.dedup();
            }
            lives.concat()
        };
        let expected: String = (1..=self.incarnation).map(|life| format!("{life}\n")).collect();
        eventually(&format!("each life has begun once after `{step}`"), lives, |lives| *lives == expected);
        let db = self.host.process("db");
        assert_eq!((&db["pid"], &db["incarnation"]), (&self.db, &1.into()), "{step}");
        eventually(
            &format!("{step}: the keeper holds web and db"),
            || self.keeper().map(|keeper| keeper.held),
            |held| *held == Some(2),
        );
    }

    /// Ends the host, and checks in the journal that nothing has happened twice.
    pub(crate) fn end(self) {
        let export = ["journal", "export"];
        let ran = if self.may_begin_again {
            // The process of `up` was the first keeper.
            self.host.ok(&["down"]);
            self.host.run(&export)
        } else {
            self.host.down().run(&export)
        };
        let records = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let web: Vec<Value> =
            records.filter(|it| it["process"] == "web" && it["generation"].is_u64()).collect();
        for life in 1..=self.incarnation {
            let of = |kind: &str| {
                let is_it = |it: &&Value| it["incarnation"] == life && it["kind"] == kind;
                web.iter().filter(is_it).collect::<Vec<_>>()
            };
            let exits = of("exited");
            assert!(
                exits.len() <= 1 && of("spawned").len() <= 1 && of("decided").len() <= 1,
                "{life}: {web:#?}"
            );
            let is_known = |exit: &&Value| exit["exit"]["code"] == 7 || life == self.incarnation;
            assert!(exits.iter().all(is_known), "{exits:?}");
        }
    }
}

#[test]
fn a_host_that_is_killed_at_any_step_of_an_end_and_a_start_is_followed_by_one_copy_and_one_decision() {
    let mut story = Story::begin();
    for step in STEPS_OF_AN_END {
        let former = story.host_pid();
        story.end_at(step);
        story.end_web();
        story.until_another(former, step);
        story.check_next_life(step);
    }
    story.end();
}

#[test]
fn a_host_that_is_killed_while_it_takes_over_decides_an_end_of_the_meantime_once() {
    let mut story = Story::begin();
    for step in STEPS_OF_A_GREETING.into_iter().chain(STEPS_OF_AN_END.into_iter().skip(1)) {
        let former = story.host_pid();
        let pid = story.host.process("web")["pid"].clone();
        // A host that is suspended notices nothing.
        Host::kill(&former.into(), Signal::STOP);
        story.end_web();
        let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        eventually("it has ended", stat, |stat| stat.contains(") Z "));
        story.end_at(step);
        Host::kill(&former.into(), Signal::KILL);
        story.until_another(former, step);
        story.check_next_life(step);
    }
    story.end();
}

#[test]
fn an_order_is_forgotten_or_carried_out_whenever_the_host_is_killed() {
    let mut story = Story::begin();
    let is = |phase: &'static str, desired: &'static str| {
        move |web: &Value| web["phase"] == phase && web["desired"] == desired
    };
    for (step, is_carried_out) in [
        ("stash.before Stop", false),
        ("stash.written Stop", true),
        ("stash.before Exited", true),
        ("stash.written Exited", true),
    ] {
        let former = story.host_pid();
        story.end_at(step);
        let stop = story.host.run(&["stop", "web", "--wait"]);
        assert_ne!(stop.code, 0, "{step}: the host has ended before it could answer: {stop:?}");
        story.until_another(former, step);
        if is_carried_out {
            story.host.until("web", &format!("is stopped after `{step}`"), is("stopped", "down"));
            story.host.ok(&["start", "web", "--wait"]);
            story.incarnation += 1;
        } else {
            story.host.until("web", &format!("goes on after `{step}`"), is("running", "up"));
        }
        story.check_lives(step);
    }
    for (step, is_carried_out) in [("stash.before Start", false), ("stash.written Start", true)] {
        story.host.ok(&["stop", "web", "--wait"]);
        let former = story.host_pid();
        story.end_at(step);
        let start = story.host.run(&["start", "web", "--wait"]);
        assert_ne!(start.code, 0, "{step}: {start:?}");
        story.until_another(former, step);
        if !is_carried_out {
            story.host.until("web", &format!("stays stopped after `{step}`"), is("stopped", "down"));
            story.host.ok(&["start", "web", "--wait"]);
        }
        story.incarnation += 1;
        story.host.until("web", &format!("runs after `{step}`"), is("running", "up"));
        story.check_lives(step);
    }
}

#[test]
fn a_host_that_is_killed_as_it_leaves_ends_or_is_started_again_and_ends_when_it_is_asked_again() {
    let mut story = Story::begin();
    let former = story.host_pid();
    story.end_at("farewell.before Leave");
    // It may have answered that all has ended: that is true.
    let _ = story.host.run(&["down"]);
    let status = story.until_another(former, "farewell.before Leave");
    let processes = status["processes"].as_array().unwrap();
    assert!(processes.iter().all(|process| process["phase"] == "stopped"), "{processes:?}");
    story.end_at("farewell.sent Leave");
    let _ = story.host.run(&["down"]);
    assert_eq!(
        story.host.until_ended(),
        Some(0),
        "the keeper ends as the host has told it to: {}",
        story.host.log()
    );
    assert!(!story.step.exists());
}

/// Holds a lease on a file until its standard input is closed: an exec of that file hangs so long.
const LEASE: &str = "import fcntl, signal, sys\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\n\
                     file = open(sys.argv[1])\nfcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
                     print('leased', flush=True)\nsys.stdin.read()\n";

#[test]
fn a_host_that_is_killed_while_an_exec_hangs_is_followed_by_one_copy_whose_end_is_noticed() {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "python3 is missing");
        println!("python3 is missing, which holds leases: skipped");
        return;
    }
    let config = "[host]\nkeeper = true\n\
                  [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = '10ms' }\n\
                  [process.web]\ncommand = [\"./leased\", \"1000\"]\nautostart = false\npolicies = [\"backoff\"]\n";
    let setup = Setup::new(PROVOST, config);
    let program = setup.dir().join("leased");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let host = setup.up();
    let story = Story {
        step: host.setup().dir().join("step"),
        host,
        incarnation: 1,
        may_begin_again: false,
        db: Value::Null,
    };
    let mut lease = Command::new("python3");
    lease.args(["-c", LEASE]).arg(&program);
    let mut lease = Ends(lease.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    let mut output = BufReader::new(lease.0.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    assert_eq!(said, "leased\n");

    story.host.ok(&["start", "web"]);
    let is_held = || story.keeper().map(|keeper| keeper.held);
    eventually("its exec hangs", is_held, |held| *held == Some(1));
    let hangs = story.host.process("web");
    assert!(hangs["pid"].is_null(), "{hangs}");
    let former = story.host_pid();
    Host::kill(&former.into(), Signal::KILL);
    story.until_another(former, "a hanging exec");
    drop(lease.0.stdin.take());
    let web = story.host.until_phase("web", "running");
    assert_eq!(web["incarnation"], 1, "{web}");
    eventually("the keeper holds web alone", is_held, |held| *held == Some(1));

    let former = story.host_pid();
    Host::kill(&former.into(), Signal::KILL);
    story.until_another(former, "an exec");
    let after = story.host.process("web");
    assert_eq!((&after["pid"], &after["incarnation"]), (&web["pid"], &web["incarnation"]));
    Host::kill(&web["pid"], Signal::KILL);
    let next =
        story.host.until("web", "lives again", |it| it["incarnation"] == 2 && it["phase"] == "running");
    assert_eq!(next["restarts"], 1, "{next}");
    eventually("the keeper holds web alone", is_held, |held| *held == Some(1));
    story.host.down();
}
