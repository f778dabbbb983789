//! Everything that is known about the host, and how news change it.

use std::collections::{HashMap, VecDeque};

use provost_api::{
    Event, EventKind, Explanation, Phase, Process, ProcessDetail, Replicas, StateCore, Status,
};

use super::lines::{Line, Lines};
use super::news::{News, Told};
use super::usages::Usages;
use crate::request::Slot;

/// The most events that are kept.
const EVENTS_MAX: usize = 5_000;

/// Whether the host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing has been received yet.
    Connecting,
    /// The stream of the status is open.
    Live,
    /// The host cannot be reached; what is shown is the last that is known.
    Lost(String),
}

/// What is known about why a process is in its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    /// The process.
    pub(crate) name: String,
    /// The explanation, or why there is none.
    pub(crate) outcome: Result<Box<Explanation>, String>,
}

/// Everything that is known about the host.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) link: Link,
    /// The status as of the last message of its stream.
    pub(crate) status: Status,
    pub(crate) usages: Usages,
    pub(crate) explained: Option<Explained>,
    /// The process whose details were asked for last.
    detail: Option<Box<ProcessDetail>>,
    /// The names of the processes that each process depends on directly.
    dependencies: HashMap<String, Vec<String>>,
    /// The lines of the view of logs.
    pub(crate) logs: Lines,
    /// The lines of the detail pane.
    pub(crate) tail: Lines,
    events: VecDeque<Event>,
    /// The number of the first event that is kept.
    events_first: u64,
    pub(crate) state_core: Option<StateCore>,
    /// The last message, until it is taken.
    pub(crate) told: Option<Told>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            link: Link::Connecting,
            status: Status::default(),
            usages: Usages::default(),
            explained: None,
            detail: None,
            dependencies: HashMap::new(),
            logs: Lines::default(),
            tail: Lines::default(),
            events: VecDeque::new(),
            events_first: 0,
            state_core: None,
            told: None,
        }
    }
}

impl Model {
    /// Takes in what a connection reports, except a difference, which is shown and not kept.
    pub(crate) fn learn(&mut self, news: News) {
        match news {
            News::Status(status) => self.learn_status(*status),
            News::Lost(why) => self.link = Link::Lost(why),
            News::Explained { name, outcome } => self.explained = Some(Explained { name, outcome }),
            News::Process(detail) => self.detail = Some(detail),
            News::LogsBegin(slot, of) => self.lines(slot).begin(of),
            News::Log(slot, item) => self.lines(slot).push(item),
            News::LogsFailed(slot, why) => self.lines(slot).add(Line::Note(why)),
            News::EventsBegin => {
                self.events_first = self.events_end();
                self.events.clear();
            }
            News::Event(event) => self.learn_event(*event),
            News::Dependencies(known) => {
                let needs = known.processes.into_iter().map(|process| {
                    (process.name, process.depends_on.into_iter().map(|one| one.process).collect())
                });
                self.dependencies = needs.collect();
            }
            News::StateCore(core) => self.state_core = Some(*core),
            News::Difference(_) => {}
            News::Done(told) => self.told = Some(told),
        }
    }

    fn lines(&mut self, slot: Slot) -> &mut Lines {
        match slot {
            Slot::Logs => &mut self.logs,
            Slot::Detail => &mut self.tail,
        }
    }

    fn learn_status(&mut self, mut message: Status) {
        if let Some(usage) = message.usage.take() {
            self.usages.learn(usage);
        }
        if !self.status.boot.is_empty() && self.status.boot != message.boot {
            self.told = Some(Told::failed("the host was restarted: everything is shown anew"));
            self.detail = None;
        }
        self.link = Link::Live;
        self.status.update(message);
    }

    fn learn_event(&mut self, event: Event) {
        // Several gaps in a row are one.
        if event.kind == EventKind::Missed
            && let Some(last) = self.events.back_mut().filter(|last| last.kind == EventKind::Missed)
        {
            last.count = Some(last.count.unwrap_or_default().saturating_add(event.count.unwrap_or_default()));
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
            self.events_first += 1;
        }
        self.events.push_back(event);
    }

    /// Returns the number of the first event that is kept.
    pub(crate) fn events_first(&self) -> u64 {
        self.events_first
    }

    /// Returns the number after that of the last event.
    pub(crate) fn events_end(&self) -> u64 {
        self.events_first + self.events.len() as u64
    }

    /// Returns the event with this number.
    pub(crate) fn event(&self, number: u64) -> Option<&Event> {
        self.events.get(usize::try_from(number.checked_sub(self.events_first)?).ok()?)
    }

    /// Returns all processes in their order.
    pub(crate) fn processes(&self) -> &[Process] {
        &self.status.processes
    }

    /// Returns the process of this name.
    pub(crate) fn process(&self, name: &str) -> Option<&Process> {
        self.processes().iter().find(|process| process.name == name)
    }

    /// Returns the variables and the checks of a process, if they are known.
    pub(crate) fn detail_of(&self, name: &str) -> Option<&ProcessDetail> {
        self.detail.as_deref().filter(|detail| detail.process.name == name)
    }

    /// Returns the names of the processes that a process depends on directly, as far as they are known.
    pub(crate) fn depends_on(&self, name: &str) -> &[String] {
        self.dependencies.get(name).map_or(&[], Vec::as_slice)
    }

    /// Counts the processes of each phase, in the order of the phases.
    pub(crate) fn counts(&self) -> Vec<(Phase, usize)> {
        let mut counts: Vec<(Phase, usize)> = Phase::ALL.iter().map(|phase| (phase.clone(), 0)).collect();
        for process in self.processes() {
            if let Some((_, count)) = counts.iter_mut().find(|(phase, _)| *phase == process.phase) {
                *count += 1;
            }
        }
        counts.retain(|(_, count)| *count > 0);
        counts
    }

    /// Returns the replica counts of the set that a process belongs to.
    pub(crate) fn replicas_of(&self, process: &str) -> Option<&Replicas> {
        let is_member = |set: &&Replicas| {
            process == set.name
                || process
                    .strip_prefix(&*set.name)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|number| number.parse::<u32>().is_ok())
        };
        self.status.replicas.iter().find(is_member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(boot: &str, whole: Option<bool>, names: &[&str]) -> News {
        let process =
            |name: &&str| Process { name: (*name).into(), phase: Phase::Running, ..Process::default() };
        let processes = names.iter().map(process).collect();
        News::Status(Box::new(Status {
            generation: 7,
            boot: boot.into(),
            whole,
            processes,
            ..Status::default()
        }))
    }

    #[test]
    fn what_is_known_stays_on_the_screen_while_there_is_no_host() {
        let mut model = Model::default();
        model.learn(status("x", Some(true), &["a", "b"]));
        model.learn(status("x", Some(false), &["b", "c"]));
        assert_eq!(model.counts(), [(Phase::Running, 3)]);
        assert_eq!(model.told, None);
        model.learn(News::Lost("no host".into()));
        assert_eq!(model.link, Link::Lost("no host".into()));
        assert!(model.process("c").is_some());
    }

    #[test]
    fn another_host_replaces_everything_and_is_told() {
        let mut model = Model::default();
        model.learn(status("x", Some(true), &["a", "b"]));
        model.learn(status("y", Some(true), &["b"]));
        assert_eq!(model.processes().len(), 1);
        assert!(model.told.is_some_and(|told| told.text.contains("restarted")));
        assert_eq!(model.link, Link::Live);
    }

    #[test]
    fn a_replica_belongs_to_its_set_and_a_name_with_a_dot_does_not() {
        let set = Replicas { name: "web".into(), wanted: 2, ..Replicas::default() };
        let status = Status { replicas: vec![set], ..Status::default() };
        let model = Model { status, ..Model::default() };
        assert!(model.replicas_of("web.12").is_some());
        assert!(model.replicas_of("web.x").is_none() && model.replicas_of("webs.1").is_none());
    }

    #[test]
    fn events_are_bounded_and_gaps_add_up() {
        let mut model = Model::default();
        let gap = || Event { kind: EventKind::Missed, count: Some(2), ..Event::default() };
        for event in [gap(), gap(), Event { kind: EventKind::Ready, ..Event::default() }] {
            model.learn(News::Event(Box::new(event)));
        }
        assert_eq!(model.event(0).and_then(|gap| gap.count), Some(4));
        for _ in 0..EVENTS_MAX {
            model.learn(News::Event(Box::new(Event { kind: EventKind::Ready, ..Event::default() })));
        }
        assert_eq!((model.events_first(), model.events_end()), (2, EVENTS_MAX as u64 + 2));
    }
}
