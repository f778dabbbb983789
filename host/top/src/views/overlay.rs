//! What is open above a view: help, palette, confirmation, a choice of signals, a text field.

use crossterm::event::KeyCode;

use super::cursor::Cursor;
use super::palette::{Entry, entries};
use crate::input::{Action, Field, Key, View};
use crate::model::Model;
use crate::request::{Order, Verb};

/// The signals that are offered, by name. `provost signal` sends the others.
pub(crate) const SIGNALS: [&str; 10] =
    ["HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH"];

/// What is open above a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// The help.
    Help(Cursor),
    /// The command palette.
    Palette {
        /// The query.
        field: Field,
        /// The selected entry.
        cursor: Cursor,
    },
    /// A question before an order.
    Confirm {
        /// The question.
        question: String,
        /// What is shown below it.
        text: Vec<String>,
        /// The first visible line of it.
        cursor: Cursor,
        /// What is done after `y`.
        order: Order,
    },
    /// A text that is shown until a key is pressed.
    Note {
        /// The title.
        title: String,
        /// The lines.
        text: Vec<String>,
        /// The first visible line.
        cursor: Cursor,
    },
    /// The choice of a signal.
    Signals {
        /// The processes that it is for.
        targets: Vec<String>,
        /// The selected one.
        cursor: Cursor,
    },
    /// A text field.
    Edit {
        /// What it is for.
        what: Edit,
        /// The text.
        field: Field,
    },
}

/// What a text field is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The filter of the list, which takes effect while it is typed.
    Names,
    /// The text that is searched in the logs.
    Search,
    /// The filter of the logs, which takes effect while it is typed.
    Lines,
    /// The number of replicas of a process; its bounds are shown.
    Scale {
        /// The name of the set.
        name: String,
        /// The bounds of the config, in words.
        hint: String,
    },
    /// The new component of a plugin.
    Swap {
        /// The plugin.
        plugin: String,
    },
}

impl Edit {
    /// Returns what is asked.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Names => "names with: ".to_owned(),
            Self::Search => "search: ".to_owned(),
            Self::Lines => "lines with: ".to_owned(),
            Self::Scale { name, hint } => format!("replicas of {name} ({hint}): "),
            Self::Swap { plugin } => format!("new component of {plugin}: "),
        }
    }
}

/// What a key has done to an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// It stays open.
    Stay,
    /// It is closed, and nothing is done.
    Close,
    /// The text of a field has changed.
    Typed(Edit, String),
    /// The text of a field is finished.
    Entered(Edit, String),
    /// A command of the palette was chosen, with the view in which it works.
    Do(Action, View),
    /// A process was chosen.
    Go(String),
    /// A signal was chosen.
    Signal(Vec<String>, Verb),
    /// An order was confirmed.
    Order(Order),
}

impl Overlay {
    /// Applies a key. `page` is the number of lines that are visible of a text.
    pub(crate) fn press(&mut self, key: Key, view: View, model: &Model, page: usize) -> Pressed {
        if key.code == KeyCode::Esc || key.ctrl && key.code == KeyCode::Char('c') {
            return Pressed::Close;
        }
        match self {
            Self::Help(cursor) => match key.code {
                KeyCode::Char('?' | 'q') | KeyCode::F(1) | KeyCode::Enter => Pressed::Close,
                _ => scrolled(cursor, key, page),
            },
            Self::Note { cursor, .. } => match key.code {
                KeyCode::Char('q') | KeyCode::Enter => Pressed::Close,
                _ => scrolled(cursor, key, page),
            },
            Self::Confirm { cursor, order, .. } => match key.code {
                KeyCode::Char('y' | 'Y') => Pressed::Order(order.clone()),
                KeyCode::Char('n' | 'N' | 'q') => Pressed::Close,
                _ => scrolled(cursor, key, page),
            },
            Self::Signals { targets, cursor } => match key.code {
                KeyCode::Enter => match SIGNALS.get(cursor.selected) {
                    Some(name) => Pressed::Signal(targets.clone(), Verb::Signal((*name).to_owned())),
                    None => Pressed::Close,
                },
                KeyCode::Char('q') => Pressed::Close,
                _ => scrolled(cursor, key, page),
            },
            Self::Palette { field, cursor } => palette(field, cursor, key, view, model, page),
            Self::Edit { what, field } => match key.code {
                KeyCode::Enter => Pressed::Entered(what.clone(), field.text()),
                _ if field.press(key) => Pressed::Typed(what.clone(), field.text()),
                _ => Pressed::Stay,
            },
        }
    }

    /// Inserts what was pasted, where text is typed.
    pub(crate) fn paste(&mut self, text: &str) -> Pressed {
        match self {
            Self::Palette { field, .. } => field.paste(text),
            Self::Edit { what, field } => {
                field.paste(text);
                return Pressed::Typed(what.clone(), field.text());
            }
            _ => {}
        }
        Pressed::Stay
    }

    /// Returns its cursor; `None` for a text field.
    pub(crate) fn cursor(&mut self) -> Option<&mut Cursor> {
        match self {
            Self::Help(cursor)
            | Self::Palette { cursor, .. }
            | Self::Confirm { cursor, .. }
            | Self::Note { cursor, .. }
            | Self::Signals { cursor, .. } => Some(cursor),
            Self::Edit { .. } => None,
        }
    }

    /// Selects a row, as the mouse does.
    pub(crate) fn choose(&mut self, row: usize) {
        if let Self::Palette { cursor, .. } | Self::Signals { cursor, .. } = self {
            cursor.selected = row;
        }
    }
}

fn palette(
    field: &mut Field,
    cursor: &mut Cursor,
    key: Key,
    view: View,
    model: &Model,
    page: usize,
) -> Pressed {
    match key.code {
        KeyCode::Enter => match entries(&field.text(), view, model).into_iter().nth(cursor.selected) {
            Some((.., Entry::Do(action, at))) => Pressed::Do(action, at),
            Some((.., Entry::Go(name))) => Pressed::Go(name),
            None => Pressed::Stay,
        },
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => scrolled(cursor, key, page),
        _ => {
            if field.press(key) {
                *cursor = Cursor::default();
            }
            Pressed::Stay
        }
    }
}

fn scrolled(cursor: &mut Cursor, key: Key, page: usize) -> Pressed {
    let page = isize::try_from(page).unwrap_or(isize::MAX);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => cursor.by(-1),
        KeyCode::Down | KeyCode::Char('j') => cursor.by(1),
        KeyCode::PageUp => cursor.by(-page),
        KeyCode::PageDown | KeyCode::Char(' ') => cursor.by(page),
        KeyCode::Home | KeyCode::Char('g') => cursor.selected = 0,
        KeyCode::End | KeyCode::Char('G') => cursor.selected = usize::MAX / 2,
        _ => {}
    }
    Pressed::Stay
}
