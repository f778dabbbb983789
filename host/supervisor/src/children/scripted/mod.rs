//! Children that are played and not run, in virtual time. A test scripts them step by step: it sees every spawn and every
//! signal, and decides how a child reacts, and when and how it ends. In a simulation a [`Director`] decides that.
#![expect(clippy::expect_used, reason = "a script that does not fit is a defect of the test")]

mod director;
mod living;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::{Exit, Incarnation, Moment, Signal, Usage};
use tokio::sync::watch;

pub use director::{Director, Ending, Part};
use living::Living;
pub use living::Manner;

use super::notices::{Announcer, said};
use super::resources::{Alive, Reading, Readings, Source, Wanted};
use super::{Boxed, Child, LifeEnd, LifeEnv, Past, PendingSpawn, SpawnTicket, Spawner, Stop};
use crate::adoption::Held;
use crate::clock::Clock;
use crate::gave::Given;
use crate::spec::ProcessSpec;
use crate::stash::Gate;

/// The scripted spawner. Clones share its state.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    stage: Arc<Mutex<Stage>>,
    /// Whether spawns are held.
    held: Arc<watch::Sender<bool>>,
    /// Ends the host that uses this clone at one of its steps.
    gate: Gate,
    /// Decides how the children live, if no test does.
    director: Option<Arc<dyn Director>>,
}

#[derive(Debug, Default)]
struct Stage {
    /// The errors with which the next spawns of a process fail; a spawn without an entry succeeds.
    failures: HashMap<Arc<str>, VecDeque<Arc<str>>>,
    manners: HashMap<Arc<str>, Manner>,
    living: HashMap<u32, Living>,
    history: Vec<Act>,
    /// The variables that start policies set for the last life of each process.
    env: HashMap<Arc<str>, LifeEnv>,
    /// What the children of each process use; the CPU is that of one look.
    usages: HashMap<Arc<str>, Usage>,
    last_pid: u32,
    /// The clock of all hosts that use these children, one after the other.
    clock: Option<Clock>,
}

/// Something that the spawner was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// To start this life of a process.
    Spawned(Arc<str>, Incarnation),
    /// To send this signal to a process.
    Signalled(Arc<str>, Signal),
}

impl Scripted {
    /// Returns children that live as `director` says, by this clock. What they were asked is not kept.
    #[must_use]
    pub fn directed(director: Arc<dyn Director>, clock: Clock) -> Self {
        let stage = Stage { clock: Some(clock), ..Stage::default() };
        Self { stage: Arc::new(Mutex::new(stage)), director: Some(director), ..Self::default() }
    }

    /// Whether a director decides how the children live.
    pub(crate) fn is_directed(&self) -> bool {
        self.director.is_some()
    }

    fn stage<R>(&self, act: impl FnOnce(&mut Stage) -> R) -> R {
        act(&mut self.stage.lock())
    }

    /// Sets the manner of the children of `process` that are spawned from now on.
    pub fn cast(&self, process: &str, manner: Manner) {
        self.stage(|stage| stage.manners.insert(process.into(), manner));
    }

    /// Sets what the children of `process` use from the next look on; the time is filled in.
    pub fn uses(&self, process: &str, usage: Usage) {
        self.stage(|stage| stage.usages.insert(process.into(), usage));
    }

    /// Holds all spawns until [`Scripted::release_spawns`].
    pub fn hold_spawns(&self) {
        self.held.send_replace(true);
    }

    /// Releases the spawns that were held.
    pub fn release_spawns(&self) {
        self.held.send_replace(false);
    }

    /// Makes the next spawn of `process` fail.
    pub fn fail_next(&self, process: &str, error: &str) {
        self.stage(|stage| stage.failures.entry(process.into()).or_default().push_back(error.into()));
    }

    /// Ends the living child of `process`.
    ///
    /// # Panics
    /// If there is none.
    pub fn end(&self, process: &str, exit: Exit) {
        let at = self.clock().now();
        self.stage(|stage| {
            let child = stage.living.values().find(|child| &*child.name == process && child.is_alive());
            child.expect("a living child").end(exit, at);
        });
    }

    /// Has the living child of `process` send this message, and waits until its host has acted on it.
    ///
    /// # Panics
    /// If there is none.
    pub async fn says(&self, process: &str, message: &str) {
        let announcer = self.stage(|stage| {
            let child = stage.living.values().find(|child| &*child.name == process && child.is_alive());
            child.expect("a living child").announcer.clone()
        });
        // It may end meanwhile.
        let _ = announcer.expect("a child that has a host").announce(said(message.as_bytes())).await;
    }

    /// Returns the same children for another host, whose steps this gate counts. What a host whose gate is shut asks for
    /// has no effect.
    #[must_use]
    pub fn behind(&self, gate: &Gate) -> Self {
        Self { gate: gate.clone(), ..self.clone() }
    }

    /// Returns the clock that all hosts of these children have.
    ///
    /// # Panics
    /// Outside of a tokio runtime with a clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.stage(|stage| stage.clock.get_or_insert_with(Clock::new).clone())
    }

    /// Returns the children that another host finds: those that live, and those whose end no host has written down.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        self.stage(|stage| {
            let held = |(pid, child): (&u32, &Living)| Held {
                name: child.name.clone(),
                incarnation: child.incarnation,
                pid: *pid,
                pidfd: None,
                stdout: None,
                stderr: None,
                started_at: child.started_at,
                ended: child.ended(),
            };
            stage.living.iter().map(held).collect()
        })
    }

    /// Returns all that was asked of the spawner, in order.
    #[must_use]
    pub fn history(&self) -> Vec<Act> {
        self.stage(|stage| stage.history.clone())
    }

    /// Returns how often `process` was spawned.
    #[must_use]
    pub fn spawns(&self, process: &str) -> usize {
        self.history().iter().filter(|act| matches!(act, Act::Spawned(name, _) if &**name == process)).count()
    }

    /// Returns the variables that start policies set for the last life of `process`.
    #[must_use]
    pub fn env(&self, process: &str) -> Vec<(String, String)> {
        self.stage(|stage| stage.env.get(process).map_or_else(Vec::new, |env| env.to_vec()))
    }

    /// Returns the signals that `process` was sent, in order.
    #[must_use]
    pub fn signals(&self, process: &str) -> Vec<Signal> {
        let of = |act| match act {
            Act::Signalled(name, signal) if &*name == process => Some(signal),
            _ => None,
        };
        self.history().into_iter().filter_map(of).collect()
    }

    /// Starts a child, or fails as the script says.
    fn enter(&self, name: Arc<str>, incarnation: Incarnation, env: LifeEnv) -> Result<Child, Arc<str>> {
        let started_at = self.clock().now();
        let part = self.director.as_ref().map(|director| director.enters(&name, incarnation, started_at));
        let part = part.transpose()?.map(Manner::Played);
        let pid = self.stage(|stage| {
            if let Some(error) = stage.failures.get_mut(&name).and_then(VecDeque::pop_front) {
                return Err(error);
            }
            stage.last_pid += 1;
            let manner = part.or_else(|| stage.manners.get(&name).cloned()).unwrap_or_default();
            stage.living.insert(stage.last_pid, Living::new(name.clone(), incarnation, manner, started_at));
            stage.env.insert(name.clone(), env);
            self.keep(stage, Act::Spawned(name, incarnation));
            Ok(stage.last_pid)
        })?;
        Ok(self.child(pid))
    }

    /// Adds a child that a former host would have started at `started_at`, and that lives on as the director says. It is
    /// [held](Self::held) for the next host.
    pub fn lives_on(&self, process: &Arc<str>, incarnation: Incarnation, started_at: Moment) {
        let age = Duration::from_millis(self.clock().now().ms_since(started_at));
        let part = self.director.as_ref().map(|director| director.enters(process, incarnation, started_at));
        let mut part = part.and_then(Result::ok).unwrap_or_default();
        if let Some(ending) = &mut part.ends {
            ending.after = ending.after.saturating_sub(age);
        }
        self.stage(|stage| {
            stage.last_pid += 1;
            let child = Living::new(process.clone(), incarnation, Manner::Played(part), started_at);
            stage.living.insert(stage.last_pid, child);
        });
    }

    /// Keeps what was asked, for the test that looks at it.
    fn keep(&self, stage: &mut Stage, act: Act) {
        if !self.is_directed() {
            stage.history.push(act);
        }
    }

    /// Returns the child with this pid, for the host that owns it.
    fn child(&self, pid: u32) -> Child {
        let (announcer, notices) = Announcer::new();
        let lived = self.stage(|stage| {
            let child = stage.living.get_mut(&pid)?;
            child.announcer = Some(announcer);
            Some(child.lived(stage.clock.clone().unwrap_or_default()))
        });
        let exit: Boxed<LifeEnd> = match lived {
            Some(lived) => Box::pin(lived),
            None => Box::pin(async { Exit::Unobserved.into() }),
        };
        let notices = Some(notices);
        Child { pid, exit, output: None, notices, vars: Arc::default(), given: Given::default() }
    }
}

impl Scripted {
    /// Carries out a spawn, which takes as long as the script holds it.
    async fn play(
        self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
        mut ticket: SpawnTicket,
    ) {
        let mut held = self.held.subscribe();
        tokio::select! {
            // Cannot fail: `self` holds the sender.
            _ = held.wait_for(|held| !held) => {}
            () = ticket.abandoned() => return,
        }
        if !self.gate.pass() {
            return std::future::pending().await;
        }
        let entered = self.enter(spec.name.clone(), incarnation, env);
        if let Err(returned) = ticket.hand_over(entered)
            && let (Ok(unwanted), _) = *returned
        {
            let _ = self.signal(unwanted.pid, Signal::KILL);
        }
    }
}

impl Spawner for Scripted {
    fn spawn(
        &self,
        spec: Arc<ProcessSpec>,
        incarnation: Incarnation,
        env: LifeEnv,
        _: Option<Past>,
    ) -> PendingSpawn {
        let (pending, ticket) = PendingSpawn::new();
        tokio::spawn(self.clone().play(spec, incarnation, env, ticket));
        pending
    }

    fn adopt(&self, _: Arc<ProcessSpec>, held: Held, _: bool) -> Child {
        self.child(held.pid)
    }

    fn settle(&self, _: &[ProcessSpec], _: &[ProcessSpec], _: &dyn Fn(&str) -> bool) {}

    fn release(&self, _: &ProcessSpec) {}

    fn forget(&self, process: &Arc<str>, incarnation: Incarnation) {
        if self.gate.pass() {
            let is_it = |child: &Living| child.name == *process && child.incarnation == incarnation;
            self.stage(|stage| stage.living.retain(|_, child| !is_it(child) || child.is_alive()));
        }
    }

    fn stop(&self, pid: u32, stop: Stop) -> Result<(), Arc<str>> {
        self.stage(|stage| stage.living.get(&pid).map(|child| child.ask_to_end(stop.signal)));
        self.signal(pid, stop.signal)?;
        self.signal(pid, Signal::CONT)
    }

    fn kill(&self, pid: u32) -> Result<(), Arc<str>> {
        self.signal(pid, Signal::KILL)
    }

    fn reconfigure(&self, _: u32, _: &ProcessSpec) {}

    fn signal(&self, pid: u32, signal: Signal) -> Result<(), Arc<str>> {
        if !self.gate.pass() {
            return Ok(());
        }
        let at = self.clock().now();
        self.stage(|stage| {
            let child = stage.living.get(&pid).ok_or("no such process")?;
            child.take(signal, at);
            let name = child.name.clone();
            self.keep(stage, Act::Signalled(name, signal));
            Ok(())
        })
    }

    fn answer(&self, process: &Arc<str>, incarnation: Incarnation) -> Option<Result<(), Arc<str>>> {
        let director = self.director.as_ref()?;
        Some(director.answers(process, incarnation, self.clock().now()))
    }

    fn resources(&self, clock: Clock) -> Box<dyn Source> {
        Box::new(ScriptedSource { stage: self.clone(), clock })
    }

    fn look_for_leftovers(&self) -> Boxed<()> {
        Box::pin(async {})
    }
}

/// Tells what scripted children use.
#[derive(Debug)]
struct ScriptedSource {
    stage: Scripted,
    clock: Clock,
}

impl Source for ScriptedSource {
    fn read(&mut self, wanted: &Wanted) -> Readings {
        let at = self.clock.now();
        let reading = |one: &Alive| {
            let usage = match &self.stage.director {
                Some(director) => director.uses(&one.name, one.incarnation, at),
                None => self.stage.stage(|stage| stage.usages.get(&one.name).copied()),
            }?;
            Some(Reading { id: one.id, usage: Usage { at, ..usage }, pids: Vec::new() })
        };
        Readings { children: wanted.alive.iter().filter_map(reading).collect(), ..Readings::default() }
    }
}
