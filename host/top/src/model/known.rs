//! Everything that is known about the host, and how news change it.

use std::collections::VecDeque;

use provost_api::{Event, EventKind, Explanation, Host, Plugin, Replicas, StateCore, Status};

use super::lines::{Line, Lines};
use super::news::{News, Told};
use super::processes::Processes;
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
    pub(crate) generation: u64,
    /// The life of the host that `generation` belongs to.
    boot: String,
    pub(crate) host: Host,
    pub(crate) processes: Processes,
    /// The order of the config, where the processes have another one.
    order: Option<Vec<String>>,
    pub(crate) replicas: Vec<Replicas>,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) explained: Option<Explained>,
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
            generation: 0,
            boot: String::new(),
            host: Host::default(),
            processes: Processes::default(),
            order: None,
            replicas: Vec::new(),
            plugins: Vec::new(),
            explained: None,
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
            News::LogsBegin(slot) => self.lines(slot).clear(),
            News::Log(slot, item) => self.lines(slot).push(item),
            News::LogsFailed(slot, why) => self.lines(slot).add(Line::Note(why)),
            News::EventsBegin => {
                self.events_first = self.events_end();
                self.events.clear();
            }
            News::Event(event) => self.learn_event(*event),
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

    fn learn_status(&mut self, status: Status) {
        let restarted = !self.boot.is_empty() && self.boot != status.boot;
        if restarted {
            self.told = Some(Told::failed("the host was restarted: everything is shown anew"));
        }
        self.link = Link::Live;
        self.generation = status.generation;
        self.boot = status.boot;
        // A part that has not changed is absent, and empty here.
        if status.host.pid != 0 {
            self.host = status.host;
            self.order = status.order;
        }
        if status.whole == Some(false) {
            self.processes.change(&status.removed.unwrap_or_default(), status.processes);
            if !status.replicas.is_empty() {
                self.replicas = status.replicas;
            }
        } else {
            self.processes.replace(status.processes);
            self.replicas = status.replicas;
        }
        if let Some(order) = &self.order {
            self.processes.arrange(order);
        }
        if !status.plugins.is_empty() {
            self.plugins = status.plugins;
        }
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

    /// Returns the replica counts of the set that a process belongs to.
    pub(crate) fn replicas_of(&self, process: &str) -> Option<&Replicas> {
        let is_member = |set: &&Replicas| {
            process == set.name
                || process
                    .strip_prefix(&*set.name)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(|number| number.parse::<u32>().is_ok())
        };
        self.replicas.iter().find(is_member)
    }

    /// Returns a version of the process that changes whenever it does; 0 if there is no such process.
    pub(crate) fn version_of(&self, name: &str) -> u64 {
        self.processes.get(name).map_or(0, |process| process.generation)
    }
}

#[cfg(test)]
mod tests {
    use provost_api::{Phase, Process};

    use super::*;

    fn process(name: &str) -> Process {
        Process { name: name.into(), phase: Phase::Running, generation: 1, ..Process::default() }
    }

    fn status(boot: &str, whole: Option<bool>, names: &[&str]) -> News {
        News::Status(Box::new(Status {
            generation: 7,
            boot: boot.into(),
            whole,
            processes: names.iter().map(|name| process(name)).collect(),
            ..Status::default()
        }))
    }

    #[test]
    fn changes_of_the_status_keep_what_has_not_changed() {
        let mut model = Model::default();
        let News::Status(mut first) = status("x", Some(true), &["a", "b"]) else { unreachable!() };
        first.host.pid = 7;
        first.plugins = vec![Plugin::default()];
        model.learn(News::Status(first));
        model.learn(status("x", Some(false), &["b", "c"]));
        assert_eq!((model.processes.all().len(), model.host.pid, model.plugins.len()), (3, 7, 1));
        assert_eq!(model.told, None);
        model.learn(News::Lost("no host".into()));
        assert_eq!(model.link, Link::Lost("no host".into()));
        assert_eq!(model.processes.all().len(), 3, "what is known stays on the screen");
    }

    #[test]
    fn another_host_replaces_everything_and_is_told() {
        let mut model = Model::default();
        model.learn(status("x", Some(true), &["a", "b"]));
        model.learn(status("y", Some(true), &["b"]));
        assert_eq!(model.processes.all().len(), 1);
        assert!(model.told.is_some_and(|told| told.text.contains("restarted")));
        assert_eq!(model.link, Link::Live);
    }

    #[test]
    fn a_replica_belongs_to_its_set_and_a_name_with_a_dot_does_not() {
        let set = Replicas { name: "web".into(), wanted: 2, ..Replicas::default() };
        let model = Model { replicas: vec![set], ..Model::default() };
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
        assert_eq!(model.events[0].count, Some(4));
        for _ in 0..EVENTS_MAX {
            model.learn(News::Event(Box::new(Event { kind: EventKind::Ready, ..Event::default() })));
        }
        assert_eq!(model.events.len(), EVENTS_MAX);
    }
}
