//! A line of text that the user edits.

use crossterm::event::KeyCode;

use super::keys::Key;

/// The longest text, in characters.
const LENGTH_MAX: usize = 512;

/// A line of text that the user edits, with its cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    text: Vec<char>,
    /// The number of characters before the cursor.
    cursor: usize,
}

impl Field {
    /// Creates a field with a text and the cursor at its end.
    pub(crate) fn of(text: &str) -> Self {
        let text: Vec<char> = text.chars().filter(|c| !c.is_control()).take(LENGTH_MAX).collect();
        Self { cursor: text.len(), text }
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Returns the text before the cursor, and the rest.
    pub(crate) fn parts(&self) -> (String, String) {
        let (before, after) = self.text.split_at(self.cursor);
        (before.iter().collect(), after.iter().collect())
    }

    /// Inserts what was pasted, without its control characters.
    pub(crate) fn paste(&mut self, text: &str) {
        for c in text.chars() {
            self.insert(c);
        }
    }

    fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.len() < LENGTH_MAX {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    /// Applies a key; returns whether the key has a meaning here.
    pub(crate) fn press(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.cursor = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.cursor = self.text.len(),
            (KeyCode::Char('u'), true) => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            (KeyCode::Char('w'), true) => {
                let kept = self.text[..self.cursor].iter().rposition(|c| *c != ' ').unwrap_or(0);
                let kept = self.text[..kept].iter().rposition(|c| *c == ' ').map_or(0, |at| at + 1);
                self.text.drain(kept..self.cursor);
                self.cursor = kept;
            }
            (KeyCode::Char(c), false) => self.insert(c),
            (KeyCode::Left, _) => self.cursor = self.cursor.saturating_sub(1),
            (KeyCode::Right, _) => self.cursor = (self.cursor + 1).min(self.text.len()),
            (KeyCode::Backspace, _) if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            (KeyCode::Delete, _) if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            (KeyCode::Backspace | KeyCode::Delete, _) => {}
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(field: &mut Field, keys: &[(KeyCode, bool)]) {
        for (code, ctrl) in keys {
            assert!(field.press(Key { code: *code, ctrl: *ctrl }));
        }
    }

    #[test]
    fn a_field_is_edited_at_its_cursor() {
        let mut field = Field::of("wörld");
        typed(&mut field, &[(KeyCode::Home, false), (KeyCode::Char('a'), false), (KeyCode::Delete, false)]);
        assert_eq!(field.parts(), ("a".to_owned(), "örld".to_owned()));
        typed(&mut field, &[(KeyCode::Right, false), (KeyCode::Backspace, false)]);
        assert_eq!(field.text(), "arld");
        typed(&mut field, &[(KeyCode::End, false), (KeyCode::Char(' '), false), (KeyCode::Char('b'), false)]);
        typed(&mut field, &[(KeyCode::Char('w'), true)]);
        assert_eq!(field.text(), "arld ");
        typed(&mut field, &[(KeyCode::Char('u'), true), (KeyCode::Backspace, false), (KeyCode::Left, false)]);
        assert_eq!(field.text(), "");
        assert!(!field.press(Key { code: KeyCode::Enter, ctrl: false }));
    }

    #[test]
    fn what_is_pasted_has_no_control_characters_and_a_bound() {
        let mut field = Field::default();
        field.paste("a\x1b[2J\nb");
        assert_eq!(field.text(), "a[2Jb");
        field.paste(&"x".repeat(2 * LENGTH_MAX));
        assert_eq!(field.text().len(), LENGTH_MAX);
    }
}
