//! Tests of going on where a former host was: it ends between two steps, and another one begins with what it has left.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use super::former::{Gap, Start};
use super::peek::Peeker;
use crate::degraded::Degraded;
use crate::logs::disk::Reserve;
use crate::logs::item::LogStream;
use crate::logs::ledger::{Claim, Entry, Ledger, Origin};
use crate::logs::process::ProcessLog;
use crate::logs::write::batch::{Batch, End};
use crate::logs::write::losses::Losses;
use crate::spec::LogLimits;

/// The number by which the keeper knows the process.
const ID: u32 = 7;

/// A host, as far as it writes one log.
struct Host {
    ledger: Ledger,
    log: ProcessLog,
    out: Arc<Entry>,
    peeker: Peeker,
}

impl Host {
    fn first(dir: &Path) -> Self {
        Self::with(dir, 1 << 20, None)
    }

    fn with(dir: &Path, file_bytes_max: u64, former: Option<&Self>) -> Self {
        let file = former.map(|former| former.ledger.file().unwrap());
        let ledger = Ledger::new(file, std::iter::once((ID, Arc::from("web")))).unwrap();
        let limits = LogLimits { file_bytes_max, files_max: 10 };
        let (reserve, losses) = (Arc::new(Reserve::new()), Arc::new(Losses::new(Degraded::default())));
        let left = ledger.left_about("web");
        let log = ProcessLog::new(Arc::from("web"), dir.join("web.log"), limits, reserve, losses, left);
        let out = ledger.entry(ID, LogStream::Out);
        Self { ledger, log, out, peeker: Peeker::new().unwrap() }
    }

    /// The next host, which finds what this one has left.
    fn killed(self, dir: &Path) -> Self {
        Self::with(dir, 1 << 20, Some(&self))
    }

    fn write(&self, text: &str, end: End, origin: Origin) {
        self.write_of(&self.out, LogStream::Out, text, end, origin);
    }

    fn write_of(&self, entry: &Arc<Entry>, stream: LogStream, text: &str, end: End, origin: Origin) {
        let claim = Some(Claim { entry: entry.clone(), origin });
        self.log.write(Batch { stream, at_ms: 0, bytes: text.into(), end, claim });
    }

    fn start(&self, pipe: &OwnedFd, gap: Option<&Gap>) -> Start {
        self.log.start(&self.out, pipe, gap, &self.peeker).unwrap()
    }
}

/// A pipe that holds this text.
fn pipe(text: &str) -> (OwnedFd, File) {
    let (reader, writer) = io::pipe().unwrap();
    let mut writer = File::from(OwnedFd::from(writer));
    writer.write_all(text.as_bytes()).unwrap();
    (reader.into(), writer)
}

fn left_in(pipe: &OwnedFd) -> String {
    let mut text = Vec::new();
    // An empty pipe is an error.
    let _ = Peeker::new().unwrap().look(pipe, &mut text);
    String::from_utf8(text).unwrap()
}

fn gap(dir: &Path, text: &str, framed: u64) -> Gap {
    let path = dir.join("gap");
    std::fs::write(&path, text).unwrap();
    Gap::new(File::options().read(true).write(true).open(path).unwrap(), framed).unwrap()
}

fn lines(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("web.log")).unwrap();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn what_was_written_and_not_consumed_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("1\n2\n", End::Whole, Origin::Pipe);
    let (pipe, _writer) = pipe("1\n2\n3\n");
    let next = host.killed(dir.path());
    assert_eq!(next.start(&pipe, None), Start::default());
    assert_eq!(left_in(&pipe), "3\n");
    assert_eq!(lines(dir.path()), ["stdout F 1", "stdout F 2"]);
    // A third host does not leave out anything of what is there now.
    assert_eq!(next.killed(dir.path()).start(&pipe, None), Start::default());
    assert_eq!(left_in(&pipe), "3\n");
}

#[test]
fn what_was_consumed_is_not_looked_for_although_the_same_text_follows() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("hello\n", End::Whole, Origin::Pipe);
    host.out.taken();
    let (pipe, _writer) = pipe("hello\n");
    host.killed(dir.path()).start(&pipe, None);
    assert_eq!(left_in(&pipe), "hello\n");
}

#[test]
fn a_text_that_is_repeated_is_written_twice_where_it_cannot_be_told() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("tick\n", End::Whole, Origin::Pipe);
    host.out.taken();
    host.write("tick\n", End::Whole, Origin::Pipe);
    let (pipe, _writer) = pipe("tick\n");
    host.killed(dir.path()).start(&pipe, None);
    assert_eq!(left_in(&pipe), "tick\n");
}

#[test]
fn a_write_that_was_cut_short_is_taken_back_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("before\n", End::Whole, Origin::Pipe);
    host.out.taken();
    host.write("1\n2\n", End::Whole, Origin::Pipe);
    let log = File::options().write(true).open(dir.path().join("web.log")).unwrap();
    log.set_len(log.metadata().unwrap().len() - 3).unwrap();
    let (pipe, _writer) = pipe("1\n2\n");
    host.killed(dir.path()).start(&pipe, None);
    assert_eq!(left_in(&pipe), "1\n2\n");
    assert_eq!(lines(dir.path()), ["stdout F before"]);
}

#[test]
fn what_another_output_writes_later_is_not_taken_for_a_write_that_was_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("1\n", End::Whole, Origin::Pipe);
    File::options().write(true).open(dir.path().join("web.log")).unwrap().set_len(0).unwrap();
    let second = host.killed(dir.path());
    let err = second.ledger.entry(ID, LogStream::Err);
    second.write_of(&err, LogStream::Err, "a longer line\n", End::Whole, Origin::Pipe);
    let third = second.killed(dir.path());
    let (pipe, _writer) = pipe("1\n");
    third.start(&pipe, None);
    assert_eq!(left_in(&pipe), "1\n");
}

#[test]
fn what_the_keeper_has_moved_into_the_gap_is_left_out_there() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("1\n2\n", End::Whole, Origin::Pipe);
    let next = host.killed(dir.path());
    let (pipe, _writer) = pipe("\n3\n");
    let gap = gap(dir.path(), "1\n2", 0);
    assert_eq!(next.start(&pipe, Some(&gap)).at, 3);
    assert_eq!(left_in(&pipe), "3\n");
    let whole = self::gap(dir.path(), "1\n2\n3\n", 0);
    let host = Host::first(&dir.path().join("other"));
    host.write("1\n2\n", End::Whole, Origin::Pipe);
    let next = host.killed(&dir.path().join("other"));
    assert_eq!(next.start(&pipe, Some(&whole)).at, 4);
    // It is remembered, also if this host ends before it has written anything.
    assert_eq!(next.killed(&dir.path().join("other")).start(&pipe, Some(&whole)).at, 4);
    assert_eq!(left_in(&pipe), "3\n");
}

#[test]
fn a_gap_goes_on_where_the_host_was_that_was_writing_it_and_another_gap_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, _writer) = pipe("");
    let gap = gap(dir.path(), "0\n1\n2\n3\n", 2);
    let identity = gap.identity;
    let host = Host::first(dir.path());
    host.write("1\n", End::Whole, Origin::Gap { identity, offset: 2 });
    host.out.taken();
    let next = host.killed(dir.path());
    assert_eq!(next.start(&pipe, Some(&gap)).at, 4);
    next.write("2\n", End::Whole, Origin::Gap { identity, offset: 4 });
    let third = next.killed(dir.path());
    assert_eq!(third.start(&pipe, Some(&gap)).at, 6, "it was written, and not said to be consumed");
    let other = Gap { identity: identity.wrapping_add(1), framed: 0, ..gap };
    assert_eq!(third.start(&pipe, Some(&other)).at, 0);
}

#[test]
fn a_line_that_a_former_host_had_begun_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::first(dir.path());
    host.write("whole\nbegun ", End::Shown, Origin::Pipe);
    host.out.taken();
    let next = host.killed(dir.path());
    let (pipe, _writer) = pipe("and ended\n");
    assert!(next.start(&pipe, None).is_within_line);
    next.write("and ended\n", End::Whole, Origin::Pipe);
    assert_eq!(lines(dir.path()), ["stdout F whole", "stdout P begun ", "stdout F and ended"]);
}

#[test]
fn of_a_write_that_goes_into_several_files_the_part_is_left_out_that_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..9).map(|number| format!("line {number}\n")).collect();
    let host = Host::with(dir.path(), 120, None);
    host.write(&text, End::Whole, Origin::Pipe);
    assert_eq!(lines(dir.path()), ["stdout F line 8"], "the last of several files has the last line");
    File::options().write(true).open(dir.path().join("web.log")).unwrap().set_len(0).unwrap();
    let (pipe, _writer) = pipe(&text);
    host.killed(dir.path()).start(&pipe, None);
    assert_eq!(left_in(&pipe), "line 8\n");
}
