//! One scripted child: its manner, and its life from its start until its end was observed.

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Exit, Incarnation, Moment, Signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::director::Part;
use crate::adoption::HeldEnd;
use crate::children::LifeEnd;
use crate::children::notices::Announcer;
use crate::clock::Clock;

/// How scripted children of a process react to signals and when they exit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// They live until the script ends them: signals, even SIGKILL, change nothing.
    #[default]
    Deaf,
    /// They end at the first SIGTERM or SIGKILL.
    Obedient,
    /// They end like this as soon as they are started.
    Brief(Exit),
    /// They live like this.
    Played(Part),
}

#[derive(Debug)]
pub(super) struct Living {
    pub(super) name: Arc<str>,
    pub(super) incarnation: Incarnation,
    pub(super) manner: Manner,
    /// By which the host that owns it hears what it says.
    pub(super) announcer: Option<Announcer>,
    pub(super) started_at: Moment,
    /// How and when it ended, until the end was observed: the pid still exists then, like that of a zombie.
    ended: watch::Sender<Option<HeldEnd>>,
    /// When and how it is going to end, if that is known.
    due: watch::Sender<Option<Due>>,
}

/// An end to come.
#[derive(Clone, Debug)]
struct Due {
    at: Instant,
    end: LifeEnd,
}

impl Living {
    pub(super) fn new(name: Arc<str>, incarnation: Incarnation, manner: Manner, started_at: Moment) -> Self {
        let due = match &manner {
            Manner::Played(Part { ends: Some(ending), .. }) => {
                let end = LifeEnd { exit: ending.exit.clone(), out_of_memory: ending.out_of_memory };
                Some(Due { at: later(ending.after), end })
            }
            _ => None,
        };
        let (ended, due) = (watch::Sender::new(None), watch::Sender::new(due));
        let child = Self { name, incarnation, manner, announcer: None, started_at, ended, due };
        if let Manner::Brief(exit) = &child.manner {
            child.end(exit.clone(), started_at);
        }
        child
    }

    /// Ends the child, unless it has ended already.
    pub(super) fn end(&self, exit: Exit, at: Moment) {
        put_end(&self.ended, exit, at);
    }

    /// Returns how and when it ended, if it has.
    pub(super) fn ended(&self) -> Option<HeldEnd> {
        self.ended.borrow().clone()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Receives its stop signal.
    pub(super) fn ask_to_end(&self, signal: Signal) {
        let Manner::Played(Part { obeys_within: Some(within), .. }) = &self.manner else { return };
        let at = later(*within);
        self.due.send_if_modified(|due| {
            let is_sooner = due.as_ref().is_none_or(|due| at < due.at);
            if is_sooner {
                *due = Some(Due { at, end: Exit::Signal(signal.number()).into() });
            }
            is_sooner
        });
    }

    /// Receives a signal.
    pub(super) fn take(&self, signal: Signal, at: Moment) {
        let ends = match &self.manner {
            Manner::Obedient => [Signal::TERM, Signal::KILL].contains(&signal),
            Manner::Played(_) => signal == Signal::KILL,
            Manner::Deaf | Manner::Brief(_) => false,
        };
        if ends {
            self.end(Exit::Signal(signal.number()), at);
        }
    }

    /// Returns what resolves with its end, when that has come.
    pub(super) fn lived(&self, clock: Clock) -> impl Future<Output = LifeEnd> + Send + use<> {
        let (end, mut ended, mut due) = (self.ended.clone(), self.ended.subscribe(), self.due.subscribe());
        async move {
            loop {
                let next = due.borrow_and_update().clone();
                let until = async {
                    match &next {
                        Some(due) => sleep_until(due.at).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    seen = ended.wait_for(Option::is_some) => {
                        // Cannot fail: a sender is held here.
                        let seen = seen.ok().and_then(|end| end.clone());
                        return seen.map_or(Exit::Unobserved, |end| end.exit).into();
                    }
                    () = until => {
                        if let Some(due) = next {
                            put_end(&end, due.end.exit.clone(), clock.now());
                            return due.end;
                        }
                    }
                    changed = due.changed() => if changed.is_err() {
                        return Exit::Unobserved.into();
                    },
                }
            }
        }
    }
}

fn put_end(ended: &watch::Sender<Option<HeldEnd>>, exit: Exit, at: Moment) {
    ended.send_if_modified(|ended| {
        let is_new = ended.is_none();
        ended.get_or_insert(HeldEnd { exit, at });
        is_new
    });
}

/// Returns the instant that is this much later than now, at most a century.
fn later(by: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    Instant::now() + by.min(CENTURY)
}
