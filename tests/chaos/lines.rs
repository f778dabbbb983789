//! Checks that the numbered lines of each life are in the log files of its process, all of them, whole and in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::places::COUNTS;
use crate::shared::Chaos;

/// One life of a process: its name, its incarnation and its process id.
pub(crate) type Life = (String, u64, u64);

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
}

/// Checks the log files of all processes. Nobody may have read the last lines of the excused lives.
pub(crate) fn check(chaos: &Chaos, excused: &BTreeSet<Life>) -> Lines {
    let mut lines = Lines::default();
    let mut last: BTreeMap<Life, [u64; 2]> = BTreeMap::new();
    for (name, files) in logs(&chaos.machine.dir().join(".provost/logs")) {
        for file in files {
            let text = std::fs::read(&file).unwrap();
            for record in String::from_utf8_lossy(&text).lines() {
                if let Err(problem) = take(&name, record, &mut last, &mut lines) {
                    chaos.problems.add(format!("{}: {problem}", file.display()));
                }
            }
        }
    }
    for (life, counted) in counts(&chaos.machine.dir().join(COUNTS)) {
        let seen = last.get(&life).copied().unwrap_or_default();
        for (stream, (seen, counted)) in STREAMS.iter().zip(seen.iter().zip(counted)) {
            if *seen < counted && !excused.contains(&life) {
                chaos.problems.add(format!(
                    "{life:?}: {counted} lines of {stream} were written, and {seen} are in the log"
                ));
            }
        }
    }
    lines
}

/// Takes one record, which has to be the next line of its life, or one that was there before.
fn take(
    name: &str,
    record: &str,
    last: &mut BTreeMap<Life, [u64; 2]>,
    lines: &mut Lines,
) -> Result<(), String> {
    if record.ends_with(CUT) {
        lines.cut += 1;
        return Ok(());
    }
    let (stream, life, number) =
        numbered(name, record).ok_or_else(|| format!("not a whole line: {record:?}"))?;
    let seen = &mut last.entry(life).or_default()[stream];
    match number {
        _ if number == *seen + 1 => *seen = number,
        _ if number <= *seen => lines.doubled += 1,
        _ => {
            let problem = format!("line {} of {} is lost before {record:?}", *seen + 1, STREAMS[stream]);
            *seen = number;
            return Err(problem);
        }
    }
    lines.whole += 1;
    Ok(())
}

/// Parses a record `TIME STREAM F line INCARNATION PID NUMBER`.
fn numbered(name: &str, record: &str) -> Option<(usize, Life, u64)> {
    let mut words = record.split(' ');
    let (_time, stream) = (words.next()?, words.next()?);
    let stream = STREAMS.iter().position(|known| *known == stream)?;
    (words.next()? == "F" && words.next()? == "line").then_some(())?;
    let life = (name.to_owned(), words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let number = words.next()?.parse().ok()?;
    words.next().is_none().then_some((stream, life, number))
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
