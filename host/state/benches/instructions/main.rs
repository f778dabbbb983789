//! The guard of the hot paths: compares the number of instructions of each operation of the state core with the
//! committed table `limits.toml`.
//!
//! `cargo bench -p provost-state --bench instructions` runs this program again for each path under valgrind's
//! callgrind, which counts instructions instead of time: the result is the same on a busy machine. It fails if a path
//! takes more than [`MARGIN_PERCENT`] over the table. With `-- --bless` the table is rewritten; with `-- KEY..` only
//! those paths are counted.
//!
//! The numbers are for the compiler that `rust-toolchain.toml` names, on x86-64 with Debian 12's glibc. A new compiler
//! or a new version of a dependency may change them; then they are blessed with the reason in the commit. The machine
//! does not change them: valgrind presents the same processor on every machine that has AVX2.
#![expect(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

mod paths;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use paths::PATHS;

/// How much more than in the table a path may take. In ten runs the paths by name differed by up to 0.5 %, because of
/// the seeds of the hashes; the others did not differ.
const MARGIN_PERCENT: f64 = 2.0;

/// The maximum ratio of the instructions of a commit among 100,000 processes to those of one among 1,000, blessed or
/// not: the tree has two more levels, and nothing else may grow.
const GROWTH_MAX: f64 = 2.0;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/limits.toml");

const HEADING: &str = "\
# Instructions of one operation of each hot path (see paths.rs), counted by callgrind. Written by
# `cargo bench -p provost-state --bench instructions -- --bless`, and read by the same without `--bless`.
";

/// The number of instructions of one operation, by the key of its path.
type Counts = BTreeMap<String, f64>;

fn main() -> ExitCode {
    // Cargo itself passes `--bench` to a benchmark.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--run", key] => find(key).map(|path| (path.run)()),
        ["--bless"] => bless(),
        ref keys => guard(keys),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("\n{message}");
            ExitCode::FAILURE
        }
    }
}

fn find(key: &str) -> Result<&'static paths::Path, String> {
    let keys = || PATHS.map(|path| path.key).join(", ");
    PATHS.iter().find(|path| path.key == key).ok_or_else(|| format!("no path `{key}`: there are {}", keys()))
}

/// Returns the file to which callgrind writes its result for a path; `callgrind_annotate` reads it.
fn output(key: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("instructions-{key}.out"))
}

/// Counts the instructions of one operation of `path`.
fn count(path: &paths::Path) -> Result<f64, String> {
    let output = output(path.key);
    let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg("--toggle-collect=instructions::paths::counted*")
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(this)
        .args(["--run", path.key])
        .output()
        .map_err(|error| format!("cannot start valgrind ({error}): apt-get install valgrind"))?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        return Err(format!("{} fails under valgrind: {}\n{said}", path.call, run.status));
    }
    let found = std::fs::read_to_string(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let total = found.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<f64>().ok());
    let total = total.filter(|total| *total > 0.0).ok_or_else(|| {
        format!("{} holds no count: is `counted` inlined, or the program stripped?", output.display())
    })?;
    Ok(total / f64::from(path.operations))
}

/// Reads the committed table: `key = number`, one on each line.
fn table() -> Result<Counts, String> {
    let text = std::fs::read_to_string(TABLE).map_err(|error| format!("{TABLE}: {error}"))?;
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (key, number) = line.split_once(" = ")?;
        Some((key.to_owned(), number.parse().ok()?))
    };
    entries.map(|line| entry(line).ok_or_else(|| format!("{TABLE}: not `key = number`: {line}"))).collect()
}

fn bless() -> Result<(), String> {
    let mut text = HEADING.to_owned();
    let mut counts = Counts::new();
    for path in &PATHS {
        let count = count(path)?;
        println!("{:32} {count:12.2}", path.call);
        let written = writeln!(text, "{} = {count:.2}", path.key);
        written.map_err(|error| error.to_string())?;
        counts.insert(path.key.to_owned(), count);
    }
    growth(&counts)?;
    std::fs::write(TABLE, text).map_err(|error| format!("{TABLE}: {error}"))
}

/// Counts the paths with these keys, or all paths, and compares them with the table.
fn guard(keys: &[&str]) -> Result<(), String> {
    if cfg!(not(all(target_arch = "x86_64", target_env = "gnu"))) {
        return Err("the table is for x86-64 with glibc and does not apply to this machine".to_owned());
    }
    let table = table()?;
    let mut chosen = keys.iter().map(|key| find(key)).collect::<Result<Vec<_>, _>>()?;
    if chosen.is_empty() {
        chosen.extend(&PATHS);
    }
    println!("{:32} {:>12} {:>12} {:>12} {:>8}", "instructions of", "counted", "table", "limit", "change");
    let (mut counts, mut grown) = (Counts::new(), Vec::new());
    for path in chosen {
        let count = count(path)?;
        let known =
            *table.get(path.key).ok_or_else(|| format!("{TABLE} has no `{}`: --bless it", path.key))?;
        let limit = known * (1.0 + MARGIN_PERCENT / 100.0);
        let change = 100.0 * (count / known - 1.0);
        let verdict = match count {
            _ if count > limit => "GREW",
            _ if change < -MARGIN_PERCENT => "less: --bless it to keep the gain",
            _ => "",
        };
        println!("{:32} {count:12.2} {known:12.2} {limit:12.2} {change:+7.1}% {verdict}", path.call);
        if count > limit {
            grown.push(path.key);
        }
        counts.insert(path.key.to_owned(), count);
    }
    growth(&counts)?;
    if grown.is_empty() { Ok(()) } else { Err(complaint(&grown)) }
}

/// Checks that a commit in a large registry takes at most [`GROWTH_MAX`] times the instructions of one in a small one.
fn growth(counts: &Counts) -> Result<(), String> {
    let (Some(small), Some(large)) = (counts.get("commit"), counts.get("commit-100k")) else {
        return Ok(());
    };
    let ratio = large / small;
    if ratio <= GROWTH_MAX {
        return Ok(());
    }
    Err(format!(
        "A commit among 100,000 processes takes {ratio:.2} times the instructions of one among 1,000; \
         the limit is {GROWTH_MAX}.\nIt must not grow with the registry, and --bless does not change that."
    ))
}

fn complaint(grown: &[&str]) -> String {
    format!(
        "Over {MARGIN_PERCENT} % more instructions than the table says: {}.\n\
         Where they go:     callgrind_annotate {}\n\
         If it is intended: cargo bench -p provost-state --bench instructions -- --bless\n                   \
         and commit host/state/benches/instructions/limits.toml with the reason.",
        grown.join(", "),
        output(grown[0]).display(),
    )
}
