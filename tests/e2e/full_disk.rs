//! A disk that is really full: the logs or the journal are on a small separate file system. Only root may mount one; without that right the
//! test says so and does nothing.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use provost_tests::{Setup, eventually};

use crate::PROVOST;

/// A small file system in memory, which is unmounted at the end of the test.
struct Small(PathBuf);

impl Small {
    fn mounted(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        mount(&["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"], at).then(|| Self(at.to_owned()))
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
    let verified: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    let gaps = verified["gaps"].as_array().unwrap();
    assert!(gaps[0]["reason"] == "disk_full" && gaps[0]["count"].as_u64().unwrap() > 5, "{gaps:?}");
    let kinds = host.ok(&["journal", "stats"]);
    assert!(kinds.contains("checkpoint"), "the states are written after the gap: {kinds}");
    host.down();
}
