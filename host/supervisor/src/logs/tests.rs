//! Tests of the log of one process, without a process.

use std::sync::Arc;

use super::disk::Reserve;
use super::follower::Queue;
use super::item::{LogItem, LogLine, LogStream};
use super::process::ProcessLog;
use super::read::merged::{Merged, Step};
use super::read::past::{Counted, Past, Tally};
use super::read::query::{LogPattern, LogQuery};
use super::read::stored::StoredFiles;
use super::record::PART_BYTES_MAX;
use super::write::batch::{Batch, End};
use super::write::losses::Losses;
use crate::degraded::Degraded;
use crate::spec::LogLimits;

fn log(dir: &tempfile::TempDir, name: &str, limits: LogLimits) -> Arc<ProcessLog> {
    let path = dir.path().join(format!("{name}.log"));
    let (reserve, losses) = (Arc::new(Reserve::new()), Arc::new(Losses::new(Degraded::default())));
    Arc::new(ProcessLog::new(Arc::from(name), path, limits, reserve, losses, Vec::new()))
}

fn write_at(log: &ProcessLog, at_ms: u64, text: &[u8]) {
    let bytes = [text, b"\n"].concat();
    log.write(Batch { stream: LogStream::Out, at_ms, bytes, end: End::Whole, claim: None });
}

fn written(limits: LogLimits, lines: &[&str]) -> (tempfile::TempDir, Arc<ProcessLog>) {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, "web", limits);
    for line in lines {
        write_at(&log, 1_700_000_000_000, line.as_bytes());
    }
    (dir, log)
}

/// Returns the past of a log from its first wanted line.
fn past(log: &Arc<ProcessLog>, query: &LogQuery) -> Past {
    let end = log.past_end(None).unwrap();
    let mut counted = Tally::of(Past::of(log.stored.clone(), end, Arc::new(query.clone())).unwrap());
    loop {
        counted = match counted {
            Counted::Done(past) => return past,
            Counted::More(tally) | Counted::Later(tally) => tally.step(1_000).unwrap(),
        };
    }
}

fn read(pasts: Vec<Past>) -> Vec<LogLine> {
    let mut merged = Merged::new(pasts, Box::new(|name, error| panic!("{name}: {error}")));
    let mut read = Vec::new();
    loop {
        merged = match merged.step() {
            Step::Lines(next, lines) => {
                read.extend(lines);
                next
            }
            Step::Later(next) => next,
            Step::End(lines) => {
                read.extend(lines);
                return read;
            }
        };
    }
}

fn all(logs: &[Arc<ProcessLog>], query: impl Into<LogQuery>) -> Vec<String> {
    let query = query.into();
    let lines = read(logs.iter().map(|log| past(log, &query)).collect());
    lines.into_iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()).collect()
}

fn texts(log: &Arc<ProcessLog>, query: impl Into<LogQuery>) -> Vec<String> {
    all(std::slice::from_ref(log), query)
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
fn the_tail_and_the_live_lines_meet_without_gap_or_overlap_during_rotations() {
    const LINES: usize = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, "web", LogLimits { file_bytes_max: 4_000, files_max: 1_000 });
    let writer = std::thread::spawn({
        let log = log.clone();
        move || (0..LINES).for_each(|n| write_at(&log, 1_700_000_000_000, n.to_string().as_bytes()))
    });
    while !writer.is_finished() {
        let queue = Queue::of(Some(1));
        let Ok(end) = log.past_end(Some(&queue)) else { continue };
        let past = loop {
            if let Ok(past) = Past::of(log.stored.clone(), end, Arc::new(usize::MAX.into())) {
                break past;
            }
        };
        let mut seen = read(vec![past]);
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
    assert_eq!(texts(&log, 2), ["tor [provost: the rest of this line is missing]", "next"]);
    let log = self::log(&dir, "db", LogLimits::default());
    std::fs::write(dir.path().join("db.log"), "2026-11-23T05:41:23.123Z std").unwrap();
    write_at(&log, 1_700_000_000_000, b"later");
    assert_eq!(texts(&log, 10), ["later"], "where there is no text, there is nothing to mark");
}

#[test]
fn a_malformed_line_is_skipped_however_long_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("web.log"), [vec![b'?'; 300 << 10], b"\n".to_vec()].concat()).unwrap();
    let log = log(&dir, "web", LogLimits::default());
    write_at(&log, 1_700_000_000_000, b"ours");
    assert_eq!(texts(&log, 10), ["ours"]);
}

/// Writes a part of a line on a stream.
fn write_part(log: &ProcessLog, stream: LogStream, text: &str, end: End) {
    log.write(Batch { stream, at_ms: 1_700_000_000_000, bytes: text.as_bytes().to_vec(), end, claim: None });
}

#[test]
fn a_line_that_a_former_host_has_left_unfinished_is_ended_also_over_a_rotation() {
    for (file_bytes_max, rotated) in [(10_000, false), (50, true)] {
        let dir = tempfile::tempdir().unwrap();
        let limits = LogLimits { file_bytes_max, files_max: 10 };
        write_part(&log(&dir, "web", limits), LogStream::Err, "password: ", End::Shown);
        if rotated {
            std::fs::rename(dir.path().join("web.log"), dir.path().join("web.log.1")).unwrap();
        }
        let log = log(&dir, "web", LogLimits { file_bytes_max: 10_000, files_max: 10 });
        write_part(&log, LogStream::Out, "out\n", End::Whole);
        write_part(&log, LogStream::Err, "err\n", End::Whole);
        let ended = "password:  [provost: the rest of this line is missing]";
        assert_eq!(texts(&log, 10), ["out", ended, "err"]);
    }
}

#[test]
fn lines_are_counted_whole_however_many_parts_they_have_and_whatever_comes_between_them() {
    let long = "x".repeat(3 * PART_BYTES_MAX + 17);
    let (_dir, log) = written(LogLimits { file_bytes_max: 100_000, files_max: 100 }, &["a", &long, "b"]);
    write_part(&log, LogStream::Out, "begin ", End::Shown);
    for number in 0..5 {
        write_part(&log, LogStream::Err, &format!("err {number}\n"), End::Whole);
    }
    write_part(&log, LogStream::Out, "end\n", End::Whole);
    write_part(&log, LogStream::Err, "err 5\n", End::Whole);
    write_part(&log, LogStream::Out, "prompt: ", End::Shown);
    let every =
        ["a", &long, "b", "err 0", "err 1", "err 2", "err 3", "err 4", "begin end", "err 5", "prompt: "];
    for lines in 1..=every.len() + 1 {
        assert_eq!(texts(&log, lines), every[every.len().saturating_sub(lines)..], "{lines}");
    }
    let query = LogQuery { pattern: Some(LogPattern::new("^err|^x*$").unwrap()), ..LogQuery::last(7) };
    assert_eq!(texts(&log, query), [&long, "err 0", "err 1", "err 2", "err 3", "err 4", "err 5"]);
}

#[test]
fn any_number_of_last_lines_is_exact_whatever_the_sizes_of_lines_and_files() {
    let lines: Vec<String> = (0..300).map(|n| format!("{n} {}", "y".repeat(n * 977 % 9_000))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (_dir, log) = written(LogLimits { file_bytes_max: 150_000, files_max: 100 }, &lines);
    for wanted in (0..310).step_by(7) {
        assert!(texts(&log, wanted) == lines[lines.len().saturating_sub(wanted)..], "{wanted}");
    }
}

#[test]
fn the_lines_of_a_span_of_time_are_found_also_when_the_clock_was_set_back_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let logs = ["web", "db"].map(|name| log(&dir, name, LogLimits::default()));
    let base = 1_700_000_000_000;
    for (log, at_ms, text) in [
        (0, 5_000, "web 1"),
        (1, 6_000, "db 1"),
        (0, 1_000, "web 2"),
        (1, 2_000, "db 2"),
        (0, 7_000, "web 3"),
        (1, 3_000, "db 3"),
    ] {
        write_at(&logs[log], base + at_ms, text.as_bytes());
    }
    assert_eq!(texts(&logs[0], 9), ["web 1", "web 2", "web 3"], "in the order in which they were written");
    let both = all(&logs, 9);
    let of = |name: &str| both.iter().filter(|line| line.starts_with(name)).cloned().collect::<Vec<_>>();
    assert_eq!((of("web"), of("db")), (texts(&logs[0], 9), texts(&logs[1], 9)), "{both:?}");
    let query = LogQuery { since_ms: Some(base + 2_000), until_ms: Some(base + 6_000), ..LogQuery::last(9) };
    assert_eq!(all(&logs, query.clone()), ["web 1", "db 2", "db 3"]);
    assert_eq!(all(&logs, LogQuery { lines: 1, ..query }), ["web 1", "db 3"], "the last of each");
}

#[test]
fn whatever_lies_in_the_log_directory_is_read_in_bounds_and_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write_at(&log(&dir, "web", LogLimits::default()), 1_700_000_000_000, b"ours");
    std::fs::write(at("nuls.log"), vec![0; 3 << 20]).unwrap();
    std::fs::write(
        at("long.log"),
        [b"2026-11-23T05:41:23.123Z stdout F ", &vec![b'x'; 3 << 20][..]].concat(),
    )
    .unwrap();
    std::fs::write(at("junk.log"), "2026-11-23T05:41:23.123Z stdout F fine\n\n\n?\n2026\n").unwrap();
    std::fs::create_dir(at("dir.log")).unwrap();
    std::os::unix::fs::symlink(at("web.log"), at("link.log")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo.log"), rustix::fs::Mode::RWXU).unwrap();
    std::fs::write(at("old.log.3"), "").unwrap();
    let names = StoredFiles::names_in(dir.path()).unwrap();
    assert_eq!(names, ["dir", "fifo", "junk", "link", "long", "nuls", "old", "web"]);
    for query in [LogQuery::last(2), LogQuery { since_ms: Some(1), ..LogQuery::last(2) }] {
        let mut lines = StoredFiles::of_processes(dir.path(), names.clone()).read(query);
        let texts: Vec<_> = lines.by_ref().map(|line| line.text).collect();
        assert_eq!(texts, ["ours", "fine"]);
        let mut refused: Vec<_> = lines.unreadable().into_iter().map(|(name, _)| name).collect();
        refused.dedup();
        assert_eq!(refused, ["dir", "fifo", "link"]);
    }
}

#[test]
fn lines_of_a_host_log_are_attributed_to_the_plugin_that_wrote_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("provost.log");
    std::fs::write(
        dir.path().join("provost.log.1"),
        "2026-11-23T05:41:23.123Z provost  ◆ 3 processes\n2026-11-23T05:41:24.000Z notify   ◆ warning: web failed\n",
    )
    .unwrap();
    std::fs::write(&path, "a line of the C library\n2026-11-23T05:41:25.000Z provost  ◆ the end ◆\n")
        .unwrap();
    let read = |query: LogQuery| {
        let lines = StoredFiles::of_host(&path).read(query);
        lines.map(|line| {
            format!("{} {} {}", line.at_ms % 100_000, line.process, String::from_utf8_lossy(&line.text))
        })
    };
    let all: Vec<_> = read(LogQuery::last(9)).collect();
    assert_eq!(
        all,
        [
            "83123 provost 3 processes",
            "84000 notify warning: web failed",
            "84000 provost a line of the C library",
            "85000 provost the end ◆"
        ]
    );
    assert_eq!(read(LogQuery::last(1)).collect::<Vec<_>>(), all[3..]);
    assert_eq!(read(LogQuery::last(2)).collect::<Vec<_>>(), all[1..], "with what belongs to it");
    let plugin = LogQuery { plugin: Some("notify".to_owned()), ..LogQuery::last(9) };
    assert_eq!(read(plugin).collect::<Vec<_>>(), all[1..2]);
}

#[test]
fn a_rotation_between_counting_and_reading_leaves_as_many_lines_as_were_asked_for() {
    let limits = LogLimits { file_bytes_max: 200, files_max: 4 };
    let names: Vec<String> = (0..16).map(|n| format!("line {n:02}")).collect();
    let lines: Vec<&str> = names.iter().map(String::as_str).collect();
    for rotations in 0..4 {
        let (_dir, log) = written(limits, &lines);
        let query = LogQuery { pattern: Some(LogPattern::new("line").unwrap()), ..LogQuery::last(6) };
        let there = texts(&log, 100);
        let counted = past(&log, &query);
        let before = log.stored.files.epoch();
        while log.stored.files.epoch() < before + 2 * rotations {
            write_at(&log, 0, b"later on a line");
        }
        let left = texts(&log, 100).iter().filter(|text| text.starts_with("line")).count();
        let read = read(vec![counted]);
        let read: Vec<_> = read.iter().map(|line| std::str::from_utf8(&line.text).unwrap()).collect();
        let wanted = there[there.len() - left.min(6)..].to_vec();
        assert_eq!(read, wanted, "{rotations}");
    }
}
