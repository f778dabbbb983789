//! The guard of the hot paths of the state core: `cargo bench -p provost-state --bench instructions`. See
//! [`provost_tests::instructions`].

mod paths;

use std::process::ExitCode;

use provost_tests::instructions::{Counts, Guard};

/// The maximum ratio of the instructions of a commit among 100,000 processes to those of one among 1,000, blessed or
/// not: the tree has two more levels, and nothing else may grow.
const GROWTH_MAX: f64 = 2.0;

fn main() -> ExitCode {
    let guard = Guard {
        package: env!("CARGO_PKG_NAME"),
        folder: "host/state",
        manifest_dir: env!("CARGO_MANIFEST_DIR"),
        tmp_dir: env!("CARGO_TARGET_TMPDIR"),
        // In ten runs the paths by name differed by up to 0.5 %, because of the seeds of the hashes; the others did not differ.
        margin_percent: 2.0,
        paths: &paths::PATHS,
        related: growth,
    };
    guard.run()
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
