//! The smallest scenario that still breaks what is expected: its file, with parts taken out and numbers made smaller. What is left has
//! something to do with the breach.

use toml::{Table, Value};

use super::stage::{Stage, Subject};
use crate::config::SourceFile;
use crate::config::units;

/// The invariants that a tolerance is for.
const TOLERANT: [&str; 2] = ["delay_never_shrinks_in_a_streak", "back_to_first_delay_after"];

/// The most smaller scenarios that are tried.
pub(crate) const TRIES: u32 = 200;

/// The keys of durations that are made shorter, in the tables of faults and orders and in `[scenario]`.
const DURATIONS: [&str; 7] = ["for", "from", "until", "at", "every", "after", "mean"];

/// A scenario that still breaks.
#[derive(Debug)]
pub(crate) struct Smallest {
    /// Its file.
    pub(crate) text: String,
    /// How many were tried.
    pub(crate) tried: u32,
    /// Whether no smaller one was left to try.
    pub(crate) is_minimal: bool,
}

/// Returns the smallest scenario in which this component still breaks the same invariant as in `source`; `None` if the file cannot
/// be taken apart.
pub(crate) fn smallest(
    stage: &Stage,
    source: &SourceFile,
    subject: &Subject,
    broken: &[&'static str],
) -> Option<Smallest> {
    let whole = as_played(source.text.parse().ok()?, stage);
    let breaks = |scenario: &Table| {
        let Ok(text) = toml::to_string(scenario) else { return false };
        let candidate = SourceFile { text, path: source.path.clone() };
        let outcome = stage.run_as_written(&candidate, subject);
        outcome.is_ok_and(|outcome| outcome.broken().iter().any(|name| broken.contains(name)))
    };
    // What holds has nothing to do with the breach.
    let start = Some(expecting(&whole, broken)).filter(|start| breaks(start)).unwrap_or(whole);
    let shrunk = provost_simulation::shrink(start, TRIES, smaller, breaks);
    let text = toml::to_string(&shrunk.smallest).ok()?;
    Some(Smallest { text, tried: shrunk.tried, is_minimal: shrunk.is_minimal })
}

/// Returns a scenario that says itself for how long and with which seed it was played, so that it breaks wherever it is played.
fn as_played(mut scenario: Table, stage: &Stage) -> Table {
    let given = [
        ("for", stage.lasts_ms.map(|ms| Value::String(provost_state::span::exact(ms)))),
        ("seed", stage.seed.and_then(|seed| i64::try_from(seed).ok()).map(Value::Integer)),
    ];
    let given = given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let told = scenario.entry("scenario").or_insert_with(|| Value::Table(Table::new()));
    if let Some(told) = told.as_table_mut() {
        told.extend(given);
    }
    scenario
}

/// The keys of `[[expect]]` that are not invariants.
const NO_INVARIANTS: [&str; 2] = ["of", TOLERANCE];

const TOLERANCE: &str = "tolerance";

/// The keys without which a fault hits less.
const REACHES: [&str; 1] = ["with"];

/// Returns a scenario that expects only these invariants.
fn expecting(scenario: &Table, invariants: &[&str]) -> Table {
    let is_kept = |key: &str| NO_INVARIANTS.contains(&key) || invariants.contains(&key);
    let mut fewer = scenario.clone();
    if let Some(list) = fewer.get_mut("expect").and_then(Value::as_array_mut) {
        for table in list.iter_mut().filter_map(Value::as_table_mut) {
            table.retain(|key, _| is_kept(key));
            // A smaller tolerance would be another expectation, but one that is used by no invariant says nothing.
            if !table.keys().any(|key| TOLERANT.contains(&key.as_str())) {
                table.remove(TOLERANCE);
            }
        }
        list.retain(|one| one.as_table().is_some_and(|table| invariants_in(table).next().is_some()));
    }
    fewer
}

/// Returns the keys of an expectation that are invariants.
fn invariants_in(table: &Table) -> impl Iterator<Item = &String> {
    table.keys().filter(|key| !NO_INVARIANTS.contains(&key.as_str()))
}

/// Returns smaller scenarios: first one that lasts shorter, because each later try is quicker then; without a fault, an order, an
/// expectation, a process or a plugin; with one invariant less, or a fault that hits less; and those with smaller numbers.
fn smaller(scenario: &Table) -> Vec<Table> {
    let mut places = Vec::new();
    numbers(&Value::Table(scenario.clone()), &mut Vec::new(), &mut places);
    let (lasting, others): (Vec<_>, Vec<_>) = places.into_iter().partition(|(path, _)| is_how_long(path));
    let mut candidates = with_values(scenario, lasting);
    for key in ["fault", "order", "expect"] {
        let count = scenario.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        candidates.extend((0..count).map(|at| {
            let mut smaller = scenario.clone();
            if let Some(list) = smaller.get_mut(key).and_then(Value::as_array_mut) {
                list.remove(at);
            }
            smaller
        }));
    }
    for key in ["process", "plugins"] {
        let names = scenario.get(key).and_then(Value::as_table).map(|table| table.keys().cloned());
        candidates.extend(names.into_iter().flatten().map(|name| {
            let mut smaller = scenario.clone();
            if let Some(table) = smaller.get_mut(key).and_then(Value::as_table_mut) {
                table.remove(&name);
            }
            smaller
        }));
    }
    candidates.extend(with_one_key_less(scenario));
    candidates.extend(with_values(scenario, others));
    candidates
}

/// Whether this is the place of how long the scenario lasts.
fn is_how_long(path: &[Step]) -> bool {
    matches!(path, [Step::Key(table), Step::Key(key)] if table == "scenario" && key == "for")
}

/// Returns the scenarios that each have one of these values at its place.
fn with_values(scenario: &Table, values: Vec<(Vec<Step>, Value)>) -> Vec<Table> {
    let with = |(path, value): (Vec<Step>, Value)| {
        let mut smaller = Value::Table(scenario.clone());
        *at_mut(&mut smaller, &path)? = value;
        smaller.as_table().cloned()
    };
    values.into_iter().filter_map(with).collect()
}

/// Returns the scenarios in which an expectation has one of its invariants less, or a fault lacks a key without which it hits less.
fn with_one_key_less(scenario: &Table) -> Vec<Table> {
    let mut candidates = Vec::new();
    for list in ["expect", "fault"] {
        let tables = scenario.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
        for (at, table) in tables.filter_map(|(at, one)| Some((at, one.as_table()?))) {
            let keys: Vec<&str> = match list {
                "expect" => invariants_in(table).map(String::as_str).collect(),
                _ => REACHES.into_iter().filter(|key| table.contains_key(*key)).collect(),
            };
            // Without its last invariant, an expectation expects nothing.
            if list == "expect" && keys.len() < 2 {
                continue;
            }
            candidates.extend(keys.into_iter().filter_map(|key| {
                let mut smaller = scenario.clone();
                let one = smaller.get_mut(list)?.as_array_mut()?.get_mut(at)?;
                one.as_table_mut()?.remove(key)?;
                Some(smaller)
            }));
        }
    }
    candidates
}

/// One step into a document.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    At(usize),
}

/// Collects the values that can be made smaller, with what they become.
fn numbers(value: &Value, path: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, Value)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                path.push(Step::Key(key.clone()));
                match halved(key, value).filter(|_| may_shrink(path)) {
                    Some(half) => found.push((path.clone(), half)),
                    None => numbers(value, path, found),
                }
                path.pop();
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                path.push(Step::At(at));
                numbers(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether the value at this place may become smaller. The durations of a process are those of its checks: shorter ones would be
/// more checks, and take longer to play.
fn may_shrink(path: &[Step]) -> bool {
    match path {
        [Step::Key(table), .., Step::Key(key)] => {
            !["process", "plugins"].contains(&table.as_str()) || key == "replicas"
        }
        _ => false,
    }
}

/// Returns half of a duration or of a number, if the key is one whose values may become smaller and the half is another one.
fn halved(key: &str, value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if DURATIONS.contains(&key) => {
            let ms = units::duration_ms(text)?;
            // Round figures are easier to read.
            let half = if ms > 2_000 { ms / 2_000 * 1_000 } else { ms / 2 };
            (half > 0 && half < ms).then(|| Value::String(provost_state::span::exact(half)))
        }
        Value::Integer(number) if ["replicas", "times"].contains(&key) && *number > 1 => {
            Some(Value::Integer(number / 2))
        }
        _ => None,
    }
}

fn at_mut<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.as_table_mut()?.get_mut(key),
        Step::At(at) => value.as_array_mut()?.get_mut(*at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_expected_no_more_and_a_tolerance_stays_where_it_is_used() {
        let scenario: Table = "[[expect]]\nof = \"web\"\ngives_up_after = 5\ntolerance = 0.2\n\
            delay_never_shrinks_in_a_streak = true\n[[expect]]\nnever_fails = true\n"
            .parse()
            .unwrap();
        for (invariant, left) in [
            ("gives_up_after", "[[expect]]\nof = \"web\"\ngives_up_after = 5\n"),
            (
                "delay_never_shrinks_in_a_streak",
                "[[expect]]\nof = \"web\"\ntolerance = 0.2\ndelay_never_shrinks_in_a_streak = true\n",
            ),
            ("no_faults", "expect = []\n"),
        ] {
            assert_eq!(expecting(&scenario, &[invariant]), left.parse::<Table>().unwrap(), "{invariant}");
        }
    }

    #[test]
    fn an_invariant_or_the_dependents_are_left_out_one_at_a_time() {
        let scenario: Table = "[[fault]]\nkind = \"kill\"\nat = \"1h\"\nwith = \"dependents\"\n\
            [[expect]]\ngives_up_after = 5\nnever_fails = true\n[[expect]]\nof = \"web\"\nnever_fails = true\n"
            .parse()
            .unwrap();
        let smaller = with_one_key_less(&scenario);
        let texts: Vec<String> = smaller.iter().map(|one| toml::to_string(one).unwrap()).collect();
        assert_eq!(texts.len(), 3, "{texts:#?}");
        assert!(texts.iter().any(|text| !text.contains("gives_up_after")));
        assert!(texts.iter().any(|text| !text.contains("with")));
        assert!(texts.iter().all(|text| text.contains("of = \"web\"")));
    }

    #[test]
    fn each_smaller_scenario_differs_in_one_place() {
        let scenario: Table = "[scenario]\nfor = \"1h\"\n[process.web]\ncommand = \"web\"\nreplicas = 4\n\
            health = { tcp = \"127.0.0.1:1\", every = \"10s\" }\n\
            [[fault]]\nkind = \"crash\"\nafter = \"3s\"\n[[expect]]\ngives_up_after = 5\n"
            .parse()
            .unwrap();
        let texts: Vec<String> = smaller(&scenario).iter().map(|one| toml::to_string(one).unwrap()).collect();
        assert_eq!(texts.len(), 6, "{texts:#?}");
        assert!(texts.iter().all(|text| *text != toml::to_string(&scenario).unwrap()));
        for part in ["for = \"30m\"", "replicas = 2", "after = \"1s\""] {
            assert!(texts.iter().any(|text| text.contains(part)), "{part}: {texts:#?}");
        }
        assert!(texts.iter().any(|text| !text.contains("[[fault]]")));
        assert!(texts.iter().any(|text| !text.contains("[process.web]")));
    }
}
