//! How the host before this one has ended, in words.

use std::sync::Arc;

use provost_keeper::protocol::{HostEnd, HostEnding};
use provost_state::{Exit, Moment};

use crate::children::family::exit_of;
use crate::clock::Clock;

/// How the host before this one has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEnd {
    /// The kind of its end.
    pub kind: HostEnding,
    /// What happened, in words, with the message of the host if it has left one.
    pub reason: Arc<str>,
    /// When it ended, on the clock of [`Clock::of_boot`].
    pub at: Moment,
}

impl LastEnd {
    /// Returns how the last host has ended, whose last words were these; `None` if there was none.
    pub(super) fn of(last: &HostEnd, words: Option<String>, clock: &Clock) -> Option<Self> {
        let exit = exit_of(last.status);
        let is_own = matches!(exit, Exit::Code(_) | Exit::Signal(libc::SIGABRT));
        // Words from long ago say nothing about a host that somebody else has killed.
        let words = words.filter(|_| is_own).map_or_else(String::new, |words| format!(": {words}"));
        let reason = match last.why {
            HostEnding::None => return None,
            HostEnding::Died => match exit {
                Exit::Signal(_) => format!("it was {exit}{words}"),
                _ => format!("it {exit}{words}"),
            },
            HostEnding::Silent => "it did not answer the keeper, which killed it".to_owned(),
            HostEnding::Late => {
                "it did not attach to the keeper, or did not end, in time, and was killed".to_owned()
            }
            HostEnding::Faulty => "it broke the protocol, and the keeper killed it".to_owned(),
            HostEnding::Left => "it left on purpose".to_owned(),
            HostEnding::RolledBack => match exit {
                Exit::Signal(libc::SIGKILL) => {
                    "a new program was not in service in time and was killed; the former one was started again".to_owned()
                }
                Exit::Signal(_) => format!(
                    "a new program was {exit} before it was in service{words}; the former one was started again"
                ),
                _ => format!(
                    "a new program {exit} before it was in service{words}; the former one was started again"
                ),
            },
            HostEnding::Handed => "its keeper had ended".to_owned(),
        };
        Some(Self { kind: last.why, reason: reason.into(), at: clock.at_boottime(last.ended_at) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(why: HostEnding, status: i32, words: Option<&str>) -> Option<String> {
        let last = HostEnd { why, status, ended_at: 1 };
        LastEnd::of(&last, words.map(str::to_owned), &Clock::of_boot()).map(|end| end.reason.to_string())
    }

    #[test]
    fn the_words_of_a_host_are_told_if_it_has_ended_itself() {
        assert_eq!(told(HostEnding::None, 0, Some("words")), None);
        let died = |status| told(HostEnding::Died, status, Some("out of luck")).unwrap();
        assert_eq!(died(256), "it exited with code 1: out of luck");
        assert_eq!(died(libc::SIGABRT), "it was killed by SIGABRT: out of luck");
        assert_eq!(died(libc::SIGKILL), "it was killed by SIGKILL");
        let rolled_back = |status| told(HostEnding::RolledBack, status, Some("no config")).unwrap();
        assert_eq!(
            rolled_back(512),
            "a new program exited with code 2 before it was in service: no config; the former one was started again"
        );
        assert!(rolled_back(libc::SIGKILL).contains("in time"));
    }
}
