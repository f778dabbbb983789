//! Renders tables whose columns are as wide as their widest cell, with two spaces between them. If the page is too narrow,
//! the least important columns are dropped, the last one wraps, and columns that are still too wide are cut.

use provost_api::columns::{cut, width, wrapped};

use super::humane::one_line;
use super::page::Page;
use super::style::Style;

/// The number of spaces between columns.
const GAP: usize = 2;

/// The width that the last column keeps before other columns are dropped.
const LAST_MIN: usize = 24;

/// The width at which a column is no longer cut.
const CUT_MIN: usize = 8;

/// The extent of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// The table is fitted to the page.
    Normal,
    /// The table shows everything, at any width.
    Wide,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    /// Whether the cell has no content.
    empty: bool,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::styled(text, Style::Plain)
    }

    /// Creates a cell of a text that may come from anywhere: what could steer a terminal is replaced.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: one_line(&text.into()), style, empty: false }
    }

    /// Creates a cell that shows a dash if there is no text.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => Self::new(text),
            None => Self { text: "-".into(), style: Style::Dim, empty: true },
        }
    }

    fn width(&self) -> usize {
        width(&self.text)
    }
}

/// A table; its first row is the heading.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    /// The columns that are dropped when there is no room, the least important one first.
    leaving: &'static [&'static str],
    /// The maximum number of lines of a cell in the last column.
    lines_max: usize,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|word| Cell::styled(*word, Style::Bold)).collect();
        Self { rows: vec![head], leaving: &[], lines_max: usize::MAX }
    }

    /// Sets the columns that are dropped when there is no room, the least important one first.
    pub(crate) fn leaving(mut self, columns: &'static [&'static str]) -> Self {
        self.leaving = columns;
        self
    }

    /// Sets the maximum number of lines of a cell in the last column.
    pub(crate) fn lines_max(mut self, lines: usize) -> Self {
        self.lines_max = lines;
        self
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Renders the table, each line with its newline.
    pub(crate) fn render(&self, page: &Page) -> String {
        let columns = self.fitted(page.columns);
        let last = columns.last().map(|(column, _)| *column);
        let mut text = String::new();
        for row in &self.rows {
            let mut lines: Vec<Vec<(usize, String, Style)>> = vec![Vec::new()];
            let mut start = 0;
            for (column, width) in &columns {
                let Some(cell) = row.get(*column) else { continue };
                let parts = match Some(*column) == last {
                    true => wrapped(&cell.text, *width, self.lines_max),
                    false => vec![cut(&cell.text, *width).into_owned()],
                };
                lines.resize(lines.len().max(parts.len()), Vec::new());
                for (line, part) in lines.iter_mut().zip(parts) {
                    line.push((start, part, cell.style));
                }
                start += width + GAP;
            }
            lines.iter().for_each(|line| push_line(&mut text, line, page));
        }
        text
    }

    /// Returns the columns that are shown, each with its width.
    fn fitted(&self, limit: Option<usize>) -> Vec<(usize, usize)> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let natural = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
        };
        let mut columns: Vec<(usize, usize)> = (0..count).map(|column| (column, natural(column))).collect();
        let Some(limit) = limit else { return columns };
        let needed = |columns: &[(usize, usize)]| {
            let (last, others) = columns.split_last().unwrap_or((&(0, 0), &[]));
            others.iter().map(|(_, width)| width + GAP).sum::<usize>() + last.1.min(LAST_MIN)
        };
        for column in self.in_order_of_leaving() {
            if needed(&columns) <= limit {
                break;
            }
            columns.retain(|(one, _)| *one != column);
        }
        while needed(&columns) > limit {
            let (_, others) = columns.split_last_mut().unwrap_or((&mut (0, 0), &mut []));
            let Some(widest) = others.iter_mut().max_by_key(|(_, width)| *width) else { break };
            if widest.1 <= CUT_MIN {
                break;
            }
            widest.1 -= 1;
        }
        if let Some((last, others)) = columns.split_last_mut() {
            let taken: usize = others.iter().map(|(_, width)| *width + GAP).sum();
            last.1 = last.1.min(limit.saturating_sub(taken).max(CUT_MIN));
        }
        columns
    }

    /// Returns the columns in the order in which they are dropped; those without content come first.
    fn in_order_of_leaving(&self) -> Vec<usize> {
        let (head, rows) = self.rows.split_first().map_or((&[][..], &[][..]), |(head, rows)| (head, rows));
        let place = |title: &&str| head.iter().position(|cell| cell.text == **title);
        let order: Vec<usize> = self.leaving.iter().filter_map(place).collect();
        let says = |column: &usize| rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.empty));
        let (full, empty): (Vec<usize>, Vec<usize>) = order.into_iter().partition(says);
        [empty, full].concat()
    }
}

/// Adds a line of cells that start at the given columns; no line ends with spaces.
fn push_line(text: &mut String, line: &[(usize, String, Style)], page: &Page) {
    let mut at = 0;
    for (start, part, style) in line.iter().filter(|(_, part, _)| !part.is_empty()) {
        text.extend(std::iter::repeat_n(' ', start.saturating_sub(at)));
        text.push_str(&page.paint.text(*style, part));
        at = start + width(part);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "PHASE", "PID", "NEXT", "REASON"]).leaving(&["PID", "NEXT"]);
        let row = |name: &str, pid: &str, reason: &str| {
            vec![
                Cell::new(name),
                Cell::new("running"),
                Cell::new(pid),
                Cell::maybe(None::<String>),
                Cell::new(reason),
            ]
        };
        table.row(row("web", "4711", ""));
        table.row(row("工人-with-a-name", "12", "it says more than there is room for"));
        table
    }

    #[test]
    fn no_cell_steers_the_terminal() {
        let mut table = Table::new(&["NAME", "REASON"]);
        table.row(vec![Cell::new("we\x1b]0;x\x07b"), Cell::maybe(Some("\u{9b}2J\u{202e}\r"))]);
        let text = table.render(&Page::plain());
        assert!(text.chars().all(|c| c == '\n' || !provost_state::text::is_unfit(c)), "{text:?}");
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_with_spaces() {
        insta::assert_snapshot!(table().render(&Page::plain()), @"
        NAME              PHASE    PID   NEXT  REASON
        web               running  4711  -
        工人-with-a-name  running  12    -     it says more than there is room for
        ");
    }

    #[test]
    fn on_a_narrow_page_empty_columns_are_dropped_first_and_the_last_one_wraps() {
        insta::assert_snapshot!(table().render(&Page::narrow(60)), @"
        NAME              PHASE    PID   REASON
        web               running  4711
        工人-with-a-name  running  12    it says more than there is
                                         room for
        ");
        insta::assert_snapshot!(table().render(&Page::narrow(52)), @"
        NAME              PHASE    REASON
        web               running
        工人-with-a-name  running  it says more than there
                                   is room for
        ");
        insta::assert_snapshot!(table().render(&Page::narrow(40)), @"
        NAME      PHASE    REASON
        web       running
        工人-wi…  running  it says more than
                           there is room for
        ");
        insta::assert_snapshot!(table().lines_max(1).render(&Page::narrow(40)), @"
        NAME      PHASE    REASON
        web       running
        工人-wi…  running  it says more than th…
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        for columns in 30..100 {
            for line in table().render(&Page::narrow(columns)).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }
}
