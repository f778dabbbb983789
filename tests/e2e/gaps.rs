//! Output over the end of a host: each line is in the log once and in order, whenever the host ends.

use std::io::{Read, Seek, SeekFrom};

use provost_tests::{Host, Setup, eventually};
use rustix::process::Signal;

use crate::PROVOST;

/// Returns the pid of the host that answers, if one does.
fn answering(host: &Host) -> Option<u64> {
    host.setup().status_if_any()["host"]["pid"].as_u64()
}

/// Waits for another host than this one. If the keeper starts none any more, it is asked for one.
fn another_host(host: &Host, former: u64) -> u64 {
    let ask = || {
        let answer = answering(host).filter(|pid| *pid != former);
        if answer.is_none() && host.log().contains("the host has died 5 times within a minute") {
            // It is refused while there is one.
            let _ = host.run(&["up"]);
        }
        answer
    };
    eventually("another host answers", ask, Option::is_some).unwrap()
}

/// The lines of a process in its log files, the oldest first; the parts of a line are put together.
fn lines(host: &Host, process: &str) -> Vec<String> {
    let dir = host.setup().dir().join(".provost/logs");
    let (mut lines, mut begun) = (Vec::new(), String::new());
    for number in (0..100).rev() {
        let name = if number == 0 { format!("{process}.log") } else { format!("{process}.log.{number}") };
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        for record in text.lines() {
            let mut parts = record.splitn(4, ' ');
            let (tag, text) = (parts.nth(2).unwrap_or_default(), parts.next().unwrap_or_default());
            begun.push_str(text);
            if tag == "F" {
                lines.push(std::mem::take(&mut begun));
            }
        }
    }
    lines
}

/// The end of the log file of a process.
fn end_of_log(host: &Host, process: &str) -> String {
    let path = host.setup().dir().join(format!(".provost/logs/{process}.log"));
    let Ok(mut file) = std::fs::File::open(path) else { return String::new() };
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(200))).unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    String::from_utf8_lossy(&end).into_owned()
}

/// Whether the last line of the log, or its last part, is this one.
fn is_last(end: &str, line: &str) -> bool {
    end.ends_with(&format!(" stdout F {line}\n"))
}

/// Checks that the log has the numbers from 1 on, each once and in order, and `last` at the end.
fn assert_numbered(host: &Host, last: &str) {
    let all = lines(host, "web");
    assert_eq!(all.last().map(String::as_str), Some(last), "{}", host.log());
    let numbers = all.len() - usize::from(last.parse::<u64>().is_err());
    assert!(last.parse() == Ok(numbers) || numbers < all.len(), "{numbers} lines up to {last}");
    for (at, line) in all[..numbers].iter().enumerate() {
        assert_eq!(*line, (at + 1).to_string(), "line {} of {numbers}\n{}", at + 1, host.log());
    }
}

const LOGS: &str = "logs = { file_size = \"64MiB\", files = 20 }";

#[test]
fn a_flood_of_numbered_lines_over_twenty_kills_of_the_host_is_in_the_log_once_and_in_order() {
    let config = format!(
        "[host]\nkeeper = true\n[process.web]\n{LOGS}\n\
         command = \"i=0; while [ ! -e stop ]; do i=$((i+1)); echo $i; done; echo end; exec sleep 1000\"\n"
    );
    let host = Host::up(PROVOST, &config);
    host.until_phase("web", "running");
    let mut former = u64::from(host.pid());
    for _ in 0..20 {
        Host::kill(&former.into(), Signal::KILL);
        former = another_host(&host, former);
    }
    std::fs::write(host.setup().dir().join("stop"), "").unwrap();
    eventually("everything is in the log", || end_of_log(&host, "web"), |end| is_last(end, "end"));
    assert_numbered(&host, "end");
    let gaps = std::fs::read_dir(host.setup().dir().join(".provost/logs/gaps")).unwrap();
    assert_eq!(gaps.count(), 0, "what is in the log is not kept elsewhere");
    host.down();
}

#[test]
fn a_process_does_not_wait_for_a_host_that_stays_down_and_its_lines_are_in_the_log_once_there_is_one() {
    let config = format!(
        "[host]\nkeeper = true\n[process.web]\n{LOGS}\n\
         command = \"until [ -e go ]; do sleep 0.05; done; seq 1 500000; echo >done; exec sleep 1000\"\n"
    );
    let host = Host::up(PROVOST, &config);
    host.until_phase("web", "running");
    let mut former = u64::from(host.pid());
    for _ in 0..4 {
        Host::kill(&former.into(), Signal::KILL);
        former = another_host(&host, former);
    }
    Host::kill(&former.into(), Signal::KILL);
    eventually(
        "it stays down",
        || host.log(),
        |log| log.contains("the host has died 5 times within a minute"),
    );
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    eventually("it has written all", || host.setup().dir().join("done").exists(), |done| *done);
    another_host(&host, former);
    // Its last line may be in the log in two parts: one of the gap, and one of the pipe.
    eventually("the last line is", || lines(&host, "web").pop(), |last| last.as_deref() == Some("500000"));
    assert_numbered(&host, "500000");
    host.down();
}

#[test]
fn a_host_that_ends_again_and_again_before_it_consumes_what_it_has_written_doubles_no_line() {
    // The process ends as well, so what it has written last is only in its pipe for a while.
    let config = format!(
        "[host]\nkeeper = true\n[process.web]\ntype = \"job\"\n{LOGS}\n\
         command = \"until [ -e go ]; do sleep 0.05; done; seq 1 1000000\"\n"
    );
    let host = Setup::new(PROVOST, &config).up_with(&[("FAILPOINTS", "log.take=3*off->return")]);
    let first = u64::from(host.pid());
    std::fs::write(host.setup().dir().join("go"), "").unwrap();
    let asked = || {
        let answer = answering(&host);
        if answer.is_none() {
            let _ = host.run(&["up"]);
        }
        answer
    };
    let last = || (asked(), lines(&host, "web").pop());
    eventually("everything is in the log", last, |(_, last)| last.as_deref() == Some("1000000"));
    let last = eventually("a host answers", asked, Option::is_some);
    assert_ne!(last, Some(first), "no host has ended");
    assert_numbered(&host, "1000000");
    host.down();
}
