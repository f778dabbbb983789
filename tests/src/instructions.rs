//! The guard of hot paths: compares the number of instructions of each operation with a committed table.
//!
//! A benchmark hands its paths to [`Guard::run`], which runs the program again for each path under valgrind's callgrind.
//! That counts instructions instead of time: the result is the same on a busy machine. It fails if a path takes more
//! than its margin over the table. With `-- --bless` the table is rewritten; with `-- KEY..` only those paths are counted.
//!
//! The numbers are for the compiler that `rust-toolchain.toml` names, on x86-64 with Debian 12's glibc. A new compiler
//! or a new version of a dependency may change them; then they are blessed with the reason in the commit. The machine
//! does not change them: valgrind presents the same processor on every machine that has AVX2.
#![expect(clippy::print_stdout, reason = "a benchmark reports on the terminal")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The number of instructions of one operation, by the key of its path.
pub type Counts = BTreeMap<String, f64>;

/// One guarded path.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The key in the table of limits and on the command line.
    pub key: &'static str,
    /// The operation, as it is written in code.
    pub call: &'static str,
    /// The number of operations that are counted.
    pub operations: u32,
    /// Sets the world up and runs the operations inside [`counted`].
    pub run: fn(),
}

/// The guarded paths of a package.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The name of the package, whose benchmark has to be called `instructions`.
    pub package: &'static str,
    /// The folder of the package in the workspace.
    pub folder: &'static str,
    /// The folder of the package on this machine: `CARGO_MANIFEST_DIR`.
    pub manifest_dir: &'static str,
    /// The folder for what callgrind writes: `CARGO_TARGET_TMPDIR`.
    pub tmp_dir: &'static str,
    /// How much more than in the table a path may take, in percent.
    pub margin_percent: f64,
    /// All paths, in the order in which they are shown.
    pub paths: &'static [Path],
    /// Checks how the counts relate to each other, blessed or not.
    pub related: fn(&Counts) -> Result<(), String>,
}

/// Runs `work`. Callgrind knows the name of this function and counts instructions only while it runs.
#[inline(never)]
pub fn counted(work: impl FnOnce()) {
    work();
    // This keeps `work()` from becoming a tail call, which would leave this function before the work is done.
    black_box(());
}

impl Guard {
    /// Does what the command line asks for.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        // Cargo itself passes `--bench` to a benchmark.
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
        let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--run", key] => self.find(key).map(|path| (path.run)()),
            ["--bless"] => self.bless(),
            ref keys => self.guard(keys),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                println!("\n{message}");
                ExitCode::FAILURE
            }
        }
    }

    fn find(&self, key: &str) -> Result<&'static Path, String> {
        let keys = || self.paths.iter().map(|path| path.key).collect::<Vec<_>>().join(", ");
        let found = self.paths.iter().find(|path| path.key == key);
        found.ok_or_else(|| format!("no path `{key}`: there are {}", keys()))
    }

    /// Returns the committed table.
    fn table(&self) -> PathBuf {
        PathBuf::from(self.manifest_dir).join("benches/instructions/limits.toml")
    }

    /// Returns the file to which callgrind writes its result for a path; `callgrind_annotate` reads it.
    fn output(&self, key: &str) -> PathBuf {
        PathBuf::from(self.tmp_dir).join(format!("instructions-{key}.out"))
    }

    fn command(&self) -> String {
        format!("cargo bench -p {} --bench instructions", self.package)
    }

    /// Counts the instructions of one operation of `path`.
    fn count(&self, path: &Path) -> Result<f64, String> {
        let output = self.output(path.key);
        let this = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
            .arg("--toggle-collect=provost_tests::instructions::counted*")
            .arg(format!("--callgrind-out-file={}", output.display()))
            .arg(this)
            .args(["--run", path.key])
            .output()
            .map_err(|error| format!("cannot start valgrind ({error}): apt-get install valgrind"))?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("{} fails under valgrind: {}\n{said}", path.call, run.status));
        }
        let found =
            std::fs::read_to_string(&output).map_err(|error| format!("{}: {error}", output.display()))?;
        let total = found.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse::<f64>().ok());
        let total = total.filter(|total| *total > 0.0).ok_or_else(|| {
            format!("{} holds no count: is `counted` inlined, or the program stripped?", output.display())
        })?;
        Ok(total / f64::from(path.operations))
    }

    /// Reads the committed table: `key = number`, one on each line.
    fn limits(&self) -> Result<Counts, String> {
        let table = self.table();
        let wrong = |what: String| format!("{}: {what}", table.display());
        let text = std::fs::read_to_string(&table).map_err(|error| wrong(error.to_string()))?;
        let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &str| {
            let (key, number) = line.split_once(" = ")?;
            Some((key.to_owned(), number.parse().ok()?))
        };
        entries.map(|line| entry(line).ok_or_else(|| wrong(format!("not `key = number`: {line}")))).collect()
    }

    fn bless(&self) -> Result<(), String> {
        let mut text = format!(
            "# Instructions of one operation of each hot path (see paths.rs), counted by callgrind. Written by\n\
             # `{} -- --bless`, and read by the same without `--bless`.\n",
            self.command()
        );
        let mut counts = Counts::new();
        for path in self.paths {
            let count = self.count(path)?;
            println!("{:32} {count:12.2}", path.call);
            let written = writeln!(text, "{} = {count:.2}", path.key);
            written.map_err(|error| error.to_string())?;
            counts.insert(path.key.to_owned(), count);
        }
        (self.related)(&counts)?;
        std::fs::write(self.table(), text).map_err(|error| format!("{}: {error}", self.table().display()))
    }

    /// Counts the paths with these keys, or all paths, and compares them with the table.
    fn guard(&self, keys: &[&str]) -> Result<(), String> {
        if cfg!(not(all(target_arch = "x86_64", target_env = "gnu"))) {
            return Err("the table is for x86-64 with glibc and does not apply to this machine".to_owned());
        }
        let limits = self.limits()?;
        let mut chosen = keys.iter().map(|key| self.find(key)).collect::<Result<Vec<_>, _>>()?;
        if chosen.is_empty() {
            chosen.extend(self.paths);
        }
        println!(
            "{:32} {:>12} {:>12} {:>12} {:>8}",
            "instructions of", "counted", "table", "limit", "change"
        );
        let (mut counts, mut grown) = (Counts::new(), Vec::new());
        for path in chosen {
            let count = self.count(path)?;
            let known = *limits
                .get(path.key)
                .ok_or_else(|| format!("{} has no `{}`: --bless it", self.table().display(), path.key))?;
            let limit = known * (1.0 + self.margin_percent / 100.0);
            let change = 100.0 * (count / known - 1.0);
            let verdict = match count {
                _ if count > limit => "GREW",
                _ if change < -self.margin_percent => "less: --bless it to keep the gain",
                _ => "",
            };
            println!("{:32} {count:12.2} {known:12.2} {limit:12.2} {change:+7.1}% {verdict}", path.call);
            if count > limit {
                grown.push(path.key);
            }
            counts.insert(path.key.to_owned(), count);
        }
        (self.related)(&counts)?;
        if grown.is_empty() { Ok(()) } else { Err(self.complaint(&grown)) }
    }

    fn complaint(&self, grown: &[&str]) -> String {
        format!(
            "Over {} % more instructions than the table says: {}.\n\
             Where they go:     callgrind_annotate {}\n\
             If it is intended: {} -- --bless\n                   \
             and commit {}/benches/instructions/limits.toml with the reason.",
            self.margin_percent,
            grown.join(", "),
            self.output(grown[0]).display(),
            self.command(),
            self.folder,
        )
    }
}
