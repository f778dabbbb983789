//! The benchmarks of the state core, on the production types: `cargo bench -p provost-state --bench core`, or only some
//! of them: `-- reads lookups`. `-- --quick` only shows that they work. `cargo run -p provost-tests --example report`
//! makes the report from the JSON that this program writes.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark fails by panicking")]

mod commits;
mod listall;
mod lookups;
mod memory;
mod paced;
mod reads;
mod worlds;

use provost_tests::bench::allocations::CountingAllocator;
use provost_tests::bench::results;
use serde_json::Value;

#[global_allocator]
static COUNTING: CountingAllocator = CountingAllocator;

/// A benchmark, which measures and returns its blocks.
type Blocks = fn() -> Vec<Value>;

/// All benchmarks, in the order in which they run.
const BENCHES: [(&str, Blocks); 6] = [
    ("reads", reads::blocks),
    ("lookups", lookups::blocks),
    ("listall", listall::blocks),
    ("commits", commits::blocks),
    ("paced", paced::blocks),
    ("memory", memory::blocks),
];

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    if let Some(unknown) = chosen.iter().find(|it| BENCHES.iter().all(|(name, _)| name != it)) {
        eprintln!("there is no benchmark `{unknown}`");
        std::process::exit(2);
    }
    for (name, blocks) in BENCHES {
        if chosen.is_empty() || chosen.iter().any(|it| it == name) {
            results::write(name, blocks());
        }
    }
}
