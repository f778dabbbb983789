//! The smallest scenario that still breaks what is expected: its file, with parts taken out and numbers made smaller. What is left has
//! something to do with the breach.

use toml::{Table, Value};

use super::stage::{Stage, Subject};
use crate::config::SourceFile;
use crate::config::units;

/// How many smaller scenarios are tried.
const TRIES: u32 = 200;

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
    let start: Table = source.text.parse().ok()?;
    let breaks = |scenario: &Table| {
        let Ok(text) = toml::to_string(scenario) else { return false };
        let candidate = SourceFile { text, path: source.path.clone() };
        let outcome = stage.run(&candidate, subject);
        outcome.is_ok_and(|outcome| outcome.broken().iter().any(|name| broken.contains(name)))
    };
    let shrunk = provost_simulation::shrink(start, TRIES, smaller, breaks);
    let text = toml::to_string(&shrunk.smallest).ok()?;
    Some(Smallest { text, tried: shrunk.tried, is_minimal: shrunk.is_minimal })
}

/// Returns smaller scenarios: without a fault, an order, an expectation, a process or a plugin; then shorter ones, with fewer
/// replicas and fewer hits.
fn smaller(scenario: &Table) -> Vec<Table> {
    let mut candidates = Vec::new();
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
    let mut places = Vec::new();
    numbers(&Value::Table(scenario.clone()), &mut Vec::new(), &mut places);
    candidates.extend(places.into_iter().filter_map(|(path, value)| {
        let mut smaller = Value::Table(scenario.clone());
        *at_mut(&mut smaller, &path)? = value;
        smaller.as_table().cloned()
    }));
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
                match halved(key, value) {
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
    fn each_smaller_scenario_differs_in_one_place() {
        let scenario: Table = "[scenario]\nfor = \"1h\"\n[process.web]\ncommand = \"web\"\nreplicas = 4\n\
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
