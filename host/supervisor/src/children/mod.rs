//! Starting children and telling them things. [`os`] is the real one; tests script their own (`scripted`).

pub(crate) mod env_file;
mod http_get;
pub(crate) mod leftovers;
pub(crate) mod os;
mod own_port;
mod pidfd;
pub(crate) mod probe;
pub(crate) mod reaper;
pub(crate) mod resolver;
#[cfg(any(test, feature = "scripted"))]
pub(crate) mod scripted;
pub(crate) mod variables;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use provost_state::{Exit, Incarnation, Signal};

use crate::children::probe::LifeEnv;
use crate::spec::ProcessSpec;

/// A future that a task owns.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A child that was started.
pub(crate) struct Child {
    /// Its process id, which is also that of its group.
    pub(crate) pid: u32,
    /// Resolves once it has ended, its group is gone and it is reaped.
    pub(crate) exit: Boxed<Exit>,
    /// Where its output arrives, if it is captured.
    pub(crate) output: Option<Output>,
}

/// The reading ends of a child's output: pipes, or the other side of its terminal, which ends with `EIO`.
pub(crate) struct Output {
    pub(crate) stdout: std::os::fd::OwnedFd,
    /// None if standard error goes where standard output goes.
    pub(crate) stderr: Option<std::os::fd::OwnedFd>,
}

/// Starts children and tells them things.
pub(crate) trait Spawner: Send + Sync + fmt::Debug {
    /// Starts one, in a process group of its own; `env` goes over the variables of the config.
    fn spawn(
        &self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
    ) -> Boxed<Result<Child, Arc<str>>>;

    /// Sends a signal to the group of a child that has not been reaped.
    fn signal(&self, pid: u32, signal: Signal) -> Result<(), Arc<str>>;
}
