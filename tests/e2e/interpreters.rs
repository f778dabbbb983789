//! What a build adds to a plugin in JavaScript or Python: a clock and random numbers work while the modules are evaluated, and are
//! errors afterwards. The same files are run here by Node.js and by Python, without a component.

use std::path::{Path, PathBuf};
use std::process::Command;

const JAVASCRIPT: &str = "
import { built } from './without_a_system.mjs';
const before = [Date.now() > 0, new Date().getTime() > 0, Math.random() < 1, typeof Date()];
built();
const told = (call) => { try { call(); } catch (error) { return error.message; } return 'no error'; };
const calls = [() => Date.now(), () => new Date(), () => Date(), () => Math.random(), () => performance.now()];
const dates = [new Date(0).toISOString(), new Date(5) instanceof Date, Date.parse('1970-01-01'), new Date(0).constructor === Date];
console.log([...before, ...dates].join(' '));
calls.forEach((call) => console.log(told(call)));
";

const PYTHON: &str = "
import provost_without_a_system
import datetime, os, random, time, uuid
from random import randint
before = [time.time() > 0, datetime.datetime.now() > datetime.datetime(2020, 1, 1), random.random() < 1, uuid.uuid4().version]
provost_without_a_system.built()
def told(call):
    try: call()
    except RuntimeError as error: return str(error)
    return 'no error'
zero = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
dates = [zero.isoformat(), isinstance(zero, datetime.date), time.gmtime(0).tm_year, random.Random(4).random() < 1]
print(*before, *dates)
for call in [time.time, time.monotonic_ns, time.localtime, lambda: time.strftime('%H'), datetime.datetime.now,
             datetime.date.today, random.random, lambda: randint(1, 2), lambda: os.urandom(1), uuid.uuid4]:
    print(told(call))
";

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guests").join(path)
}

/// Runs an interpreter, and returns the lines that it prints; `None` if it is not installed.
fn lines(command: &mut Command) -> Option<Vec<String>> {
    let Ok(output) = command.output() else {
        assert!(std::env::var_os("PROVOST_GATE").is_none(), "{command:?} is missing");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// Asserts that the first `of_clocks` lines say that there is no clock, and all others that there are no random numbers.
fn refused(lines: &[String], of_clocks: usize) {
    for (place, line) in lines.iter().enumerate() {
        let what = if place < of_clocks { "has no clock: " } else { "has no random numbers: " };
        assert!(line.contains(what), "{place}: {line}");
    }
}

#[test]
fn a_plugin_in_javascript_has_no_clock_and_no_random_numbers_once_it_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let module = dir.path().join("without_a_system.mjs");
    std::fs::copy(source("js/without_a_system.js"), module).unwrap();
    std::fs::write(dir.path().join("main.mjs"), JAVASCRIPT).unwrap();
    let Some(lines) = lines(Command::new("node").arg(dir.path().join("main.mjs"))) else { return };
    assert_eq!(lines[0], "true true true string 1970-01-01T00:00:00.000Z true 0 true");
    assert_eq!(lines.len(), 6, "{lines:?}");
    refused(&lines[1..4], 3);
    refused(&lines[4..5], 0);
    refused(&lines[5..], 1);
}

#[test]
fn a_plugin_in_python_has_no_clock_and_no_random_numbers_once_it_is_built() {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", source("python")).env("PYTHONDONTWRITEBYTECODE", "1").args(["-c", PYTHON]);
    let Some(lines) = lines(&mut command) else { return };
    assert_eq!(lines[0], "True True True 4 1970-01-01T00:00:00+00:00 True 1970 True");
    assert_eq!(lines.len(), 11, "{lines:?}");
    refused(&lines[1..], 6);
}
