//! What a keeper holds of a former host, as this host finds it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use provost_keeper::protocol::{End, Id, SlotState, Versions};
use tokio::sync::{mpsc, oneshot};

use super::connection::{Keeper, Parts, Stashed};
use super::greeting::{Greeting, HeldChild, StashedFile};
use super::kept::told;
use super::keys::{LABELS_KEY, LEDGER_KEY, NAMES_KEY, SHELF_KEYS, STASH_KEYS};
use super::last_end::LastEnd;
use super::last_words::{LAST_WORDS_KEY, said};
use super::names::{Life, Names, contents};
use super::shelved::Shelved;
use super::slots::{Belongings, FormerOutput, FormerSlot, Slot};
use crate::adoption::{Adopted, Held, HeldEnd};
use crate::children::family::parent;
use crate::children::fate::status_now;
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
    /// How the former host has ended, if there was one.
    pub last_end: Option<LastEnd>,
}

/// The children that are found.
#[derive(Default)]
struct Found {
    held: Vec<Held>,
    slots: HashMap<Id, Slot>,
    former: HashMap<Life, FormerSlot>,
    /// Those whose exec was not done: their former host has told nobody of them.
    unborn: Vec<Held>,
    /// Those that could not be started, which nobody needs to know any more.
    refused: Vec<Id>,
    /// The process ids that are children of the keeper.
    pids: Vec<u32>,
    /// Whether the keeper may still be moving output into gap files.
    may_grow: bool,
}

impl Keeper {
    /// Begins to serve the connection of a greeting. Must be called within the runtime.
    ///
    /// # Errors
    /// A file for what the next host has to know cannot be made.
    pub fn serve(greeting: Greeting) -> io::Result<Served> {
        let Greeting { socket, version, welcome, held, stashed, .. } = greeting;
        let is_held = |id| held.iter().any(|child| child.id == id);
        let (mut former_names, mut words, mut ledger) = (None, None, None);
        let (mut stash, mut kept) = (Vec::new(), BTreeMap::new());
        let (mut former_labels, mut shelved) = (None, HashMap::new());
        for StashedFile { key, number, file } in stashed {
            match key {
                NAMES_KEY => former_names = Some(file),
                LAST_WORDS_KEY => words = said(file),
                LABELS_KEY => former_labels = Some(file),
                LEDGER_KEY => ledger = Some(file),
                key if STASH_KEYS.contains(&key) => {
                    stash.push(contents(file.try_clone()?, STASH_BYTES_MAX)?);
                    kept.insert(number, Stashed { key, file: Arc::new(file) });
                }
                key if SHELF_KEYS.contains(&key) => {
                    shelved.insert(key, file);
                }
                // A newer host has kept it.
                _ => {}
            }
        }
        let names = Names::read(former_names, is_held)?;
        let next_id = held.iter().map(|child| child.id.0).max().map_or(1, |last| last.wrapping_add(1));
        let mut found = Found { may_grow: welcome.is_draining, ..Found::default() };
        let clock = Clock::of_boot();
        let last_end = LastEnd::of(&welcome.last, words, &clock);
        for child in held {
            found.enter(child, welcome.keeper_pid, &names, &clock);
        }
        let Found { held, slots, former, unborn, refused, pids, .. } = found;
        let names_file = names.file()?;
        let shelved = Shelved::read(former_labels, SHELF_KEYS.start, shelved)?;
        let labels_file = shelved.file()?;
        let pid = welcome.keeper_pid;
        // A keeper that does not say more speaks the version that was agreed on.
        let speaks = welcome.speaks.unwrap_or(Versions { lowest: version, highest: version });
        let (keeper, signals) =
            Self::new(Parts { pid, socket, version, speaks, names, slots, next_id, kept, ledger, shelved });
        // A keeper whose program has taken the place of another one has this host beside the orphans.
        for pid in pids.into_iter().chain([std::process::id()]) {
            keeper.family().enter(pid);
        }
        keeper.keep_names(names_file);
        keeper.keep_labels(Some(labels_file));
        keeper.enter_former(former);
        for id in refused {
            keeper.forget_id(id);
        }
        let why = last_end.as_ref().map(|end| end.reason.clone());
        let adopted = Adopted { held, unborn, stash: stash.into(), last_end: why };
        Ok(Served { keeper, signals, adopted, last_end })
    }
}

impl Found {
    fn enter(&mut self, child: HeldChild, keeper: u32, names: &Names, clock: &Clock) {
        let HeldChild { id, held, descriptors } = child;
        if matches!(held.state, SlotState::Refused | SlotState::Free) {
            self.refused.push(id);
            return;
        }
        let Some(life) = names.life(id) else {
            tracing::error!(
                pid = held.pid,
                "the keeper holds a process whose name is not known; it is left alone"
            );
            return;
        };
        let descriptors = descriptors.into_iter().map(Arc::new);
        let [pidfd, stdout, stderr, stdout_gap, stderr_gap, stdin] = held.descriptors.placed(descriptors);
        // Of the child of another keeper, this one does not know how it has ended.
        let known = held.end.map(|end| match (end.status, &pidfd) {
            (None, Some(pidfd)) => End { status: status_now(held.pid, pidfd), ..end },
            _ => end,
        });
        let (ended, end) = oneshot::channel();
        let is_reaped = held.state == SlotState::Reaped;
        let ended = match known {
            Some(known) => {
                // It cannot fail: the other side is there.
                let _ = ended.send(known);
                None
            }
            None => Some(ended),
        };
        let holding = pidfd.clone().map(|pidfd| Belongings {
            pid: held.pid,
            started_at: held.started_at,
            pidfd,
            outputs: [&stdout, &stderr].map(|output| output.as_ref().map(Arc::downgrade).unwrap_or_default()),
            stdin: stdin.clone(),
            end: known,
        });
        let (ending, kill_at) = (held.ending, held.kill_at);
        self.slots.insert(id, Slot { life: life.clone(), started: None, ended, ending, kill_at, holding });
        // One that another keeper has started is a child of whatever orphans go to.
        let is_child = !is_reaped && parent(held.pid) == Some(keeper);
        if is_child {
            self.pids.push(held.pid);
        }
        let (name, incarnation) = life.clone();
        let children = if held.state == SlotState::Starting { &mut self.unborn } else { &mut self.held };
        children.push(Held {
            name,
            incarnation,
            pid: held.pid,
            pidfd,
            stdout,
            stderr,
            started_at: clock.at_boottime(held.started_at),
            ended: known.map(|end| HeldEnd { exit: told(&end), at: clock.at_boottime(end.ended_at) }),
        });
        let reaped = known.filter(|_| is_reaped);
        let pid = held.pid;
        let files = [stdout_gap, stderr_gap].map(|file| file.and_then(Arc::into_inner));
        let output = FormerOutput { gaps: held.gaps, files, may_grow: self.may_grow };
        self.former.insert(life, FormerSlot { id, pid, is_child, end, reaped, stdin, ending, output });
    }
}
