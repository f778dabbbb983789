//! The guard of the answers to status requests: `cargo bench -p provost-control --bench instructions`. See
//! [`provost_tests::instructions`].

mod ports;
mod requests;

use std::process::ExitCode;

use provost_tests::instructions::{Counts, Guard};

fn main() -> ExitCode {
    let guard = Guard {
        package: env!("CARGO_PKG_NAME"),
        folder: "host/control",
        manifest_dir: env!("CARGO_MANIFEST_DIR"),
        tmp_dir: env!("CARGO_TARGET_TMPDIR"),
        // The state of the heap, which depends on seeds of hashes, moves them by up to 4 % between builds and machines.
        margin_percent: 10.0,
        paths: &requests::PATHS,
        related: cached,
    };
    guard.run()
}

/// Checks that an answer whose processes are rendered does not grow with their number: it shares one piece of memory.
fn cached(counts: &Counts) -> Result<(), String> {
    let (Some(rendered), Some(all)) = (counts.get("render"), counts.get("all")) else { return Ok(()) };
    if *all <= 10.0 * rendered {
        return Ok(());
    }
    Err(format!(
        "An answer with all processes takes {:.1} times the instructions of rendering one process: they are rendered again",
        all / rendered
    ))
}
