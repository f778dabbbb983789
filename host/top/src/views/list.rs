//! The list of processes: its order, its filter, its tree, its marks and its selection.

use std::collections::BTreeSet;

use provost_api::{Desired, Phase, Process};

use super::cursor::Cursor;
use super::row::Row;
use super::tree;
use crate::model::Model;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The order of the config.
    #[default]
    Config,
    Name,
    Phase,
    Restarts,
    Uptime,
    Cpu,
    Memory,
}

impl Sort {
    const ALL: [Self; 7] =
        [Self::Config, Self::Name, Self::Phase, Self::Restarts, Self::Uptime, Self::Cpu, Self::Memory];

    /// Returns what comes after it.
    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Returns its description.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Config => "in the order of the config",
            Self::Name => "by name",
            Self::Phase => "by phase, troubled ones first",
            Self::Restarts => "by restarts, most first",
            Self::Uptime => "by time of start, latest first",
            Self::Cpu => "by CPU usage, most first",
            Self::Memory => "by memory, most first",
        }
    }
}

/// The list of processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    /// Whether the groups are shown as a tree.
    pub(crate) tree: bool,
    /// Whether processes that are meant to be down are left out.
    pub(crate) hides_down: bool,
    /// Only names and groups that contain this text.
    pub(crate) filter: String,
    /// The targets that are marked.
    pub(crate) marked: BTreeSet<String>,
    pub(crate) cursor: Cursor,
    /// The target that is selected; the cursor follows it when rows move.
    selected: Option<String>,
}

impl List {
    /// Returns the rows in their order.
    pub(crate) fn rows<'m>(&self, model: &'m Model) -> Vec<Row<'m>> {
        let filter = self.filter.to_lowercase();
        let contains = |text: &str| filter.is_empty() || text.to_lowercase().contains(&filter);
        let mut shown: Vec<&Process> = model
            .processes()
            .iter()
            .filter(|process| !self.hides_down || process.desired != Desired::Down || process.pid.is_some())
            .filter(|process| contains(&process.name) || process.group.as_deref().is_some_and(contains))
            .collect();
        match self.sort {
            Sort::Config => {}
            Sort::Name => shown.sort_by(|a, b| a.name.cmp(&b.name)),
            Sort::Phase => shown.sort_by_cached_key(|process| urgency(process)),
            Sort::Restarts => shown.sort_by_key(|process| std::cmp::Reverse(process.restarts)),
            // RFC 3339 in UTC sorts as text.
            Sort::Uptime => shown.sort_by(|a, b| b.started_at.cmp(&a.started_at)),
            Sort::Cpu => {
                // Each name is looked up once.
                let cpu =
                    |process: &Process| model.usages.of(&process.name).map_or(-1.0, |used| used.now.cpu);
                let mut known: Vec<(f64, &Process)> = shown.iter().map(|one| (cpu(one), *one)).collect();
                known.sort_by(|(a, _), (b, _)| b.total_cmp(a));
                shown = known.into_iter().map(|(_, process)| process).collect();
            }
            Sort::Memory => shown.sort_by_cached_key(|process| {
                std::cmp::Reverse(model.usages.of(&process.name).map_or(0, |used| used.now.rss_bytes))
            }),
        }
        if self.reversed {
            shown.reverse();
        }
        if self.tree {
            tree::rows(&shown, model)
        } else {
            shown.iter().map(|one| Row::Process(one, 0)).collect()
        }
    }

    /// Moves the selection by a number of rows.
    pub(crate) fn go(&mut self, model: &Model, rows: isize) {
        let all = self.settle(model);
        self.cursor.by(rows);
        self.put(&all, self.cursor.selected);
    }

    /// Selects the row at a place.
    pub(crate) fn select_at(&mut self, model: &Model, place: usize) {
        self.put(&self.rows(model), place);
    }

    fn put(&mut self, rows: &[Row<'_>], place: usize) {
        self.cursor.selected = place.min(rows.len().saturating_sub(1));
        self.selected = rows.get(self.cursor.selected).map(Row::target);
    }

    /// Selects a target, if it is in the list.
    pub(crate) fn select(&mut self, model: &Model, target: &str) {
        self.selected = Some(target.to_owned());
        self.settle(model);
    }

    /// Puts the cursor on the selected target after the rows have moved; if it is gone, the row in its place is selected.
    /// Returns the rows.
    pub(crate) fn settle<'m>(&mut self, model: &'m Model) -> Vec<Row<'m>> {
        let rows = self.rows(model);
        let at = self.selected.as_ref().and_then(|name| rows.iter().position(|row| row.is(name)));
        match at {
            Some(at) => self.cursor.selected = at,
            None => self.put(&rows, self.cursor.selected),
        }
        rows
    }

    /// Returns the selected target.
    pub(crate) fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Returns the selected process; `None` if a group is selected.
    pub(crate) fn process<'m>(&self, model: &'m Model) -> Option<&'m Process> {
        model.process(self.selected.as_deref()?)
    }

    /// Returns the marked targets, or else the selected one.
    pub(crate) fn targets(&self) -> Vec<String> {
        match self.marked.is_empty() {
            true => self.selected.iter().cloned().collect(),
            false => self.marked.iter().cloned().collect(),
        }
    }

    /// Marks the selected target, or takes its mark away.
    pub(crate) fn mark(&mut self) {
        let Some(selected) = &self.selected else { return };
        if !self.marked.remove(selected) {
            self.marked.insert(selected.clone());
        }
    }
}

/// Returns a number by which troubled processes come first.
fn urgency(process: &Process) -> usize {
    const ORDER: [Phase; 8] = [
        Phase::Fatal,
        Phase::Backoff,
        Phase::Stopping,
        Phase::Starting,
        Phase::Waiting,
        Phase::Exited,
        Phase::Running,
        Phase::Stopped,
    ];
    ORDER.iter().position(|phase| *phase == process.phase).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use provost_api::{Dependencies, Dependency, Dependent, Status};

    use super::*;
    use crate::model::News;

    fn model() -> Model {
        let process = |name: &str, group: Option<&str>, phase: Phase, restarts| Process {
            name: name.into(),
            group: group.map(Into::into),
            desired: if phase == Phase::Stopped { Desired::Down } else { Desired::Up },
            phase,
            restarts,
            ..Process::default()
        };
        let processes = vec![
            process("web", None, Phase::Running, 0),
            process("w1", Some("workers"), Phase::Backoff, 4),
            process("db", None, Phase::Stopped, 1),
            process("w2", Some("workers"), Phase::Running, 9),
        ];
        let mut model = Model::default();
        model.learn(News::Status(Box::new(Status { processes, ..Status::default() })));
        model
    }

    fn shown(list: &List, model: &Model) -> Vec<String> {
        list.rows(model).iter().map(Row::target).collect()
    }

    #[test]
    fn the_list_is_sorted_filtered_and_grouped() {
        let mut model = model();
        let mut list = List::default();
        assert_eq!(shown(&list, &model), ["web", "w1", "db", "w2"]);
        list.sort = Sort::Restarts;
        assert_eq!(shown(&list, &model), ["w2", "w1", "db", "web"]);
        list.sort = Sort::Phase;
        assert_eq!(shown(&list, &model), ["w1", "web", "w2", "db"]);
        list.sort = Sort::Config;
        list.tree = true;
        assert_eq!(shown(&list, &model), ["web", "db", "workers:*", "w1", "w2"]);
        list.filter = "WORK".into();
        assert_eq!(shown(&list, &model), ["workers:*", "w1", "w2"]);
        list.filter.clear();
        let needs = |name: &str, needed: &str| Dependent {
            name: name.into(),
            depends_on: vec![Dependency { process: needed.into(), ..Dependency::default() }],
            ..Dependent::default()
        };
        let known = |processes| News::Dependencies(Dependencies { generation: 1, processes });
        model.learn(known(vec![needs("web", "db"), needs("w1", "w2"), needs("w2", "web")]));
        let depth = |row: &Row<'_>| match row {
            Row::Group(..) => 0,
            Row::Process(_, depth) => *depth,
        };
        assert_eq!(shown(&list, &model), ["db", "web", "workers:*", "w2", "w1"]);
        assert_eq!(list.rows(&model).iter().map(depth).collect::<Vec<_>>(), [0, 1, 0, 1, 2]);
        model.learn(known(Vec::new()));
        list.hides_down = true;
        assert_eq!(shown(&list, &model), ["web", "workers:*", "w1", "w2"]);
    }

    #[test]
    fn the_selection_follows_its_process_and_not_its_row() {
        let mut model = model();
        let mut list = List::default();
        list.go(&model, 1);
        assert_eq!(list.selected(), Some("w1"));
        list.sort = Sort::Restarts;
        list.reversed = true;
        list.settle(&model);
        assert_eq!((list.selected(), list.cursor.selected), (Some("w1"), 2));
        model.status.processes.remove(1);
        list.settle(&model);
        assert_eq!((list.selected(), list.cursor.selected), (Some("w2"), 2), "the one in its place");
    }

    #[test]
    fn orders_go_to_the_marked_ones_or_else_to_the_selected_one() {
        let model = model();
        let mut list = List::default();
        list.settle(&model);
        assert_eq!(list.targets(), ["web"]);
        list.go(&model, 2);
        list.mark();
        list.go(&model, 1);
        list.mark();
        list.go(&model, -3);
        assert_eq!(list.targets(), ["db", "w2"]);
        list.select(&model, "db");
        list.mark();
        assert_eq!(list.targets(), ["w2"]);
    }
}
