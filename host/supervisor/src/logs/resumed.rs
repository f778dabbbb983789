//! Tests of the places from which a stream of lines is resumed: after each line, the rest is what comes.

use std::sync::Arc;

use super::disk::Reserve;
use super::follower::Queue;
use super::item::{LogItem, LogLine, LogStream};
use super::position::Mark;
use super::process::ProcessLog;
use super::read::merged::{Merged, Step};
use super::read::past::Past;
use super::read::query::LogQuery;
use super::record::PART_BYTES_MAX;
use super::write::batch::{Batch, End};
use super::write::losses::Losses;
use crate::degraded::Degraded;
use crate::spec::LogLimits;

const FROM_MS: u64 = 1_700_000_000_000;

fn log(dir: &tempfile::TempDir, file_bytes_max: u64, files_max: usize) -> ProcessLog {
    let path = dir.path().join("web.log");
    let (reserve, losses) = (Arc::new(Reserve::new()), Arc::new(Losses::new(Degraded::default())));
    ProcessLog::new(
        Arc::from("web"),
        path,
        LogLimits { file_bytes_max, files_max },
        reserve,
        losses,
        Vec::new(),
    )
}

fn write(log: &ProcessLog, at_ms: u64, stream: LogStream, text: &str, end: End) {
    log.write(Batch { stream, at_ms: FROM_MS + at_ms, bytes: text.as_bytes().to_vec(), end, claim: None });
}

fn lines_of(past: Past) -> Vec<LogLine> {
    let mut merged = Merged::new(vec![past], Box::new(|name, error| panic!("{name}: {error}")));
    let mut lines = Vec::new();
    loop {
        let (next, more) = match merged.step() {
            Step::Lines(next, more) => (Some(next), more),
            Step::Later(next) => (Some(next), Vec::new()),
            Step::End(more) => (None, more),
        };
        lines.extend(more);
        let Some(next) = next else { return lines };
        merged = next;
    }
}

fn past(log: &ProcessLog, lines: usize) -> Past {
    let end = log.past_end(None).unwrap();
    Past::of(log.stored.clone(), end, Arc::new(LogQuery::last(lines))).unwrap()
}

/// Returns the lines after a place, and whether some may be missing.
fn after(log: &ProcessLog, mark: Mark) -> (Vec<LogLine>, bool) {
    let end = log.past_end(None).unwrap();
    let (past, has_gap) =
        Past::after(mark, log.stored.clone(), end, Arc::new(LogQuery::last(usize::MAX))).unwrap();
    (lines_of(past), has_gap)
}

/// Returns the text of each stream: a line may come in one piece or in several.
fn text<'a>(lines: impl IntoIterator<Item = &'a LogLine>) -> [String; 2] {
    let mut text = [String::new(), String::new()];
    for line in lines {
        let text = &mut text[line.stream as usize];
        text.push_str(std::str::from_utf8(&line.text).unwrap());
        text.extend((!line.partial).then_some('\n'));
    }
    text
}

fn texts(lines: &[LogLine]) -> Vec<String> {
    lines.iter().map(|line| String::from_utf8(line.text.to_vec()).unwrap()).collect()
}

/// Writes lines of every kind, in both streams and across files.
fn write_all_kinds(log: &ProcessLog, long_bytes: usize) {
    use LogStream::{Err, Out};
    let long = "x".repeat(long_bytes);
    let many: String = (0..200).map(|number| format!("line {number}\n")).collect();
    for (number, (stream, text, end)) in [
        (Out, "one\n", End::Whole),
        (Out, many.as_str(), End::Whole),
        (Err, "prompt: ", End::Shown),
        (Out, "meanwhile\nand more\n", End::Whole),
        (Err, "answered\n\n", End::Whole),
        (Out, long.as_str(), End::Long),
        (Err, "within the long line\n", End::Whole),
        (Err, long.as_str(), End::Long),
        (Out, "its end\nnext\n", End::Whole),
        (Err, "also ended\n", End::Whole),
        (Out, many.as_str(), End::Whole),
        (Err, "no end", End::Shown),
        (Out, "last\n", End::Whole),
    ]
    .into_iter()
    .enumerate()
    {
        write(log, number as u64 / 2, stream, text, end);
    }
}

#[test]
fn after_each_line_a_stream_is_resumed_exactly_there() {
    for (file_bytes_max, long_bytes) in [(500, 1_500), (5_000, 20_000), (1 << 20, PART_BYTES_MAX + 10)] {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir, file_bytes_max, 10_000);
        write(&log, 0, LogStream::Out, "before\n", End::Whole);
        let queue = Queue::of(Some(1));
        log.past_end(Some(&queue)).unwrap();
        write_all_kinds(&log, long_bytes);
        let live: Vec<LogLine> = std::iter::from_fn(|| queue.try_take())
            .map(|item| match item {
                LogItem::Line(line) => line,
                other => panic!("{other:?}"),
            })
            .collect();
        let read = lines_of(past(&log, usize::MAX));
        let last = lines_of(past(&log, 7));
        assert!(live.len() > 400 && read.len() > 400 && last.len() >= 7);
        for (what, lines) in [("live", &live), ("read", &read), ("last", &last)] {
            for (number, line) in lines.iter().enumerate() {
                let (rest, has_gap) = after(&log, line.mark.unwrap());
                assert!(!has_gap);
                assert_eq!(text(&rest), text(&lines[number + 1..]), "{what} {number} of {file_bytes_max}");
            }
        }
        for lines in [0, 1, 7, 100_000] {
            let (begins_at, wanted) = (past(&log, lines).begins_at().unwrap().unwrap(), past(&log, lines));
            assert_eq!(text(&after(&log, begins_at).0), text(&lines_of(wanted)), "{lines}");
        }
    }
}

#[test]
fn what_was_rotated_away_is_a_gap_and_no_line_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(&dir, 200, 3);
    let mut marks = Vec::new();
    for number in 0..30 {
        write(&log, number, LogStream::Out, &format!("line {number}\n"), End::Whole);
        marks.push(lines_of(past(&log, 1))[0].mark.unwrap());
    }
    let there = lines_of(past(&log, usize::MAX)).len();
    let mut gaps = 0;
    for (number, mark) in marks.iter().enumerate() {
        let (rest, has_gap) = after(&log, *mark);
        let first = (number + 1).max(30 - there);
        let expected: Vec<String> = (first..30).map(|number| format!("line {number}")).collect();
        assert_eq!(texts(&rest), expected);
        assert!(has_gap || number + 1 >= 30 - there, "line {number} is not there");
        gaps += usize::from(has_gap);
    }
    assert_eq!(gaps, 30 - there, "a gap is reported where there is one, and nowhere else");
}

#[test]
fn a_log_that_was_cleared_removed_or_truncated_is_a_gap() {
    for what in ["clear", "remove", "truncate", "replace"] {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir, 4_096, 3);
        write(&log, 1, LogStream::Out, "one\ntwo\n", End::Whole);
        let mark = lines_of(past(&log, 1))[0].mark.unwrap();
        let path = dir.path().join("web.log");
        match what {
            "clear" => log.clear().unwrap(),
            "remove" => std::fs::remove_file(&path).unwrap(),
            "truncate" => drop(std::fs::File::create(&path).unwrap()),
            _ => {
                std::fs::copy(&path, dir.path().join("copy")).unwrap();
                std::fs::rename(dir.path().join("copy"), &path).unwrap();
            }
        }
        write(&log, 2, LogStream::Out, "three\n", End::Whole);
        write(&log, 3, LogStream::Out, "four\n", End::Whole);
        let (rest, has_gap) = after(&log, mark);
        assert!(has_gap, "{what}");
        assert!(
            texts(&rest).ends_with(&["four".to_owned()]) && !texts(&rest).contains(&"two".to_owned()),
            "{what}"
        );
    }
}

#[test]
fn a_log_that_was_empty_is_resumed_from_its_first_line_also_by_another_host() {
    let dir = tempfile::tempdir().unwrap();
    let first = log(&dir, 100, 3);
    let empty = past(&first, 10).begins_at().unwrap().unwrap();
    assert_eq!(empty, Mark::BEGINNING);
    write(&first, 1, LogStream::Out, "one\n", End::Whole);
    let one = lines_of(past(&first, 1))[0].mark.unwrap();
    let next = log(&dir, 100, 3);
    write(&next, 2, LogStream::Out, "two\n", End::Whole);
    assert_eq!((texts(&after(&next, one).0), after(&next, one).1), (vec!["two".to_owned()], false));
    assert_eq!(
        (texts(&after(&next, empty).0), after(&next, empty).1),
        (vec!["one".into(), "two".into()], false)
    );
    for number in 3..20 {
        write(&next, number, LogStream::Out, &format!("line {number}\n"), End::Whole);
    }
    assert!(after(&next, empty).1, "all files are there, so some may have been deleted");
}
