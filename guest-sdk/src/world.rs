//! The world as a plugin sees it: a trait, so that the same logic reads the host's snapshot in a component
//! and a made-up world in a native test.

use crate::{Columns, Counts, Death, Fields, Phase, ProcessState, Snapshot, TextColumn};

/// All processes at one instant, read-only. In a component it is the host's snapshot; in native tests
/// it is a [`crate::testing::MadeUpWorld`].
pub trait World {
    /// The number of the change that made it.
    fn generation(&self) -> u64;
    /// When that change was made, in milliseconds since the Unix epoch.
    fn taken_at(&self) -> u64;
    /// How many processes there are.
    fn size(&self) -> u32;
    /// The process of this name.
    fn get(&self, name: &str) -> Option<ProcessState>;
    /// At most `limit` (and 1024) processes from position `offset` on, in the order of the config.
    fn page(&self, offset: u32, limit: u32) -> Vec<ProcessState>;
    /// The same rows column by column, at most `limit` (and 65536): far cheaper than `page` for many rows.
    fn columns(&self, fields: Fields, offset: u32, limit: u32) -> Columns;
    /// The processes that have changed after `generation`, in the order of the config; none, if there are more than
    /// `limit` (or 1024): then look through all.
    fn changed_since(&self, generation: u64, limit: u32) -> Option<Vec<ProcessState>>;
    /// The processes of this group, in the order of the config; at most 1024. Those that are in no group are in the group
    /// of the empty name.
    fn group(&self, name: &str) -> Vec<ProcessState>;
    /// How many processes are in each phase.
    fn counts(&self) -> Counts;
    /// The unasked ends of the process of this name since it was last started by hand, newest first, at most
    /// `limit`. The host remembers 100.
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

/// Visits every process of the world, `page` rows at a time, so that memory is bounded whatever its size.
/// Only the columns in `fields` are filled: ask for what you read.
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
    /// Its rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.size as usize).map(move |index| Row { columns: self, index })
    }
}

/// One row of some columns. A column that was not asked for reads as an empty text, 0 or `None`.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    columns: &'a Columns,
    index: usize,
}

impl<'a> Row<'a> {
    /// The name of the process.
    #[must_use]
    pub fn name(&self) -> &'a str {
        text(&self.columns.names, self.index)
    }

    /// Its group; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &'a str {
        text(&self.columns.groups, self.index)
    }

    /// Its phase.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        Phase::ALL.get(usize::from(*self.columns.phases.get(self.index)?)).copied()
    }

    /// The process id of its child, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        some_but_zero(&self.columns.pids, self.index)
    }

    /// Which life it is: 0 before the first.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.columns.incarnations.get(self.index).copied().unwrap_or_default()
    }

    /// How often a policy had it restarted since the host started.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.columns.restarts.get(self.index).copied().unwrap_or_default()
    }

    /// Consecutive failures.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.columns.failures.get(self.index).copied().unwrap_or_default()
    }

    /// When its current or last life began, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn started_at(&self) -> Option<u64> {
        some_but_zero(&self.columns.started_at, self.index)
    }

    /// When its last life ended, in milliseconds since the Unix epoch; none while a new one lasts.
    #[must_use]
    pub fn ended_at(&self) -> Option<u64> {
        some_but_zero(&self.columns.ended_at, self.index)
    }

    /// The exit code of its last life; 128 plus the number for a signal, as shells have it.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.columns.exit_codes.get(self.index).copied().filter(|&code| code >= 0)
    }
}

/// Row `index` of a text column.
fn text(column: &TextColumn, index: usize) -> &str {
    let end_of = |index: usize| column.ends.get(index).map(|&end| end as usize);
    let start = index.checked_sub(1).map_or(Some(0), end_of);
    start.zip(end_of(index)).and_then(|(start, end)| column.text.get(start..end)).unwrap_or_default()
}

/// Cell `index` of a column in which zero means that there is nothing.
fn some_but_zero<T: Copy + Default + PartialEq>(column: &[T], index: usize) -> Option<T> {
    column.get(index).copied().filter(|&cell| cell != T::default())
}
