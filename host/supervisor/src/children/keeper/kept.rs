//! A child of the keeper, from the order to start it until the keeper may forget it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_keeper::protocol::{End, Ending, Id, MESSAGE_MAX, Order, SPEC_MAX, Spec, Usage};
use provost_state::{Exit, Incarnation};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::connection::Keeper;
use super::names::Life;
use super::outbox::Answer;
use super::output::KeptOutput;
use super::slots::{FormerSlot, Slot, Started};
use crate::children::Output;
use crate::children::family::{Family, exit_of};
use crate::children::fate::status_of;
use crate::clock::Clock;

/// Why there is no child.
#[derive(Debug)]
pub(in crate::children) enum NotStarted {
    /// A step failed with this error, which is one of the program or a shortage of the machine.
    Failed(io::Error),
    /// The machine is short of something, or the keeper has just ended.
    Short(io::Error),
}

/// A child that has just been started.
pub(in crate::children) struct NewChild {
    pub(in crate::children) pid: u32,
    pub(in crate::children) pidfd: Arc<OwnedFd>,
    pub(in crate::children) output: Option<Output>,
    /// The end that keeps its standard input open.
    pub(in crate::children) stdin: Option<Arc<OwnedFd>>,
    pub(in crate::children) kept: Kept,
}

/// A child of the keeper whose end is not written down.
#[derive(Debug)]
pub(in crate::children) struct Kept {
    keeper: Keeper,
    id: Id,
    pid: u32,
    /// Whether the keeper is its parent. A keeper that has taken the place of another is not that of the children of the other.
    is_child: bool,
    /// Taken by the task that waits for its end.
    end: Mutex<Option<oneshot::Receiver<End>>>,
}

/// A start that the keeper was asked for.
#[derive(Debug)]
pub(in crate::children) struct Start {
    keeper: Keeper,
    id: Id,
    /// The process id, once the child exists; it may hang in its exec.
    exists: oneshot::Receiver<Result<u32, Errno>>,
    started: oneshot::Receiver<Started>,
    end: oneshot::Receiver<End>,
}

/// By which a start that hangs is ended.
#[derive(Clone, Debug)]
pub(in crate::children) struct Starting {
    keeper: Keeper,
    id: Id,
}

impl Starting {
    /// Kills the child, which hangs in its exec, or will not be wanted when it runs.
    pub(in crate::children) fn kill(&self) {
        self.keeper.kill_id(self.id);
    }
}

impl Start {
    /// Asks the keeper to start a child; the descriptors are those that the spec says.
    ///
    /// # Errors
    /// The spec is too long for the kernel, or cannot be handed over.
    pub(in crate::children) fn ask(
        keeper: &Keeper,
        life: Life,
        spec: &Spec<'_>,
        mut descriptors: Vec<OwnedFd>,
    ) -> Result<Self, NotStarted> {
        let (slot, is_started, end) = Slot::starting(life.clone(), spec.ending);
        let id = keeper.enter(life, slot).map_err(NotStarted::Short)?;
        let message = match message(keeper.version(), id, spec, &mut descriptors) {
            Ok(message) => message,
            Err(error) => {
                keeper.leave(id);
                return Err(NotStarted::Failed(error));
            }
        };
        let (exist, exists) = oneshot::channel();
        keeper.send(message, descriptors, Answer::Started(exist));
        Ok(Self { keeper: keeper.clone(), id, exists, started: is_started, end })
    }

    /// Returns that by which it can be ended.
    pub(in crate::children) fn starting(&self) -> Starting {
        Starting { keeper: self.keeper.clone(), id: self.id }
    }

    /// Waits until the program runs.
    pub(in crate::children) async fn done(self) -> Result<NewChild, NotStarted> {
        let Self { keeper, id, exists, started, end } = self;
        let gone = || NotStarted::Short(io::Error::other("the keeper has ended"));
        let pid = match exists.await.map_err(|_| gone())? {
            Ok(pid) => pid,
            Err(error) => {
                keeper.leave(id);
                return Err(NotStarted::Failed(error.into()));
            }
        };
        let outcome = started.await.map_err(|_| gone())?;
        let kept = Kept { keeper, id, pid, is_child: true, end: Mutex::new(Some(end)) };
        match outcome {
            Started::Runs { pidfd, outputs: [stdout, stderr], stdin } => {
                let held = || KeptOutput::new(&kept.keeper, kept.id, None);
                let output = stdout.map(|stdout| Output { stdout, stderr, kept: Some(held()) });
                Ok(NewChild { pid, pidfd, output, stdin, kept })
            }
            Started::Refused(refusal) => {
                kept.forget();
                Err(NotStarted::Failed(io::Error::from_raw_os_error(refusal.errno)))
            }
            Started::Lost => {
                kept.undo().await;
                Err(NotStarted::Short(Errno::MFILE.into()))
            }
        }
    }
}

/// A child that a former host has had started.
#[derive(Debug)]
pub(in crate::children) struct FormerChild {
    pub(in crate::children) kept: Kept,
    /// How it ended, if it is reaped.
    pub(in crate::children) reaped: Option<Exit>,
    /// The end that keeps its standard input open.
    pub(in crate::children) stdin: Option<Arc<OwnedFd>>,
    /// How the keeper ends it when there is no host.
    pub(in crate::children) ending: Ending,
    /// Its outputs, until they are taken.
    pub(in crate::children) output: Option<KeptOutput>,
}

impl Kept {
    /// Takes over a child of a former host, if the keeper holds one of this life.
    pub(in crate::children) fn take(
        keeper: &Keeper,
        process: &Arc<str>,
        incarnation: Incarnation,
    ) -> Option<FormerChild> {
        let FormerSlot { id, pid, is_child, end, reaped, stdin, ending, output } =
            keeper.take_former(process, incarnation)?;
        let kept = Self { keeper: keeper.clone(), id, pid, is_child, end: Mutex::new(Some(end)) };
        let output = Some(KeptOutput::new(keeper, id, Some(output)));
        Some(FormerChild { kept, reaped: reaped.map(|end| told(&end)), stdin, ending, output })
    }

    /// Whether its parent is neither the keeper nor this process, so that its number may be another's once it has ended.
    pub(in crate::children) fn is_orphaned(&self) -> bool {
        !self.is_child || self.keeper.is_gone()
    }

    /// Waits until the keeper has told how the child ended. The keeper reaps it when its end is [forgotten](Self::forget), which is
    /// as soon as the end is written down: another message before that would only wake both sides once more. Of a child that was
    /// another's, the kernel may tell it by the `pidfd`.
    pub(in crate::children) async fn end(&self, family: &Family, pidfd: &OwnedFd) -> Exit {
        let end = self.end.lock().take();
        let end = match end {
            Some(end) => end.await.ok(),
            None => None,
        };
        family.release(self.pid);
        match end {
            Some(end) if end.status.is_some() => told(&end),
            end => {
                let status = status_of(self.pid, pidfd).await;
                let ended_at = end.map_or_else(|| Clock::boottime_in(Duration::ZERO), |end| end.ended_at);
                self.keeper.found_out(self.id, End { status, ended_at, usage: Usage::default() });
                status.map_or(Exit::Unobserved, exit_of)
            }
        }
    }

    /// Tells the keeper that the life is over and recorded, or never was one.
    pub(in crate::children) fn forget(&self) {
        self.keeper.forget_id(self.id);
    }

    /// Kills and reaps a child that cannot be used.
    pub(in crate::children) async fn undo(self) {
        self.keeper.kill_id(self.id);
        let family = self.keeper.family();
        let end = self.end.lock().take();
        if let Some(end) = end {
            // An error means that the keeper has ended.
            let _ = end.await;
        }
        family.release(self.pid);
        self.forget();
    }

    /// Tells the keeper that the child was asked to end and has this much time for it: if there is no host then, the keeper
    /// kills it.
    pub(in crate::children) fn promise_kill(&self, grace: Duration) {
        self.keeper.promise_kill(self.id, Clock::boottime_in(grace).max(1));
    }

    /// Changes how the keeper ends the child when there is no host.
    pub(in crate::children) fn amend(&self, ending: Ending) {
        self.keeper.amend(self.id, ending);
    }
}

/// Writes the order to start a child. A spec that is longer than a message goes into a file in memory, which is put before the
/// other descriptors.
fn message(version: u8, id: Id, spec: &Spec<'_>, descriptors: &mut Vec<OwnedFd>) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; MESSAGE_MAX];
    if let Ok(message) = (Order::Spawn { id, spec: *spec }).encode_as(version, 0, &mut buffer) {
        let length = message.len();
        buffer.truncate(length);
        return Ok(buffer);
    }
    let mut large = vec![0; SPEC_MAX];
    let spec = spec.encode(&mut large).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let file = memfd_create("provost-spec", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(file);
    file.write_all(spec)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW)?;
    descriptors.insert(0, file.into());
    let length = u32::try_from(spec.len()).map_err(io::Error::other)?;
    let order = Order::SpawnLarge { id, length };
    Ok(order.encode_as(version, 0, &mut buffer).map_err(io::Error::other)?.to_vec())
}

/// Returns how a child ended, as far as the keeper knows it.
pub(super) fn told(end: &End) -> Exit {
    end.status.map_or(Exit::Unobserved, exit_of)
}
