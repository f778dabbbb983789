//! A selection and a window in a list.

use std::ops::Range;

/// A selection and a window in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The place of the selected row.
    pub(crate) selected: usize,
    /// The place of the first visible row.
    offset: usize,
}

impl Cursor {
    /// Moves the selection by a number of rows.
    pub(crate) fn by(&mut self, rows: isize) {
        self.selected = self.selected.saturating_add_signed(rows);
    }

    /// Returns the visible rows of a list of `count` with room for `height`, with the selection among them.
    pub(crate) fn window(&mut self, count: usize, height: usize) -> Range<usize> {
        self.selected = self.selected.min(count.saturating_sub(1));
        if height == 0 {
            return 0..0;
        }
        self.offset = self.offset.clamp((self.selected + 1).saturating_sub(height), self.selected);
        self.offset = self.offset.min(count.saturating_sub(height));
        self.offset..(self.offset + height).min(count)
    }

    /// Returns the visible lines of a text, whose first visible line is the selected one.
    pub(crate) fn page(&mut self, count: usize, height: usize) -> Range<usize> {
        self.selected = self.selected.min(count.saturating_sub(height));
        self.selected..(self.selected + height).min(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_stays_in_view_when_the_list_or_the_room_shrinks() {
        let mut cursor = Cursor { selected: 90, offset: 0 };
        assert_eq!(cursor.window(100, 10), 81..91);
        cursor.by(-3);
        assert_eq!(cursor.window(100, 10), 81..91, "the window moves only if it has to");
        assert_eq!(cursor.window(100, 4), 84..88);
        assert_eq!(cursor.window(5, 10), 0..5);
        assert_eq!(cursor.selected, 4);
        assert_eq!(cursor.window(0, 10), 0..0);
        assert_eq!(cursor.window(5, 0), 0..0);
    }

    #[test]
    fn a_text_is_scrolled_to_its_end_and_no_further() {
        let mut cursor = Cursor { selected: 99, offset: 0 };
        assert_eq!(cursor.page(20, 6), 14..20);
        assert_eq!(cursor.page(3, 6), 0..3);
    }
}
