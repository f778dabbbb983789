//! Whether the numbered lines of the writers are all in their log files: gaps only where the host said how many lines it lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::shared::Soak;

/// The files of the log of one process.
fn files(logs: &Path, name: &str) -> Vec<PathBuf> {
    let own = |entry: &PathBuf| {
        let file = entry.file_name().unwrap().to_str().unwrap();
        file.strip_prefix(name).and_then(|rest| rest.strip_prefix(".log")).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.parse::<u32>().is_ok())
        })
    };
    std::fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().path()).filter(own).collect()
}

/// Looks at the files of all writers; what the host said it lost is `said`, by process.
pub(crate) fn check(soak: &Soak) -> u64 {
    let log = soak.machine.log();
    let said = said_to_be_lost(&log);
    let logs = soak.machine.dir().join(".provost/logs");
    let mut lines = 0;
    for member in soak.members.iter().filter(|member| member.kind.writes()) {
        let (mut seen, mut doubled) = (BTreeMap::<u64, BTreeSet<u64>>::new(), 0);
        for file in files(&logs, &member.name) {
            let text = std::fs::read(&file).unwrap();
            for (life, number) in String::from_utf8_lossy(&text).lines().filter_map(numbered) {
                lines += 1;
                doubled += u64::from(!seen.entry(life).or_default().insert(number));
            }
        }
        let missing = missing(&soak.machine.dir().join("counts"), &member.name, &seen);
        let admitted = said.get(&member.name).copied().unwrap_or_default();
        if doubled > 0 {
            soak.problems.add(format!("{}: {doubled} lines are in its log twice", member.name));
        }
        if missing > admitted {
            soak.problems.add(format!(
                "{}: {missing} lines are not in its log, and the host told of {admitted}",
                member.name
            ));
        }
    }
    lines
}

/// `line LIFE NUMBER` at the end of a record.
fn numbered(record: &str) -> Option<(u64, u64)> {
    let (_, text) = record.split_once(" F line ")?;
    let (life, number) = text.trim_end().split_once(' ')?;
    Some((life.parse().ok()?, number.parse().ok()?))
}

/// How many lines are missing: those before the last one that is there, and those that the writer says it has written.
fn missing(counts: &Path, name: &str, seen: &BTreeMap<u64, BTreeSet<u64>>) -> u64 {
    let mut last: BTreeMap<u64, u64> =
        seen.iter().map(|(life, numbers)| (*life, numbers.last().copied().unwrap_or(0))).collect();
    for entry in std::fs::read_dir(counts).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let Some(life) = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else { continue };
        let written = std::fs::read_to_string(&path).unwrap();
        // A writer that was killed as it wrote its figure left an empty file.
        let (Ok(life), Ok(written)) = (life.parse(), written.trim().parse()) else { continue };
        let known = last.entry(life).or_default();
        *known = (*known).max(written);
    }
    last.iter().map(|(life, last)| last - seen.get(life).map_or(0, |numbers| numbers.len() as u64)).sum()
}

/// The lines that the host says are missing in log files, by process.
fn said_to_be_lost(log: &str) -> BTreeMap<String, u64> {
    let mut said = BTreeMap::new();
    for line in log.lines() {
        let Some((before, after)) = line.split_once(" lines are missing in the log file") else { continue };
        let count = before.rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        let name = after.split_once("process=").map(|(_, rest)| rest.trim_matches(['"', ' ']));
        if let (Ok(count), Some(name)) = (count.parse::<u64>(), name) {
            *said.entry(name.split_whitespace().next().unwrap_or_default().to_owned()).or_default() += count;
        }
    }
    said
}
