//! The handle of the connection to the keeper.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use provost_keeper::protocol::{Id, Order, TooLong};
use rustix::io::Errno;
use tokio::sync::{OwnedRwLockReadGuard, mpsc, oneshot, watch};

use super::greeting::Greeting;
use super::link::{Answer, Link, Outgoing, Slot, Slots};
use crate::children::family::Family;

/// The number of signals that wait to be taken.
const SIGNALS_MAX: usize = 64;

/// The keeper, which is the parent of the processes. Clones are the same connection.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    pid: u32,
    orders: mpsc::UnboundedSender<Outgoing>,
    slots: Slots,
    family: Arc<Family>,
    gone: watch::Receiver<bool>,
    next_id: AtomicU32,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("pid", &self.0.pid).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Begins to serve the connection of a greeting; returns it with the numbers of the signals that the keeper is sent for this
    /// host. Must be called within the runtime.
    #[must_use]
    pub fn serve(greeting: Greeting) -> (Self, mpsc::Receiver<i32>) {
        let Greeting { socket, welcome, held, stashed: _, early } = greeting;
        let (orders, to_send) = mpsc::unbounded_channel();
        let (signals, signalled) = mpsc::channel(SIGNALS_MAX);
        let (gone, is_gone) = watch::channel(false);
        let (slots, family): (Slots, Arc<Family>) = (Arc::default(), Arc::default());
        family.adopted_by(Some(welcome.keeper_pid));
        let last = held.iter().map(|child| child.id.0).max();
        let keeper = Self(Arc::new(Inner {
            pid: welcome.keeper_pid,
            orders,
            slots: slots.clone(),
            family: family.clone(),
            gone: is_gone,
            next_id: AtomicU32::new(last.map_or(1, |last| last.wrapping_add(1))),
        }));
        let link = Link { socket, orders: to_send, slots, family, signals, gone };
        tokio::spawn(link.run(early));
        (keeper, signalled)
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

    /// Returns the descendants of the keeper, for those who look for orphans.
    pub(in crate::children) fn family(&self) -> Arc<Family> {
        self.0.family.clone()
    }

    /// Enters a life that is about to be started, and returns its id. The keeper only compares ids.
    pub(super) fn enter(&self, slot: Slot) -> Id {
        let id = Id(self.0.next_id.fetch_add(1, Ordering::Relaxed));
        self.0.slots.lock().insert(id, slot);
        id
    }

    /// Removes a life that nobody waits for any more.
    pub(super) fn leave(&self, id: Id) {
        self.0.slots.lock().remove(&id);
    }

    /// Sends a message that orders something. One that is sent while the keeper is gone is dropped, with what waits for
    /// its answer.
    pub(super) fn send(&self, message: Vec<u8>, descriptors: Vec<OwnedFd>, answer: Answer) {
        let _ = self.0.orders.send(Outgoing { message, descriptors, answer });
    }

    /// Sends an order that has no descriptors, and whose answer nobody needs; `until_done` is dropped then.
    pub(super) fn tell(&self, order: &Order<'_>, until_done: Option<OwnedRwLockReadGuard<()>>) {
        if let Ok(message) = encoded(order) {
            self.send(message, Vec::new(), Answer::Unneeded(until_done));
        }
    }

    /// Sends an order that has no descriptors, and waits for its answer.
    ///
    /// # Errors
    /// The error number, or `PIPE` if the keeper is gone.
    pub(super) async fn ask(&self, order: &Order<'_>) -> Result<(), Errno> {
        let (wanted, answer) = oneshot::channel();
        let message = encoded(order).map_err(|_| Errno::INVAL)?;
        self.send(message, Vec::new(), Answer::Wanted(wanted));
        answer.await.unwrap_or(Err(Errno::PIPE))
    }
}

/// Encodes an order without strings.
fn encoded(order: &Order<'_>) -> Result<Vec<u8>, TooLong> {
    let mut buffer = [0; 256];
    order.encode(0, &mut buffer).map(<[u8]>::to_vec)
}
