//! The words in which everything is shown. The program around the view brings them, so that they are those of its other commands,
//! and so that foreign text becomes safe for a terminal in one place.

use provost_api::{Difference, Event, Explanation, Outcome, Process, StateCore};

/// The words in which everything is shown. Every text that is returned is safe for a terminal and has no control characters,
/// except newlines where there may be several lines, and tabs in lines of logs. `columns` is the width for which a text is laid out.
pub trait Words: Send + Sync {
    /// Returns the milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Returns a time of the API in the time zone of the reader.
    fn time(&self, time: &str) -> String;

    /// Formats a span of time.
    fn span(&self, ms: u64) -> String;

    /// Formats how long ago a time of the API was.
    fn ago(&self, time: &str) -> Option<String>;

    /// Formats a size.
    fn size(&self, bytes: u64) -> String;

    /// Formats a number of cores.
    fn cpu(&self, cores: f64) -> String;

    /// Formats a latency.
    fn latency(&self, ns: u64) -> String;

    /// Returns foreign text in one line and in a safe form.
    fn one_line(&self, text: &str) -> String;

    /// Returns a line of a log in a safe form, without its colours.
    fn log_line(&self, text: &str) -> String;

    /// Returns what the host will do next with a process, and when.
    fn next(&self, process: &Process) -> Option<String>;

    /// Returns an event as one line; the name takes at least `names` columns.
    fn event(&self, event: &Event, names: usize) -> String;

    /// Returns why a process is in its state.
    fn explanation(&self, explanation: &Explanation, columns: usize) -> String;

    /// Returns what a reload would change.
    fn difference(&self, difference: &Difference, columns: usize) -> String;

    /// Returns the figures of the state core.
    fn state_core(&self, core: &StateCore, columns: usize) -> String;

    /// Returns the failures of an order; empty if there are none.
    fn errors(&self, outcome: &Outcome) -> String;
}

#[cfg(test)]
pub(crate) mod tests {
    //! Plain words, at a fixed time.

    use super::*;

    /// The time of all tests, in milliseconds since the Unix epoch.
    pub(crate) const NOW: u64 = 1_000_000;

    /// Plain words: a time of the API is a number of milliseconds.
    #[derive(Debug)]
    pub(crate) struct Plain;

    impl Words for Plain {
        fn now_ms(&self) -> u64 {
            NOW
        }

        fn time(&self, time: &str) -> String {
            format!("@{time}")
        }

        fn span(&self, ms: u64) -> String {
            format!("{}s", ms / 1_000)
        }

        fn ago(&self, time: &str) -> Option<String> {
            Some(self.span(NOW.saturating_sub(time.parse().ok()?)))
        }

        fn size(&self, bytes: u64) -> String {
            format!("{bytes} B")
        }

        fn cpu(&self, cores: f64) -> String {
            format!("{:.1}%", cores * 100.0)
        }

        fn latency(&self, ns: u64) -> String {
            format!("{ns}ns")
        }

        fn one_line(&self, text: &str) -> String {
            text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
        }

        fn log_line(&self, text: &str) -> String {
            text.replace('\x1b', "\\e")
        }

        fn next(&self, process: &Process) -> Option<String> {
            process.next_action_at.as_ref().map(|at| format!("start at {at}"))
        }

        fn event(&self, event: &Event, names: usize) -> String {
            format!("@{} {:names$} {}", event.at, event.process, event.kind)
        }

        fn explanation(&self, explanation: &Explanation, _columns: usize) -> String {
            let events = explanation.history.iter().map(|event| format!("\n  {}", self.event(event, 0)));
            explanation.sentence.clone() + &events.collect::<String>()
        }

        fn difference(&self, difference: &Difference, _columns: usize) -> String {
            difference.processes.iter().map(|one| format!("{} {}\n", one.change, one.name)).collect()
        }

        fn state_core(&self, core: &StateCore, _columns: usize) -> String {
            format!("backend {}\ncommits {}", core.backend, core.commits)
        }

        fn errors(&self, _outcome: &Outcome) -> String {
            "it failed".to_owned()
        }
    }
}
