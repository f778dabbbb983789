//! Text at a place of the screen, within an area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::wrapping::{cut, width};

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
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        Rect { y: self.area.y.saturating_add(row), height: 1, ..self.area }.intersection(self.area)
    }

    /// Writes a text at a column of a row, cut where the area ends. Returns the column after it.
    pub(crate) fn text(&mut self, column: usize, row: usize, text: &str, style: Style) -> usize {
        let room = self.width().saturating_sub(column);
        if row >= self.height() || room == 0 {
            return column;
        }
        let shown = cut(text, room);
        let area = self.row(row);
        let x = area.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        self.buffer.set_string(x, area.y, &shown, style);
        column + width(&shown)
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
