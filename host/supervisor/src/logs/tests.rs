//! The log of one process without a process.

use std::sync::Arc;

use super::disk::Reserve;
use super::file::Batch;
use super::follower::Queue;
use super::losses::Losses;
use super::past::{Merged, Past, Step};
use super::process::ProcessLog;
use super::record::PART_BYTES_MAX;
use super::{LogItem, LogStream};
use crate::degraded::Degraded;
use crate::spec::LogLimits;

fn log(dir: &tempfile::TempDir, name: &str, limits: LogLimits) -> Arc<ProcessLog> {
    let path = dir.path().join(format!("{name}.log"));
    let (reserve, losses) = (Arc::new(Reserve::new()), Arc::new(Losses::new(Degraded::default())));
    Arc::new(ProcessLog::new(Arc::from(name), path, limits, reserve, losses))
}

fn write_at(log: &ProcessLog, at_ms: u64, text: &[u8]) {
    let bytes = [text, b"\n"].concat();
    log.write(Batch { stream: LogStream::Out, at_ms, bytes, complete: true });
}

fn written(limits: LogLimits, lines: &[&str]) -> (tempfile::TempDir, Arc<ProcessLog>) {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, "web", limits);
    for line in lines {
        write_at(&log, 1_700_000_000_000, line.as_bytes());
    }
    (dir, log)
}

fn all(logs: &[Arc<ProcessLog>], lines: usize) -> Vec<String> {
    let past = |log: &Arc<ProcessLog>| Past::of(log.clone(), log.past_end(None).unwrap(), lines).unwrap();
    let mut merged = Merged::new(logs.iter().map(past).collect());
    let mut texts = Vec::new();
    let mut take = |lines: Vec<super::LogLine>| {
        texts.extend(lines.into_iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()));
    };
    loop {
        merged = match merged.step() {
            Step::Lines(next, lines) => {
                take(lines);
                next
            }
            Step::Later(next) => next,
            Step::End(lines) => {
                take(lines);
                return texts;
            }
        };
    }
}

fn texts(log: &Arc<ProcessLog>, lines: usize) -> Vec<String> {
    all(std::slice::from_ref(log), lines)
}

#[test]
fn the_tail_reaches_back_over_rotated_files_and_no_file_exceeds_its_limit() {
    let names: Vec<String> = (0..20).map(|n| format!("line {n}")).collect();
    let lines: Vec<&str> = names.iter().map(String::as_str).collect();
    let (dir, log) = written(LogLimits { file_bytes_max: 200, files_max: 10 }, &lines);
    assert_eq!(texts(&log, 20), lines);
    assert_eq!(texts(&log, 100_000_000_000), lines);
    assert_eq!(texts(&log, 3), lines[17..]);
    assert_eq!(texts(&log, 0), [""; 0]);
    let sizes: Vec<u64> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    assert!(sizes.len() > 2 && sizes.iter().all(|size| *size <= 200), "{sizes:?}");
}

#[test]
fn no_more_files_are_kept_than_asked_for() {
    for files_max in 1..4 {
        let (dir, log) = written(LogLimits { file_bytes_max: 60, files_max }, &["a"; 12]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), files_max);
        assert_eq!(texts(&log, 100).len(), files_max);
    }
}

#[test]
fn a_very_long_line_comes_back_whole() {
    let long = "x".repeat(3 * PART_BYTES_MAX + 17);
    let (_dir, log) = written(LogLimits::default(), &["before", &long, "after"]);
    assert_eq!(texts(&log, 10), ["before", &long, "after"]);
    assert_eq!(texts(&log, 1), ["after"]);
}

#[test]
fn the_pasts_of_many_processes_come_by_time_and_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let logs: Vec<_> = (0..600).map(|n| log(&dir, &format!("p{n}"), LogLimits::default())).collect();
    let mut expected = Vec::new();
    for round in 0..4_u64 {
        for (index, log) in logs.iter().enumerate() {
            let text = format!("{round} of {index} {}", "x".repeat(200));
            write_at(log, 1_700_000_000_000 + round * 1_000 + index as u64, text.as_bytes());
            expected.push(text);
        }
    }
    assert!(all(&logs, 100) == expected);
    assert!(all(&logs, 1) == expected[3 * 600..]);
}

#[test]
fn the_tail_and_what_is_told_from_then_on_meet_without_gap_or_overlap_while_files_are_shifted() {
    const LINES: usize = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, "web", LogLimits { file_bytes_max: 4_000, files_max: 1_000 });
    let writer = std::thread::spawn({
        let log = log.clone();
        move || (0..LINES).for_each(|n| write_at(&log, 1_700_000_000_000, n.to_string().as_bytes()))
    });
    while !writer.is_finished() {
        let queue = Arc::<Queue>::default();
        let Ok(end) = log.past_end(Some(&queue)) else { continue };
        let past = loop {
            if let Ok(past) = Past::of(log.clone(), end, usize::MAX) {
                break past;
            }
        };
        let mut merged = Merged::new(vec![past]);
        let mut seen = Vec::new();
        loop {
            merged = match merged.step() {
                Step::Lines(next, lines) => {
                    seen.extend(lines);
                    next
                }
                Step::Later(next) => next,
                Step::End(lines) => {
                    seen.extend(lines);
                    break;
                }
            };
        }
        queue.close();
        while let Some(LogItem::Line(line)) = queue.try_take() {
            seen.push(line);
        }
        let numbers: Vec<usize> =
            seen.iter().map(|line| std::str::from_utf8(&line.text).unwrap().parse().unwrap()).collect();
        assert!(numbers.iter().copied().eq(0..numbers.len()), "{numbers:?}");
    }
    writer.join().unwrap();
}

#[test]
fn a_line_that_was_torn_by_the_end_of_a_former_host_is_not_glued_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("web.log"), "2026-11-23T05:41:23.123Z stdout F tor").unwrap();
    let log = log(&dir, "web", LogLimits::default());
    write_at(&log, 1_700_000_000_000, b"next");
    assert_eq!(texts(&log, 1), ["next"]);
}

#[test]
fn what_is_no_record_is_passed_over_however_long_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("web.log"), [vec![b'?'; 300 << 10], b"\n".to_vec()].concat()).unwrap();
    let log = log(&dir, "web", LogLimits::default());
    write_at(&log, 1_700_000_000_000, b"ours");
    assert_eq!(texts(&log, 10), ["ours"]);
}
