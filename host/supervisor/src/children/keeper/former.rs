//! What a keeper holds of a former host, as this host finds it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use provost_keeper::protocol::{HostEnd, HostEnding, Id, SlotState};
use provost_state::Exit;
use tokio::sync::{mpsc, oneshot};

use super::connection::{Keeper, LABELS_KEY, NAMES_KEY, Parts, SHELF_KEYS};
use super::greeting::{Greeting, HeldChild, StashedFile};
use super::kept::told;
use super::link::{FormerSlot, Slot};
use super::names::{Life, Names, contents};
use super::shelved::Shelved;
use crate::adoption::{Adopted, Held, HeldEnd};
use crate::children::family::exit_of;
use crate::clock::Clock;

/// The longest file of a stash that is read.
const STASH_BYTES_MAX: u64 = 1 << 30;

/// A connection that is being served, and what this host has found.
#[derive(Debug)]
pub struct Served {
    /// The keeper.
    pub keeper: Keeper,
    /// The numbers of the signals that it is sent for this host.
    pub signals: mpsc::Receiver<i32>,
    /// What there is of a former host.
    pub adopted: Adopted,
}

/// The children that are found.
#[derive(Default)]
struct Found {
    held: Vec<Held>,
    slots: HashMap<Id, Slot>,
    former: HashMap<Life, FormerSlot>,
    /// Those that were not started yet, or could not be: their former host has told nobody of them.
    unborn: Vec<Id>,
    /// The process ids that are children of the keeper.
    pids: Vec<u32>,
}

impl Keeper {
    /// Begins to serve the connection of a greeting. Must be called within the runtime.
    ///
    /// # Errors
    /// No file for the names of the children can be made.
    pub fn serve(greeting: Greeting) -> io::Result<Served> {
        let Greeting { socket, welcome, held, stashed } = greeting;
        let last_end = ending(&welcome.last);
        let is_held = |id| held.iter().any(|child| child.id == id);
        let (mut former_names, mut stash, mut kept) = (None, Vec::new(), BTreeMap::new());
        let (mut former_labels, mut shelved) = (None, HashMap::new());
        for StashedFile { key, number, file } in stashed {
            if key == NAMES_KEY {
                former_names = Some(file);
            } else if key == LABELS_KEY {
                former_labels = Some(file);
            } else if SHELF_KEYS.contains(&key) {
                shelved.insert(key, file);
            } else {
                kept.insert(number, key);
                stash.push(contents(file, STASH_BYTES_MAX)?);
            }
        }
        let names = Names::read(former_names, is_held)?;
        let next_id = held.iter().map(|child| child.id.0).max().map_or(1, |last| last.wrapping_add(1));
        let mut found = Found::default();
        let clock = Clock::of_boot();
        for child in held {
            found.enter(child, &names, &clock);
        }
        let Found { held, slots, former, unborn, pids } = found;
        let names_file = names.file()?;
        let shelved = Shelved::read(former_labels, SHELF_KEYS.start, shelved)?;
        let labels_file = shelved.file()?;
        let pid = welcome.keeper_pid;
        let (keeper, signals) = Self::new(Parts { pid, socket, names, slots, next_id, kept, shelved });
        for pid in pids {
            keeper.family().enter(pid);
        }
        keeper.keep_names(names_file);
        keeper.keep_labels(Some(labels_file));
        keeper.enter_former(former);
        for id in unborn {
            keeper.end_unborn(id);
        }
        Ok(Served { keeper, signals, adopted: Adopted { held, stash, last_end } })
    }
}

impl Found {
    fn enter(&mut self, child: HeldChild, names: &Names, clock: &Clock) {
        let HeldChild { id, held, descriptors } = child;
        if matches!(held.state, SlotState::Starting | SlotState::Refused | SlotState::Free) {
            self.unborn.push(id);
            return;
        }
        let Some(life) = names.life(id) else {
            tracing::error!(
                pid = held.pid,
                "the keeper holds a process whose name is not known; it is left alone"
            );
            return;
        };
        let [pidfd, stdout, stderr, _, _, stdin] = held.descriptors.placed(descriptors.into_iter());
        let (ended, end) = oneshot::channel();
        let is_reaped = held.state == SlotState::Reaped;
        let slot = match held.end {
            Some(known) => {
                // It cannot fail: the other side is there.
                let _ = ended.send(known);
                Slot { started: None, ended: None }
            }
            None => Slot { started: None, ended: Some(ended) },
        };
        self.slots.insert(id, slot);
        if !is_reaped {
            self.pids.push(held.pid);
        }
        let (name, incarnation) = life.clone();
        self.held.push(Held {
            name,
            incarnation,
            pid: held.pid,
            pidfd,
            stdout,
            stderr,
            gap: None,
            gap_bytes: 0,
            started_at: clock.at_boottime(held.started_at),
            ended: held.end.map(|end| HeldEnd { exit: told(&end), at: clock.at_boottime(end.ended_at) }),
        });
        let reaped = held.end.filter(|_| is_reaped);
        self.former.insert(life, FormerSlot { id, pid: held.pid, end, reaped, stdin });
    }
}

/// Says why the last host ended; `None` if there was none.
fn ending(last: &HostEnd) -> Option<Arc<str>> {
    let why = match last.why {
        HostEnding::None => return None,
        HostEnding::Died => match exit_of(last.status) {
            exit @ Exit::Signal(_) => format!("it was {exit}"),
            exit => format!("it {exit}"),
        },
        HostEnding::Silent => "it did not answer the keeper, which killed it".to_owned(),
        HostEnding::Late => {
            "it did not attach to the keeper, or did not end, in time, and was killed".to_owned()
        }
        HostEnding::Faulty => "it broke the protocol, and the keeper killed it".to_owned(),
        HostEnding::Left => "it left on purpose".to_owned(),
        HostEnding::RolledBack => "it did not settle, and the former program was started again".to_owned(),
        HostEnding::Handed => "its keeper had ended".to_owned(),
    };
    Some(Arc::from(why))
}
