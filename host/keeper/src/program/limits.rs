//! What the keeper takes for itself and gives back to each child: a high limit on open files, a low score for the OOM killer, and the
//! signals that it ignores.

use std::ffi::CString;

use provost_posix::Ignored;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The score of a process that is never chosen.
const NEVER: &str = "-1000";

/// What a child gets.
#[derive(Debug)]
pub(super) struct Limits {
    /// The soft and the hard limit on open files of the starter, if they were changed.
    pub(super) open_files: Option<(u64, u64)>,
    /// The score of the starter, if it was changed.
    pub(super) oom_score: Option<CString>,
    /// What the keeper ignores, and the child does not.
    pub(super) ignored: Ignored,
}

impl Limits {
    /// Raises the limit on open files to what is allowed, and lowers the score if that is allowed. Children get the soft limit
    /// `of_starter`, if this process was started with another one.
    pub(super) fn take(of_starter: Option<u64>) -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let raised =
            current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
        let number = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        let former = of_starter.unwrap_or(number(current)).min(number(maximum));
        let open_files = (raised || former != number(current)).then(|| (former, number(maximum)));
        Self { open_files, oom_score: lower_score(), ignored: Ignored::now() }
    }
}

/// Lowers the score; returns the former one if it was another.
fn lower_score() -> Option<CString> {
    let path = "/proc/self/oom_score_adj";
    let former = std::fs::read_to_string(path).ok()?;
    let former = former.trim();
    if former == NEVER {
        return None;
    }
    std::fs::write(path, NEVER).ok()?;
    CString::new(former).ok()
}
