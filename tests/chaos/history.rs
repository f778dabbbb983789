//! Checks what the journal says of the lives: no generation means two changes, no life begins or ends twice, no end is decided twice,
//! and each end is the one that the process has noted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use crate::fleet::Kind;
use crate::lines::last_write;
use crate::places::{ENDS, Life};
use crate::shared::Chaos;
use crate::worker::CODE_MAX;

/// What the journal tells of one life.
#[derive(Debug, Default)]
struct Told {
    spawned: u64,
    /// When it has ended, and when that was decided about, in milliseconds since 1970.
    exited: Vec<i64>,
    decided: Vec<i64>,
    /// The decisions about spawns that have failed, which are before the life.
    failed: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// The ends in the journal.
    pub(crate) ends: u64,
    /// Those of them that nobody has seen, because there was neither a keeper nor a host.
    pub(crate) unknown: u64,
    /// The lives whose start is in the journal.
    pub(crate) told: BTreeSet<Life>,
    /// The decisions about them.
    pub(crate) decisions: u64,
    /// The ends that processes have noted, and those of them that are in the journal.
    pub(crate) noted: u64,
    pub(crate) confirmed: u64,
}

/// Checks the journal.
pub(crate) fn check(chaos: &Chaos) -> History {
    let ran = chaos.machine.run(&["journal", "export"]);
    if ran.code != 0 {
        chaos.problems.add(format!("provost journal export: {}", ran.stderr));
    }
    let noted = noted(&chaos.machine.dir().join(ENDS));
    let mut history = History { noted: noted.len() as u64, ..History::default() };
    let mut generations = BTreeSet::new();
    // A process that is removed and added again is another one.
    let mut births: BTreeMap<String, u64> = BTreeMap::new();
    let mut lives: BTreeMap<(String, u64, u64), Told> = BTreeMap::new();
    let mut pids: BTreeMap<(String, u64, u64), u64> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (Some(kind), Some(name)) = (record["kind"].as_str(), record["process"].as_str()) else {
            continue;
        };
        let (Some(generation), Some(incarnation)) =
            (record["generation"].as_u64(), record["incarnation"].as_u64())
        else {
            continue;
        };
        if !generations.insert(generation) {
            chaos.problems.add(format!("generation {generation} means two changes: {line}"));
        }
        if kind == "added" {
            *births.entry(name.to_owned()).or_default() += 1;
        }
        let id = (name.to_owned(), births.get(name).copied().unwrap_or_default(), incarnation);
        let life = lives.entry(id.clone()).or_default();
        match kind {
            "spawned" => {
                life.spawned += 1;
                if let Some(pid) = record["pid"].as_u64() {
                    history.told.insert((id.0.clone(), incarnation, pid));
                    pids.insert(id, pid);
                }
            }
            "spawn_failed" => life.failed += 1,
            "exited" => {
                life.exited.push(at(&record));
                history.ends += 1;
                let pid = pids.get(&id).copied();
                history.unknown += u64::from(record["exit"]["error"].is_string());
                // Without its start in the journal, it is not known which process it was.
                let Some(pid) = pid else { continue };
                let life: Life = (id.0.clone(), incarnation, pid);
                let note = noted.get(&life).map(String::as_str);
                history.confirmed += u64::from(note.is_some());
                if let Some(problem) = objection(chaos, &record, &life, note) {
                    chaos.problems.add(format!("{life:?}: {problem}: {line}"));
                }
            }
            "decided" => {
                life.decided.push(at(&record));
                history.decisions += 1;
            }
            _ => {}
        }
    }
    // After both were killed, the next host writes the start of a life down again if the copy of the stash did not have it.
    let spawned_max = if chaos.losses.have_both() { 2 } else { 1 };
    // That a process was added again may be missing in the journal.
    for (id, life) in lives.iter().filter(|(id, _)| !Kind::is_removed(&id.0)) {
        let failed = usize::try_from(life.failed).unwrap();
        if life.spawned > spawned_max
            || chaos.known(&life.exited) > 1
            || chaos.known(&life.decided) > 1 + failed
        {
            chaos.problems.add(format!("something happened twice to {id:?}: {life:?}"));
        }
    }
    history
}

/// Returns the time of a record in milliseconds since 1970.
fn at(record: &Value) -> i64 {
    record["at"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

/// Says what is wrong with the end of a life, if the process has noted that it ends in this way.
fn objection(chaos: &Chaos, record: &Value, life: &Life, note: Option<&str>) -> Option<String> {
    let exit = &record["exit"];
    let (code, signal) = (exit["code"].as_u64(), exit["signal"].as_u64());
    let told = match (code, signal) {
        (Some(code), None) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        _ => {
            // Where nobody reaps it, its zombie tells it.
            let is_gone = chaos.reaps_at_once && chaos.losses.has_ended_unseen(&chaos.orphans, life);
            let is_behind =
                || last_write(chaos.machine.dir(), life).is_some_and(|at| chaos.losses.was_just_before(at));
            return (!is_gone && !is_behind())
                .then(|| format!("its end is not known, and it has noted {note:?}"));
        }
    };
    // A process that was asked to end may have been killed after its note.
    let is_asked = record["before"] == "stopping" && signal.is_some();
    match note {
        Some(note) if note != told && !is_asked => Some(format!("it has noted `{note}`")),
        None if code.is_some_and(|code| code > CODE_MAX) => Some("it could not do its work".to_owned()),
        None if code.is_some() => Some("it has noted no end".to_owned()),
        _ => None,
    }
}

/// Returns the ends that processes have noted, by name, incarnation and process id.
fn noted(dir: &Path) -> BTreeMap<Life, String> {
    let mut noted = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mut words = path.file_name().unwrap().to_str().unwrap().split(' ');
        let mut word = || words.next().unwrap();
        let life = (word().to_owned(), word().parse().unwrap(), word().parse().unwrap());
        noted.insert(life, std::fs::read_to_string(&path).unwrap().trim().to_owned());
    }
    noted
}
