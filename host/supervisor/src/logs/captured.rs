//! Capturing what comes out of pipes and terminals that a test holds.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use provost_state::{Incarnation, ProcessId};
use rustix::fs::{Mode, OFlags};

use super::{LogItem, Logs};
use crate::children::Output;
use crate::degraded::Degraded;
use crate::jobs::Jobs;
use crate::publisher::Publisher;
use crate::spec::{CommandLine, ProcessSpec};

/// The logs of one process called `web`.
fn logs(dir: &Path) -> (Logs, ProcessId) {
    let degraded = Degraded::default();
    let logs = Logs::new(dir.to_owned(), &Jobs::start(&degraded), &degraded).unwrap();
    let publisher = Publisher::new(crate::Clock::new(), provost_state::Routing::default());
    let id = publisher.add(provost_state::Identity::new("web", ""), None).unwrap().id;
    logs.add(id, &ProcessSpec::new("web", CommandLine::Shell("true".to_owned())));
    (logs, id)
}

fn pipe() -> (Output, File) {
    let (stdout, writer) = std::io::pipe().unwrap();
    (Output { stdout: stdout.into(), stderr: None }, File::from(OwnedFd::from(writer)))
}

/// Whoever writes to the pipe is told that nobody reads it any more.
async fn until_closed(mut writer: File) {
    loop {
        if let Err(error) = writer.write_all(b"still there\n") {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pipe_that_a_stranger_holds_is_closed_after_the_next_life_has_begun() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (first, stranger) = pipe();
    logs.capture(id, Incarnation(1), first);
    let (second, mut child) = pipe();
    logs.capture(id, Incarnation(2), second);
    until_closed(stranger).await;
    child.write_all(b"the next life\n").unwrap();
    drop(child);
    logs.capture.drained().await;
    assert_eq!(logs.given_up(), 1);
    let text = std::fs::read_to_string(dir.path().join("web.log")).unwrap();
    assert!(text.contains(" stdout F the next life\n") && text.contains(" stdout F still there\n"), "{text}");
}

#[tokio::test]
async fn a_pipe_that_a_stranger_holds_is_closed_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, stranger) = pipe();
    logs.capture(id, Incarnation(1), output);
    logs.stopped(id);
    until_closed(stranger).await;
    logs.capture.drained().await;
    assert_eq!(logs.given_up(), 1);
}

#[tokio::test]
async fn a_terminal_is_read_to_its_end() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut child = File::from(rustix::fs::open(&*name, flags, Mode::empty()).unwrap());
    logs.capture(id, Incarnation(1), Output { stdout: master, stderr: None });
    child.write_all(b"to a terminal\nlast").unwrap();
    drop(child);
    logs.capture.drained().await;
    let text = std::fs::read_to_string(dir.path().join("web.log")).unwrap();
    assert!(text.contains("to a terminal") && text.ends_with(" stdout F last\n"), "{text}");
}

#[tokio::test]
async fn a_follower_that_is_gone_is_forgotten_at_once_and_one_after_the_end_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, mut child) = pipe();
    logs.capture(id, Incarnation(1), output);
    drop(logs.follow(&[id], 0, true));
    assert_eq!(logs.of(id).unwrap().now().followers(), 0);
    let mut reader = logs.follow(&[id], 5, true);
    child.write_all(b"one\n").unwrap();
    assert!(matches!(reader.recv().await, Some(LogItem::Line(line)) if line.text == "one"));
    drop(child);
    logs.finish(std::time::Duration::from_secs(60)).await;
    assert_eq!(reader.recv().await, None);
    let mut late = logs.follow(&[id], 5, true);
    assert!(matches!(late.recv().await, Some(LogItem::Line(line)) if line.text == "one"));
    assert_eq!(late.recv().await, None);
}

#[tokio::test]
async fn log_files_and_their_directory_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("logs");
    let (logs, id) = logs(&below);
    let (output, mut child) = pipe();
    logs.capture(id, Incarnation(1), output);
    child.write_all(b"secret\n").unwrap();
    drop(child);
    logs.capture.drained().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&below), mode(&below.join("web.log"))), (0o700, 0o600));
}
