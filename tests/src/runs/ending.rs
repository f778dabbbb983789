//! The end of a run: what it prints, and what it keeps.

use std::path::Path;
use std::process::{Command, ExitCode};

/// Prints the figures and the problems of the run with this name, or these words if there are no problems.
#[must_use]
pub fn verdict(
    name: &str,
    seed: u64,
    (problems, figures): &(Vec<String>, String),
    all_holds: &str,
) -> ExitCode {
    println!("{name}: {figures}");
    for problem in problems {
        println!("{name}: FAILED (seed {seed}): {problem}");
    }
    if problems.is_empty() {
        println!("{name}: {all_holds}");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// Copies the directory of the host to a place that stays.
pub fn keep(name: &str, dir: &Path) {
    let place = std::env::temp_dir().join(format!("provost-{name}-{}", std::process::id()));
    let copied = Command::new("cp").arg("-r").arg(dir).arg(&place).status();
    if copied.is_ok_and(|status| status.success()) {
        println!("{name}: the host's directory is kept in {}", place.display());
    }
}
