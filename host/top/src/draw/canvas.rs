//! Text at a place of the screen, within an area.

use provost_api::columns::{cut, width};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

/// An area of the screen, and what is drawn on it.
#[derive(Debug)]
pub(crate) struct Canvas<'b> {
    buffer: &'b mut Buffer,
    /// The area.
    pub(crate) area: Rect,
}

impl<'b> Canvas<'b> {
    /// Creates a canvas of an area.
    pub(crate) fn new(buffer: &'b mut Buffer, area: Rect) -> Self {
        let area = area.intersection(*buffer.area());
        Self { buffer, area }
    }

    /// Returns the canvas of a part of this area.
    pub(crate) fn part(&mut self, area: Rect) -> Canvas<'_> {
        Canvas { area: area.intersection(self.area), buffer: self.buffer }
    }

    /// Returns the number of rows.
    pub(crate) fn height(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Returns the number of columns.
    pub(crate) fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Returns the area of one row.
    pub(crate) fn row(&self, row: usize) -> Rect {
        self.cells(0, row, self.width())
    }

    /// Returns the area of so many columns of a row, from this column on, as far as it is within this one.
    pub(crate) fn cells(&self, column: usize, row: usize, columns: usize) -> Rect {
        let place = self.place(column, row);
        let width = u16::try_from(columns).unwrap_or(u16::MAX);
        Rect { x: place.x, y: place.y, width, height: 1 }.intersection(self.area)
    }

    /// Returns where a column of a row is on the screen.
    pub(crate) fn place(&self, column: usize, row: usize) -> Position {
        let [column, row] = [column, row].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
        Position::new(self.area.x.saturating_add(column), self.area.y.saturating_add(row))
    }

    /// Writes a text at a column of a row, cut where the area ends. Returns the column after it.
    pub(crate) fn text(&mut self, column: usize, row: usize, text: &str, style: Style) -> usize {
        let room = self.width().saturating_sub(column);
        if row >= self.height() || room == 0 {
            return column;
        }
        let place = self.place(column, row);
        let (end, _) = self.buffer.set_stringn(place.x, place.y, cut(text, room), room, style);
        column + usize::from(end - place.x)
    }

    /// Writes a text that ends at the right edge, if there is room for it after `from`.
    pub(crate) fn right(&mut self, row: usize, from: usize, text: &str, style: Style) {
        let room = self.width().saturating_sub(from);
        let shown = cut(text, room);
        let column = self.width() - width(&shown);
        self.text(column, row, &shown, style);
    }

    /// Adds a style to a whole row.
    pub(crate) fn style(&mut self, row: usize, style: Style) {
        let area = self.row(row);
        self.buffer.set_style(area, style);
    }

    /// Empties the area.
    pub(crate) fn clear(&mut self) {
        for row in self.area.rows() {
            for place in row.columns() {
                if let Some(cell) = self.buffer.cell_mut(place.as_position()) {
                    cell.reset();
                }
            }
        }
    }
}
