//! Operating-system processes: starts children, sends them signals, and sees them and their descendants end.
//!
//! | room | owns |
//! |---|---|
//! | `scripted` | children that are played and not run, for tests and simulations |
//! | `probe` | checks of readiness and health |
//! | `obstacles` | what would keep a process from starting, seen without starting it |
//! | `reaper` | ended orphans |
//! | `os` | the real spawner: a child from its spawn to its reaping |
//! | `stage` | the exec stage, in which a child sets on itself what only it can set |
//! | `command` | what is executed: program, arguments, environment |
//! | `ends` | standard input, output and error of a child |
//! | `enclosed` | what a life does with its cgroup |
//! | `life` | the end of a child: its group, the grace time, what has left the group |
//! | `listeners` | the sockets that processes are started with |
//! | `opening` | opening a socket, and changing one that is open |
//! | `notices` | what processes say about themselves |
//! | `partings` | the ends of what has left the groups of children that ended by themselves |
//! | `leftovers` | processes that are still there although they should not be |
//! | `resources` | what children use |
//! | `cgroups` | the cgroups of processes |
//! | `rights` | what the setup of a spec comes to on this machine |
//! | `accounts` | users and groups by their names |
//! | `keeper` | the keeper, which is the parent of the children where there is one |
//! | `fate` | how a process has ended that somebody else has reaped |
//! | `own_port` | whether a process itself listens on a port |
//! | `family` | the descendants that no task owns |
//! | `survey` | a look that serves everybody who has asked before it began |
//! | `terminal` | a child's own terminal |
//! | `pidfd` | waiting for the end of a child |
//! | `watched` | waiting for a descriptor |
//! | `resolver` | looking up names |
//! | `http_get` | a GET over a socket, for checks |
//! | `variables` | variables in the texts of checks |
//! | `spawned_with` | what a child was spawned with |
//! | `env_file` | environment files |

mod accounts;
pub(crate) mod cgroups;
pub(crate) mod command;
mod enclosed;
mod ends;
pub(crate) mod env_file;
pub(crate) mod family;
mod fate;
mod http_get;
pub(crate) mod keeper;
pub(crate) mod leftovers;
mod life;
mod listeners;
mod notices;
pub(crate) mod obstacles;
mod opening;
pub(crate) mod os;
mod own_port;
mod partings;
mod pidfd;
pub(crate) mod probe;
pub(crate) mod reaper;
pub(crate) mod resolver;
pub(crate) mod resources;
mod rights;
#[cfg(any(test, feature = "scripted"))]
pub(crate) mod scripted;
pub(crate) mod spawned_with;
pub(crate) mod stage;
mod survey;
mod terminal;
pub(crate) mod variables;
pub(crate) mod watched;

use std::fmt;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use provost_state::{Exit, Incarnation, Signal};
use tokio::sync::oneshot;

pub(crate) use self::notices::{Notice, Notices, Said};
use self::resources::Source;
pub(crate) use self::spawned_with::LifeEnv;
use crate::adoption::Held;
use crate::clock::Clock;
use crate::gave::Given;
use crate::spec::ProcessSpec;

/// A future that a task owns.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A child that was started.
pub(crate) struct Child {
    /// Its process id, which is also that of its group and of its session.
    pub(crate) pid: u32,
    /// Resolves once it has ended, its group is gone and it is reaped.
    pub(crate) exit: Boxed<LifeEnd>,
    /// Where its output arrives, if it is captured.
    pub(crate) output: Option<Output>,
    /// What it says about itself, if it is heard.
    pub(crate) notices: Option<Notices>,
    /// The values of the variables that its checks name.
    pub(crate) vars: LifeEnv,
    /// What it is given beyond its spec and the environment of the host.
    pub(crate) given: Given,
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LifeEnd {
    /// How its main process ended.
    pub(crate) exit: Exit,
    /// Whether that was because the memory of its cgroup ran out.
    pub(crate) out_of_memory: bool,
}

impl From<Exit> for LifeEnd {
    fn from(exit: Exit) -> Self {
        Self { exit, out_of_memory: false }
    }
}

/// The reading ends of a child's output: pipes, or the other side of its terminal, which ends with `EIO`. They are closed when
/// nobody reads them any more.
pub(crate) struct Output {
    pub(crate) stdout: Arc<OwnedFd>,
    /// `None` if standard error goes where standard output goes.
    pub(crate) stderr: Option<Arc<OwnedFd>>,
    /// What the keeper does for them, if it has made them.
    pub(crate) kept: Option<keeper::KeptOutput>,
}

/// The result of a spawn: a child, or why there is none.
pub(crate) type Spawned = Result<Child, Arc<str>>;

/// A spawn in progress. It may hang for as long as a disk does; the task that waits for it goes on listening meanwhile.
pub(crate) struct PendingSpawn {
    outcome: oneshot::Receiver<Spawned>,
    /// Tells the spawner that the child is not wanted any more; taken when that was sent, or when the child was taken.
    abandon: Option<oneshot::Sender<()>>,
    /// Resolves when nothing of the spawn is left.
    over: Option<oneshot::Receiver<()>>,
}

/// The spawner's side of a spawn.
pub(crate) struct SpawnTicket {
    outcome: oneshot::Sender<Spawned>,
    abandoned: oneshot::Receiver<()>,
    /// Dropped when nothing of the spawn is left, which the other side waits for.
    over: oneshot::Sender<()>,
}

impl PendingSpawn {
    /// Returns a spawn, and the spawner's side of it.
    pub(crate) fn new() -> (Self, SpawnTicket) {
        let (outcome_sender, outcome) = oneshot::channel();
        let (abandon, abandoned) = oneshot::channel();
        let (over_sender, over) = oneshot::channel();
        (
            Self { outcome, abandon: Some(abandon), over: Some(over) },
            SpawnTicket { outcome: outcome_sender, abandoned, over: over_sender },
        )
    }

    /// Abandons the spawn: a child that comes all the same is killed and reaped. Resolves when nothing of it is left.
    /// Dropping the spawn does the same, without saying when.
    pub(crate) fn abandon(mut self) -> Boxed<()> {
        let over = self.over.take();
        drop(self);
        Box::pin(async move {
            if let Some(over) = over {
                let _ = over.await;
            }
        })
    }
}

impl Drop for PendingSpawn {
    fn drop(&mut self) {
        if let Some(abandon) = self.abandon.take() {
            self.outcome.close();
            let _ = abandon.send(());
        }
    }
}

impl Future for PendingSpawn {
    type Output = Spawned;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Spawned> {
        let Poll::Ready(outcome) = Pin::new(&mut self.outcome).poll(cx) else { return Poll::Pending };
        self.abandon = None;
        Poll::Ready(outcome.unwrap_or_else(|_| Err(Arc::from("the spawner ended unexpectedly"))))
    }
}

impl SpawnTicket {
    /// Resolves when the child is not wanted any more.
    pub(crate) async fn abandoned(&mut self) {
        // An error means that the waiting side is gone, which is the same.
        let _ = (&mut self.abandoned).await;
    }

    /// Hands over the result of the spawn; gives it back if it is not wanted any more.
    pub(crate) fn hand_over(
        self,
        spawned: Spawned,
    ) -> Result<HandedOver, Box<(Spawned, oneshot::Sender<()>)>> {
        let Self { outcome, abandoned, over } = self;
        match outcome.send(spawned) {
            Ok(()) => Ok(HandedOver { abandoned, _over: over }),
            Err(spawned) => Err(Box::new((spawned, over))),
        }
    }
}

/// A spawn that was handed over, but perhaps not taken.
pub(crate) struct HandedOver {
    abandoned: oneshot::Receiver<()>,
    _over: oneshot::Sender<()>,
}

impl HandedOver {
    /// Resolves with `None` when the child was taken, or otherwise when the spawn was abandoned all the same.
    pub(crate) async fn lost(self) -> Option<oneshot::Sender<()>> {
        let Self { abandoned, _over } = self;
        abandoned.await.is_ok().then_some(_over)
    }
}

/// How a child is to be stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// The signal that asks it to end.
    pub(crate) signal: Signal,
    /// Whether the whole group is sent it, or the main process alone.
    pub(crate) to: crate::spec::StopTo,
}

/// A life whose end is written down. The holder of the child is told when this value is dropped: after the next life was asked for, if
/// that is on its way, because the message would be in its way; and before that is asked for a second time, because it may lack
/// what this one still takes.
#[derive(Debug)]
pub(crate) struct Past {
    spawner: Arc<dyn Spawner>,
    process: Arc<str>,
    incarnation: Incarnation,
}

impl Past {
    pub(crate) fn new(spawner: Arc<dyn Spawner>, process: Arc<str>, incarnation: Incarnation) -> Self {
        Self { spawner, process, incarnation }
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        self.spawner.forget(&self.process, self.incarnation);
    }
}

/// Starts children and sends them signals.
pub(crate) trait Spawner: Send + Sync + fmt::Debug {
    /// Begins to start a child, in its own session; `env` goes over the variables of the config. The life before it is dropped when
    /// this one was asked for.
    fn spawn(
        &self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
        past: Option<Past>,
    ) -> PendingSpawn;

    /// Takes over a child of a former host. What it returns is as for one that was spawned; the end of one that has ended
    /// already is known at once. Of one that is not `wanted`, no message is read: the next life may have sent it.
    fn adopt(&self, spec: Arc<ProcessSpec>, held: Held, wanted: bool) -> Child;

    /// Takes over what a former host has held open for these processes, and closes what it has held for others. `leaving` are
    /// processes that the config does not have any more, which are about to be stopped; `lives` says which of all these have a
    /// child. Comes before the first is adopted.
    fn settle(&self, specs: &[ProcessSpec], leaving: &[ProcessSpec], lives: &dyn Fn(&str) -> bool);

    /// Closes what is held open for a process that is not supervised any more.
    fn release(&self, spec: &ProcessSpec);

    /// Says that the end of this life is written down, so that nobody has to tell another host of it.
    fn forget(&self, process: &Arc<str>, incarnation: Incarnation);

    /// Asks the child to end. From then on it has ended only when its whole group and what has left the group have
    /// ended, unless it is [killed](Spawner::kill).
    fn stop(&self, pid: u32, stop: Stop) -> Result<(), Arc<str>>;

    /// Sends SIGKILL to the group of a child, and to what has left it.
    fn kill(&self, pid: u32) -> Result<(), Arc<str>>;

    /// Sends SIGKILL to what has left the groups of children that have ended by themselves, without its grace time.
    fn kill_escaped(&self) {}

    /// Changes how a child is ended: what becomes of descendants that have left its group, its stop signal and its grace
    /// time.
    fn reconfigure(&self, pid: u32, spec: &ProcessSpec);

    /// Sends a signal to the group of a child that has not been reaped.
    fn signal(&self, pid: u32, signal: Signal) -> Result<(), Arc<str>>;

    /// Answers a check of a living child of this process in the place of a real one. `None`: its checks are real.
    fn answer(&self, _process: &Arc<str>, _incarnation: Incarnation) -> Option<Result<(), Arc<str>>> {
        None
    }

    /// Returns what reads the resources that the children use.
    fn resources(&self, clock: Clock) -> Box<dyn Source>;

    /// Enters, at the end of the host, everything that is still there of children that no task owns any more.
    fn look_for_leftovers(&self) -> Boxed<()>;
}
