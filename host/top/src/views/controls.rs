//! What keys, the mouse, pasted text and news from the host do to the view.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::cursor::Cursor;
use super::effect::Effect;
use super::hits::Hit;
use super::orders;
use super::overlay::{Edit, Overlay, Pressed};
use super::ui::Ui;
use crate::input::{Action, Key, View, bound};
use crate::model::{Model, News, Told};
use crate::request::Request;
use crate::words::Words;

/// The number of rows of one turn of the wheel.
const WHEEL: isize = 3;

/// The width for which a difference is laid out, as the window for it has at most this many columns.
pub(crate) const OVERLAY_COLUMNS: usize = 100;

impl Ui {
    /// Does what a key means, and returns what that asks of the program.
    pub(crate) fn press(&mut self, key: Key, model: &Model) -> Vec<Effect> {
        match &mut self.overlay {
            Some(overlay) => {
                let pressed = overlay.press(key, self.view, model, self.overlay_page);
                self.pressed(pressed, model)
            }
            None => bound(self.view, key).map(|action| self.act(action, model)).unwrap_or_default(),
        }
    }

    /// Inserts what was pasted, where text is typed.
    pub(crate) fn paste(&mut self, text: &str, model: &Model) -> Vec<Effect> {
        let pressed = self.overlay.as_mut().map(|overlay| overlay.paste(text));
        pressed.map(|pressed| self.pressed(pressed, model)).unwrap_or_default()
    }

    fn pressed(&mut self, pressed: Pressed, model: &Model) -> Vec<Effect> {
        if !matches!(pressed, Pressed::Stay | Pressed::Typed(..)) {
            self.overlay = None;
        }
        match pressed {
            Pressed::Stay | Pressed::Close => {}
            Pressed::Typed(Edit::Names, text) => self.list.filter = text,
            Pressed::Typed(Edit::Lines, text) => self.reading.filter = text,
            Pressed::Typed(..) => {}
            Pressed::Entered(what, text) => self.entered(what, &text, model),
            Pressed::Do(action, view) => {
                let mut effects = self.show(view, model);
                effects.extend(self.act(action, model));
                return effects;
            }
            Pressed::Go(name) => {
                let effects = self.show(View::Processes, model);
                self.list.filter.clear();
                self.list.hides_down = false;
                self.list.select(model, &name);
                return effects;
            }
            Pressed::Signal(targets, verb) => self.open(Ok(orders::ask(verb, targets))),
            Pressed::Order(order) => {
                self.told = Some(Told::done(format!("{order}: sent")));
                return vec![Effect::Ask(Request::Order(order))];
            }
        }
        Vec::new()
    }

    fn entered(&mut self, what: Edit, text: &str, model: &Model) {
        match what {
            Edit::Names => self.list.filter = text.to_owned(),
            Edit::Lines => self.reading.filter = text.to_owned(),
            Edit::Search => {
                self.reading.search = text.to_owned();
                self.reading.found = None;
                if !text.is_empty() {
                    self.find(model, true);
                }
            }
            Edit::Scale { name, .. } => self.open(orders::scaled(&name, text)),
            Edit::Swap { plugin } => self.open(orders::swapped(&plugin, text)),
        }
    }

    /// Does what the mouse means, and returns what that asks of the program.
    pub(crate) fn mouse(&mut self, event: MouseEvent, model: &Model) -> Vec<Effect> {
        let by = match event.kind {
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::Down(MouseButton::Left) => return self.click(event, model),
            _ => return Vec::new(),
        };
        match &mut self.overlay {
            Some(overlay) => {
                if let Some(cursor) = overlay.cursor() {
                    cursor.by(by);
                }
            }
            None => self.go(by, model),
        }
        Vec::new()
    }

    fn click(&mut self, event: MouseEvent, model: &Model) -> Vec<Effect> {
        let hit = self.hits.at(event.column, event.row).cloned();
        match (hit, &mut self.overlay) {
            (Some(Hit::Choice(row)), Some(overlay)) => overlay.choose(row),
            // A click beside what is open closes nothing: an order must not be lost by accident.
            (_, Some(_)) | (None, _) => {}
            (Some(Hit::Button(action)), None) => return self.act(action, model),
            (Some(Hit::Column(sort)), None) => self.sort(sort),
            (Some(Hit::Row(row)), None) if self.view == View::Plugins => self.plugins.selected = row,
            (Some(Hit::Row(row)), None) => {
                // A second click on the same row opens it.
                let before = self.list.selected().map(str::to_owned);
                self.list.select_at(model, row);
                if self.list.selected() == before.as_deref() {
                    return self.act(Action::Detail, model);
                }
            }
            (Some(Hit::Choice(_)), None) => {}
        }
        Vec::new()
    }

    /// Shows what has come from the host.
    pub(crate) fn hear(&mut self, news: &News, words: &dyn Words) {
        let News::Difference(difference) = news else { return };
        self.told = None;
        match difference {
            Ok(difference) if difference.is_empty() => {
                self.told = Some(Told::done("nothing differs: what runs is what the config says"));
            }
            Ok(difference) => {
                let text = words.difference(difference, OVERLAY_COLUMNS);
                self.overlay = Some(orders::reload(text.lines().map(str::to_owned).collect()));
            }
            Err(why) => {
                let text = why.lines().map(|line| words.one_line(line)).collect();
                let title = "the config cannot be reloaded".to_owned();
                self.overlay = Some(Overlay::Note { title, text, cursor: Cursor::default() });
            }
        }
    }
}
