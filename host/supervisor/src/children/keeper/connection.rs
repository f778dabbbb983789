//! The handle of the connection to the keeper.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use provost_keeper::protocol::{End, Ending, Id, Kind, Leave, Order, Scope, Versions};
use provost_state::{Incarnation, Signal};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot, watch};

use super::keys::{LABELS_KEY, LEDGER_KEY, NAMES_KEY, STASH_KEYS};
use super::link::Link;
use super::names::{Life, Names};
use super::outbox::{Answer, Outbox, Outgoing};
use super::shelved::{ShelfEstate, Shelved};
use super::slots::{FormerSlot, Handed, Slot, Slots};
use super::tabling;
use super::unborn::{self, Programs};
use crate::children::family::{Family, RUNTIME_DIR_VARIABLE};
use crate::degraded::Degraded;
use crate::disk_copy::DiskCopy;
use crate::stash::{StashKeeper, StashKept};
use crate::steps::step;

/// The number of signals that wait to be taken.
const SIGNALS_MAX: usize = 64;

/// The keeper, which is the parent of the processes. Clones are the same connection.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    pid: u32,
    outbox: Arc<Outbox>,
    /// The version of the protocol that was agreed on, which stays when the keeper gets another program.
    version: u8,
    /// The versions that the keeper speaks.
    speaks: Mutex<Versions>,
    slots: Slots,
    names: Mutex<Names>,
    family: Arc<Family>,
    gone: watch::Receiver<bool>,
    next_id: AtomicU32,
    /// The children of a former host that were not taken over yet.
    former: Mutex<HashMap<Life, FormerSlot>>,
    /// The files of stashes that the keeper has, by their numbers, or that another one is to be given.
    stashed: Mutex<BTreeMap<u64, Stashed>>,
    /// Whether another keeper is being given them, so that none can be added. It changes under their lock.
    is_handing: AtomicBool,
    /// The descriptors that outlive this host.
    shelved: Shelved,
    /// The programs of the keeper, one of which each of its children is until its exec.
    programs: Mutex<Programs>,
    /// Whether another keeper was looked for in vain.
    given_up: AtomicBool,
    /// Whether this host ends, and everything is for the next one.
    has_let_go: AtomicBool,
    /// The thread that keeps the table on a disk, if there is one.
    tabling: Arc<OnceLock<DiskCopy>>,
    outputs: Outputs,
}

/// What there is for the outputs of all lives.
#[derive(Default)]
pub(super) struct Outputs {
    /// The lives whose outputs are not read to their ends, and whether their ends are written down.
    pub(super) held: Mutex<HashMap<Id, bool>>,
    /// The directory of gap files, once there is one.
    pub(super) gaps: OnceLock<PathBuf>,
    /// The file of the ledger of a former host.
    pub(super) former_ledger: Mutex<Option<OwnedFd>>,
    /// The file of the ledger of this host.
    pub(super) ledger: Mutex<Option<Arc<OwnedFd>>>,
}

/// A file of a stash that the keeper has.
#[derive(Clone, Debug)]
pub(super) struct Stashed {
    pub(super) key: u32,
    pub(super) file: Arc<OwnedFd>,
}

/// Everything that another keeper is given.
pub(super) struct Estate {
    pub(super) lives: Vec<(Id, Handed)>,
    /// The key, the number and the file of each.
    pub(super) files: Vec<(u32, u64, Arc<OwnedFd>)>,
}

/// What a connection begins with.
pub(super) struct Parts {
    pub(super) pid: u32,
    pub(super) socket: Arc<OwnedFd>,
    /// The version of the protocol that was agreed on.
    pub(super) version: u8,
    /// The versions that the keeper speaks.
    pub(super) speaks: Versions,
    pub(super) names: Names,
    pub(super) slots: HashMap<Id, Slot>,
    pub(super) next_id: u32,
    /// The files of stashes, by their numbers.
    pub(super) kept: BTreeMap<u64, Stashed>,
    /// The file of the ledger.
    pub(super) ledger: Option<OwnedFd>,
    /// The descriptors that outlive this host.
    pub(super) shelved: Shelved,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("pid", &self.0.pid).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.outbox.close();
    }
}

impl Keeper {
    /// Begins to serve a connection. The lives are those that are held already; each has a slot with the senders that report
    /// about it.
    pub(super) fn new(parts: Parts) -> (Self, mpsc::Receiver<i32>) {
        let Parts { pid, socket, version, speaks, names, slots, next_id, kept, ledger, shelved } = parts;
        let outbox = Arc::new(Outbox::new(socket.clone()));
        let (signals, signalled) = mpsc::channel(SIGNALS_MAX);
        let (gone, is_gone) = watch::channel(false);
        let (slots, family) = (Arc::new(Mutex::new(slots)), Arc::<Family>::default());
        family.adopted_by(Some(pid));
        let inner = Inner {
            pid,
            outbox: outbox.clone(),
            version,
            speaks: Mutex::new(speaks),
            slots: slots.clone(),
            names: Mutex::new(names),
            family: family.clone(),
            gone: is_gone,
            next_id: AtomicU32::new(next_id),
            former: Mutex::default(),
            stashed: Mutex::new(kept),
            is_handing: AtomicBool::new(false),
            shelved,
            programs: Mutex::new(Programs::of(pid)),
            given_up: AtomicBool::new(false),
            has_let_go: AtomicBool::new(false),
            tabling: Arc::default(),
            outputs: Outputs { former_ledger: Mutex::new(ledger), ..Outputs::default() },
        };
        let tabling = inner.tabling.clone();
        let link = Link { outbox, socket, version, slots, family, signals, gone, tabling };
        tokio::spawn(link.run());
        (Self(Arc::new(inner)), signalled)
    }

    /// Returns the process id of the keeper.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Returns the version of the protocol that was agreed on with the keeper.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// Returns the lowest and the highest version of the protocol that the keeper speaks.
    #[must_use]
    pub fn speaks(&self) -> (u8, u8) {
        let Versions { lowest, highest } = *self.0.speaks.lock();
        (lowest, highest)
    }

    /// Whether the keeper has ended.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        *self.0.gone.borrow()
    }

    /// Whether it has ended, and no other one takes its place: this process starts the processes itself.
    pub(in crate::children) fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Acquire)
    }

    /// Says that no other keeper takes the place of this one, which has ended.
    pub fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Release);
    }

    /// Says that this host ends now, and that its processes go on: nothing that it drops from then on is forgotten.
    pub fn let_go(&self) {
        self.0.has_let_go.store(true, Ordering::Release);
    }

    /// Kills the children whose start the keeper did not answer before it ended. Nobody else knows of them, and they would be
    /// second copies of what is started again. It looks at all processes of the machine.
    ///
    /// # Errors
    /// They could not be looked at: there may be some.
    pub fn end_unborn(&self) -> io::Result<()> {
        let unborn: Vec<Life> = {
            let slots = self.0.slots.lock();
            slots.values().filter(|slot| slot.holding.is_none()).map(|slot| slot.life.clone()).collect()
        };
        let dir = std::env::var(RUNTIME_DIR_VARIABLE).ok();
        unborn::end(&self.0.programs.lock(), &unborn, dir.as_deref())
    }

    /// Returns everything that another keeper is given. Until [it was not](Self::keeps_estate), no file of a stash is added.
    pub(super) fn estate(&self) -> io::Result<Estate> {
        let lives = self.0.slots.lock().iter().filter_map(|(id, slot)| Some((*id, slot.handed()?))).collect();
        let names = Arc::new(self.0.names.lock().file()?);
        let stashed = self.0.stashed.lock();
        self.0.is_handing.store(true, Ordering::Release);
        let files = stashed.iter().map(|(number, stashed)| (stashed.key, *number, stashed.file.clone()));
        let ledger = self.0.outputs.ledger.lock().clone().map(|ledger| (LEDGER_KEY, 0, ledger));
        let ShelfEstate { labels, descriptors } = self.0.shelved.estate()?;
        let shelved = descriptors.into_iter().map(|(key, descriptor)| (key, 0, descriptor));
        let own = [(NAMES_KEY, 0, names), (LABELS_KEY, 0, Arc::new(labels))].into_iter().chain(ledger);
        Ok(Estate { lives, files: own.chain(files).chain(shelved).collect() })
    }

    /// No other keeper was given everything.
    pub(super) fn keeps_estate(&self) {
        self.0.is_handing.store(false, Ordering::Release);
    }

    /// Changes how the keeper ends a life when there is no host.
    pub(super) fn amend(&self, id: Id, ending: Ending) {
        if let Some(slot) = self.0.slots.lock().get_mut(&id) {
            slot.ending = ending;
        }
        self.tell(&Order::Amend { id, ending });
    }

    /// Has the keeper kill a life at this time, in nanoseconds of `CLOCK_BOOTTIME`, if there is no host then.
    pub(super) fn promise_kill(&self, id: Id, kill_at: u64) {
        if let Some(slot) = self.0.slots.lock().get_mut(&id) {
            slot.kill_at = kill_at;
        }
        // Number 0 sends nothing.
        self.tell(&Order::Signal { id, number: 0, scope: Scope::Main, kill_at });
    }

    /// Enters how a life has ended that the keeper could not tell.
    pub(super) fn found_out(&self, id: Id, end: End) {
        if let Some(holding) = self.0.slots.lock().get_mut(&id).and_then(|slot| slot.holding.as_mut()) {
            holding.end = Some(end);
        }
    }

    /// Resolves when the keeper has ended.
    pub async fn ended(&self) {
        let mut gone = self.0.gone.clone();
        // An error means that the task of the connection has ended, which is the same.
        let _ = gone.wait_for(|gone| *gone).await;
    }

    /// Says that this host has taken over everything and is in service. The end of a program that was [put in
    /// place](Self::replace) leads back to the former one until then.
    ///
    /// # Errors
    /// The keeper is gone.
    pub async fn settle(&self) -> io::Result<()> {
        self.asked(&Order::Settled, Vec::new()).await
    }

    /// Says that this host ends now, so that the keeper starts the next one at once, and does not count this end as a death.
    /// With a program, that is the next host; if it has not [settled](Self::settle) within the deadline, or ends before, this
    /// program is started again. When this has returned, the host is to end soon.
    ///
    /// # Errors
    /// The keeper is gone, or this host is itself a new program that has not settled. The host stays.
    pub async fn replace(&self, program: Option<OwnedFd>, deadline: Duration) -> io::Result<()> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let order = Order::Leave(Leave::Replace { deadline_ms });
        self.asked(&order, program.into_iter().collect()).await?;
        step("leaving.answered", Kind::Leave);
        Ok(())
    }

    /// Has this program take the place of the keeper, in the same process: its children and everything that it holds stay. It speaks
    /// and reads these versions of the protocol and of the table.
    ///
    /// # Errors
    /// The keeper goes on as it is, because the program cannot be executed or does not read what this keeper writes, or because
    /// something is in progress; or the keeper is gone.
    pub async fn upgrade(&self, program: OwnedFd, speaks: (u8, u8), tables: (u8, u8)) -> io::Result<()> {
        // Before it runs: a keeper that ends at once has children of this program.
        self.0.programs.lock().add(&program)?;
        let versions = |(lowest, highest)| Versions { lowest, highest };
        self.asked(&Order::Upgrade { tables: Some(versions(tables)) }, vec![program]).await?;
        *self.0.speaks.lock() = versions(speaks);
        Ok(())
    }

    /// Sends an order that has no strings, and waits until the keeper has carried it out.
    pub(super) async fn asked(&self, order: &Order<'_>, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        let (wanted, answer) = oneshot::channel();
        self.order(order, descriptors, Answer::Wanted(wanted));
        Ok(answer.await.unwrap_or(Err(Errno::PIPE))?)
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

    /// Returns which life each id means.
    pub(super) fn names(&self) -> &Mutex<Names> {
        &self.0.names
    }

    /// Returns what there is for the outputs of all lives.
    pub(super) fn outputs(&self) -> &Outputs {
        &self.0.outputs
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
        self.look_at_table();
    }

    /// Tells the keeper that a life is over and recorded. The next host does so if this one has let go.
    pub(super) fn forget_id(&self, id: Id) {
        if self.0.has_let_go.load(Ordering::Acquire) {
            return;
        }
        if let Some(is_recorded) = self.0.outputs.held.lock().get_mut(&id) {
            *is_recorded = true;
            return self.tell(&Order::Reap { id });
        }
        self.tell(&Order::Forget { id });
        self.leave(id);
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

    /// Enters one more of them.
    pub(super) fn enter_former_one(&self, life: Life, former: FormerSlot) {
        self.0.former.lock().insert(life, former);
    }

    /// Whether this life is entered, or one whose main process has this number.
    pub(super) fn holds(&self, life: &Life, pid: u32) -> bool {
        let has_number =
            |slot: &Slot| slot.holding.as_ref().is_some_and(|it| it.pid == pid && it.end.is_none());
        self.0.slots.lock().values().any(|slot| slot.life == *life || has_number(slot))
    }

    /// Keeps a table of all living processes in this file from now on, for the case that the keeper is killed together with the
    /// host. A thread does so, and a disk that is full or hangs stops nothing: the host is shown as degraded.
    ///
    /// # Errors
    /// The thread cannot be started, or there is a table already.
    pub fn table_to(&self, file: PathBuf, degraded: Degraded) -> io::Result<()> {
        let tabling = tabling::start(self.0.slots.clone(), self.0.pid, file, degraded)?;
        let taken = |_| io::Error::from(io::ErrorKind::AlreadyExists);
        self.0.tabling.set(tabling).map_err(taken)
    }

    /// Resolves when the table is on the disk, or at once if none is kept.
    pub async fn table_begun(&self) {
        if let Some(tabling) = self.0.tabling.get() {
            tabling.begun().await;
        }
    }

    /// Has the table written again after a life has begun or ended, or if its file is not in its place any more. Does not wait.
    pub fn look_at_table(&self) {
        self.0.tabling.get().into_iter().for_each(DiskCopy::wake);
    }

    /// Removes the table, when the host has ended in order. Waits for the disk for at most five seconds.
    pub fn discard_table(&self) {
        self.0.tabling.get().into_iter().for_each(DiskCopy::discard);
    }

    /// Takes over a child of a former host.
    pub(super) fn take_former(&self, process: &Arc<str>, life: Incarnation) -> Option<FormerSlot> {
        self.0.former.lock().remove(&(process.clone(), life))
    }

    /// Sends a message that orders something. One that is sent while the keeper is gone is dropped, with what waits for
    /// its answer.
    pub(super) fn send(&self, message: Vec<u8>, descriptors: Vec<OwnedFd>, answer: Answer) {
        self.0.outbox.send(Outgoing { message, descriptors, answer });
    }

    /// Sends an order that has no descriptors, and whose answer nobody needs.
    pub(super) fn tell(&self, order: &Order<'_>) {
        self.order(order, Vec::new(), Answer::Unneeded);
    }

    /// Sends an order that has no strings.
    pub(super) fn order(&self, order: &Order<'_>, descriptors: Vec<OwnedFd>, answer: Answer) {
        let mut buffer = [0; 256];
        if let Ok(message) = order.encode_as(self.version(), 0, &mut buffer) {
            self.send(message.to_vec(), descriptors, answer);
        }
    }
}

impl StashKeeper for Keeper {
    fn keep(&self, number: u64, file: OwnedFd) -> StashKept {
        let span = u64::from(STASH_KEYS.end - STASH_KEYS.start);
        let key = STASH_KEYS.start + u32::try_from(number % span).unwrap_or(0);
        let (wanted, answer) = oneshot::channel();
        let ours = file.try_clone().map(Arc::new);
        self.order(&Order::Stash { key, generation: number }, vec![file], Answer::Wanted(wanted));
        let keeper = self.clone();
        Box::pin(async move {
            let kept = answer.await.unwrap_or(Err(Errno::PIPE));
            let mut stashed = keeper.0.stashed.lock();
            // What is here when another keeper takes the place of one that has ended is given to it.
            let will_be_given = keeper.is_gone() && !keeper.0.is_handing.load(Ordering::Acquire);
            kept.or_else(|error| if will_be_given { Ok(()) } else { Err(error) })?;
            stashed.insert(number, Stashed { key, file: ours? });
            Ok(())
        })
    }

    fn drop_before(&self, number: u64) {
        let mut stashed = self.0.stashed.lock();
        let kept = stashed.split_off(&number);
        for (generation, Stashed { key, .. }) in std::mem::replace(&mut *stashed, kept) {
            self.tell(&Order::Stash { key, generation });
        }
    }
}
