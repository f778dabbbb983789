//! What is shown and selected, and what each action does to it. Nothing here draws or knows a connection.
//!
//! | room | owns |
//! |---|---|
//! | `controls` | what keys, the mouse and news from the host do |
//! | `ui` | the state of the whole view, and what each action does to it |
//! | `orders` | the questions before an order |
//! | `overlay` | what is open above a view: help, palette, confirmation, choice, text field |
//! | `palette` | the entries of the command palette |
//! | `hits` | what the mouse meets at a place of the screen |
//! | `list` | the list of processes: order, filter, tree, marks, selection |
//! | `tree` | the list as a tree of groups and dependencies |
//! | `row` | one row of the list |
//! | `pane` | the detail pane: whether it is open, and its room |
//! | `reading` | reading logs: place, search, filter |
//! | `passing` | the lines that pass the filter |
//! | `effect` | what an action asks of the program |
//! | `cursor` | a selection and a window in a list |

mod controls;
mod cursor;
mod effect;
mod hits;
mod list;
mod orders;
mod overlay;
mod palette;
mod pane;
mod passing;
mod reading;
mod row;
mod tree;
mod ui;

pub(crate) use effect::Effect;
pub(crate) use hits::Hit;
pub(crate) use list::Sort;
pub(crate) use overlay::{Overlay, SIGNALS};
pub(crate) use palette::entries;
pub(crate) use pane::Pane;
pub(crate) use row::Row;
pub(crate) use ui::{TAIL, Ui};
