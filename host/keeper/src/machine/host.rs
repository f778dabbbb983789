//! The host: its state, its deaths and the pause after them, the pings.

use crate::machine::world::Now;
use crate::protocol::{HostEnd, HostEnding, HostState};
use crate::table::HostEntry;

pub(super) const SECOND: u64 = 1_000_000_000;

/// The time within which deaths are counted.
const WINDOW: u64 = 60 * SECOND;

/// How many deaths within [`WINDOW`] keep the host down.
pub(super) const DEATHS_MAX: usize = 5;

/// The pauses before a host is started, by the number of deaths within [`WINDOW`].
const PAUSES: [u64; DEATHS_MAX] = [0, 0, SECOND / 10, SECOND / 2, 2 * SECOND];

/// How long a host may take to send `HELLO`.
const GREETING: u64 = 60 * SECOND;

/// How long a host may take to end after `LEAVE`.
const LEAVING: u64 = 60 * SECOND;

/// The time between two pings.
const PING: u64 = 10 * SECOND;

/// How many of them may be unanswered.
const MISSED_MAX: u32 = 3;

/// What follows the end of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The next host, after a pause.
    Restart,
    /// The next host at once; it was asked for.
    Replace,
    /// The keeper ends everything that is left, and itself, with this exit code.
    Finish(u8),
}

/// The host.
#[derive(Debug)]
pub(super) struct Host {
    state: HostState,
    is_stubborn: bool,
    pub(super) after: After,
    pub(super) last: HostEnd,
    /// The number of hosts that were started.
    pub(super) started: u32,
    /// The steady times of the last deaths; 0 for none.
    deaths: [u64; DEATHS_MAX],
    /// Why it was sent SIGKILL.
    killed: HostEnding,
    /// The steady time at which something is due: the start, the end of the greeting, the next ping, the end of leaving.
    due_at: u64,
    /// Pings in succession without an answer.
    missed: u32,
    /// The number of the last ping, and whether it is still to be sent.
    pub(super) ping: u32,
    pub(super) ping_is_due: bool,
    /// The end of the time for a new program, if one is on trial.
    pub(super) trial: Option<u64>,
    /// The length of the trial of the next program, in nanoseconds, if there is one.
    pub(super) promise: Option<u64>,
}

/// What is due with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Start one.
    Start,
    /// Kill it, for this reason.
    Kill(HostEnding),
    /// Several pings were not answered: kill it, unless it is stopped.
    Silence,
}

impl Host {
    /// Returns one that is to be started. One that `is_stubborn` is started again after a tenth of a second,
    /// however often it has died.
    pub(super) fn new(is_stubborn: bool) -> Self {
        Self {
            is_stubborn,
            state: HostState::Absent,
            after: After::Restart,
            last: HostEnd { why: HostEnding::None, status: 0, ended_at: 0 },
            started: 0,
            deaths: [0; DEATHS_MAX],
            killed: HostEnding::None,
            due_at: 0,
            missed: 0,
            ping: 0,
            ping_is_due: false,
            trial: None,
            promise: None,
        }
    }

    /// Returns what the next program has to know of it.
    pub(super) fn entry(&self) -> HostEntry {
        HostEntry {
            is_stubborn: self.is_stubborn,
            last: self.last,
            started: self.started,
            deaths: self.deaths,
            due_at: self.due_at,
            missed: self.missed,
            ping: self.ping,
            pid: 0,
            pidfd: -1,
            socket: -1,
        }
    }

    /// Goes on with the host of another program of the keeper, which is attached. A ping that was not sent is due again.
    pub(super) fn resume(&mut self, entry: &HostEntry) {
        self.state = HostState::Attached;
        (self.last, self.started, self.deaths) = (entry.last, entry.started, entry.deaths);
        (self.due_at, self.missed, self.ping) = (entry.due_at, entry.missed, entry.ping);
    }

    pub(super) fn state(&self) -> HostState {
        self.state
    }

    /// Whether a host may send and be sent messages.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.state, HostState::Attached | HostState::Leaving)
    }

    /// Whether what a host has sent is carried out: also what one has sent that has died since.
    pub(super) fn is_heard(&self) -> bool {
        self.is_there() || (self.state == HostState::Killed && self.killed == HostEnding::Died)
    }

    fn become_state(&mut self, next: HostState) -> bool {
        let may = self.state.may_become(next);
        if may {
            self.state = next;
        }
        may
    }

    /// Returns the number of deaths within the window.
    pub(super) fn deaths(&self, now: Now) -> usize {
        self.deaths.iter().filter(|at| **at != 0 && now.steady.saturating_sub(**at) < WINDOW).count()
    }

    /// Records that one was started.
    pub(super) fn begun(&mut self, now: Now) {
        if self.become_state(HostState::Greeting) {
            self.started = self.started.saturating_add(1);
            self.due_at = now.steady.saturating_add(GREETING);
            self.after = After::Restart;
            (self.missed, self.ping_is_due) = (0, false);
        }
    }

    /// Records `HELLO`; returns false if it comes at the wrong time.
    pub(super) fn greeted(&mut self, now: Now) -> bool {
        let greeted = self.become_state(HostState::Attached);
        if greeted {
            self.due_at = now.steady.saturating_add(PING);
        }
        greeted
    }

    /// Records that it is about to end.
    pub(super) fn leaves(&mut self, now: Now, after: After) {
        if self.become_state(HostState::Leaving) {
            self.due_at = now.steady.saturating_add(LEAVING);
            self.after = after;
        }
    }

    /// Records that what ends is a program on trial: the former one follows at once, and this is no death of it. An end in
    /// order that somebody has asked for is carried out all the same; a failure says nothing about what is held.
    pub(super) fn rolls_back(&mut self) {
        if self.after != After::Finish(0) {
            self.after = After::Replace;
        }
    }

    /// Records that it is being killed; returns whether that is new.
    pub(super) fn kill(&mut self, why: HostEnding) -> bool {
        let killed = self.become_state(HostState::Killed);
        if killed {
            self.killed = why;
        }
        killed
    }

    /// Records its end, or that it could not be started.
    pub(super) fn ended(&mut self, now: Now, status: i32) {
        let why = match self.state {
            HostState::Leaving => HostEnding::Left,
            HostState::Killed => self.killed,
            _ => HostEnding::Died,
        };
        self.last = HostEnd { why, status, ended_at: now.boot };
        if self.state != HostState::Absent && !self.become_state(HostState::Absent) {
            return;
        }
        self.due_at = now.steady;
        if self.after != After::Restart {
            return;
        }
        self.deaths.rotate_left(1);
        if let Some(last) = self.deaths.last_mut() {
            *last = now.steady.max(1);
        }
        let deaths = self.deaths(now);
        if deaths >= DEATHS_MAX && !self.is_stubborn {
            self.become_state(HostState::Down);
        }
        let number = if self.is_stubborn { deaths.min(2) } else { deaths.min(DEATHS_MAX - 1) };
        let pause = PAUSES.get(number).copied().unwrap_or_default();
        self.due_at = now.steady.saturating_add(pause);
    }

    /// No more host is started.
    pub(super) fn stay_down(&mut self) {
        self.become_state(HostState::Down);
    }

    /// Somebody asks for a host although there were many deaths.
    pub(super) fn ask(&mut self, now: Now) {
        if self.become_state(HostState::Absent) {
            self.deaths = [0; DEATHS_MAX];
            self.due_at = now.steady;
        }
    }

    /// Records the answer to a ping.
    pub(super) fn answered(&mut self, seq: u32) {
        if seq == self.ping {
            self.missed = 0;
        }
    }

    /// Forgets the pings that were not answered: the host was stopped.
    pub(super) fn excuse(&mut self) {
        self.missed = 0;
    }

    /// Returns the steady time at which something is due.
    pub(super) fn deadline(&self) -> Option<u64> {
        match self.state {
            HostState::Down | HostState::Killed => None,
            _ => Some(self.trial.map_or(self.due_at, |trial| trial.min(self.due_at))),
        }
    }

    /// Returns what is due now. An unanswered ping counts once for each time that this is called in time, so that a pause of
    /// the whole machine is no silence of the host.
    pub(super) fn due(&mut self, now: Now) -> Due {
        if self.trial.is_some_and(|at| at <= now.steady) && self.state != HostState::Absent {
            return Due::Kill(HostEnding::RolledBack);
        }
        if self.due_at > now.steady {
            return Due::Nothing;
        }
        match self.state {
            HostState::Absent => Due::Start,
            HostState::Greeting | HostState::Leaving => Due::Kill(HostEnding::Late),
            HostState::Attached => {
                self.due_at = now.steady.saturating_add(PING);
                if self.missed >= MISSED_MAX {
                    return Due::Silence;
                }
                self.missed += 1;
                self.ping = self.ping.wrapping_add(1);
                self.ping_is_due = true;
                Due::Nothing
            }
            HostState::Killed | HostState::Down => Due::Nothing,
        }
    }
}
