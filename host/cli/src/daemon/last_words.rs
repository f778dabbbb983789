//! Where this host says why it fails, so that the next one can tell.

use std::sync::OnceLock;

use provost_supervisor::LastWords;

use crate::render::humane::one_line;

/// The file that the keeper keeps, once there is one.
static LAST_WORDS: OnceLock<LastWords> = OnceLock::new();

/// Says everything there from now on.
pub(super) fn keep_in(words: LastWords) {
    // There is one connection to a keeper in the life of this program.
    let _ = LAST_WORDS.set(words);
}

/// Says why this host fails, if there is a keeper.
pub(super) fn say(text: &str) {
    if let Some(words) = LAST_WORDS.get() {
        words.say(text);
    }
}

/// Says the first sentence of the report of a failure, unless a panic was said already, which is its cause.
pub(super) fn say_report(report: &str) {
    let first = report.lines().next().unwrap_or_default();
    if let Some(words) = LAST_WORDS.get().filter(|words| words.is_silent()) {
        words.say(&one_line(first.strip_prefix("error: ").unwrap_or(first)));
    }
}
