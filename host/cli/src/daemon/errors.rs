//! Words that several parts of the host report errors with.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;

/// What is said when the kernel has no thread, no memory or no descriptor to give.
pub(super) const SHORTAGE_HINT: &str = "threads, memory or descriptors are short: look at `ulimit -u`, `ulimit -n` and the limits of the container";

/// What is said after a panic, which the log has told.
pub(super) const DEFECT_HINT: &str = "this is a defect of Provost: please report it with what its log says";

/// An error with what caused it.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => {
            format!("{error}: {}", reason(cause))
        }
        _ => error.to_string(),
    }
}

/// What is said, and what can be done, when a host owns the runtime directory and does not listen on its socket.
pub(crate) fn not_listening(pid: impl Display, socket: &Path) -> (String, String) {
    let what =
        format!("a host is running here already: pid {pid}, and it does not listen on {}", socket.display());
    let hint = format!(
        "it may be starting or ending, or be suspended: `kill -CONT {pid}` lets it go on, `kill {pid}` stops it and its \
         processes in order"
    );
    (what, hint)
}
