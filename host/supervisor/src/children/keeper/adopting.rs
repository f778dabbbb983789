//! Giving the keeper processes that another one has started, which were found after it was killed together with its host.

use std::io;
use std::sync::Arc;

use provost_keeper::protocol::{Id, MESSAGE_MAX, Order};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::connection::Keeper;
use super::outbox::Answer;
use super::recovery::{FoundLife, Recovered};
use super::slots::{Belongings, FormerOutput, FormerSlot, Slot};
use crate::adoption::Held;
use crate::clock::Clock;

impl FoundLife {
    /// Returns it as a host adopts it.
    fn held(&self, clock: &Clock) -> Held {
        let (name, incarnation) = self.life.clone();
        let [stdout, stderr] = self.outputs.clone();
        Held {
            name,
            incarnation,
            pid: self.pid,
            pidfd: Some(self.pidfd.clone()),
            stdout,
            stderr,
            started_at: clock.at_boottime(self.started_at),
            ended: None,
        }
    }
}

impl Recovered {
    /// Returns what was found for a host without a keeper, which sees that these processes end.
    #[must_use]
    pub fn without_keeper(&self) -> Vec<Held> {
        let clock = Clock::of_boot();
        self.lives.iter().map(|found| found.held(&clock)).collect()
    }
}

impl Keeper {
    /// Gives the keeper what was found, except for what it holds already, and returns that as this host adopts it. Something that
    /// the keeper cannot hold is adopted all the same: it lives, and must not be started again.
    pub async fn take_over(&self, recovered: &Recovered) -> Vec<Held> {
        let clock = Clock::of_boot();
        let mut all = Vec::new();
        for found in recovered.lives.iter().filter(|found| !self.holds(&found.life, found.pid)) {
            if let Err(error) = self.give(found).await {
                let name = &*found.life.0;
                tracing::error!(process = name, pid = found.pid, %error, "the keeper cannot hold a process that was found");
            }
            all.push(found.held(&clock));
        }
        all
    }

    async fn give(&self, found: &FoundLife) -> io::Result<()> {
        let (ended, end) = oneshot::channel();
        let [stdout, stderr] = &found.outputs;
        let holding = Belongings {
            pid: found.pid,
            started_at: found.started_at,
            pidfd: found.pidfd.clone(),
            outputs: [stdout, stderr].map(|output| output.as_ref().map(Arc::downgrade).unwrap_or_default()),
            stdin: None,
            end: None,
        };
        let (life, ending) = (found.life.clone(), found.ending);
        let (ended, holding) = (Some(ended), Some(holding));
        // When a stop was to end is not in the table: the host that goes on with the stop says it again.
        let slot = Slot { life: life.clone(), started: None, ended, ending, kill_at: 0, holding };
        let handed = slot.handed().ok_or(io::ErrorKind::NotFound)?;
        let id: Id = self.enter(life.clone(), slot)?;
        let gap_files = self.gap_files_of(id);
        let gap_files = gap_files.each_ref().map(Option::as_deref);
        let order = Order::Adopt { id, held: handed.held, gap_files, is_terminal: handed.is_terminal };
        let mut buffer = vec![0; MESSAGE_MAX];
        let message = order.encode_as(self.version(), 0, &mut buffer).map_err(io::Error::other)?.to_vec();
        let descriptors = handed.owned()?;
        let (wanted, answer) = oneshot::channel();
        self.send(message, descriptors, Answer::Wanted(wanted));
        if let Err(error) = answer.await.unwrap_or(Err(Errno::PIPE)) {
            self.leave(id);
            return Err(error.into());
        }
        let (pid, output) = (found.pid, FormerOutput::default());
        let former = FormerSlot { id, pid, is_child: false, end, reaped: None, stdin: None, ending, output };
        self.enter_former_one(life, former);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use provost_keeper::protocol::{End, Ending, Scope, Usage, Versions};
    use provost_keeper::socket;
    use provost_state::Incarnation;
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    use super::super::connection::Parts;
    use super::super::keys::SHELF_KEYS;
    use super::super::names::Names;
    use super::super::shelved::Shelved;
    use super::*;

    #[tokio::test]
    async fn a_life_whose_end_was_told_is_not_taken_over_although_its_process_is_still_there() {
        let (ours, _theirs) = socket::pair().unwrap();
        let pid = std::process::id();
        let life = (Arc::from("web"), Incarnation(3));
        let ending = Ending { rank: 0, signal: 15, scope: Scope::Group, grace_ms: 1 };
        let (mut slot, _, _) = Slot::starting(life.clone(), ending);
        slot.holding = Some(Belongings {
            pid,
            started_at: 1,
            pidfd: Arc::new(pidfd_open(getpid(), PidfdFlags::empty()).unwrap()),
            outputs: Default::default(),
            stdin: None,
            end: Some(End { status: Some(7 << 8), ended_at: 2, usage: Usage::default() }),
        });
        let (keeper, _) = Keeper::new(Parts {
            pid: 1,
            socket: Arc::new(ours),
            version: Versions::OURS.highest,
            speaks: Versions::OURS,
            names: Names::read(None, |_| false).unwrap(),
            slots: HashMap::from([(Id(1), slot)]),
            next_id: 2,
            kept: BTreeMap::new(),
            ledger: None,
            shelved: Shelved::read(None, SHELF_KEYS.start, HashMap::new()).unwrap(),
        });
        assert!(keeper.holds(&life, pid));
        let next = (life.0, Incarnation(4));
        assert!(!keeper.holds(&next, pid), "the number may be that of another life by now");
    }
}
