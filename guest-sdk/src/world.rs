//! The world as a plugin sees it: a trait, so that the same logic reads the host's snapshot in a component
//! and a made-up world in a native test.

use crate::{Columns, Counts, Death, Fields, Phase, ProcessState, Removal, Snapshot, TextColumn};

/// All processes at one instant, read-only. In a component it is the host's snapshot; in native tests
/// it is a [`crate::testing::MadeUpWorld`].
pub trait World {
    /// Returns the generation: the number of the change that produced this world.
    fn generation(&self) -> u64;
    /// Returns the time of that change in milliseconds since the Unix epoch.
    fn taken_at(&self) -> u64;
    /// Returns the number of processes.
    fn size(&self) -> u32;
    /// Returns the process with this name.
    fn get(&self, name: &str) -> Option<ProcessState>;
    /// Returns at most `limit` (and 1024) processes from position `offset` on, in the order of the config.
    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState>;
    /// Returns the same rows column by column, at most `limit` (and 65536): far cheaper than `page` for many rows.
    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns;
    /// Returns the processes that have changed after `generation`, in the order of the config; `None` if there are more
    /// than `limit` (or 1024): then read all with `page`. Removed processes are not among them: see
    /// [`removed_since`](Self::removed_since).
    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>>;
    /// Returns the processes that were removed after `generation`, oldest first. A name that is also among the changes
    /// since the same generation belongs to a new process: drop the removed ones first, and then take the changes.
    /// `None` if they are not all known any more, or more than 1024: then read all with `page`, and drop the rest.
    fn removed_since(&self, generation: u64) -> Option<Vec<Removal>>;
    /// Returns the processes of this group, in the order of the config; at most 1024. The empty name selects the processes
    /// without a group.
    fn group(&self, name: &str) -> Vec<ProcessState>;
    /// Returns the number of processes in each phase.
    fn counts(&self) -> Counts;
    /// Returns the unrequested ends of the process with this name since it was last started by hand, newest first, at
    /// most `limit`. The host remembers 100.
    fn deaths(&self, name: &str, limit: u32) -> Vec<Death>;
}

impl World for Snapshot {
    fn generation(&self) -> u64 {
        Self::generation(self)
    }
    fn taken_at(&self) -> u64 {
        Self::taken_at(self)
    }
    fn size(&self) -> u32 {
        Self::size(self)
    }
    fn get(&self, name: &str) -> Option<ProcessState> {
        Self::get(self, name)
    }
    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState> {
        Self::page(self, offset, limit)
    }
    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns {
        Self::columns(self, fields, offset, limit)
    }
    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>> {
        Self::changed_since(self, generation, limit).ok()
    }
    fn removed_since(&self, generation: u64) -> Option<Vec<Removal>> {
        Self::removed_since(self, generation)
    }
    fn group(&self, name: &str) -> Vec<ProcessState> {
        Self::group(self, name)
    }
    fn counts(&self) -> Counts {
        Self::counts(self)
    }
    fn deaths(&self, name: &str, limit: u32) -> Vec<Death> {
        Self::deaths(self, name, limit)
    }
}

/// Visits every process of the world, `page` rows at a time, so that memory is bounded whatever the size of the
/// world. Only the columns in `fields` are filled.
pub fn each_row(world: &dyn World, fields: Fields, page: u32, mut visit: impl FnMut(Row<'_>)) {
    let mut offset = 0;
    loop {
        let columns = world.columns(fields, offset, page);
        columns.rows().for_each(&mut visit);
        offset += columns.size;
        if columns.size == 0 || offset >= world.size() {
            return;
        }
    }
}

impl Columns {
    /// Returns an iterator over the rows.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.size as usize).map(move |index| Row { columns: self, index })
    }
}

/// One row of some columns. A column that was not requested reads as an empty text, 0 or `None`.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a Columns,
    index: usize,
}

impl<'a> Row<'a> {
    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &'a str {
        text(&self.columns.names, self.index)
    }

    /// Returns the group of the process; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &'a str {
        text(&self.columns.groups, self.index)
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        Phase::ALL.get(usize::from(*self.columns.phases.get(self.index)?)).copied()
    }

    /// Returns the process id of the child, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        some_but_zero(&self.columns.pids, self.index)
    }

    /// Returns the number of the current or last incarnation; 0 before the first.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.columns.incarnations.get(self.index).copied().unwrap_or_default()
    }

    /// Returns the number of restarts by a policy since the host started.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.columns.restarts.get(self.index).copied().unwrap_or_default()
    }

    /// Returns the number of consecutive failures.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.columns.failures.get(self.index).copied().unwrap_or_default()
    }

    /// Returns when the current or last incarnation started, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn started_at(&self) -> Option<u64> {
        some_but_zero(&self.columns.started_at, self.index)
    }

    /// Returns when the last incarnation ended, in milliseconds since the Unix epoch; `None` while a new one runs.
    #[must_use]
    pub fn ended_at(&self) -> Option<u64> {
        some_but_zero(&self.columns.ended_at, self.index)
    }

    /// Returns the exit code of the last incarnation; 128 plus the number of a signal, as in shells.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.columns.exit_codes.get(self.index).copied().filter(|&code| code >= 0)
    }
}

/// Returns row `index` of a text column.
fn text(column: &TextColumn, index: usize) -> &str {
    let end_of = |index: usize| column.ends.get(index).map(|&end| end as usize);
    let start = index.checked_sub(1).map_or(Some(0), end_of);
    start.zip(end_of(index)).and_then(|(start, end)| column.text.get(start..end)).unwrap_or_default()
}

/// Returns cell `index` of a column in which 0 means that there is no value.
fn some_but_zero<T: Copy + Default + PartialEq>(column: &[T], index: usize) -> Option<T> {
    column.get(index).copied().filter(|&cell| cell != T::default())
}
