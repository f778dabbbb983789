//! Hosts that end without ceremony, each followed by another one, which goes on from what was written down and from the
//! children that are held. A step is a write into the stash, or anything that reaches a child.
//!
//! | room | owns |
//! |---|---|
//! | `steps` | a first host that ends after each of its steps |
//! | `resuming` | what the next host goes on with |
//! | `changed` | what operators have changed, and what was counted |
//! | `files` | files that are replaced, and files that cannot be kept |

mod changed;
mod files;
mod resuming;
mod steps;

use std::collections::{BTreeMap, HashSet};
use std::future::{pending, ready};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::time::Duration;

use provost_state::{Consumer, Escalation};
use provost_supervisor::{Adopted, Degraded, FormerStash, Gate, Stash, StashKeeper, StashKept};

use super::*;

/// The files of a stash, which outlive the hosts.
#[derive(Debug, Default)]
struct Files(Mutex<BTreeMap<u64, OwnedFd>>);

impl Files {
    fn contents(&self) -> Vec<Vec<u8>> {
        let read = |file: &OwnedFd| {
            let file = std::fs::File::from(file.try_clone().unwrap());
            let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
            file.read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        self.0.lock().unwrap().values().map(read).collect()
    }
}

/// The files, for one host.
#[derive(Debug)]
struct Keeper {
    files: Arc<Files>,
    gate: Gate,
}

impl StashKeeper for Keeper {
    fn keep(&self, number: u64, file: OwnedFd) -> StashKept {
        if self.gate.is_shut() {
            return Box::pin(pending());
        }
        self.files.0.lock().unwrap().insert(number, file);
        Box::pin(ready(Ok::<_, io::Error>(())))
    }

    fn drop_before(&self, number: u64) {
        if !self.gate.is_shut() {
            self.files.0.lock().unwrap().retain(|other, _| *other >= number);
        }
    }
}

type Specs = Box<dyn Fn(&Adopted) -> (Vec<ProcessSpec>, Vec<ReplicaSet>)>;

/// Children and files, and the host that is there now.
struct Machine {
    children: Scripted,
    files: Arc<Files>,
    specs: Specs,
    host: Supervisor,
    gate: Gate,
    hosts: usize,
    dir: tempfile::TempDir,
}

impl Machine {
    /// Starts a first host, which ends at this gate.
    async fn start(specs: Specs, gate: Gate) -> Self {
        Self::start_with(specs, gate, |_| {}).await
    }

    /// Does what [`start`](Self::start) does, after `cast` has instructed the children.
    async fn start_with(specs: Specs, gate: Gate, cast: impl Fn(&Scripted)) -> Self {
        let (children, files) = (Scripted::default(), Arc::<Files>::default());
        let dir = tempfile::tempdir().unwrap();
        cast(&children);
        let host = boot((&children, &files), &specs, &gate, dir.path(), Vec::new()).await;
        Self { children, files, specs, host, gate, hosts: 1, dir }
    }

    /// Ends the host, and lets this time pass without one.
    async fn without_host(&mut self, ms: u64) {
        self.gate.shut();
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn adopted(&self) -> Adopted {
        adopted(&self.children, &self.files)
    }

    /// Starts another host in the place of one that has ended.
    async fn next_host(&mut self) {
        self.next_host_behind(Gate::default()).await;
    }

    async fn next_host_behind(&mut self, gate: Gate) {
        self.next_host_with(gate, Vec::new()).await;
    }

    /// Starts another host, which notifies these consumers.
    async fn next_host_telling(&mut self, consumers: Vec<Box<dyn Consumer>>) {
        self.next_host_with(Gate::default(), consumers).await;
    }

    async fn next_host_with(&mut self, gate: Gate, consumers: Vec<Box<dyn Consumer>>) {
        self.gate.shut();
        self.gate = gate;
        let mut living = HashSet::new();
        for held in self.children.held().iter().filter(|held| held.ended.is_none()) {
            assert!(living.insert(held.name.clone()), "two copies of {}", held.name);
        }
        let machine = (&self.children, &self.files);
        self.host = boot(machine, &self.specs, &self.gate, self.dir.path(), consumers).await;
        self.hosts += 1;
    }

    fn state(&self, name: &str) -> Arc<ProcessState> {
        self.host.reader().snapshot().by_name(name).unwrap().clone()
    }

    /// Waits until the state of a process satisfies this, in this host or, if it ends, in another one.
    async fn until(&mut self, name: &str, holds: impl Fn(&ProcessState) -> bool) -> Arc<ProcessState> {
        let give_up = tokio::time::Instant::now() + Duration::from_secs(3_600);
        loop {
            if self.gate.is_shut() {
                self.next_host().await;
            }
            let state = self.host.reader().snapshot().by_name(name).cloned();
            if let Some(state) = state.filter(|state| holds(state))
                && !self.gate.is_shut()
            {
                return state;
            }
            assert!(
                tokio::time::Instant::now() < give_up,
                "{name}: {:?} after {:?}",
                self.state(name),
                self.children.history()
            );
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    async fn until_phase(&mut self, name: &str, phase: PhaseKind) -> Arc<ProcessState> {
        self.until(name, |state| state.phase.kind() == phase).await
    }

    async fn until_life(&mut self, name: &str, life: u64) {
        self.until(name, |state| state.incarnation.0 == life && state.phase.kind() == PhaseKind::Running)
            .await;
    }

    /// Gives an order, again to the next host if this one ends before the order has an effect.
    async fn order(&mut self, name: &str, order: Order, done: impl Fn(&ProcessState) -> bool) {
        loop {
            let id = self.state(name).id;
            let given = match order {
                Order::Start => self.host.start(id, Cause::User).await,
                Order::Stop => self.host.stop(id, Cause::User).await,
            };
            if !self.gate.is_shut() {
                given.unwrap();
                return;
            }
            self.next_host().await;
            // The host may have ended between the effect and the answer.
            if done(&self.state(name)) {
                return;
            }
        }
    }

    /// What must not depend on whether and when the host has ended.
    fn outcome(&self, name: &str) -> Outcome {
        let state = self.state(name);
        let spawned = |act: &Act| matches!(act, Act::Spawned(process, _) if **process == *name);
        let spawns: Vec<Act> = self.children.history().into_iter().filter(spawned).collect();
        let lives: HashSet<String> = spawns.iter().map(|act| format!("{act:?}")).collect();
        assert_eq!(lives.len(), spawns.len(), "a life was spawned twice: {spawns:?}");
        Outcome {
            phase: state.phase.kind(),
            desired: state.desired,
            incarnation: state.incarnation.0,
            restarts: state.restarts,
            failures: state.failures,
            exit: state.exit.clone(),
            deaths: state.deaths.iter().map(|death| (death.incarnation.0, death.exit.clone())).collect(),
            spawns: spawns.len(),
        }
    }
}

#[derive(Clone, Copy)]
enum Order {
    Start,
    Stop,
}

#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    phase: PhaseKind,
    desired: Desired,
    incarnation: u64,
    restarts: u64,
    failures: u32,
    exit: Option<Exit>,
    deaths: Vec<(u64, Exit)>,
    spawns: usize,
}

fn adopted(children: &Scripted, files: &Files) -> Adopted {
    let last_end = Some("killed by SIGKILL".into());
    Adopted { held: children.held(), stash: files.contents().into(), last_end, ..Adopted::default() }
}

/// Starts a host. One that ends on the way is given back all the same.
async fn boot(
    (children, files): (&Scripted, &Arc<Files>),
    specs: &Specs,
    gate: &Gate,
    dir: &std::path::Path,
    consumers: Vec<Box<dyn Consumer>>,
) -> Supervisor {
    let keeper = Keeper { files: files.clone(), gate: gate.clone() };
    let stash = Stash::new(Arc::new(keeper), Degraded::default());
    stash.behind(gate);
    let settings =
        Settings { decision_deadline_ms: 60_000, stash: Some(stash), ..Settings::new(dir.join("logs")) };
    let adopted = adopted(children, files);
    let (specs, sets) = specs(&adopted);
    let prepared = children.behind(gate).prepare(settings, specs, sets, consumers, adopted).unwrap();
    tokio::select! {
        () = prepared.kept() => {}
        () = async {
            while !gate.is_shut() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        } => {}
    }
    prepared.start()
}

/// Plays a script once without an end of the host, and then once for each step, after which the first host ends; the
/// outcome of `names` is always the same.
async fn at_each_step<S>(names: &[&str], specs: fn() -> Specs, cast: fn(&Scripted), script: S)
where
    S: AsyncFn(&mut Machine),
{
    let gate = Gate::default();
    let mut machine = Machine::start_with(specs(), gate.clone(), cast).await;
    script(&mut machine).await;
    assert_eq!(machine.hosts, 1);
    let outcomes = |machine: &Machine| names.iter().map(|name| machine.outcome(name)).collect::<Vec<_>>();
    let expected = outcomes(&machine);
    let steps = gate.taken();
    assert!(steps > 5, "{steps} steps");
    drop(machine);
    let mut ended = 0;
    for step in 1..=steps {
        let mut machine = Machine::start_with(specs(), Gate::after(step), cast).await;
        script(&mut machine).await;
        ended += machine.hosts - 1;
        assert_eq!(outcomes(&machine), expected, "the host ended after step {step} of {steps}");
    }
    // The last steps may come after the script.
    assert!(ended + 10 >= usize::try_from(steps).unwrap(), "{ended} hosts ended in {steps} plays");
}

fn one(spec: fn() -> ProcessSpec) -> Specs {
    Box::new(move |_| (vec![spec()], Vec::new()))
}
