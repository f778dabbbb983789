//! Tests of capturing from pipes and terminals that the test holds.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use provost_files::Owners;
use provost_state::{Incarnation, ProcessId};
use rustix::fs::{Mode, OFlags};

use super::all::Logs;
use super::item::LogItem;
use crate::children::Output;
use crate::degraded::Degraded;
use crate::jobs::Jobs;
use crate::publish::Publisher;
use crate::spec::{CommandLine, ProcessSpec};

/// The logs of one process called `web`.
fn logs(dir: &Path) -> (Logs, ProcessId) {
    let degraded = Degraded::default();
    let logs =
        Logs::new(dir.to_owned(), Owners::default(), None, &Jobs::start(&degraded), &degraded).unwrap();
    let publisher = Publisher::new(crate::Clock::new(), provost_state::Routing::default(), None);
    let id = publisher.add(provost_state::Identity::new("web", ""), None).unwrap().id;
    logs.add(id, &ProcessSpec::new("web", CommandLine::Shell("true".to_owned())));
    (logs, id)
}

fn pipe() -> (Output, File) {
    let (stdout, writer) = std::io::pipe().unwrap();
    (Output { stdout: Arc::new(stdout.into()), stderr: None }, File::from(OwnedFd::from(writer)))
}

/// Writes to the pipe until the write fails because nobody reads it any more.
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
    logs.capture(id, Incarnation(1), Output { stdout: Arc::new(master), stderr: None });
    child.write_all(b"to a terminal\nlast").unwrap();
    drop(child);
    logs.capture.drained().await;
    let text = std::fs::read_to_string(dir.path().join("web.log")).unwrap();
    assert!(text.contains("to a terminal") && text.ends_with(" stdout F last\n"), "{text}");
}

#[tokio::test]
async fn a_dropped_follower_is_removed_at_once_and_one_that_comes_after_the_end_ends() {
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

/// Receives the next line: its text, and whether the line continues.
async fn next_line(reader: &mut super::LogReader) -> (String, bool) {
    match reader.recv().await {
        Some(LogItem::Line(line)) => (String::from_utf8_lossy(&line.text).into_owned(), line.partial),
        other => panic!("{other:?}"),
    }
}

fn text(dir: &Path) -> String {
    let text = std::fs::read_to_string(dir.join("web.log")).unwrap();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned() + "\n").collect()
}

#[tokio::test]
async fn a_line_without_an_end_is_shown_after_a_silence_and_the_rest_goes_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, mut child) = pipe();
    let seen = logs.await_text(id, Incarnation(1), "Enter PIN");
    logs.capture(id, Incarnation(1), output);
    let mut reader = logs.follow(&[id], 0, true);
    child.write_all(b"before\nEnter ").unwrap();
    assert_eq!(next_line(&mut reader).await, ("before".to_owned(), false));
    assert_eq!(next_line(&mut reader).await, ("Enter ".to_owned(), true));
    child.write_all(b"\x1b[1mPIN: ").unwrap();
    assert_eq!(next_line(&mut reader).await, ("\x1b[1mPIN: ".to_owned(), true));
    seen.await.unwrap();
    child.write_all(b"1234\nafter").unwrap();
    assert_eq!(next_line(&mut reader).await, ("1234".to_owned(), false));
    drop(child);
    assert_eq!(next_line(&mut reader).await.0, "after");
    logs.told_to_its_end(id, Incarnation(1)).await;
    let mut past = logs.follow(&[id], 2, false);
    assert_eq!(next_line(&mut past).await, ("Enter \x1b[1mPIN: 1234".to_owned(), false));
}

#[tokio::test]
async fn a_bar_that_grows_without_a_pause_is_shown_as_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, mut child) = pipe();
    logs.capture(id, Incarnation(1), output);
    let mut reader = logs.follow(&[id], 0, true);
    let shown = loop {
        child.write_all(b"#").unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if let Some(LogItem::Line(line)) = reader.try_recv() {
            break line;
        }
    };
    assert!(shown.partial && shown.text.iter().all(|byte| *byte == b'#'), "{shown:?}");
}

#[tokio::test]
async fn what_was_not_written_is_still_in_the_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, mut child) = pipe();
    let pipe = output.stdout.try_clone().unwrap();
    let there = || rustix::io::ioctl_fionread(&pipe).unwrap();
    let turn = logs.of(id).unwrap().turn().await;
    let mut seen = logs.await_text(id, Incarnation(1), "one");
    logs.capture(id, Incarnation(1), output);
    child.write_all(b"one\n").unwrap();
    (&mut seen).await.unwrap();
    assert_eq!(there(), 4, "it was looked at, and waits for its turn to be written");
    drop(turn);
    let mut reader = logs.follow(&[id], 5, true);
    assert_eq!(next_line(&mut reader).await.0, "one");
    child.write_all(b"two").unwrap();
    assert_eq!(next_line(&mut reader).await, ("two".to_owned(), true));
    while there() > 0 {
        tokio::task::yield_now().await;
    }
    drop(child);
    logs.capture.drained().await;
    assert_eq!(text(dir.path()), "stdout F one\nstdout P two\nstdout F \n");
}

#[tokio::test]
async fn lines_of_any_length_in_pieces_of_any_size_come_whole_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, mut child) = pipe();
    logs.capture(id, Incarnation(1), output);
    let mut reader = logs.follow(&[id], 0, true);
    let lines: Vec<String> = (0..60).map(|n| format!("{n} {}", "z".repeat(n * n * n % 300_000))).collect();
    let all = lines.join("\n") + "\n";
    let (taken, taken_bytes) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let mut waiting = 0;
        for (number, piece) in all.as_bytes().chunks(3_001).enumerate() {
            child.write_all(piece).unwrap();
            waiting += piece.len();
            // A follower that is further behind would miss lines.
            while waiting > 600_000 {
                waiting -= taken_bytes.recv().unwrap();
            }
            if number % 50 == 0 {
                std::thread::yield_now();
            }
        }
    });
    for line in &lines {
        let (text, partial) = next_line(&mut reader).await;
        assert!(text == *line && !partial, "{} of {} bytes", text.len(), line.len());
        // The writer may have ended already.
        let _ = taken.send(text.len() + 1);
    }
    writer.join().unwrap();
}

/// Writes numbered lines as fast as it can until the pipe is closed.
fn flood(mut writer: File) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut number = 0_u64;
        while writer.write_all(format!("{number} {}\n", "y".repeat(90)).as_bytes()).is_ok() {
            number += 1;
        }
    })
}

#[tokio::test]
async fn a_flooded_pipe_gives_way_to_a_writer_that_waits_for_its_turn() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, child) = pipe();
    logs.capture(id, Incarnation(1), output);
    let flooding = flood(child);
    let log = logs.of(id).unwrap();
    for _ in 0..20 {
        drop(log.turn().await);
        drop(log.line(super::LogStream::Out).await);
    }
    logs.stopped(id);
    logs.capture.drained().await;
    flooding.join().unwrap();
}

#[tokio::test]
async fn a_flood_that_is_given_up_has_no_line_twice_and_misses_none() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, id) = logs(dir.path());
    let (output, child) = pipe();
    logs.capture(id, Incarnation(1), output);
    let mut reader = logs.follow(&[id], 0, true);
    let flooding = flood(child);
    assert!(next_line(&mut reader).await.0.starts_with("0 "));
    drop(reader);
    logs.stopped(id);
    logs.capture.drained().await;
    flooding.join().unwrap();
    // It is counted after the pipe was closed.
    while logs.given_up() == 0 {
        tokio::task::yield_now().await;
    }
    let mut past = logs.follow(&[id], 2_000, false);
    let mut numbers = Vec::new();
    while let Some(LogItem::Line(line)) = past.recv().await {
        let text = String::from_utf8_lossy(&line.text).into_owned();
        numbers.push(text.split(' ').next().unwrap().parse::<u64>().unwrap());
    }
    assert!(numbers.len() > 100 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}
