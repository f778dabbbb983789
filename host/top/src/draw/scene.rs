//! What a frame is made of.

use super::theme::Theme;
use crate::model::Model;
use crate::views::Ui;
use crate::words::Words;

/// What a frame is made of.
pub(crate) struct Scene<'s> {
    /// What is shown and selected. Drawing fills in what depends on the room.
    pub(crate) ui: &'s mut Ui,
    /// What is known.
    pub(crate) model: &'s Model,
    /// The words of everything.
    pub(crate) words: &'s dyn Words,
    /// The styles.
    pub(crate) theme: Theme,
    /// Whether it is a single frame, without keys.
    pub(crate) still: bool,
}
