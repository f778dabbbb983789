//! Writes `docs/benchmarks.md` from what the benchmarks have left in `target/bench`: `cargo run -p provost-tests --example
//! report`. Every number in it is computed here from the results; a short run (`--quick`) is refused.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that people run by hand")]

mod figures;
mod plugins;
mod tables;
mod targets;
mod verdict;

use std::path::Path;
use std::process::ExitCode;

use figures::{Bench, read};
use provost_tests::bench::block::AGAIN;
use provost_tests::bench::control::DISTURBED_BELOW;
use provost_tests::bench::trial::TIMED;

/// What the benchmarks write, and whether the report needs it.
const BENCHES: [(&str, bool); 9] = [
    ("reads", true),
    ("lookups", true),
    ("listall", true),
    ("commits", true),
    ("paced", true),
    ("memory", true),
    ("status", false),
    ("restart", false),
    ("plugins", false),
];

const HEAD: &str = "# Benchmarks

Made by `cargo run -p provost-tests --example report` from the results of

```console
$ cargo bench -p provost-state --bench core     # a few minutes; wants the machine for itself
$ cargo bench -p provost --bench status         # the production path
$ cargo bench -p provost --bench restart
$ cargo bench -p provost-plugin-host --bench plugins
```

No number here is typed by hand. Most of it is about the state core; the plan that its targets come from compares with a mutex that is locked while the whole
state is cloned, behind an `RwLock<HashMap>`.

## How to read it

- A **ratio** is throughput against a baseline in the same round; the median of the rounds is shown, and its range in the
  full tables. More than 1 is faster than the baseline.
- `mutex, clone`, `mutex, fields`, `RwLock<HashMap>`, `map, ..` are the plan's \"before\", written down for the benchmark on our
  own state type: locked and cloned, or only what is needed copied. `locked` is the backend of that name, what production falls
  back to: it has the same contract as `atomic` (versions, changes, snapshots), which the bare mutexes have not.
- `guard` is `look()`, `poller` is `Poller::snapshot()`, `status word` is `Handle::status()`.
- Latencies are less what the clock costs; they are as coarse as the clock. CPU is processor time an operation; allocations
  are counted by the allocator.
- With more threads than cores a closed loop hides waiting; for tails see the paced reader.
";

fn report(benches: &[Bench]) -> String {
    let mut text = HEAD.to_owned();
    text += &format!(
        "- One operation in {TIMED} is timed, in a part of the round of its own, so that the clock slows no throughput.\n\
         - The **control** is how much further two threads get than one on words of their own, measured before and after\n  \
         each block; the worse counts. Below {DISTURBED_BELOW} something else held a core, and threads did not truly contend: \
         the block is\n  marked \\* and was measured again, up to {AGAIN} times; the one with the best control is shown, and \
         verdicts leave out\n  what is still marked, unless there is nothing else.\n"
    );
    text += &tables::writers(benches);
    text += &tables::machine(benches);
    text += "\n## The targets of the plan\n\n";
    text += &targets::all(benches);
    text += "\n## Where a mutex wins\n\n";
    text += &targets::where_a_mutex_wins(benches);
    text += "\n## What users feel\n\n";
    text += &tables::felt(benches);
    text += &plugins::all(benches);
    text += "\n## Key settings in full\n";
    text += &tables::key(benches);
    text += "\n## All settings\n\nRatios to the first design of each table, the median of the rounds.\n";
    text += &tables::matrices(benches);
    text
}

fn main() -> ExitCode {
    let mut benches = Vec::new();
    for (name, needed) in BENCHES {
        match read(name) {
            Ok(bench) => benches.push(bench),
            Err(error) if needed => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
            Err(error) => eprintln!("left out: {error}"),
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    match std::fs::write(&path, report(&benches)) {
        Ok(()) => println!("docs/benchmarks.md is written"),
        Err(error) => {
            eprintln!("docs/benchmarks.md: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
