//! Children that a test scripts: it sees every spawn and every signal, and says when a child ends and how.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use provost_state::{Exit, Incarnation};
use tokio::sync::oneshot;

use super::{Boxed, Child, Spawner};
use crate::spec::ProcessSpec;

/// The scripted spawner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted {
    stage: Arc<Mutex<Stage>>,
}

#[derive(Debug, Default)]
struct Stage {
    /// What the next spawns of a process come to; a spawn without a line in the script succeeds.
    failures: HashMap<Arc<str>, VecDeque<Arc<str>>>,
    living: HashMap<u32, (Arc<str>, oneshot::Sender<Exit>)>,
    history: Vec<Act>,
    last_pid: u32,
}

/// Something that the spawner was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Spawned(Arc<str>, Incarnation),
    Signalled(Arc<str>, i32),
}

impl Scripted {
    fn stage<R>(&self, act: impl FnOnce(&mut Stage) -> R) -> R {
        act(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next spawn of `process` fails.
    pub(crate) fn fail_next(&self, process: &str, error: &str) {
        self.stage(|stage| stage.failures.entry(process.into()).or_default().push_back(error.into()));
    }

    /// The living child of `process` ends.
    pub(crate) fn end(&self, process: &str, exit: Exit) {
        let child = self.stage(|stage| {
            let pid =
                *stage.living.iter().find(|(_, (name, _))| &**name == process).expect("a living child").0;
            stage.living.remove(&pid)
        });
        child.expect("just found").1.send(exit).expect("somebody owns the child");
    }

    pub(crate) fn history(&self) -> Vec<Act> {
        self.stage(|stage| stage.history.clone())
    }

    pub(crate) fn spawns(&self, process: &str) -> usize {
        self.history().iter().filter(|act| matches!(act, Act::Spawned(name, _) if &**name == process)).count()
    }

    pub(crate) fn signals(&self, process: &str) -> Vec<i32> {
        let of = |act| match act {
            Act::Signalled(name, signal) if &*name == process => Some(signal),
            _ => None,
        };
        self.history().into_iter().filter_map(of).collect()
    }
}

impl Spawner for Scripted {
    fn spawn(&self, spec: Arc<ProcessSpec>, incarnation: Incarnation) -> Boxed<Result<Child, Arc<str>>> {
        let result = self.stage(|stage| {
            if let Some(error) = stage.failures.get_mut(&spec.name).and_then(VecDeque::pop_front) {
                return Err(error);
            }
            stage.last_pid += 1;
            let (end, ended) = oneshot::channel();
            stage.living.insert(stage.last_pid, (spec.name.clone(), end));
            stage.history.push(Act::Spawned(spec.name.clone(), incarnation));
            let exit = Box::pin(async { ended.await.unwrap_or(Exit::Unobserved) });
            Ok(Child { pid: stage.last_pid, exit, output: None })
        });
        Box::pin(std::future::ready(result))
    }

    fn signal(&self, pid: u32, signal: i32) -> Result<(), Arc<str>> {
        self.stage(|stage| {
            let name = stage.living.get(&pid).map(|(name, _)| name.clone()).ok_or("no such process")?;
            stage.history.push(Act::Signalled(name, signal));
            Ok(())
        })
    }
}
