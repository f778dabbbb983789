//! What was ordered last of each process: what the host is held to at the end.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::fleet::{Kind, Member};

/// What was ordered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Up,
    Down,
    /// An order got no clear answer: it may have been carried out or not.
    Unclear,
}

/// What is wanted of each process.
#[derive(Debug)]
pub(crate) struct Model(Mutex<BTreeMap<String, Want>>);

impl Model {
    /// Everything is up at first.
    pub(crate) fn new(members: &[Member]) -> Self {
        Self(Mutex::new(members.iter().map(|member| (member.name.clone(), Want::Up)).collect()))
    }

    pub(crate) fn set(&self, name: &str, want: Want) {
        self.0.lock().unwrap().insert(name.to_owned(), want);
    }

    pub(crate) fn of(&self, name: &str) -> Want {
        self.0.lock().unwrap()[name]
    }

    /// The names of those that are in doubt.
    pub(crate) fn unclear(&self) -> Vec<String> {
        let wants = self.0.lock().unwrap();
        wants.iter().filter(|(_, want)| **want == Want::Unclear).map(|(name, _)| name.clone()).collect()
    }

    /// Why this process is not in its due phase; `None` if it is.
    pub(crate) fn objection(&self, member: &Member, process: &Value) -> Option<String> {
        let (phase, desired) = (process["phase"].as_str()?, process["desired"].as_str()?);
        let due = match self.of(&member.name) {
            Want::Unclear => true,
            Want::Down => phase == "stopped" && desired == "down" && process["pid"].is_null(),
            Want::Up => desired == "up" && self.is_due_up(member, phase, process),
        };
        let want = self.of(&member.name);
        (!due).then(|| {
            format!(
                "{} was ordered {want:?} and is {phase}, desired {desired}: {}",
                member.name, process["reason"]
            )
        })
    }

    fn is_due_up(&self, member: &Member, phase: &str, process: &Value) -> bool {
        let runs = phase == "running" && process["ready"] == true && process["pid"].is_u64();
        match member.kind {
            Kind::Crashing => matches!(phase, "running" | "starting" | "backoff" | "exited" | "waiting"),
            Kind::Job => phase == "exited" && process["exit"]["code"] == 0,
            Kind::Dependent => {
                let needs = self.of(member.needs.as_deref().unwrap());
                runs || (phase == "waiting" && needs == Want::Down)
            }
            _ => runs,
        }
    }
}
