//! The last order given for each process, which determines its expected phase at the end.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use provost_tests::runs::Want;
use serde_json::Value;

use crate::fleet::{Kind, Member};

/// The requested state of each process.
#[derive(Debug)]
pub(crate) struct Model(Mutex<BTreeMap<String, (Want, i64)>>);

impl Model {
    /// Makes a model in which all processes are up.
    pub(crate) fn new(members: &[Member]) -> Self {
        Self(Mutex::new(members.iter().map(|member| (member.name.clone(), (Want::Up, 0))).collect()))
    }

    pub(crate) fn set(&self, name: &str, want: Want) {
        self.0.lock().unwrap().insert(name.to_owned(), (want, Timestamp::now().as_millisecond()));
    }

    /// Takes the answers to orders for unclear that the next host may not know of: those of these times, in milliseconds since 1970.
    pub(crate) fn doubt(&self, may_be_forgotten: impl Fn(i64) -> bool) {
        for (want, at) in self.0.lock().unwrap().values_mut() {
            if may_be_forgotten(*at) {
                *want = Want::Unclear;
            }
        }
    }

    fn of(&self, name: &str) -> Want {
        self.0.lock().unwrap().get(name).map_or(Want::Up, |(want, _)| *want)
    }

    /// Returns the names of the processes whose last order got no clear answer.
    pub(crate) fn unclear(&self) -> Vec<String> {
        let wants = self.0.lock().unwrap();
        wants.iter().filter(|(_, (want, _))| *want == Want::Unclear).map(|(name, _)| name.clone()).collect()
    }

    /// Says why this process is not in an expected phase; `None` if it is.
    pub(crate) fn objection(&self, member: &Member, process: &Value) -> Option<String> {
        let (phase, desired) = (process["phase"].as_str()?, process["desired"].as_str()?);
        let want = self.of(&member.name);
        let due = match want {
            Want::Unclear => true,
            Want::Down => phase == "stopped" && desired == "down" && process["pid"].is_null(),
            Want::Up => desired == "up" && self.is_due_up(member, phase, process),
        };
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
            Kind::Dependent => {
                runs || (phase == "waiting"
                    && member.needs.as_deref().is_some_and(|needs| self.of(needs) == Want::Down))
            }
            _ => runs,
        }
    }
}
