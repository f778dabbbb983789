//! The rows of a world one by one, on columns that are fetched a page at a time.

use std::rc::Rc;

use crate::{Columns, Fields, Phase, TextColumn, World};

/// The number of rows that are fetched at once: some tens of kilobytes.
const PAGE_ROWS: u32 = 1024;

impl dyn World + '_ {
    /// Returns an iterator over all processes, in the order of the config, with these columns filled. Rows are fetched when they are
    /// needed, some at a time, so that memory is bounded whatever the size of the world.
    ///
    /// ```
    /// use provost_guest::testing::{MadeUpWorld, process};
    /// use provost_guest::{Fields, Phase, World};
    ///
    /// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Backoff)]);
    /// let world: &dyn World = &world;
    /// let mut lines = Vec::new();
    /// for row in world.rows(Fields::NAMES | Fields::PHASES) {
    ///     lines.push(format!("{} {:?}", row.name(), row.phase()));
    /// }
    /// assert_eq!(lines, ["web Some(Phase::Running)", "db Some(Phase::Backoff)"]);
    /// ```
    #[must_use]
    pub fn rows(&self, fields: Fields) -> Rows<'_> {
        Rows { world: self, fields, phase: None, group: None, page: None, index: 0, fetched: 0 }
    }

    /// Returns an iterator over the names of all processes, in the order of the config.
    ///
    /// ```
    /// use provost_guest::testing::{MadeUpWorld, process};
    /// use provost_guest::{Phase, World};
    ///
    /// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Running)]);
    /// let world: &dyn World = &world;
    /// assert!(world.names().eq(["web", "db"]));
    /// ```
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.rows(Fields::NAMES).map(|row| row.name().to_owned())
    }
}

/// An iterator over the processes of a world. See [`rows`](trait.World.html#method.rows).
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Fields, Phase, ProcessState, World};
///
/// let member = |name, phase| ProcessState { group: "site".to_owned(), ..process(name, phase) };
/// let world = MadeUpWorld::of([
///     member("web", Phase::Running),
///     member("db", Phase::Fatal),
///     process("other", Phase::Running),
/// ]);
/// let world: &dyn World = &world;
/// let up: Vec<_> = world.rows(Fields::NAMES).in_group("site").in_phase(Phase::Running).collect();
/// assert_eq!(up.len(), 1);
/// assert_eq!(up[0].name(), "web");
/// ```
pub struct Rows<'w> {
    world: &'w dyn World,
    fields: Fields,
    phase: Option<Phase>,
    group: Option<String>,
    /// The page that was fetched last, the next row in it, and the number of rows in it and before it.
    page: Option<Rc<Columns>>,
    index: usize,
    fetched: u32,
}

impl Rows<'_> {
    /// Leaves out the processes that are in another phase. Must be called before the first row is read.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.fields |= Fields::PHASES;
        self.phase = Some(phase);
        self
    }

    /// Leaves out the processes that are in another group. The empty name selects those without a group. Must be called before the
    /// first row is read.
    #[must_use]
    pub fn in_group(mut self, group: impl Into<String>) -> Self {
        self.fields |= Fields::GROUPS;
        self.group = Some(group.into());
        self
    }

    /// Returns whether the filters accept this row.
    fn accept(&self, row: &Row) -> bool {
        self.phase.is_none_or(|phase| row.phase() == Some(phase))
            && self.group.as_ref().is_none_or(|group| row.group() == group)
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            if let Some(columns) = self.page.as_ref().filter(|page| self.index < page.size as usize) {
                let row = Row { columns: Rc::clone(columns), index: self.index };
                self.index += 1;
                if self.accept(&row) {
                    return Some(row);
                }
            } else if self.fetched < self.world.size() {
                let page = self.world.columns(self.fields, self.fetched, PAGE_ROWS);
                if page.size == 0 {
                    return None;
                }
                self.fetched += page.size;
                self.index = 0;
                self.page = Some(Rc::new(page));
            } else {
                return None;
            }
        }
    }
}

/// One process as [`Rows`] read it. A column that was not requested reads as an empty text, 0 or `None`.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Fields, Phase, World};
///
/// let world = MadeUpWorld::of([process("web", Phase::Running)]);
/// let world: &dyn World = &world;
/// let row = world.rows(Fields::NAMES | Fields::GROUPS | Fields::INCARNATIONS).next().expect("there is one");
/// assert_eq!((row.name(), row.group(), row.incarnation()), ("web", "", 1));
/// assert_eq!((row.phase(), row.pid(), row.restarts()), (None, None, 0), "they were not requested");
/// assert_eq!((row.failures(), row.exit_code()), (0, None));
/// assert_eq!((row.started_at(), row.ended_at()), (None, None));
/// ```
#[derive(Debug, Clone)]
pub struct Row {
    /// The columns of the page, shared by its rows.
    columns: Rc<Columns>,
    index: usize,
}

impl Row {
    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.columns.names, self.index)
    }

    /// Returns the group of the process; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &str {
        text(&self.columns.groups, self.index)
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        phase_of(&self.columns, self.index)
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

/// Returns the phase in row `index`.
fn phase_of(columns: &Columns, index: usize) -> Option<Phase> {
    Phase::ALL.get(usize::from(*columns.phases.get(index)?)).copied()
}

/// Returns cell `index` of a column in which 0 means that there is no value.
fn some_but_zero<T: Copy + Default + PartialEq>(column: &[T], index: usize) -> Option<T> {
    column.get(index).copied().filter(|&cell| cell != T::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MadeUpWorld, process};

    #[test]
    fn all_rows_of_many_pages_are_read_once_and_in_order() {
        let names: Vec<String> = (0..2 * PAGE_ROWS + 1).map(|number| format!("process-{number}")).collect();
        let world = MadeUpWorld::of(names.iter().map(|name| process(name, Phase::Running)));
        let world: &dyn World = &world;
        assert!(world.names().eq(names));
        assert_eq!(world.rows(Fields::PIDS).count(), 2 * PAGE_ROWS as usize + 1);
        let empty: &dyn World = &MadeUpWorld::default();
        assert_eq!(empty.names().count(), 0);
    }

    #[test]
    fn a_filter_passes_over_whole_pages() {
        let phase = |number| if number % 1500 == 1499 { Phase::Fatal } else { Phase::Running };
        let world = MadeUpWorld::of((0..3000).map(|number| process(&number.to_string(), phase(number))));
        let world: &dyn World = &world;
        let fatal = world.rows(Fields::NAMES).in_phase(Phase::Fatal);
        assert!(fatal.map(|row| row.name().to_owned()).eq(["1499", "2999"]));
        assert_eq!(world.rows(Fields::NAMES).in_phase(Phase::Stopped).count(), 0);
        assert_eq!(world.rows(Fields::NAMES).in_group("").count(), 3000);
    }
}
