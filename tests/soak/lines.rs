//! Checks that the numbered lines of the writers are all in their log files, except for those that the host reported as lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::shared::Soak;

/// Returns the log files of one process.
fn files(logs: &Path, name: &str) -> Vec<PathBuf> {
    let own = |entry: &PathBuf| {
        let file = entry.file_name().unwrap().to_str().unwrap();
        file.strip_prefix(name).and_then(|rest| rest.strip_prefix(".log")).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('.').is_some_and(|number| number.parse::<u32>().is_ok())
        })
    };
    std::fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().path()).filter(own).collect()
}

/// Checks the log files of all writers, and returns the number of numbered lines in them.
pub(crate) fn check(soak: &Soak) -> u64 {
    let log = soak.machine.log();
    let reported = reported_lost(&log);
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
        let admitted = reported.get(&member.name).copied().unwrap_or_default();
        if doubled > 0 {
            soak.problems.add(format!("{}: {doubled} lines are in its log twice", member.name));
        }
        if missing > admitted {
            soak.problems.add(format!(
                "{}: {missing} lines are not in its log, and the host reported {admitted}",
                member.name
            ));
        }
    }
    lines
}

/// Parses `line INCARNATION NUMBER` at the end of a record.
fn numbered(record: &str) -> Option<(u64, u64)> {
    let (_, text) = record.split_once(" F line ")?;
    let (life, number) = text.trim_end().split_once(' ')?;
    Some((life.parse().ok()?, number.parse().ok()?))
}

/// Returns how many lines are missing among those before the last one in the log, or before the last one that the writer
/// counted.
fn missing(counts: &Path, name: &str, seen: &BTreeMap<u64, BTreeSet<u64>>) -> u64 {
    let mut last: BTreeMap<u64, u64> =
        seen.iter().map(|(life, numbers)| (*life, numbers.last().copied().unwrap_or(0))).collect();
    for entry in std::fs::read_dir(counts).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let Some(life) = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else { continue };
        let written = std::fs::read_to_string(&path).unwrap();
        // A writer that was killed while it wrote its count left an empty file.
        let (Ok(life), Ok(written)) = (life.parse(), written.trim().parse()) else { continue };
        let known = last.entry(life).or_default();
        *known = (*known).max(written);
    }
    last.iter().map(|(life, last)| last - seen.get(life).map_or(0, |numbers| numbers.len() as u64)).sum()
}

/// Returns the number of lines that the host's log reports as missing in log files, by process.
fn reported_lost(log: &str) -> BTreeMap<String, u64> {
    let mut reported = BTreeMap::new();
    for line in log.lines() {
        let Some((before, after)) = line.split_once(" lines are missing in the log file") else { continue };
        let count = before.rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        let name = after.split_once("process=").map(|(_, rest)| rest.trim_matches(['"', ' ']));
        if let (Ok(count), Some(name)) = (count.parse::<u64>(), name) {
            *reported.entry(name.split_whitespace().next().unwrap_or_default().to_owned()).or_default() +=
                count;
        }
    }
    reported
}
