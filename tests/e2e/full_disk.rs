//! A disk that is really full: the logs or the journal are on a small separate file system. Only root may mount one; without that right the
//! test says so and does nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use provost_tests::{Host, Setup, eventually};
use serde_json::Value;

use crate::PROVOST;
use crate::keeper::{lives, numbers};
use crate::lost_keeper::{WAITING, down, file, kill_both, pids, until_all_run, up_again};

/// A small file system in memory, which is unmounted at the end of the test.
struct Small(PathBuf);

impl Small {
    fn mounted(at: &Path) -> Option<Self> {
        Self::of_size(at, "64k")
    }

    fn of_size(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let options = format!("size={size},mode=700");
        mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], at).then(|| Self(at.to_owned()))
    }

    /// Writes until there is no room.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        let block = [0; 4096];
        while filler.write_all(&block).is_ok() {}
        while filler.write_all(&block[..1]).is_ok() {}
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=64m"], &self.0));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // This works even if files in it are open: after a failed test the host may still be running.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(arguments).arg(at).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn after_a_full_disk_every_line_in_the_log_is_whole_and_later_lines_are_written() {
    let printer = r#"
        i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done
        while [ ! -e room ]; do sleep 0.1; done
        echo first after space came back; exec sleep 1000"#;
    let config = format!("[host]\nlog_dir = \"small\"\n[process.talk]\ncommand = '''{printer}'''\n");
    let setup = Setup::new(PROVOST, &config);
    let Some(small) = Small::mounted(&setup.dir().join("small")) else {
        eprintln!("skipped: this needs the right to mount a file system");
        return;
    };
    let host = setup.up();
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("the host says that lines are lost", degraded, |lacks| lacks.contains("log files"));
    small.grow();
    std::fs::write(host.setup().dir().join("room"), "").unwrap();
    let last = || host.ok(&["logs", "-n", "1", "talk"]);
    eventually("it is the last line", last, |line| line == "first after space came back\n");
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("it is over", degraded, |lacks| !lacks.contains("log files"));
    let log = std::fs::read_to_string(small.0.join("talk.log")).unwrap();
    let is_whole = |record: &str| {
        let text = record.split_once(" stdout F ").map(|(_, text)| text).unwrap_or_default();
        let number = text.strip_prefix("line ").and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| (1..=3_000).contains(&number)) || text == "first after space came back"
    };
    assert!(log.lines().count() > 100, "{log}");
    let torn: Vec<_> = log.lines().filter(|record| !is_whole(record)).collect();
    assert_eq!(torn, [""; 0]);
    assert!(log.lines().count() < 3_001, "the disk was never full");
    host.down();
}

#[test]
fn on_a_full_disk_the_journal_counts_what_it_loses_and_tells_it_when_there_is_room() {
    let config = "[host]\nrestart_budget = { restarts = 99, per = \"1ms\" }\n\
                  [plugins.backoff]\ncomponent = \"bundled:backoff\"\nsettings = { first = '1ms', max = '1ms' }\n\
                  [process.web]\ncommand = \"exit 1\"\npolicies = [\"backoff\"]\n";
    let setup = Setup::new(PROVOST, config);
    let runtime_dir = setup.dir().join(".provost");
    std::fs::DirBuilder::new().mode(0o700).create(&runtime_dir).unwrap();
    let Some(small) = Small::mounted(&runtime_dir.join("journal")) else {
        eprintln!("skipped: this needs the right to mount a file system");
        return;
    };
    let host = setup.up();
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("the host says that records are lost", degraded, |lacks| lacks.contains("No space left"));
    let restarts = || host.process("web")["restarts"].as_u64().unwrap();
    let before = restarts();
    eventually("supervision goes on", restarts, |restarts| *restarts > before + 5);
    let told = host.run(&["journal", "verify"]);
    assert!(told.code == 0 && told.stdout.contains("the disk was full"), "{}", told.stdout);
    small.grow();
    eventually("it is over", degraded, |lacks| !lacks.contains("the journal"));
    host.ok(&["stop", "web", "--wait"]);
    let verified = host.run(&["journal", "verify", "-o", "json"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    let gaps = verified["gaps"].as_array().unwrap();
    assert!(gaps[0]["reason"] == "disk_full" && gaps[0]["count"].as_u64().unwrap() > 5, "{gaps:?}");
    let kinds = host.ok(&["journal", "stats"]);
    assert!(kinds.contains("checkpoint"), "the states are written after the gap: {kinds}");
    host.down();
}

/// Four processes that end when they are asked to, and one that writes numbered lines.
fn waiting_and_writing() -> String {
    format!(
        "[host]\nkeeper = true\n[process.web]\nreplicas = 4\ncommand = \"{WAITING}\"\n\
         [process.writer]\ncommand = \"i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done\"\n"
    )
}

/// Lets one of them end, and waits for its next life.
fn end_one(host: &Host, name: &str, next: u64) {
    std::fs::write(file(host, &format!("go.{name}")), "").unwrap();
    let is_next = |it: &Value| it["incarnation"] == next && it["phase"] == "running";
    host.until(name, "runs again", is_next);
}

/// What is the same of a life of which nothing could be written down: the phase, the process and the incarnation. Its start is
/// known to a hundredth of a second then, and how often it was restarted before is not.
fn identities(status: &Value) -> BTreeMap<String, [Value; 3]> {
    let kept = |(name, life): (String, Value)| (name, [0, 1, 2].map(|at| life[at].clone()));
    lives(status).into_iter().map(kept).collect()
}

#[test]
fn after_both_were_killed_on_a_full_disk_all_processes_go_on_and_none_is_there_twice() {
    let setup = Setup::new(PROVOST, &waiting_and_writing());
    let Some(small) = Small::of_size(&setup.dir().join(".provost"), "16m") else {
        eprintln!("skipped: this needs the right to mount a file system");
        return;
    };
    let host = setup.up();
    until_all_run(&host, 5);
    small.fill();
    // The table and the copy of the stash do not know of this life.
    end_one(&host, "web.3", 2);
    for next in 2..=3 {
        let before = identities(&host.status());
        kill_both(&host, 4);
        let after = up_again(&host);
        assert_eq!(identities(&after), before, "{}", host.setup().host_log());
        // The new host supervises although it can write nothing down.
        end_one(&host, "web.2", next);
    }
    let degraded = || host.status()["host"]["degraded"].to_string();
    eventually("the host says what it cannot write", degraded, |lacks| {
        lacks.contains("the table of processes")
    });
    std::fs::remove_file(small.0.join("filler")).unwrap();
    eventually("it is over", degraded, |lacks| lacks == "[]" || lacks == "null");
    let before = lives(&host.status());
    kill_both(&host, 5);
    assert_eq!(lives(&up_again(&host)), before, "{}", host.setup().host_log());
    // Lines that the disk could not take are counted, and later ones are written.
    let log = file(&host, ".provost/logs/writer.log");
    let last = || numbers(&log).last().copied();
    let now = last();
    eventually("the log grows", last, |last| *last > now);
    down(&host, pids(&before));
}
