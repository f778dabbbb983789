//! Columns of a table, in the room that there is: those of the lowest rank are dropped first.

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

/// Chooses the columns that have room, in their order. The last one, if it is among them, takes the rest of the room.
pub(crate) fn placed<K: Clone + PartialEq>(columns: &[Column<K>], room: usize) -> Vec<Placed<K>> {
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
    let mut x = 0;
    for column in columns.iter().filter(|column| kept.contains(&&column.kind)) {
        placed.push(Placed { column: column.clone(), x });
        x += column.width + gap;
    }
    if let (Some(last), Some(end)) = (placed.last_mut(), columns.last())
        && last.column.kind == end.kind
    {
        last.column.width = room.saturating_sub(last.x);
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
            let placed = placed(&columns, room);
            placed.iter().map(|one| (one.column.title, one.x, one.column.width)).collect()
        };
        assert_eq!(shown(80), [("name", 0, 10), ("pid", 12, 6), ("phase", 20, 8), ("why", 30, 50)]);
        assert_eq!(shown(40), [("name", 0, 10), ("phase", 11, 8), ("why", 20, 20)]);
        assert_eq!(shown(30), [("name", 0, 10), ("pid", 11, 6), ("phase", 18, 8)]);
        assert_eq!(shown(5), [("name", 0, 10)]);
    }
}
