//! Tables: columns as wide as their widest cell, two spaces between, nothing wrapped or cut.

use super::style::{Paint, Style};

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain }
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    /// A dash where there is nothing to say.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(|| Self::styled("-", Style::Dim), Self::new)
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// Rows under a head.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|word| Cell::styled(*word, Style::Bold)).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The text of the table, each line with its newline.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut gap = 0;
            for (cell, width) in row.iter().zip(&widths) {
                if !cell.text.is_empty() {
                    text.extend(std::iter::repeat_n(' ', gap));
                    gap = 0;
                    text.push_str(&paint.text(cell.style, &cell.text));
                }
                // Spaces are owed until something follows, so that no line ends with them.
                gap += width - if cell.text.is_empty() { 0 } else { cell.width() } + 2;
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let mut table = Table::new(&["NAME", "PHASE", "REASON"]);
        table.row(vec![Cell::new("web"), Cell::new("running"), Cell::new("")]);
        table.row(vec![Cell::new("a-long-name"), Cell::maybe(None::<String>), Cell::new("x y")]);
        assert_eq!(
            table.render(Paint::OFF),
            "NAME         PHASE    REASON\nweb          running\na-long-name  -        x y\n"
        );
    }
}
