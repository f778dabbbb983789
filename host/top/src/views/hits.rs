//! What the mouse meets at a place of the screen. Drawing fills it in anew.

use ratatui::layout::{Position, Rect};

use super::list::Sort;
use crate::input::Action;

/// What the mouse meets at a place of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    /// A row of a list, by its place in the list.
    Row(usize),
    /// The heading of a column.
    Column(Sort),
    /// A word that stands for an action.
    Button(Action),
    /// A row of what is open above the view.
    Choice(usize),
}

/// The places of the screen that the mouse can meet, those on top last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hits(Vec<(Rect, Hit)>);

impl Hits {
    /// Forgets all places.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a place above the former ones.
    pub(crate) fn add(&mut self, area: Rect, hit: Hit) {
        self.0.push((area, hit));
    }

    /// Returns what is on top at a place.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<&Hit> {
        let place = Position::new(column, row);
        self.0.iter().rev().find(|(area, _)| area.contains(place)).map(|(_, hit)| hit)
    }
}
