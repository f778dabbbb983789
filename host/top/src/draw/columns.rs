//! Columns of a table, in the room that there is: those of the lowest rank are dropped first.

use provost_api::columns::{cut, width};
use ratatui::style::Style;

use super::canvas::Canvas;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column<K> {
    /// What it shows.
    pub(crate) kind: K,
    /// Its heading.
    pub(crate) title: &'static str,
    /// The number of columns of the screen that it takes.
    pub(crate) width: usize,
    /// Whether its text ends at its right edge.
    pub(crate) right: bool,
    /// Its rank: the higher, the earlier it is dropped.
    pub(crate) rank: u8,
}

/// A column and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed<K> {
    /// The column, whose width may have changed.
    pub(crate) column: Column<K>,
    /// Where it begins.
    pub(crate) x: usize,
}

impl<K> Placed<K> {
    /// Writes a text into this column of a row, cut where the column ends.
    pub(crate) fn text(&self, canvas: &mut Canvas<'_>, row: usize, text: &str, style: Style) {
        let shown = cut(text, self.column.width);
        let before = if self.column.right { self.column.width - width(&shown) } else { 0 };
        canvas.text(self.x + before, row, &shown, style);
    }
}

/// Chooses the columns that have room, in their order, beginning at the column `from` of the screen. The last one, if it is among
/// them, takes the rest of the room.
pub(crate) fn placed<K: Clone + PartialEq>(columns: &[Column<K>], from: usize, end: usize) -> Vec<Placed<K>> {
    let room = end.saturating_sub(from);
    let gap = if room < 60 { 1 } else { 2 };
    let mut ranked: Vec<&Column<K>> = columns.iter().collect();
    ranked.sort_by_key(|column| column.rank);
    let mut taken = 0;
    let mut kept: Vec<&K> = Vec::new();
    for column in ranked {
        let more = column.width + if kept.is_empty() { 0 } else { gap };
        if taken + more <= room || kept.is_empty() {
            taken += more;
            kept.push(&column.kind);
        }
    }
    let mut placed = Vec::with_capacity(kept.len());
    let mut x = from;
    for column in columns.iter().filter(|column| kept.contains(&&column.kind)) {
        placed.push(Placed { column: column.clone(), x });
        x += column.width + gap;
    }
    if let (Some(last), Some(ending)) = (placed.last_mut(), columns.last())
        && last.column.kind == ending.kind
    {
        last.column.width = end.saturating_sub(last.x);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(title: &'static str, width: usize, rank: u8) -> Column<&'static str> {
        Column { kind: title, title, width, right: false, rank }
    }

    #[test]
    fn the_columns_of_the_lowest_rank_are_dropped_and_the_last_takes_the_rest() {
        let columns =
            [column("name", 10, 0), column("pid", 6, 3), column("phase", 8, 1), column("why", 20, 2)];
        let shown = |room| -> Vec<(&str, usize, usize)> {
            let placed = placed(&columns, 0, room);
            placed.iter().map(|one| (one.column.title, one.x, one.column.width)).collect()
        };
        assert_eq!(shown(80), [("name", 0, 10), ("pid", 12, 6), ("phase", 20, 8), ("why", 30, 50)]);
        assert_eq!(shown(40), [("name", 0, 10), ("phase", 11, 8), ("why", 20, 20)]);
        assert_eq!(shown(30), [("name", 0, 10), ("pid", 11, 6), ("phase", 18, 8)]);
        assert_eq!(shown(5), [("name", 0, 10)]);
        let later = placed(&columns, 3, 33);
        assert_eq!(later.iter().map(|one| one.x).collect::<Vec<_>>(), [3, 14, 21], "the room is the same");
    }
}
