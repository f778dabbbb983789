//! Checks that the numbered lines of each life are in the log files of its process, all of them, whole and in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::places::{COUNTS, LINES, Life};
use crate::shared::Chaos;

/// The names of the streams in a record, in the order in which a process counts them.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// By which the host ends a line that a former one has written in part, when that one and its keeper were killed at once. It writes
/// that line again.
const CUT: &str = "[provost: the rest of this line is missing]";

/// What the log files have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    /// The lines that are there.
    pub(crate) whole: u64,
    /// Those of them that are there a second time, because a host and its keeper were killed at once between their
    /// writing and their consumption.
    pub(crate) doubled: u64,
    /// The beginnings of lines that a host has left, which was killed at once with its keeper.
    pub(crate) cut: u64,
    /// The lives whose last lines are gone with their pipes, because they have ended while there was neither a keeper nor a host.
    pub(crate) unseen: u64,
    /// Those that had ended a moment before, so that nobody had read what was in their pipes.
    pub(crate) unread: u64,
    /// Those that had begun as an order came that wanted none: the host has killed them, and read nothing of them.
    pub(crate) abandoned: u64,
}

/// The lines of one stream of a life that were seen so far.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The number of the last one.
    number: u64,
    /// When it was written, in milliseconds since 1970.
    at: i64,
}

/// What was seen so far of the lives, and what the log files have.
struct Reading<'a> {
    chaos: &'a Chaos,
    lives: BTreeMap<Life, [Seen; 2]>,
    lines: Lines,
}

/// Checks the log files of all processes; `told` are the lives whose start is in the journal.
pub(crate) fn check(chaos: &Chaos, told: &BTreeSet<Life>) -> Lines {
    let mut reading = Reading { chaos, lives: BTreeMap::new(), lines: Lines::default() };
    for (name, files) in logs(&chaos.machine.dir().join(".provost/logs")) {
        for file in files {
            let text = std::fs::read(&file).unwrap();
            for record in String::from_utf8_lossy(&text).lines() {
                if let Err(problem) = reading.take(&name, record) {
                    chaos.problems.add(format!("{}: {problem}", file.display()));
                }
            }
        }
    }
    for (life, counted) in counts(&chaos.machine.dir().join(COUNTS)) {
        let seen = reading.lives.get(&life).map_or([0; 2], |streams| streams.map(|seen| seen.number));
        if seen.iter().zip(counted).all(|(seen, counted)| *seen >= counted) {
            continue;
        }
        let last = last_write(chaos.machine.dir(), &life);
        if chaos.losses.has_ended_unseen(&chaos.orphans, &life) {
            reading.lines.unseen += 1;
        } else if last.is_some_and(|last| chaos.losses.was_just_before(last)) {
            reading.lines.unread += 1;
            println!(
                "unread: {life:?}: {counted:?} lines were written, {seen:?} are in the log, the last at {last:?}"
            );
        } else if seen == [0; 2] && !told.contains(&life) {
            reading.lines.abandoned += 1;
        } else {
            chaos.problems.add(format!(
                "{life:?}: {counted:?} lines of {STREAMS:?} were written, and {seen:?} are in the log; the last at {last:?}"
            ));
        }
    }
    reading.lines
}

impl Reading<'_> {
    /// Takes one record, which has to be the next line of its life. After a host and its keeper were killed at once, the first
    /// ones may be there already.
    fn take(&mut self, name: &str, record: &str) -> Result<(), String> {
        let has_lost_both = self.chaos.losses.have_both();
        if record.ends_with(CUT) && has_lost_both {
            self.lines.cut += 1;
            return Ok(());
        }
        let Record { at, stream, life, number } =
            numbered(name, record).ok_or_else(|| format!("not a whole line: {record:?}"))?;
        let none = Seen { number: 0, at: i64::MIN };
        let seen = &mut self.lives.entry(life).or_insert([none; 2])[stream];
        self.lines.whole += 1;
        if number <= seen.number {
            self.lines.doubled += 1;
            // What the next host has written first was in the pipe.
            let may_be = self.chaos.losses.last_up(at).is_some_and(|up| seen.at <= up);
            return if may_be { Ok(()) } else { Err(format!("there a second time: {record:?}")) };
        }
        let before = std::mem::replace(seen, Seen { number, at });
        if number == before.number + 1 {
            return Ok(());
        }
        Err(format!("line {} of {} is lost before {record:?}", before.number + 1, STREAMS[stream]))
    }
}

/// A record of a log file.
struct Record {
    /// In milliseconds since 1970.
    at: i64,
    stream: usize,
    life: Life,
    number: u64,
}

/// Parses a record `TIME STREAM F WORD INCARNATION PID NUMBER`.
fn numbered(name: &str, record: &str) -> Option<Record> {
    let mut words = record.split(' ');
    let (time, stream) = (words.next()?, words.next()?);
    let at = time.parse::<Timestamp>().ok()?.as_millisecond();
    let stream = STREAMS.iter().position(|known| *known == stream)?;
    (words.next()? == "F" && words.next()? == LINES[stream]).then_some(())?;
    let life = (name.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let number = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Record { at, stream, life, number })
}

/// Returns the log files of each process, the oldest first.
fn logs(dir: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut found: BTreeMap<String, Vec<(u32, PathBuf)>> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let (name, age) = match file.strip_suffix(".log") {
            Some(name) => (name, 0),
            None => match file.rsplit_once(".log.").map(|(name, age)| (name, age.parse())) {
                Some((name, Ok(age))) => (name, age),
                _ => continue,
            },
        };
        found.entry(name.to_owned()).or_default().push((age, path.clone()));
    }
    let sorted = |mut files: Vec<(u32, PathBuf)>| {
        files.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
        files.into_iter().map(|(_, path)| path).collect()
    };
    found.into_iter().map(|(name, files)| (name, sorted(files))).collect()
}

/// Returns when a life has counted a line for the last time, or has begun, in milliseconds since 1970.
pub(crate) fn last_write(dir: &Path, (name, incarnation, pid): &Life) -> Option<i64> {
    let written = std::fs::metadata(dir.join(COUNTS).join(format!("{name} {incarnation} {pid}"))).ok()?;
    Some(Timestamp::try_from(written.modified().ok()?).ok()?.as_millisecond())
}

/// Returns what each life has counted.
fn counts(dir: &Path) -> Vec<(Life, [u64; 2])> {
    let mut counts = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mut words = path.file_name().unwrap().to_str().unwrap().split(' ');
        let mut word = || words.next().unwrap();
        let life = (word().to_owned(), word().parse().unwrap(), word().parse().unwrap());
        let bytes = std::fs::read(&path).unwrap();
        let number = |stream: usize| {
            let bytes = bytes.get(8 * stream..8 * stream + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        counts.push((life, [number(0), number(1)]));
    }
    counts
}
