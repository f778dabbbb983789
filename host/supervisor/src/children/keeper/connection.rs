//! The handle of the connection to the keeper.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use provost_keeper::protocol::{Id, Order, Scope};
use provost_state::{Incarnation, Signal};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot, watch};

use super::link::{Answer, FormerSlot, Link, Outgoing, Slot, Slots};
use super::names::{Life, Names};
use super::shelved::Shelved;
use crate::children::family::Family;
use crate::stash::{StashKeeper, StashKept};

/// The number of signals that wait to be taken.
const SIGNALS_MAX: usize = 64;

/// The keeper, which is the parent of the processes. Clones are the same connection.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    pid: u32,
    orders: mpsc::UnboundedSender<Outgoing>,
    slots: Slots,
    names: Mutex<Names>,
    family: Arc<Family>,
    gone: watch::Receiver<bool>,
    next_id: AtomicU32,
    /// The children of a former host that were not taken over yet.
    former: Mutex<HashMap<Life, FormerSlot>>,
    /// The files of stashes that the keeper has, by their numbers.
    stashed: Mutex<BTreeMap<u64, u32>>,
    /// The descriptors that outlive this host.
    shelved: Shelved,
}

/// What a connection begins with.
pub(super) struct Parts {
    pub(super) pid: u32,
    pub(super) socket: Arc<OwnedFd>,
    pub(super) names: Names,
    pub(super) slots: HashMap<Id, Slot>,
    pub(super) next_id: u32,
    /// The keys of the files of stashes, by their numbers.
    pub(super) kept: BTreeMap<u64, u32>,
    pub(super) shelved: Shelved,
}

/// The key of the file of names.
pub(super) const NAMES_KEY: u32 = 1;

/// The key of the file of labels.
pub(super) const LABELS_KEY: u32 = 9;

/// The keys of the descriptors on the shelf. Each is used once.
pub(super) const SHELF_KEYS: std::ops::RangeFrom<u32> = 64..;

/// The keys of the files of a stash. There are two at a time at most, with numbers that follow each other.
pub(super) const STASH_KEYS: std::ops::Range<u32> = 16..48;

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("pid", &self.0.pid).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Begins to serve a connection. The lives are those that are held already; each has a slot with the senders that report
    /// about it.
    pub(super) fn new(parts: Parts) -> (Self, mpsc::Receiver<i32>) {
        let Parts { pid, socket, names, slots, next_id, kept, shelved } = parts;
        let (orders, to_send) = mpsc::unbounded_channel();
        let (signals, signalled) = mpsc::channel(SIGNALS_MAX);
        let (gone, is_gone) = watch::channel(false);
        let (slots, family) = (Arc::new(Mutex::new(slots)), Arc::<Family>::default());
        family.adopted_by(Some(pid));
        let inner = Inner {
            pid,
            orders,
            slots: slots.clone(),
            names: Mutex::new(names),
            family: family.clone(),
            gone: is_gone,
            next_id: AtomicU32::new(next_id),
            former: Mutex::default(),
            stashed: Mutex::new(kept),
            shelved,
        };
        let link = Link { socket, orders: to_send, slots, family, signals, gone };
        tokio::spawn(link.run());
        (Self(Arc::new(inner)), signalled)
    }

    /// Returns the process id of the keeper.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Whether the keeper has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        *self.0.gone.borrow()
    }

    /// Resolves when the keeper has ended.
    pub async fn ended(&self) {
        let mut gone = self.0.gone.clone();
        // An error means that the task of the connection has ended, which is the same.
        let _ = gone.wait_for(|gone| *gone).await;
    }

    /// Returns the descendants of the keeper, for those who look for orphans.
    pub(in crate::children) fn family(&self) -> Arc<Family> {
        self.0.family.clone()
    }

    /// Enters a life that is about to be started, and returns its id. The keeper only compares ids.
    ///
    /// # Errors
    /// It cannot be written down.
    pub(super) fn enter(&self, life: Life, slot: Slot) -> io::Result<Id> {
        let id = Id(self.0.next_id.fetch_add(1, Ordering::Relaxed));
        {
            let mut names = self.0.names.lock();
            if names.enter(id, life)? {
                // Sent before the order to start it, so that the keeper has the name first.
                self.keep_names(names.file()?);
            }
        }
        self.0.slots.lock().insert(id, slot);
        Ok(id)
    }

    /// Has the keeper keep this file of names.
    pub(super) fn keep_names(&self, file: OwnedFd) {
        self.order(&Order::Stash { key: NAMES_KEY, generation: 0 }, vec![file], Answer::Unneeded);
    }

    /// Returns what is on the shelf.
    pub(super) fn shelved(&self) -> &Shelved {
        &self.0.shelved
    }

    /// Has the keeper keep this file of labels, if it is a new one.
    pub(super) fn keep_labels(&self, file: Option<OwnedFd>) {
        if let Some(file) = file {
            self.order(&Order::Stash { key: LABELS_KEY, generation: 0 }, vec![file], Answer::Unneeded);
        }
    }

    /// Has the keeper keep this descriptor under a key of the shelf, or drop the one that it has.
    pub(super) fn keep_shelved(&self, key: u32, descriptor: Option<OwnedFd>) {
        let descriptors = descriptor.into_iter().collect();
        self.order(&Order::Stash { key, generation: 0 }, descriptors, Answer::Unneeded);
    }

    /// Removes a life that was never begun.
    pub(super) fn leave(&self, id: Id) {
        self.0.slots.lock().remove(&id);
        self.0.names.lock().remove(id);
    }

    /// Tells the keeper that a life is over and recorded.
    pub(super) fn forget_id(&self, id: Id) {
        self.tell(&Order::Forget { id });
        self.leave(id);
    }

    /// Ends a child that hangs in its exec, or could not be started, and that nobody has heard of.
    pub(super) fn end_unborn(&self, id: Id) {
        self.kill_id(id);
        self.forget_id(id);
    }

    /// Has the keeper kill the group of a life.
    pub(super) fn kill_id(&self, id: Id) {
        let number = Signal::KILL.number();
        self.tell(&Order::Signal { id, number, scope: Scope::Group, kill_at: 0 });
    }

    /// Tells the keeper that the end of this life is written down.
    pub(in crate::children) fn forget(&self, process: &Arc<str>, incarnation: Incarnation) {
        let id = self.0.names.lock().id(&(process.clone(), incarnation));
        if let Some(id) = id {
            self.forget_id(id);
        }
    }

    /// Enters the children of a former host, which are taken over one by one.
    pub(super) fn enter_former(&self, former: HashMap<Life, FormerSlot>) {
        *self.0.former.lock() = former;
    }

    /// Takes over a child of a former host.
    pub(super) fn take_former(&self, process: &Arc<str>, life: Incarnation) -> Option<FormerSlot> {
        self.0.former.lock().remove(&(process.clone(), life))
    }

    /// Sends a message that orders something. One that is sent while the keeper is gone is dropped, with what waits for
    /// its answer.
    pub(super) fn send(&self, message: Vec<u8>, descriptors: Vec<OwnedFd>, answer: Answer) {
        let _ = self.0.orders.send(Outgoing { message, descriptors, answer });
    }

    /// Sends an order that has no descriptors, and whose answer nobody needs.
    pub(super) fn tell(&self, order: &Order<'_>) {
        self.order(order, Vec::new(), Answer::Unneeded);
    }

    /// Sends an order that has no strings.
    fn order(&self, order: &Order<'_>, descriptors: Vec<OwnedFd>, answer: Answer) {
        let mut buffer = [0; 256];
        if let Ok(message) = order.encode(0, &mut buffer) {
            self.send(message.to_vec(), descriptors, answer);
        }
    }
}

impl StashKeeper for Keeper {
    fn keep(&self, number: u64, file: OwnedFd) -> StashKept {
        let span = u64::from(STASH_KEYS.end - STASH_KEYS.start);
        let key = STASH_KEYS.start + u32::try_from(number % span).unwrap_or(0);
        let (wanted, answer) = oneshot::channel();
        self.order(&Order::Stash { key, generation: number }, vec![file], Answer::Wanted(wanted));
        let keeper = self.clone();
        Box::pin(async move {
            answer.await.unwrap_or(Err(Errno::PIPE))?;
            keeper.0.stashed.lock().insert(number, key);
            Ok(())
        })
    }

    fn drop_before(&self, number: u64) {
        let mut stashed = self.0.stashed.lock();
        let kept = stashed.split_off(&number);
        for (generation, key) in std::mem::replace(&mut *stashed, kept) {
            self.tell(&Order::Stash { key, generation });
        }
    }
}
