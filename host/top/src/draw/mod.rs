//! Frames: what is visible of each view, in the room that there is. Rows that are not visible are not made.
//!
//! | room | owns |
//! |---|---|
//! | `frame` | a whole frame: its lines from the top to the bottom |
//! | `overlay` | what is open above a view |
//! | `list` | the list of processes |
//! | `detail` | why a process is in its state, and its last lines |
//! | `checks` | checks of a process in words |
//! | `logs` | lines of logs |
//! | `plugins` | plugins with their figures |
//! | `texts` | the state core and the events |
//! | `bars` | the head, the tabs, the message and the keys |
//! | `scene` | what a frame is made of |
//! | `columns` | columns of a table, in the room that there is |
//! | `canvas` | text at a place of the screen |
//! | `wrapping` | long lines in columns: tabs, scrolling sideways, wrapping, labels |
//! | `theme` | styles, with colours or without |

mod bars;
mod canvas;
mod checks;
mod columns;
mod detail;
mod frame;
mod list;
mod logs;
mod overlay;
mod plugins;
mod scene;
#[cfg(test)]
mod tests;
mod texts;
mod theme;
mod wrapping;

pub(crate) use frame::frame;
pub(crate) use scene::Scene;
pub(crate) use theme::Theme;
